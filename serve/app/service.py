"""What the routes of the service share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from features.config import Config
from models.decisions.place import LedgerPlace
from serve.app.champion import Champion
from serve.app.ledgers import Ledgers
from serve.app.serving import Serving


@dataclass(frozen=True)
class Service:
    """The settings, the champion and the ledger. Raises BadInput as `Champion` does."""

    config: Config
    serving: Serving
    champion: Champion = field(init=False)
    ledgers: Ledgers = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "champion", Champion(self.config))
        object.__setattr__(self, "ledgers", Ledgers(LedgerPlace.of(self.config)))


def service_of(request: Request) -> Service:
    """The service that a request is answered by."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Served = Annotated[Service, Depends(service_of)]  # the kind of a route's parameter
