"""Leads of requests through the Scorer: as the frames that it takes, and back as answers.

Each lead is scored by itself, to the last bit as it would be alone or in the nightly batch.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from features.contract.accounts import account_sql
from features.contract.extensions import connect
from features.contract.text_values import PLAIN_NUMBER
from features.errors import BadInput
from features.spec.accounts import account_column
from features.spec.compiled import accounts_of, compile_specs
from features.spec.kinds import Attribute, DaysSinceDate
from features.spec.titles import OfTitle
from features.spec.wording import plural
from serve.app.score_request import Deal, Event, Lead, Person, ScoredLead
from serve.scoring.scorer import COLUMNS, OF_ACCOUNTS, Scorer

_TIME, _TEXT, _NUMBER = pa.timestamp("us"), pa.string(), pa.float64()
_KINDS = {"value": _NUMBER, "amount": _NUMBER}
_LEAD = ("lead_id", "created_at", "source", "objected_at")


def attribute_kinds(scorer: Scorer) -> dict[str, pa.DataType]:
    """The attributes of leads that a scorer reads, and as what."""
    kinds: dict[str, pa.DataType] = {}
    compiled = compile_specs(scorer.specs)
    for leaf in compiled.leaves:
        if isinstance(leaf, DaysSinceDate):
            kinds[leaf.column] = _TIME
        elif isinstance(leaf, Attribute):
            kinds[leaf.column] = _TEXT if leaf.text else kinds.get(leaf.column, _NUMBER)
        elif isinstance(leaf, OfTitle):
            kinds[leaf.column] = _TEXT
    texts = [account_column(leaf.account)[0] for leaf in compiled.of_account]
    texts += scorer.config.exclude.leads if scorer.config else []
    kinds = dict.fromkeys(texts, _TEXT) | kinds
    return {name: kind for name, kind in kinds.items() if name not in _LEAD}


def account_of(scorer: Scorer) -> str | None:
    """What names the accounts whose features a scorer reads; None where it reads none."""
    return next(iter(accounts_of(scorer.specs)), None)


def score(scorer: Scorer, leads: Sequence[Lead], cutoff: datetime) -> list[ScoredLead]:
    """Score leads, in the order given. Raises BadInput as Scorer.score, for an attribute of another
    kind than the scorer reads, and, where it looks at accounts, for a lead without its own; and for
    a model that scores accounts."""
    if scorer.model.account is not None:
        raise BadInput(OF_ACCOUNTS)
    account = account_of(scorer)
    if account is None:
        answers = _answers(scorer, leads, leads, cutoff)
    else:
        answers = {}
        for part in _parts(leads, _accounts(scorer, account, leads)):
            people = [person for lead in part for person in lead.colleagues]
            answers |= _answers(scorer, part, [*part, *people], cutoff)
    return [answers.get(lead.lead_id) or _closed(lead.lead_id) for lead in leads]


def _accounts(scorer: Scorer, account: str, leads: Sequence[Lead]) -> list[str | None]:
    """The account of each lead. Raises BadInput for a lead that does not say who else is in it, and
    for people of another account, or without what says of whose account they are."""
    silent = [lead.lead_id for lead in leads if lead.account is None]
    if silent:
        raise BadInput(
            "account: the model looks at what the colleagues of a lead did, and "
            f"{plural(len(silent), 'lead')} came without it; first: lead {silent[0]}. Give the "
            'other leads of its account, {"people": [...]}; where there are none, {"people": []}.'
        )
    kinds, column = attribute_kinds(scorer), account_column(account)[0]
    needed = {column, *(scorer.config.exclude.leads if scorer.config else ())} & kinds.keys()
    pairs = [(lead, person) for lead in leads for person in lead.colleagues]
    for lead, person in [*zip(leads, leads, strict=True), *pairs]:
        missing = sorted(needed - person.attributes.keys())
        if missing:
            raise BadInput(
                f"attributes: {', '.join(missing)} is needed of each lead and each of its "
                f"account.people, and {person.lead_id}, of lead {lead.lead_id}, does not have it. "
                "Give it, or null where it is not known."
            )
    everyone = [*leads, *(person for _, person in pairs)]
    sources = pa.array([each.source for each in everyone], _TEXT)
    values = _values(column, kinds[column], everyone) if column in kinds else sources
    names = _names(account, pa.table({column: values}))
    of_leads, of_people = names[: len(leads)], names[len(leads) :]
    own = dict(zip((lead.lead_id for lead in leads), of_leads, strict=True))
    for (lead, person), name in zip(pairs, of_people, strict=True):
        if name is None or name != own[lead.lead_id]:
            raise BadInput(
                f"account.people: person {person.lead_id} is in the account {name!r} and lead "
                f"{lead.lead_id} in {own[lead.lead_id]!r}, by {account}. Give the people of the "
                "same account."
            )
    return of_leads


def _names(account: str, column: pa.Table) -> list[str | None]:
    """The account of each row, as the features name it."""
    with connect() as connection:
        connection.register("people", column)
        types = {name: kind for name, kind, *_ in connection.execute("DESCRIBE people").fetchall()}
        sql = f"SELECT {account_sql(account, types)} FROM people"
        return [name for (name,) in connection.execute(sql).fetchall()]


def _parts(leads: Sequence[Lead], accounts: Sequence[str | None]) -> list[list[Lead]]:
    """The leads in as few passes as can be in which nobody is twice, and no account: the colleagues
    of one lead would count for the other. A lead that is given twice stays, and is refused."""
    if len({lead.lead_id for lead in leads}) < len(leads):
        return [list(leads)]
    parts: list[tuple[list[Lead], set[tuple[str, str]]]] = []
    for lead, account in zip(leads, accounts, strict=True):
        taken = {("lead", each.lead_id) for each in (lead, *lead.colleagues)}
        taken |= {("account", account)} if account is not None else set()
        fitting = (part for part in parts if taken.isdisjoint(part[1]))
        part = next(fitting, None)
        if part is None:
            part = ([], set())
            parts.append(part)
        part[0].append(lead)
        part[1].update(taken)
    return [chosen for chosen, _ in parts]


def _answers(
    scorer: Scorer, leads: Sequence[Lead], people: Sequence[Person], cutoff: datetime
) -> dict[str, ScoredLead]:
    """The answers for those of the leads that are open, scored among the people."""
    of_leads = {lead.lead_id for lead in leads}
    frames = _frames(scorer, leads, people)
    deals = _rows(Deal, [(each.lead_id, each.deals) for each in people])
    scored, others = scorer.scored_and_others(*frames, cutoff, deals)
    rows = scored[COLUMNS].to_dict("records")
    answers = {row["lead_id"]: _answer(row) for row in rows if row["lead_id"] in of_leads}
    for lead, why in zip(others["lead_id"], others["state_reason"], strict=True):
        if lead in of_leads:
            answers[lead] = ScoredLead(lead_id=lead, state="not scored", state_reason=why)
    return answers


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


def _frames(
    scorer: Scorer, leads: Sequence[Lead], people: Sequence[Person]
) -> tuple[pa.Table, pa.Table]:
    """The tables of events and leads, of all people."""
    columns = {
        "lead_id": pa.array([person.lead_id for person in people], _TEXT),
        "created_at": pa.array([person.created_at for person in people], _TIME),
        "source": pa.array([person.source for person in people], _TEXT),
        "objected_at": pa.array([person.objected_at for person in people], _TIME),
    }
    for name, kind in attribute_kinds(scorer).items():
        if not any(name in lead.attributes for lead in leads):
            raise BadInput(
                f"attributes: {name} is needed to score, and no lead has it. Give it, or null "
                "where it is not known."
            )
        columns[name] = _values(name, kind, people)
    return _rows(Event, [(each.lead_id, each.events) for each in people]), pa.table(columns)


def _values(name: str, kind: pa.DataType, people: Sequence[Person]) -> pa.Array:
    return pa.array([_attribute(name, kind, each) for each in people], kind)


def _attribute(name: str, kind: pa.DataType, person: Person) -> Any:
    """The value as the batch reads it: true and false are texts, and a text may be a plain number.
    Raises BadInput for what the batch would not take as the attribute either."""
    value = person.attributes.get(name)
    if value is None:
        return None
    if kind == _TEXT and isinstance(value, str | bool):
        return str(value).lower() if isinstance(value, bool) else value
    if kind == _NUMBER and not isinstance(value, bool) and _is_plain(value):
        return float(value)
    if kind == _TIME and isinstance(value, str):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    what = {_TIME: "a time in ISO 8601", _NUMBER: "a number", _TEXT: "a text"}[kind]
    raise BadInput(
        f"attributes: {name} is {what}, not {json.dumps(value)}; of lead {person.lead_id}."
    )


def _is_plain(value: str | float) -> bool:
    """Whether it is a number, or a text that is read as one."""
    if isinstance(value, str) and not re.fullmatch(PLAIN_NUMBER, value, re.ASCII):
        return False
    return math.isfinite(float(value))


def _rows(kind: type[Event] | type[Deal], listed: Iterable[tuple[str, Sequence[Any]]]) -> pa.Table:
    """The rows of all leads as one table, typed also where there is none."""
    flat = [(lead, row) for lead, rows in listed for row in rows]
    columns = {"lead_id": pa.array([lead for lead, _ in flat], _TEXT)}
    for name in kind.model_fields:
        type_ = _TIME if name.endswith("_at") else _KINDS.get(name, _TEXT)
        columns[name] = pa.array([getattr(row, name) for _, row in flat], type_)
    return pa.table(columns)
