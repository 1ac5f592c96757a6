"""What the one pass over the events has to keep, worked out from how features are read.

Per snapshot the pass keeps whole numbers in cells (features/spec/cells.py): a row for each amount
of an action, or for each thing that is counted once, with a cell for each window, narrowest first.
An event adds to the cell of the narrowest window that holds it. At the end each row is summed up
from the left, so that every window holds the narrower ones. The features are then read off: a cell,
or one cell over another.

>>> from features.spec.kinds import Count, Trend
>>> specs = [Count("chat", 7), Count("chat"), Trend(None, 7)]
>>> plan = plan_of({i: spec.cells for i, spec in enumerate(specs)}, ["call", "chat"])
>>> (plan.windows // DAY).tolist()[:2], plan.by_action[EVENTS].tolist()
([7, 14], [-1, 0])
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from features.engine.kernel import (
    CONTENTS,
    DAYS,
    DAYS_SINCE,
    DECAYED,
    EVENTS,
    FIXED,
    FOREVER,
    NIGHT,
    NUMBER,
    QUOTIENT,
    SESSIONS,
    VALUE,
    VALUE_HIGH,
    VALUE_LOW,
    WEEKEND,
    Arrays,
)
from features.spec.cells import DAY, Amount, How, Latest, Number, Read, Sum, Thing

_AMOUNTS: dict[Amount, int] = {
    "events": EVENTS,
    "value_high": VALUE_HIGH,
    "value_low": VALUE_LOW,
    "night": NIGHT,
    "weekend": WEEKEND,
    "decayed": DECAYED,
}
_THINGS: dict[Thing, int] = {"days": DAYS, "contents": CONTENTS, "sessions": SESSIONS}
_HOWS: dict[How, int] = {
    "number": NUMBER,
    "days_since": DAYS_SINCE,
    "quotient": QUOTIENT,
    "fixed_point": FIXED,
    "value": VALUE,
}
Key = TypeVar("Key", bound=Hashable)


def plan_of(outputs: Mapping[int, Read], actions: Sequence[str]) -> Arrays:
    """The plan for numbers, by their columns; an event's action is its place in `actions`."""
    both = [cell for read in outputs.values() for cell in (read.one, read.other)]
    cells = dict.fromkeys(cell for cell in both if cell is not None)
    sums = [cell for cell in cells if isinstance(cell, Sum)]
    numbers = [cell for cell in cells if isinstance(cell, Number)]
    latest = _numbered(cell.action for cell in cells if isinstance(cell, Latest))
    in_windows: list[Sum | Number] = [*sums, *numbers]
    spans = {cell.window for cell in in_windows if cell.window is not None}
    windows = [*sorted(spans), None]
    half_lives = sorted({cell.half_life for cell in sums if cell.half_life is not None})

    def amount(cell: Sum) -> int:
        place = 0 if cell.half_life is None else half_lives.index(cell.half_life)
        return _AMOUNTS[cell.amount] + place

    rows = _numbered((amount(cell), cell.action) for cell in sums)
    once = _numbered((_THINGS[cell.thing] for cell in numbers), start=len(rows))

    def place(cell: Sum | Number | Latest | None) -> int:
        match cell:
            case None:
                return 0
            case Latest(action):
                return latest[action]
            case Sum():
                row = rows[amount(cell), cell.action]
            case Number(thing):
                row = once[_THINGS[thing]]
        return row * len(windows) + windows.index(cell.window)

    amounts = range(DECAYED + len(half_lives))
    return Arrays(
        windows=np.array([FOREVER if w is None else w * DAY for w in windows], np.int64),
        half_lives=np.array(half_lives, np.float64) * DAY,
        overall=np.array([rows.get((a, None), -1) for a in amounts], np.int64),
        by_action=np.array(
            [[rows.get((a, action), -1) for action in actions] for a in amounts], np.int64
        ),
        once=np.array([once.get(thing, -1) for thing in _THINGS.values()], np.int64),
        age_overall=latest.get(None, -1),
        age_by_action=np.array([latest.get(action, -1) for action in actions], np.int64),
        outputs=np.array(
            [(i, _HOWS[r.how], place(r.one), place(r.other)) for i, r in outputs.items()], np.int64
        ).reshape(-1, 4),
        rows=len(rows) + len(once),
        ages=len(latest),
    )


def _numbered(keys: Iterable[Key], start: int = 0) -> dict[Key, int]:
    """Each key once, with its number."""
    return {key: number for number, key in enumerate(dict.fromkeys(keys), start)}
