"""The table `champion_changes` of models/decisions_store.py: one row per change of champion."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from features.cutoffs import utc_now

CREATE = """
CREATE TABLE champion_changes (
  number INTEGER PRIMARY KEY,
  step TEXT NOT NULL CHECK (step IN ('intent', 'alias moved', 'done', 'abandoned')),
  kind TEXT NOT NULL CHECK (kind IN ('promote', 'rollback')),
  old_version TEXT,
  new_version TEXT NOT NULL,
  approved_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  forced INTEGER NOT NULL,
  summary TEXT NOT NULL,
  evidence TEXT NOT NULL,
  decided_at TEXT NOT NULL
)
"""
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


_COLUMNS = [column.name for column in fields(ChampionChange)]


def add(connection: sqlite3.Connection, change: ChampionChange) -> int:
    """Append a row; returns its number."""
    row = vars(change) | {"evidence": json.dumps(change.evidence, allow_nan=False)}
    values = ", ".join(f":{name}" for name in _COLUMNS)
    insert = f"INSERT INTO champion_changes ({', '.join(_COLUMNS)}) VALUES ({values})"
    [(number,)] = connection.execute(f"{insert} RETURNING number", row)
    return int(number)


def mark(connection: sqlite3.Connection, number: int | None, step: Step) -> None:
    """Record the step that a change has come to."""
    connection.execute("UPDATE champion_changes SET step = ? WHERE number = ?", (step, number))


def changes_at(connection: sqlite3.Connection, *steps: Step) -> list[ChampionChange]:
    """The changes that have come to one of these steps, in order."""
    steps_in = ", ".join("?" * len(steps))
    query = f"SELECT {', '.join(_COLUMNS)} FROM champion_changes WHERE step IN ({steps_in})"
    rows = connection.execute(f"{query} ORDER BY number", steps)
    named = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    return [
        ChampionChange(
            **row | {"forced": bool(row["forced"]), "evidence": json.loads(row["evidence"])}
        )
        for row in named
    ]
