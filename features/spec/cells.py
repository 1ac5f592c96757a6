"""What the compiled pass over the events keeps per snapshot, as a kind of feature asks for it.

The pass keeps whole numbers. A *row* of cells adds up one amount over the events of one action, or
of any; or it counts the different days, contents or sessions. It has a cell for each window. Beside
the rows it keeps how long ago the latest event was, and the first and last source and action.
`features.engine.plan` numbers all of this for the kernel, whose own codes it uses: numba keeps
machine code by the text of the kernel's file, and would not notice that a code was changed here.
"""

from dataclasses import dataclass
from typing import Literal

DAY = 86_400_000_000  # in microseconds
FIXED_POINT = 2.0**32  # decayed events are added up in whole units of 1 / FIXED_POINT

# Value is added up as two numbers, so that the sum is exact beyond 64 bits.
Amount = Literal["events", "value_high", "value_low", "night", "weekend", "decayed"]
Thing = Literal["days", "contents", "sessions"]
How = Literal["number", "days_since", "quotient", "fixed_point", "value"]


@dataclass(frozen=True)
class Sum:
    """An amount of the events of an action (None: any) in a window, in days (None: all time)."""

    amount: Amount
    action: str | None
    window: int | None
    half_life: float | None = None  # in days; of "decayed" alone


@dataclass(frozen=True)
class Number:
    """How many different things were in a window."""

    thing: Thing
    window: int | None


@dataclass(frozen=True)
class Latest:
    """How long ago the latest event of an action was."""

    action: str | None


@dataclass(frozen=True)
class Read:
    """A number as it is read: one cell, the days since one moment, one cell over another, ..."""

    how: How
    one: Sum | Number | Latest
    other: Sum | Number | None = None


@dataclass(frozen=True)
class Text:
    """The first or last source or action."""

    which: Literal["first", "last"]
    column: Literal["source", "action"]


Cells = Read | Text
