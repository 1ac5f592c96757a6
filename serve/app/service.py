"""What the routes of the service share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, HTTPException, Query, Request

from features.config import Config
from models.decisions.place import LedgerPlace
from serve.app.champion import Champion
from serve.app.ledgers import Ledgers
from serve.app.lists import Lists
from serve.app.making import Making
from serve.app.metrics import Metrics
from serve.app.score_queue import ScoreQueue
from serve.app.serving import Serving


@dataclass(frozen=True)
class Service:
    """The settings, the champion, who scores with it, the ledger, its lists, who makes pages, and
    the figures."""

    config: Config
    serving: Serving
    champion: Champion
    scoring: ScoreQueue
    ledgers: Ledgers
    lists: Lists
    making: Making
    metrics: Metrics = field(default_factory=Metrics)

    @classmethod
    def of(cls, config: Config, serving: Serving) -> Service:
        """Of a readiness.toml. Raises BadInput where its champion cannot be loaded."""
        champion, ledgers = Champion(config), Ledgers(LedgerPlace.of(config))
        scoring, lists = ScoreQueue(champion), Lists(ledgers)
        making = Making(config.path, config.question)
        return cls(config, serving, champion, scoring, ledgers, lists, making)

    def start(self) -> None:
        """Begin to score, and to watch for another champion and another list."""
        self.scoring.start()
        self.champion.watch()
        self.lists.watch()

    def stop(self) -> None:
        """End all work, and close what is open."""
        self.making.stop()
        self.scoring.stop()
        self.champion.stop()
        self.lists.stop()
        self.ledgers.close()


def service_of(request: Request) -> Service:
    """The service that a request is answered by."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


async def _service(request: Request) -> Service:
    """A coroutine, for which a request need not wait for a thread."""
    return service_of(request)


Served = Annotated[Service, Depends(_service)]  # the kind of a route's parameter


async def _service_of_question(
    request: Request,
    question: Annotated[
        str | None,
        Query(max_length=40, description="Of a project with several. Default: that of the pages."),
    ] = None,
) -> Service:
    """The service of the question that a request names, else that of the pages."""
    services: dict[str, Service] = request.app.state.services
    if question is None:
        return service_of(request)
    if question not in services:
        raise HTTPException(404, f"There is no question {question!r}: {', '.join(services)}.")
    return services[question]


Asked = Annotated[Service, Depends(_service_of_question)]  # of routes that answer for any question
