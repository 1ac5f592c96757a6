"""A page of the newest list: the leads that a question asks for, and how many there are of each
kind.

One read for the rows of the page. What is the same for every page of a list is made once per list
and open ledger: the places on it, and how many leads there are of each combination of what can be
filtered by, which yields the total and the counts beside every filter.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from features.errors import BadInput
from serve.ledger.ledger import LIST_ORDER, Ledger
from serve.ledger.runs import RUN, RunFigures

PER_PAGE, MOST_PER_PAGE = 50, 500
REASONS = 3
FILTERS = ("route", "band", "source", "basket", "segment", "marked")
ANY_MARK = "any"
_COLUMN = {name: name for name in FILTERS} | {"route": "decided_route", "segment": "segments"}
# What a list can be sorted by: the expression, and whether its greatest comes first by default.
SORTS = {
    "rank": (LIST_ORDER, False),
    "readiness": ("readiness", True),
    "points": ("rule_score", True),
    "call_by": ("contact_by", False),
    "source": ("lower(source)", False),
    "lead": ("lead_id", False),
}


@dataclass(frozen=True)
class Question:
    """Which leads, in which order, which page. "" is any; route is where the lead goes as people
    decided; marked may also be `any` (of the two marks); text is looked for in id, source and
    reasons, in either case. descending None: as SORTS has it. page: from 1."""

    route: str = "sales"
    band: str = ""
    source: str = ""
    basket: str = ""
    segment: str = ""
    marked: str = ""
    text: str = ""
    sort: str = "rank"
    descending: bool | None = None
    page: int = 1
    per_page: int = PER_PAGE

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise BadInput(f"Leads cannot be sorted by {self.sort!r}: by {', '.join(SORTS)}.")
        if self.page < 1 or not 1 <= self.per_page <= MOST_PER_PAGE:
            raise BadInput(
                f"There is no page {self.page} of {self.per_page} leads: pages are counted from 1, "
                f"and have 1 to {MOST_PER_PAGE} leads."
            )

    @property
    def downwards(self) -> bool:
        """Whether the greatest comes first."""
        return SORTS[self.sort][1] if self.descending is None else self.descending

    @property
    def is_whole_list(self) -> bool:
        """Whether nothing but the route is filtered by."""
        return not any(getattr(self, name) for name in (*FILTERS[1:], "text"))


@dataclass(frozen=True)
class ListedLead:
    """A row. rank: its place on the list for sales, from 1, None off it; route: the computed one;
    reasons: at most three, in words; `why` those of the ledger, with their log-odds (or points)."""

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
        """The strongest, without their figures."""
        return tuple(in_words(each) for each in self.why[:REASONS])


@dataclass(frozen=True)
class LeadsPage:
    """A page of a list. total: leads that meet the question; counts: by filter, how many leads each
    of its values would show with the other filters as they are; to_call: the length of the whole
    list for sales."""

    run: RunFigures
    question: Question
    total: int
    to_call: int
    counts: Mapping[str, Mapping[str, int]]
    leads: tuple[ListedLead, ...]

    @property
    def pages(self) -> int:
        """How many there are, at least 1."""
        return max(1, math.ceil(self.total / self.question.per_page))

    def json_fields(self) -> dict[str, Any]:
        """The page as JSON."""
        return {
            **vars(self.run.run),
            "scored_at": self.run.scored_at,
            "total": self.total,
            "to_call": self.to_call,
            "page": self.question.page,
            "pages": self.pages,
            "counts": self.counts,
            "leads": [vars(lead) | {"reasons": lead.reasons} for lead in self.leads],
        }


_READ = {"points": "rule_score", "why": "reasons"}
_NAMES = tuple(each.name for each in fields(ListedLead))
_ROWS = ", ".join(f"{_READ.get(name, name)} AS {name}" for name in _NAMES[1:])


def in_words(reason: str) -> str:
    """A reason of the ledger without its figure.

    >>> in_words("visited pricing 3 times (+0.52)"), in_words("source is fair (2026) (-1.10)")
    ('visited pricing 3 times', 'source is fair (2026)')
    """
    return re.sub(r" \([+-][\d.,]+\)$", "", reason)


def leads_page(ledger: Ledger, question: Question) -> LeadsPage:
    """The page of the newest list that a question asks for; the last one where there are fewer
    pages. Raises BadInput for an empty ledger."""
    run = ledger.newest()
    whole = _prepared(ledger, run)
    cube = _cube(ledger, run, question.text) if question.text else whole
    total = sum(count for values, count in cube if _meets(question, values))
    last = max(1, math.ceil(total / question.per_page))
    question = replace(question, page=min(question.page, last))
    counts = {name: _counts(cube, question, name) for name in FILTERS}
    to_call = sum(count for values, count in whole if values["route"] == "sales")
    rows = tuple(_rows(ledger, run, question))
    return LeadsPage(run, question, total, to_call, counts, rows)


def export(ledger: Ledger, question: Question, path: Path) -> Path:
    """Write all leads that a question asks for, in its order, to a .csv (guarded) or .parquet file
    with the columns of `readiness score --export`."""
    where, given = _where(question)
    run = ledger.newest().run
    return ledger.export_rows(
        f"SELECT * FROM decided WHERE {where} {_order(question)}", run.key | given, path
    )


_Cube = list[tuple[dict[str, Any], int]]
_made: WeakKeyDictionary[Ledger, tuple[tuple[Any, ...], _Cube]] = WeakKeyDictionary()


def _prepared(ledger: Ledger, run: RunFigures) -> _Cube:
    """The counts of the whole list; the table `places` of the ledger's DuckDB is that of the list,
    too. Both are made anew where the list or what people decided of it has changed."""
    list_of_now = (run, ledger.value("SELECT max(number) FROM overrides"))
    if ledger not in _made or _made[ledger][0] != list_of_now:
        ledger.fetched(
            f"CREATE OR REPLACE TEMP TABLE places AS SELECT lead_id, row_number() OVER (ORDER BY "
            f"{LIST_ORDER}) AS place FROM decided WHERE {RUN} AND decided_route = 'sales'",
            run.run.key,
        )
        _made[ledger] = list_of_now, _cube(ledger, run, "")
    return _made[ledger][1]


def _cube(ledger: Ledger, run: RunFigures, text: str) -> _Cube:
    """How many leads there are of each combination of what can be filtered by."""
    where, given = _where(Question(route="", text=text))
    columns = ", ".join(_COLUMN[name] for name in FILTERS)
    rows = ledger.fetched(
        f"SELECT {columns}, count(*) FROM decided WHERE {where} GROUP BY ALL", run.run.key | given
    )
    return [(dict(zip(FILTERS, row, strict=False)), row[-1]) for row in rows]


def _meets(question: Question, values: Mapping[str, str | None], but: str = "") -> bool:
    """Whether leads with such values are asked for, one filter left aside."""
    for name in FILTERS:
        chosen, value = getattr(question, name), values[name]
        if not chosen or name == but:
            continue
        if name == "segment":
            met = chosen in _parts(value)
        else:
            met = value is not None if (name, chosen) == ("marked", ANY_MARK) else value == chosen
        if not met:
            return False
    return True


def _counts(cube: _Cube, question: Question, name: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for values, count in cube:
        value = values[name]
        if value is not None:  # a value without a lead to show stays, to be chosen next
            shown = count if _meets(question, values, but=name) else 0
            for each in _parts(value) if name == "segment" else (value,):
                counts[each] += shown
    return dict(sorted(counts.items()))


def _parts(value: str | None) -> tuple[str, ...]:
    """What a text of the ledger names, as its segments and reasons."""
    return tuple(value.split("; ")) if value else ()


def _where(question: Question) -> tuple[str, dict[str, Any]]:
    """The condition in SQL, and its parameters beside those of the run."""
    conditions, given = [RUN], {}
    for name in FILTERS:
        chosen = getattr(question, name)
        if not chosen:
            continue
        if (name, chosen) == ("marked", ANY_MARK):
            conditions.append("marked IS NOT NULL")
            continue
        given[name] = chosen
        column = _COLUMN[name]
        conditions.append(
            f"list_contains(string_split({column}, '; '), ${name})"
            if name == "segment"
            else f"{column} = ${name}"
        )
    if question.text:
        given["text"] = question.text.lower()
        either = ("lead_id", "source", "reasons")
        listed = " OR ".join(f"contains(lower({column}), $text)" for column in either)
        conditions.append(f"({listed})")
    return " AND ".join(conditions), given


def _order(question: Question) -> str:
    by = SORTS[question.sort][0]
    if question.sort == "rank":
        if question.downwards:
            raise BadInput("The list can be read from its first lead on only: sort by readiness.")
        return f"ORDER BY {by}"
    way = "DESC" if question.downwards else "ASC"
    return f"ORDER BY {by} {way} NULLS LAST, {LIST_ORDER}"


def _rows(ledger: Ledger, run: RunFigures, question: Question) -> Iterator[ListedLead]:
    where, given = _where(question)
    offset = (question.page - 1) * question.per_page
    rows = ledger.fetched(
        f"SELECT {_ROWS} FROM decided WHERE {where} {_order(question)} "
        f"LIMIT {question.per_page} OFFSET {offset}",
        run.run.key | given,
    )
    named = [dict(zip(_NAMES[1:], row, strict=True)) for row in rows]
    ranks = _ranks(ledger, [row["lead_id"] for row in named])
    for row in named:
        more: dict[str, Any] = {name: _parts(row[name]) for name in ("segments", "why")}
        more |= {name: bool(row[name]) for name in ("postponing", "exploration")}
        yield ListedLead(ranks.get(row["lead_id"]), **row | more)


def _ranks(ledger: Ledger, leads: list[str]) -> dict[str, int]:
    """The places on the list for sales of those leads that are on it."""
    sql = "SELECT lead_id, place FROM places WHERE lead_id IN (SELECT unnest($leads))"
    return dict(ledger.fetched(sql, {"leads": leads}))
