"""A page of a list of leads, and what is shown of each."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serve.ledger.runs import RunFigures
from serve.reports.leads.question import Question, parts

REASONS = 3
DOUBLED = 0.7  # log-odds as the ledger rounds them: surely at least log(2)


@dataclass(frozen=True)
class ListedLead:
    """A row. rank: its place on the list for sales, from 1, None off it; route: the computed one;
    why: the reasons of the ledger, with their log-odds (or points)."""

    rank: int | None
    lead_id: str
    readiness: float | None
    points: float | None
    band: str | None
    route: str
    decided_route: str
    decided_because: str | None
    decided_by: str | None
    contact_by: datetime | None
    marked: str | None
    source: str | None
    basket: str | None
    segments: tuple[str, ...]
    postponing: bool
    exploration: bool
    why: tuple[str, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ListedLead:
        """Of a row of the ledger's view `decided`, with its rank."""
        known = {name: row[name] for name in cls.__dataclass_fields__ if name in row}
        return cls(
            **known
            | {
                "points": row["rule_score"],
                "segments": parts(row["segments"]),
                "why": parts(row["reasons"]),
                "postponing": bool(row["postponing"]),
                "exploration": bool(row["exploration"]),
            }
        )

    @property
    def marks(self) -> tuple[str, ...]:
        """What is unusual about it, in words."""
        marks = {
            self.marked or "": self.marked is not None,
            "drawn by lot": self.exploration,
            "postponing": self.postponing,
        }
        return tuple(mark for mark, holds in marks.items() if holds)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The strongest, at most three, each with a mark of its strength; the points alone keep
        their figures."""
        shown = self.why[:REASONS]
        return shown if self.readiness is None else tuple(map(with_mark, shown))


@dataclass(frozen=True)
class LeadsPage:
    """A page of a list. total: leads that meet the question; counts: by filter, how many leads each
    of its values would show with the other filters as they are; to_call: the length of the whole
    list for sales; rows: those of the ledger's view `decided` and `rank`, by their columns."""

    run: RunFigures
    question: Question
    total: int
    to_call: int
    counts: Mapping[str, Mapping[str, int]]
    rows: Sequence[Mapping[str, Any]]

    @property
    def pages(self) -> int:
        """How many there are, at least 1."""
        return max(1, math.ceil(self.total / self.question.per_page))

    @property
    def leads(self) -> tuple[ListedLead, ...]:
        """The rows, as people read them."""
        return tuple(map(ListedLead.of, self.rows))


# What a mark before a reason means.
MARKS = (
    "++ at least doubles the odds of a win, + raises them; -- at least halves them, - lowers them"
)


def with_mark(reason: str) -> str:
    """A reason of the ledger with a mark in place of its log-odds, as MARKS has it.

    >>> with_mark("visited pricing 3 times (+0.52)"), with_mark("source is fair (2026) (-1.10)")
    ('+ visited pricing 3 times', '-- source is fair (2026)')
    """
    return re.sub(r"^(.*) \(([+-])([\d.]+)\)$", _marked, reason, flags=re.DOTALL)


def _marked(reason: re.Match[str]) -> str:
    words, sign, log_odds = reason.groups()
    return f"{sign * (1 + (float(log_odds) >= DOUBLED))} {words}"
