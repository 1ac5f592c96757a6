"""Leads of requests through the Scorer: as the frames that it takes, and back as answers.

Each lead is scored by itself, to the last bit as it would be alone or in the nightly batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from features.errors import BadInput
from features.spec.compiled import accounts_of, compile_specs
from features.spec.kinds import Attribute, DaysSinceDate
from features.spec.titles import OfTitle
from serve.app.score_request import Deal, Event, Lead, ScoredLead
from serve.scoring.scorer import COLUMNS, OF_ACCOUNTS, Scorer

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
        elif isinstance(leaf, OfTitle):
            kinds[leaf.column] = _TEXT
    if scorer.config is not None:
        kinds |= {name: _TEXT for name in scorer.config.exclude.leads if name not in kinds}
    return {name: kind for name, kind in kinds.items() if name not in _LEAD}


def score(scorer: Scorer, leads: Sequence[Lead], cutoff: datetime) -> list[ScoredLead]:
    """Score leads, in the order given. Raises BadInput as Scorer.score, for an attribute of another
    kind than the scorer reads, for a model that looks at the leads' colleagues, and for one that
    scores accounts."""
    if scorer.model.account is not None:
        raise BadInput(OF_ACCOUNTS)
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
