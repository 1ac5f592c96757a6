"""Features as typed objects that name themselves.

A spec says *what* is measured at a snapshot (lead, cutoff). `features.engine.query` says how it is
computed and `features.spec.wording` how it is said. Every spec sees only events known before the
cutoff.
Windows are in days: `window=7` is the interval [cutoff - 7 d, cutoff); `window=None` is all time
before the cutoff. `action=None` stands for events of any action; `where` narrows them further.

>>> Count("visited_pricing", 7).name
'count_7d(visited_pricing)'
>>> Count("visited_pricing", 7, Where(content="/pricing/*")).name
'count_7d(visited_pricing)[content="/pricing/*"]'
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from features.spec.where import Where

Part = Literal["night", "weekend"]
Column = Literal["source", "action"]


def _span(window: int | None) -> str:
    return "all" if window is None else f"{window}d"


def _of(action: str | None, where: Where | None = None) -> str:
    doer = "" if action is None else f"({action})"
    return doer if where is None else doer + where.name


@dataclass(frozen=True)
class Count:
    """Events in the window. 0 where there are none."""

    action: str | None = None
    window: int | None = None
    where: Where | None = None

    @property
    def name(self) -> str:
        return f"count_{_span(self.window)}{_of(self.action, self.where)}"


@dataclass(frozen=True)
class DaysSince:
    """Elapsed days (a fraction, > 0) from the latest such event to the cutoff; null if never."""

    action: str | None = None
    where: Where | None = None

    @property
    def name(self) -> str:
        return f"days_since{_of(self.action, self.where)}"


@dataclass(frozen=True)
class ActiveDays:
    """Distinct UTC calendar days with an event in the window."""

    window: int | None = None
    action: str | None = None
    where: Where | None = None

    @property
    def name(self) -> str:
        return f"active_days_{_span(self.window)}{_of(self.action, self.where)}"


@dataclass(frozen=True)
class Sessions:
    """Sessions begun in the window. An event begins a session when no other event known before
    the cutoff lies in the 30 minutes up to it; events at one instant count as one."""

    window: int | None = None

    @property
    def name(self) -> str:
        return f"sessions_{_span(self.window)}"


@dataclass(frozen=True)
class First:
    """The earliest non-null source (or action); at one instant the alphabetically first. Null if
    none."""

    column: Column

    @property
    def name(self) -> str:
        return f"first_{self.column}"


@dataclass(frozen=True)
class Last:
    """The latest non-null source (or action); at one instant the alphabetically last. Null if
    none."""

    column: Column

    @property
    def name(self) -> str:
        return f"last_{self.column}"


@dataclass(frozen=True)
class Trend:
    """Recent against earlier: events in [cutoff - w, cutoff) over events in [cutoff - 2 w, cutoff).
    In [0, 1]: 0.5 is steady, above rises, below fades. Null where there is no event in 2 w."""

    action: str | None
    window: int

    @property
    def name(self) -> str:
        return f"trend_{self.window}d{_of(self.action)}"


@dataclass(frozen=True)
class Share:
    """Share of the window's events at night (22:00-06:00 UTC) or at the weekend (Saturday and
    Sunday, UTC). In [0, 1]. Null where the window holds no event."""

    part: Part
    window: int | None = None

    @property
    def name(self) -> str:
        return f"{self.part}_share_{_span(self.window)}"


@dataclass(frozen=True)
class DistinctContent:
    """Different non-null contents (pages, mails, files) seen in the window."""

    window: int | None = None

    @property
    def name(self) -> str:
        return f"contents_{_span(self.window)}"


@dataclass(frozen=True)
class Decayed:
    """Sum over the window's events of 0.5 ** (days ago / half_life), half_life in days. Summed in
    fixed point of 2**-32 per event, so that the order of the rows cannot change the last bit."""

    action: str | None
    half_life: float
    window: int | None = None
    where: Where | None = None

    @property
    def name(self) -> str:
        inside = "" if self.window is None else f"_within_{self.window}d"
        return f"decayed_{self.half_life:g}d{inside}{_of(self.action, self.where)}"


@dataclass(frozen=True)
class Faded:
    """Sum over the events of 1 - days ago / days, of those less than so many days old: a deed
    counts half when half of them are over, and no more when all are. Summed as Decayed is."""

    action: str | None
    days: int
    where: Where | None = None

    @property
    def name(self) -> str:
        return f"faded_{self.days}d{_of(self.action, self.where)}"


@dataclass(frozen=True)
class SumValue:
    """Sum of the value of the window's events, each rounded to 4 decimals. 0 where none has one;
    values beyond 9e14 either way are no values."""

    action: str | None = None
    window: int | None = None
    where: Where | None = None

    @property
    def name(self) -> str:
        return f"value_{_span(self.window)}{_of(self.action, self.where)}"


@dataclass(frozen=True)
class Age:
    """Elapsed days (a fraction, > 0) from the lead's creation to the cutoff."""

    @property
    def name(self) -> str:
        return "age_days"


@dataclass(frozen=True)
class Attribute:
    """An explicit attribute of the lead as known at its creation; text, or else a number."""

    column: str
    text: bool

    @property
    def name(self) -> str:
        return f"attribute({self.column})"


@dataclass(frozen=True)
class Ratio:
    """One feature over another; null where the second is 0 or null."""

    over: Spec
    under: Spec

    @property
    def name(self) -> str:
        return f"{self.over.name}/{self.under.name}"


@dataclass(frozen=True)
class InSegment:
    """1 where the lead is in a segment, else 0. `definition` is the segment's, as JSON of
    its
    conditions (features/conditions/segments.py): a stored model goes by the one it was trained
    with."""

    segment: str
    definition: str

    @property
    def name(self) -> str:
        return f"segment({self.segment})"


@dataclass(frozen=True)
class Custom:
    """A data scientist's own aggregate over the known events: one SQL expression and its meaning.

    Columns at hand: action, source, content, value, occurred_at, age_us (microseconds from the
    event to the cutoff, > 0). The SQL is never read back from a stored model (that would run
    foreign SQL): it is looked up by name in features/catalog.py.
    """

    name: str
    sql: str
    meaning: str


Behaviour = (
    Count
    | DaysSince
    | ActiveDays
    | Sessions
    | First
    | Last
    | Trend
    | Share
    | DistinctContent
    | Decayed
    | Faded
    | SumValue
)
Spec = Behaviour | Age | Attribute | Ratio | Custom | InSegment


def is_text(spec: Spec) -> bool:
    """Whether the feature's values are text (a category) rather than numbers."""
    return isinstance(spec, First | Last) or (isinstance(spec, Attribute) and spec.text)


def distinct(specs: Iterable[Spec]) -> tuple[Spec, ...]:
    """Each feature once, as first mentioned and in that order."""
    found: dict[str, Spec] = {}
    for spec in specs:
        found.setdefault(spec.name, spec)
    return tuple(found.values())
