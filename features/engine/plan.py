"""What the one pass over the events has to keep, worked out from the specs.

Per snapshot the pass keeps whole numbers in cells. A *row* of cells adds up one amount (events,
values, events at night, decayed events, ...) of one action or of any; it has a cell for each
window, narrowest first, and an event adds to the cell of the narrowest window that holds it. At the
end each row is summed up from the left, so that every window holds the narrower ones. The features
are then read off: a cell, or one cell over another.

>>> plan = plan_of([Count("chat", 7), Count("chat"), Trend(None, 7)], ["call", "chat"])
>>> (plan.arrays.windows // DAY).tolist()[:2], plan.arrays.by_action[EVENTS].tolist()
([7, 14], [-1, 0])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from features.engine.kernel import (
    AGE,
    CELL,
    CONTENTS,
    DAY,
    DAYS,
    DECAYED,
    DECAYED_FROM,
    EVENTS,
    FOREVER,
    NIGHT,
    QUOTIENT,
    SESSIONS,
    SINCE,
    VALUE,
    VALUE_HIGH,
    VALUE_LOW,
    WEEKEND,
    Arrays,
)
from features.spec.parts import behaviours, inside
from features.spec.spec import (
    ActiveDays,
    Age,
    Attribute,
    Behaviour,
    Count,
    Custom,
    DaysSince,
    Decayed,
    DistinctContent,
    First,
    InSegment,
    Last,
    Ratio,
    Sessions,
    Share,
    Spec,
    SumValue,
    Trend,
    is_text,
)

_ONCE = {ActiveDays: DAYS, DistinctContent: CONTENTS, Sessions: SESSIONS}
_PARTS = {"night": NIGHT, "weekend": WEEKEND}


@dataclass(frozen=True)
class Plan:
    """The arrays for the kernel; the columns of the numbers by name, the asked ones first and in
    their order; and the texts that are asked for."""

    arrays: Arrays
    columns: dict[str, int]
    texts: tuple[First | Last, ...]


# What the pass computes, as far as it is not narrowed by properties of the events.
KNOWN = (
    Age
    | Attribute
    | Count
    | DaysSince
    | ActiveDays
    | Sessions
    | First
    | Last
    | Trend
    | Share
    | DistinctContent
    | Decayed
    | SumValue
)


def in_one_pass(spec: Spec) -> bool:
    """Whether the pass knows how to compute a feature; the SQL knows them all."""
    return all(
        isinstance(part, KNOWN)
        and getattr(part, "where", None) is None
        and not (isinstance(part, ActiveDays) and part.action is not None)
        for part in inside([spec])
    )


def plan_of(specs: Sequence[Spec], actions: Sequence[str]) -> Plan:
    """The plan for specs of which each is `in_one_pass`; `actions` are those of the data, and an
    event's action is its place there."""
    needed = [spec for spec in behaviours(specs) if not isinstance(spec, Custom)]
    half_lives = {spec.half_life for spec in needed if isinstance(spec, Decayed)}
    asked = [spec for spec in specs if not is_text(spec)]
    columns = {spec.name: spec for spec in [*asked, *inside(asked)]}
    cells = _Cells(_windows(needed), sorted(half_lives))
    outputs = [
        (column, *_output(spec, cells))
        for column, spec in enumerate(columns.values())
        if not isinstance(spec, Ratio | Attribute | Custom | InSegment | First | Last)
    ]
    texts = tuple(spec for spec in needed if isinstance(spec, First | Last))
    places = {name: column for column, name in enumerate(columns)}
    return Plan(cells.arrays(actions, outputs), places, texts)


def _windows(needed: Iterable[Behaviour]) -> list[int | None]:
    """All windows in days, rising; None, all time, at the end."""
    found = {window for spec in needed if (window := getattr(spec, "window", None)) is not None}
    found |= {2 * spec.window for spec in needed if isinstance(spec, Trend)}
    return [*sorted(found), None]


@dataclass
class _Cells:
    """Rows and ages, numbered as they are asked for."""

    windows: list[int | None]
    half_lives: list[float]
    rows: dict[tuple[int, str | None], int] = field(default_factory=dict)
    once: dict[int, int] = field(default_factory=dict)
    ages: dict[str | None, int] = field(default_factory=dict)

    def _in_row(self, row: int, window: int | None) -> int:
        return row * len(self.windows) + self.windows.index(window)

    def _next(self) -> int:
        return len(self.rows) + len(self.once)

    def sum_of(self, amount: int, action: str | None, window: int | None) -> int:
        """The cell that holds the amount's sum over an action's events in a window."""
        return self._in_row(self.rows.setdefault((amount, action), self._next()), window)

    def number_of(self, thing: int, window: int | None) -> int:
        """The cell that holds how many days, contents or sessions were in a window."""
        return self._in_row(self.once.setdefault(thing, self._next()), window)

    def age_of(self, action: str | None) -> int:
        """The place of an action's latest event."""
        return self.ages.setdefault(action, len(self.ages))

    def arrays(
        self, actions: Sequence[str], outputs: Sequence[tuple[int, int, int, int]]
    ) -> Arrays:
        amounts = range(DECAYED_FROM + len(self.half_lives))
        days = [FOREVER if w is None else w * DAY for w in self.windows]
        once = [self.once.get(thing, -1) for thing in (DAYS, CONTENTS, SESSIONS)]
        return Arrays(
            windows=np.array(days, np.int64),
            half_lives=np.array(self.half_lives, np.float64) * DAY,
            overall=np.array([self.rows.get((a, None), -1) for a in amounts], np.int64),
            by_action=np.array([_places(self.rows, a, actions) for a in amounts], np.int64),
            once=np.array(once, np.int64),
            age_overall=self.ages.get(None, -1),
            age_by_action=np.array([self.ages.get(a, -1) for a in actions], np.int64),
            outputs=np.array(outputs, np.int64).reshape(-1, 4),
            rows=self._next(),
            ages=len(self.ages),
        )


def _places(
    rows: Mapping[tuple[int, str | None], int], amount: int, actions: Sequence[str]
) -> list[int]:
    return [rows.get((amount, action), -1) for action in actions]


def _output(spec: Behaviour | Age, cells: _Cells) -> tuple[int, int, int]:
    """How a number is read off the cells: what to do, with which two."""
    match spec:
        case Age():
            return AGE, 0, 0
        case Count(action, window):
            return CELL, cells.sum_of(EVENTS, action, window), 0
        case ActiveDays(window) | DistinctContent(window) | Sessions(window):
            return CELL, cells.number_of(_ONCE[type(spec)], window), 0
        case DaysSince(action):
            return SINCE, cells.age_of(action), 0
        case Trend(action, window):
            recent = cells.sum_of(EVENTS, action, window)
            return QUOTIENT, recent, cells.sum_of(EVENTS, action, 2 * window)
        case Share(part, window):
            everything = cells.sum_of(EVENTS, None, window)
            return QUOTIENT, cells.sum_of(_PARTS[part], None, window), everything
        case Decayed(action, half_life, window):
            amount = DECAYED_FROM + cells.half_lives.index(half_life)
            return DECAYED, cells.sum_of(amount, action, window), 0
        case SumValue(action, window):
            high = cells.sum_of(VALUE_HIGH, action, window)
            return VALUE, high, cells.sum_of(VALUE_LOW, action, window)
    raise TypeError(f"{spec!r} is no number of the pass")
