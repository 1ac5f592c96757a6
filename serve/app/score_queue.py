"""Requests for scores, those that came in while a pass ran together in the next one.

A pass of the scorer costs nearly as much for one lead as for a hundred.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from features.cutoffs import utc_now
from features.errors import Refused
from serve.app.champion import Champion
from serve.app.score_request import ScoreRequest
from serve.app.scoring_process import Ended

MOST_LEADS = 500  # of a pass, unless a single request has more


@dataclass(frozen=True)
class _Waiting:
    request: ScoreRequest
    answer: Future[bytes] = field(default_factory=Future)

    @property
    def leads(self) -> set[str]:
        return {lead.lead_id for lead in self.request.leads}


class ScoreQueue:
    """Scores requests on a thread of its own, those that wait for the same cutoff together."""

    def __init__(self, champion: Champion) -> None:
        self.champion = champion
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._ended = False

    def start(self) -> None:
        """Score until `stop`."""
        threading.Thread(target=self._work, name="scoring", daemon=True).start()

    def stop(self) -> None:
        """End after the pass that runs."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def put(self, request: ScoreRequest) -> Future[bytes]:
        """Have a request scored. The answer may be BadInput, or Refused without a champion."""
        each = _Waiting(request)
        with self._changed:
            self._waiting.append(each)
            self._changed.notify()
        return each.answer

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    return
                together = self._take()
            running = [each for each in together if each.answer.set_running_or_notify_cancel()]
            if running and not self._answered(running) and len(running) > 1:
                for each in running:  # whose fault it is shows alone
                    self._answered([each])

    def _take(self) -> list[_Waiting]:
        """Of those that wait the first, and all that go with it: of the same cutoff, no lead twice,
        MOST_LEADS at most."""
        first = self._waiting.popleft()
        together, leads, rest = [first], first.leads, []
        for each in self._waiting:
            more = each.leads
            fits = len(leads) + len(more) <= MOST_LEADS and leads.isdisjoint(more)
            if fits and each.request.cutoff == first.request.cutoff:
                together.append(each)
                leads |= more
            else:
                rest.append(each)
        self._waiting = deque(rest)
        return together

    def _answered(self, together: Sequence[_Waiting]) -> bool:
        """Whether these could be answered; a single one always is, also with what it failed of."""
        try:
            answers = self._scored([each.request for each in together])
        except Exception as error:
            if len(together) > 1:
                return False
            together[0].answer.set_exception(error)
            return True
        for each, answer in zip(together, answers, strict=True):
            each.answer.set_result(answer)
        return True

    def _scored(self, requests: Sequence[ScoreRequest]) -> list[bytes]:
        while (process := self.champion.process) is not None:
            with suppress(Ended):  # by another champion, which is there by now
                return process.scored(requests, requests[0].cutoff or utc_now())
        option = self.champion.config.question_option
        raise Refused(f"There is no champion to score with. See: readiness promote{option}")
