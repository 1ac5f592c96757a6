"""The people of an account as of a cutoff: who they are, what they did, and their roles.

A person is a lead of the account that had been created before the cutoff (features/contract/
accounts.py). What it did is what was known before the cutoff; its readiness and points are those of
the newest list up to the cutoff.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.conditions.roles import Roles, Shown, load_roles
from features.config import Config
from features.contract.accounts import OWN, people_of
from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import feature_frame
from features.errors import BadInput
from features.snapshots import Snapshots
from features.spec.titles import OfTitle, load_titles
from features.spec.wording import Words, plural
from features.sql import literal, quoted
from serve.ledger.ledger import Ledger
from serve.ledger.runs import RUN

MOST = 20  # people that are shown
NAMED = 3  # people that the sentence names
_PEOPLE = """
SELECT p.lead_id, p.created_at, {title}, {seniority}, {department},
  (SELECT arg_max(c.outcome, (c.closed_at, c.outcome)) FROM own_closings c
   WHERE c.lead_id = p.lead_id AND c.closed_at < $cutoff)
FROM {people} p JOIN leads l ON l.lead_id = p.lead_id
WHERE p.account_id = $account AND p.created_at < $cutoff
  AND coalesce(p.merged_at >= $cutoff, true)
ORDER BY p.lead_id"""
_EVENTS = """
SELECT p.lead_id, e.action, count(*), max(e.occurred_at)
FROM {people} p JOIN known_events e ON e.lead_id = p.lead_id
WHERE p.account_id = $account AND e.known_at < $cutoff GROUP BY ALL"""
_LINES = f"""
SELECT lead_id, readiness, rule_score, decided_route FROM decided
WHERE {RUN} AND lead_id IN ({{people}})"""


@dataclass(frozen=True)
class Person:
    """A person of an account. first_seen: when its lead was created; role: None where no entry of
    roles.toml fits; because: why it has the role; did: how many events by group, the most first;
    outcome: of its last closed deal; readiness, points and route (as decided) are of the list, None
    where it is not on it."""

    lead_id: str
    first_seen: datetime
    title: str | None
    seniority: str | None
    department: str | None
    outcome: str | None
    role: str | None
    because: str
    did: dict[str, int]
    last_at: datetime | None
    last_action: str | None
    readiness: float | None = None
    points: float | None = None
    route: str | None = None

    @property
    def events(self) -> int:
        """How many it has."""
        return sum(self.did.values())


@dataclass(frozen=True)
class AccountPeople:
    """The people of an account, who buys first, then who was active last; `people` are the first of
    `count`. reading: one sentence for who calls; list_of: the cutoff of the list, None for none."""

    account_id: str
    cutoff: datetime
    count: int
    reading: str
    list_of: datetime | None
    people: tuple[Person, ...]


def account_of(database: LeadDatabase, account: str, lead: str) -> str | None:
    """The id of a lead's account; None where it has none, or is not among its people. `account` is
    features.account. Raises BadInput where the leads do not have the column."""
    row = database.connection.execute(
        f"SELECT account_id FROM {people_of(database, account)} WHERE lead_id::VARCHAR = $lead",
        {"lead": lead},
    ).fetchone()
    return None if row is None or row[0].startswith(OWN) else str(row[0])


@dataclass(frozen=True)
class Tables:
    """What people are read by: the setting that names accounts, the column of titles (None without
    one) with what is read from it, and the roles."""

    account: str
    title: str | None
    of_title: tuple[OfTitle, ...]
    roles: Roles
    words: Words
    memory_gb: float

    @classmethod
    def of(cls, config: Config) -> Tables:
        """As readiness.toml, titles.toml and roles.toml have it. Raises BadInput for faulty ones,
        and where no setting names accounts."""
        account, title = config.features.account, config.features.title
        if account is None:
            raise BadInput(
                f"{config.path} names no accounts. Set features.account (docs/accounts.md)."
            )
        of_title = () if title is None else load_titles(config).features(title)
        roles, memory_gb = load_roles(config), config.engine.memory_gb
        return cls(account, title, of_title, roles, config.words, memory_gb)


def account_people(
    config: Config, database: LeadDatabase, ledger: Ledger | None, account_id: str, cutoff: datetime
) -> AccountPeople:
    """The people of an account, with their scores where a ledger of leads is given. The database is
    of leads, and was opened with the features that the roles ask for. Raises BadInput as Tables.of,
    and where the leads do not have the column of accounts."""
    tables = Tables.of(config)
    everyone = everyone_of(tables, database, account_id, cutoff)
    everyone.sort(key=lambda each: each.last_at or datetime.min, reverse=True)
    roles = tables.roles
    order = [*roles.buying, *roles.names, None]
    everyone.sort(key=lambda each: order.index(each.role))
    shown = everyone[:MOST]
    runs = () if ledger is None else ledger.runs
    list_of = max((each.cutoff for each in runs if each.cutoff <= cutoff), default=None)
    if ledger is not None and list_of is not None:
        shown = _with_scores(ledger, list_of, shown)
    sentence = reading(everyone, roles)
    return AccountPeople(account_id, cutoff, len(everyone), sentence, list_of, tuple(shown))


def everyone_of(
    tables: Tables, database: LeadDatabase, account_id: str, cutoff: datetime
) -> list[Person]:
    """All people of an account, by lead, without scores. Raises BadInput where the leads do not
    have the column of accounts."""
    people = people_of(database, tables.account)
    given = {"account": account_id, "cutoff": cutoff}
    columns = dict.fromkeys(("title", "seniority", "department"), "NULL::VARCHAR")
    if tables.title is not None:
        columns |= {each.name: each.sql for each in tables.of_title}
        columns["title"] = f"nullif(trim(l.{quoted(tables.title)}::VARCHAR), '')"
    sql = _PEOPLE.format(people=people, **columns)
    rows = database.connection.execute(sql, given).fetchall()
    events = database.connection.execute(_EVENTS.format(people=people), given).fetchall()
    did: defaultdict[Any, Counter[str]] = defaultdict(Counter)
    last: dict[Any, tuple[datetime, str]] = {}
    for lead, action, count, at in events:
        did[lead][tables.roles.group_of(action)] += count
        last[lead] = max(last.get(lead, (at, action)), (at, action))
    present = [row[0] for row in rows]
    of_account = sum((did[lead] for lead in present), Counter[str]())
    holds = _where_holds(database, tables, present, cutoff)
    everyone = []
    for row, held in zip(rows, holds, strict=True):
        lead, first_seen, title, seniority, department, outcome = row
        shown = Shown(title, seniority, department, did[lead], of_account)
        role = tables.roles.role_of(shown, held)
        at, action = last.get(lead, (None, None))
        everyone.append(
            Person(
                lead_id=str(lead),
                first_seen=first_seen,
                title=title,
                seniority=seniority,
                department=department,
                outcome=outcome,
                role=role.name if role else None,
                because=role.because(shown, tables.words) if role else "",
                did=dict(did[lead].most_common()),
                last_at=at,
                last_action=action,
            )
        )
    return everyone


def _where_holds(
    database: LeadDatabase, tables: Tables, people: Sequence[Any], cutoff: datetime
) -> npt.NDArray[np.bool_]:
    """(person, entry of roles.toml): whether its `where` holds."""
    roles = tables.roles
    held = np.ones((len(people), len(roles.role)), bool)
    if roles.specs and people:
        rows = pd.DataFrame({"lead_id": people, "cutoff": cutoff})
        with Snapshots.of(database, rows) as snapshots:
            frame = feature_frame(snapshots, roles.specs, tables.memory_gb)
        frame = rows[["lead_id"]].merge(frame, on="lead_id", how="left")
        for place, each in enumerate(roles.role):
            if each.where is not None:
                held[:, place] = each.where.holds(frame)
    return held


def _with_scores(ledger: Ledger, cutoff: datetime, people: Sequence[Person]) -> list[Person]:
    """People with what the list of a cutoff, as seen, has of them."""
    run = ledger.as_seen(cutoff).run
    listed = ", ".join(literal(each.lead_id) for each in people)
    rows = ledger.fetched(_LINES.format(people=listed), run.key)
    of_list = ("readiness", "points", "route")
    lines = {lead: dict(zip(of_list, line, strict=True)) for lead, *line in rows}
    return [replace(each, **lines.get(each.lead_id, {})) for each in people]


def reading(everyone: Sequence[Person], roles: Roles) -> str:
    """The people in one sentence: who does most, and who of them buys."""
    if len(everyone) == 1:
        return "1 person: nobody else of the account is known so far."
    count = f"{len(everyone):,} people"
    buyers = [each for each in everyone if each.role in roles.buying]
    who = _named(buyers) or f"nobody is known who {' or '.join(roles.buying) or 'buys'}"
    events = sum(each.events for each in everyone)
    if not events:
        return f"{count}, and no activity so far; {who}."
    most = max(everyone, key=lambda each: each.events)
    share = f"{most.events:,} of the account's {plural(events, 'event')}"
    if [most] == buyers:
        return f"{count}; the most active, {most.lead_id} ({share}), is the one who {most.role}."
    does = f", {most.role}" if most.role else ""
    doing = f"{count}; the most active, {most.lead_id} ({share}{does}),"
    if not buyers:
        return f"{doing} is not known to buy: {who}."
    if len(buyers) == 1:
        return f"{doing} is not the one who buys: {who}."
    return f"{doing} is {'one' if most in buyers else 'none'} of those who buy: {who}."


def _named(people: Sequence[Person]) -> str:
    """Some people with their roles: "4 decides, 9 signs and 2 more"."""
    listed = ", ".join(f"{each.lead_id} {each.role}" for each in people[:NAMED])
    more = len(people) - NAMED
    return f"{listed} and {more:,} more" if more > 0 else listed
