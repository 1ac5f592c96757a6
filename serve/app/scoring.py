"""Leads of requests through the Scorer: as the frames that it takes, and back as answers.

A pass of the scorer costs nearly as much for one lead as for a hundred. So the requests that came
in while a pass ran go into the next one together; each lead is scored by itself, to the last bit as
it would be alone or in the nightly batch.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from features.cutoffs import utc_now
from features.errors import BadInput, Refused
from features.spec.compiled import accounts_of, compile_specs
from features.spec.kinds import Attribute, DaysSinceDate
from serve.app.champion import Champion
from serve.app.score_request import Deal, Event, Lead, ScoredLead, ScoreRequest, ScoreResponse
from serve.scoring.scorer import COLUMNS, Scorer

MOST_LEADS = 500  # of a pass, unless a single request has more
_TIME, _TEXT, _NUMBER = pa.timestamp("us"), pa.string(), pa.float64()
_KINDS = {"value": _NUMBER, "amount": _NUMBER}
_LEAD = ("lead_id", "created_at", "source", "objected_at")


def attribute_kinds(scorer: Scorer) -> dict[str, pa.DataType]:
    """The attributes of leads that a scorer reads, and as what."""
    kinds: dict[str, pa.DataType] = {}
    for leaf in compile_specs(scorer.specs).leaves:
        if isinstance(leaf, DaysSinceDate):
            kinds[leaf.column] = _TIME
        elif isinstance(leaf, Attribute):
            kinds[leaf.column] = _TEXT if leaf.text else kinds.get(leaf.column, _NUMBER)
    if scorer.config is not None:
        kinds |= {name: _TEXT for name in scorer.config.exclude.leads if name not in kinds}
    return {name: kind for name, kind in kinds.items() if name not in _LEAD}


def score(scorer: Scorer, leads: Sequence[Lead], cutoff: datetime) -> list[ScoredLead]:
    """Score leads, in the order given. Raises BadInput as Scorer.score, for an attribute of another
    kind than the scorer reads, and for a model that looks at the leads' colleagues."""
    if accounts_of(scorer.specs):
        raise BadInput(
            "This model looks at what the colleagues of a lead did, and a request does not hold "
            "them. Take the scores of the newest list, GET /v1/leads, or train without "
            "features.account."
        )
    scored, others = scorer.scored_and_others(*_frames(scorer, leads), cutoff, _deals(leads))
    answers = {row["lead_id"]: _answer(row) for row in scored[COLUMNS].to_dict("records")}
    for lead, why in zip(others["lead_id"], others["state_reason"], strict=True):
        answers[lead] = ScoredLead(lead_id=lead, state="not scored", state_reason=why)
    return [answers.get(lead.lead_id) or _closed(lead.lead_id) for lead in leads]


def _closed(lead: str) -> ScoredLead:
    why = "not open at the cutoff: created later, or its deal was closed before"
    return ScoredLead(lead_id=lead, state="not scored", state_reason=why)


def _answer(row: Mapping[Any, Any]) -> ScoredLead:
    known: dict[str, Any] = {name: None if pd.isna(each) else each for name, each in row.items()}
    for name in ("reasons", "segments"):
        known[name] = known[name].split("; ") if known[name] else []
    when = known["follow_up_on"]
    known |= {"state": "scored", "follow_up_on": when.date() if when else None}
    return ScoredLead(**known)


def _frames(scorer: Scorer, leads: Sequence[Lead]) -> tuple[pa.Table, pa.Table]:
    """The tables of events and leads."""
    columns = {
        "lead_id": pa.array([lead.lead_id for lead in leads], _TEXT),
        "created_at": pa.array([lead.created_at for lead in leads], _TIME),
        "source": pa.array([lead.source for lead in leads], _TEXT),
        "objected_at": pa.array([lead.objected_at for lead in leads], _TIME),
    }
    for name, kind in attribute_kinds(scorer).items():
        if not any(name in lead.attributes for lead in leads):
            raise BadInput(
                f"attributes: {name} is needed to score, and no lead has it. Give it, or null "
                "where it is not known."
            )
        columns[name] = pa.array(
            [_attribute(name, kind, lead.attributes.get(name)) for lead in leads], kind
        )
    return _rows(Event, [(lead.lead_id, lead.events) for lead in leads]), pa.table(columns)


def _attribute(name: str, kind: pa.DataType, value: Any) -> Any:
    if value is None:
        return None
    if kind == _TEXT:
        return str(value).lower() if isinstance(value, bool) else str(value)
    try:
        if kind == _TIME:
            return datetime.fromisoformat(value)
        return float(value)
    except (TypeError, ValueError):
        what = "a time in ISO 8601" if kind == _TIME else "a number"
        raise BadInput(f"attributes: {name} is {what}, not {value!r}.") from None


def _deals(leads: Sequence[Lead]) -> pa.Table:
    return _rows(Deal, [(lead.lead_id, lead.deals) for lead in leads])


def _rows(kind: type[Event] | type[Deal], listed: Iterable[tuple[str, Sequence[Any]]]) -> pa.Table:
    """The rows of all leads as one table, typed also where there is none."""
    flat = [(lead, row) for lead, rows in listed for row in rows]
    columns = {"lead_id": pa.array([lead for lead, _ in flat], _TEXT)}
    for name in kind.model_fields:
        type_ = _TIME if name.endswith("_at") else _KINDS.get(name, _TEXT)
        columns[name] = pa.array([getattr(row, name) for _, row in flat], type_)
    return pa.table(columns)


@dataclass(frozen=True)
class _Waiting:
    request: ScoreRequest
    answer: Future[ScoreResponse] = field(default_factory=Future)

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

    def put(self, request: ScoreRequest) -> Future[ScoreResponse]:
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

    def _scored(self, requests: Sequence[ScoreRequest]) -> list[ScoreResponse]:
        scorer = self.champion.scorer
        if scorer is None:
            raise Refused("There is no champion to score with. See: readiness promote")
        cutoff = requests[0].cutoff or utc_now()
        leads = [lead for request in requests for lead in request.leads]
        scored = iter(score(scorer, leads, cutoff))
        return [
            ScoreResponse.model_construct(
                cutoff=cutoff,
                model_version=scorer.model_version,
                rules_version=scorer.rules.version,
                leads=[next(scored) for _ in request.leads],
            )
            for request in requests
        ]
