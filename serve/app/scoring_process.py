"""The scorer in a process of its own, so that requests are answered while leads are scored.

Python runs one thread at a time: beside a pass on a thread, answering a request waited for its turn
after every read and every write (docs/adr/0044).
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime, timedelta
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from serve.app.score_request import Account, Event, Lead, ScoreRequest, ScoreResponse
from serve.app.scoring import attribute_kinds, score
from serve.scoring.scorer import Scorer

T = TypeVar("T")
_PROCESSES = get_context("forkserver")  # which has imported what the next champion's will need
_PROCESSES.set_forkserver_preload([__name__])
_scorer: Scorer  # of this process, where it is one for scoring


class Ended(Exception):
    """The process was stopped."""


class ScoringProcess:
    """A process that scores with one scorer. It begins with the first `warm` or `scored`."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self._pool: ProcessPoolExecutor | None = self._begun()
        self._changing = threading.Lock()

    def _begun(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, _PROCESSES, _begin, (self.scorer,))

    def _submit(self, work: Callable[..., T], *given: Any) -> Future[T]:
        with self._changing:
            if self._pool is None:
                raise Ended
            try:
                return self._pool.submit(work, *given)
            except BrokenProcessPool:
                self._pool = self._begun()
                return self._pool.submit(work, *given)

    def warm(self) -> Future[None]:
        """Begin, and have made what is made once; done when the next pass will be a quick one."""
        return self._submit(_warm)

    def scored(self, requests: Sequence[ScoreRequest], cutoff: datetime) -> list[bytes]:
        """The ScoreResponse of each request, as JSON; all of one cutoff, no lead twice. Raises as
        `score`, and Ended. A process that was killed is begun anew, and the pass tried once more.
        """
        try:
            return self._submit(_score, requests, cutoff).result()
        except BrokenProcessPool:
            return self._submit(_score, requests, cutoff).result()

    def stop(self) -> None:
        """End after the pass that runs."""
        with self._changing:
            if self._pool is not None:
                self._pool.shutdown(wait=False)
            self._pool = None


def _begin(scorer: Scorer) -> None:
    """In the new process: it ends by `stop`, or with its parent, however that ends."""
    global _scorer
    for each in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group; the parent ends it
        signal.signal(each, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threadpool_limits(1)  # a few leads are scored before another thread has woken up
    _scorer = scorer


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _warm() -> None:
    if _scorer.model.account is not None:  # `score` refuses to
        return
    cutoff = _scorer.model.trained_until
    created = cutoff - timedelta(days=1)
    attributes = dict.fromkeys(attribute_kinds(_scorer))
    events = [Event.model_construct(occurred_at=created, action="visited")]
    score(
        _scorer,
        [
            Lead.model_construct(
                lead_id="0",
                created_at=created,
                attributes=attributes,
                events=events,
                account=Account(people=[]),
            )
        ],
        cutoff,
    )
    gc.collect()
    gc.freeze()  # what is there now stays; looking through it again would hold up a pass


def _score(requests: Sequence[ScoreRequest], cutoff: datetime) -> list[bytes]:
    leads = [lead for request in requests for lead in request.leads]
    scored = iter(score(_scorer, leads, cutoff))
    responses = [
        ScoreResponse.model_construct(
            cutoff=cutoff,
            model_version=_scorer.model_version,
            rules_version=_scorer.rules.version,
            leads=[next(scored) for _ in request.leads],
        )
        for request in requests
    ]
    return [response.model_dump_json().encode() for response in responses]
