"""The table `champion_changes`: one row per change of champion."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
    update,
)

from features.cutoffs import utc_now

TABLE = Table(
    "champion_changes",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column(
        "step",
        Text,
        CheckConstraint("step IN ('intent', 'alias moved', 'done', 'abandoned')"),
        nullable=False,
    ),
    Column("kind", Text, CheckConstraint("kind IN ('promote', 'rollback')"), nullable=False),
    Column("old_version", Text),
    Column("new_version", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("forced", Integer, nullable=False),
    Column("summary", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
)
Step = Literal["intent", "alias moved", "done", "abandoned"]
UNFINISHED: tuple[Step, ...] = ("intent", "alias moved")


def _now() -> str:
    return utc_now().isoformat(timespec="seconds")


@dataclass(frozen=True)
class ChampionChange:
    """A row of the table. old_version: None where there was no champion. approved_by: who ran the
    command; reason: theirs, "" where the figures sufficed; forced: approved against the figures.
    summary: the decision in a sentence. evidence: the figures that it went by, {} for a rollback.
    decided_at: ISO, UTC. step: the last that was recorded. number: from 1, None before it is
    stored."""

    kind: Literal["promote", "rollback"]
    old_version: str | None
    new_version: str
    approved_by: str
    reason: str
    forced: bool
    summary: str
    evidence: Mapping[str, Any]
    decided_at: str = field(default_factory=_now)
    step: Step = "intent"
    number: int | None = None


def add(connection: Connection, change: ChampionChange) -> int:
    """Append a row; returns its number."""
    row = vars(change) | {
        "evidence": json.dumps(change.evidence, allow_nan=False),
        "forced": int(change.forced),
    }
    given = {name: value for name, value in row.items() if value is not None}
    [(number,)] = connection.execute(insert(TABLE).returning(TABLE.c.number), given)
    return int(number)


def mark(connection: Connection, number: int | None, step: Step) -> None:
    """Record the step that a change has come to."""
    connection.execute(update(TABLE).where(TABLE.c.number == number).values(step=step))


def changes_at(connection: Connection, *steps: Step) -> list[ChampionChange]:
    """The changes that have come to one of these steps, in order."""
    rows = connection.execute(select(TABLE).where(TABLE.c.step.in_(steps)).order_by(TABLE.c.number))
    named = [dict(row._mapping) for row in rows]
    return [
        ChampionChange(
            **row | {"forced": bool(row["forced"]), "evidence": json.loads(row["evidence"])}
        )
        for row in named
    ]
