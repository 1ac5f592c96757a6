"""The one pass over the events, compiled: per snapshot, from its lead's latest event back.

Knows no specs and no tables: arrays in, arrays out; `plan` says what the arrays mean. The
events of a lead lie side by side, in order of time. All times are microseconds.

The codes are here, and features/spec/cells.py names what they stand for: numba keeps machine code
by the text of this file.
"""

from functools import partial
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from features.spec.cells import DAY, FIXED_POINT

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

HOUR = 3_600_000_000
SESSION_GAP = 1_800_000_000
FOREVER = np.iinfo(np.int64).max
THURSDAY = 3  # 1970-01-01, counted from Monday

# Amounts that are added up; DECAYED + i is the decay by the half-life of that number.
EVENTS, VALUE_HIGH, VALUE_LOW, NIGHT, WEEKEND, DECAYED = range(6)
# What counts once: places in `once`.
DAYS, CONTENTS, SESSIONS = range(3)
# How a number is read off the cells.
NUMBER, DAYS_SINCE, QUOTIENT, FIXED, VALUE = range(5)
# The texts of a snapshot.
FIRST_SOURCE, LAST_SOURCE, FIRST_ACTION, LAST_ACTION = range(4)


class Events(NamedTuple):
    """Columns of the events: `action` and `source` as codes in alphabetical order (source -1:
    none), `content` as numbers that count anew from 0 for each lead (-1: none), `value` in
    ten-thousandths (0: none)."""

    occurred: Ints
    known: Ints
    action: npt.NDArray[np.int32]
    source: npt.NDArray[np.int32]
    content: npt.NDArray[np.int32]
    value: Ints


class Snapshots(NamedTuple):
    """Columns of the snapshots; a snapshot's lead has the events [begin, end)."""

    cutoff: Ints
    begin: Ints
    end: Ints


class Arrays(NamedTuple):
    """The plan (features.engine.plan): rows are -1 where no feature needs them."""

    windows: Ints
    half_lives: Floats
    overall: Ints
    by_action: Ints
    once: Ints
    age_overall: int
    age_by_action: Ints
    outputs: Ints
    rows: int
    ages: int


def compiled(function: Any) -> Any:
    """Compiled on the first call, and cached on disk for the next process where there is a place
    for it; runs beside other threads."""
    jit = partial(numba.njit, nogil=True, error_model="numpy")
    try:
        return jit(cache=True)(function)
    except RuntimeError:  # neither this folder nor the user's cache can be written to
        return jit()(function)


@compiled
def measure(
    events: Events,
    snapshots: Snapshots,
    plan: Arrays,
    first: int,
    last: int,
    numbers: Floats,
    texts: Ints,
) -> None:
    """Fill the rows [first, last) of `numbers` (the columns that outputs name) and of `texts`
    (codes; -1: none)."""
    width = len(plan.windows)
    cells = np.zeros((plan.rows, width), np.int64)
    ages = np.zeros(plan.ages, np.int64)
    longest = 0
    for s in range(first, last):
        longest = max(longest, snapshots.end[s] - snapshots.begin[s])
    seen = np.full(longest, -1, np.int64)  # by content: the snapshot that last met it
    for s in range(first, last):
        cells[:] = 0
        ages[:] = -1
        texts[s] = -1
        _scan(events, snapshots, plan, s, cells, ages, seen, texts[s])
        for row in range(plan.rows):
            for k in range(1, width):
                cells[row, k] += cells[row, k - 1]
        _read_off(plan.outputs, cells.ravel(), ages, numbers[s])


@compiled
def _scan(
    events: Events,
    snapshots: Snapshots,
    plan: Arrays,
    s: int,
    cells: Ints,
    ages: Ints,
    seen: Ints,
    texts: Ints,
) -> None:
    """Take in every event known before the cutoff, the latest first."""
    cutoff, begin = snapshots.cutoff[s], snapshots.begin[s]
    days, contents, sessions = plan.once[DAYS], plan.once[CONTENTS], plan.once[SESSIONS]
    instants = np.empty(4, np.int64)  # of the texts
    window = 0  # the narrowest that holds the event; events grow older as we go
    later, later_window, later_day = cutoff, -1, cutoff  # of the event met before: none yet
    end = begin + np.searchsorted(events.occurred[begin : snapshots.end[s]], cutoff)
    for i in range(end - 1, begin - 1, -1):
        if events.known[i] >= cutoff:  # strictly before the cutoff, on when we knew
            continue
        moment = events.occurred[i]
        age = cutoff - moment
        while age > plan.windows[window]:
            window += 1
        day = moment // DAY
        if days >= 0 and (later_window < 0 or day != later_day):
            cells[days, window] += 1
        if sessions >= 0 and later_window >= 0 and later - moment > SESSION_GAP:
            cells[sessions, later_window] += 1
        content = events.content[i]
        if contents >= 0 and content >= 0 and seen[content] != s:
            seen[content] = s
            cells[contents, window] += 1
        _add(events, plan, i, age, day, window, cells)
        _note_age(plan, events.action[i], age, ages)
        _note_text(events.source[i], moment, texts, instants, FIRST_SOURCE, LAST_SOURCE)
        _note_text(events.action[i], moment, texts, instants, FIRST_ACTION, LAST_ACTION)
        later, later_window, later_day = moment, window, day
    if sessions >= 0 and later_window >= 0:
        cells[sessions, later_window] += 1


@compiled
def _add(
    events: Events, plan: Arrays, i: int, age: int, day: int, window: int, cells: Ints
) -> None:
    """Add the event's amounts to the rows that need them."""
    action = events.action[i]
    for amount in range(len(plan.overall)):
        overall, of_action = plan.overall[amount], plan.by_action[amount, action]
        if overall < 0 and of_action < 0:
            continue
        if amount == EVENTS:
            added = 1
        elif amount == VALUE_HIGH:
            added = events.value[i] >> 32
        elif amount == VALUE_LOW:
            added = events.value[i] & 0xFFFFFFFF
        elif amount == NIGHT:
            hour = (events.occurred[i] - day * DAY) // HOUR
            added = 1 if hour >= 22 or hour < 6 else 0
        elif amount == WEEKEND:
            added = 1 if (day + THURSDAY) % 7 >= 5 else 0
        else:
            fading = np.exp2(-age / plan.half_lives[amount - DECAYED])
            added = int(np.rint(fading * FIXED_POINT))
        if overall >= 0:
            cells[overall, window] += added
        if of_action >= 0:
            cells[of_action, window] += added


@compiled
def _note_age(plan: Arrays, action: int, age: int, ages: Ints) -> None:
    """Note the latest event, and that of each action: the first one met."""
    overall, of_action = plan.age_overall, plan.age_by_action[action]
    if overall >= 0 and ages[overall] < 0:
        ages[overall] = age
    if of_action >= 0 and ages[of_action] < 0:
        ages[of_action] = age


@compiled
def _note_text(code: int, moment: int, texts: Ints, instants: Ints, first: int, last: int) -> None:
    """Note the first and the last text: at one instant the alphabetically first is the first, and
    the alphabetically last the last."""
    if code < 0:
        return
    if texts[last] < 0 or (moment == instants[last] and code > texts[last]):
        texts[last], instants[last] = code, moment
    if texts[first] < 0 or moment < instants[first] or code < texts[first]:
        texts[first], instants[first] = code, moment


@compiled
def _read_off(outputs: Ints, cells: Ints, ages: Ints, numbers: Floats) -> None:
    """Write one snapshot's numbers; NaN where there is none."""
    for i in range(len(outputs)):
        column, how, one, other = outputs[i, 0], outputs[i, 1], outputs[i, 2], outputs[i, 3]
        if how == NUMBER:
            number = float(cells[one])
        elif how == DAYS_SINCE:
            number = ages[one] / DAY if ages[one] >= 0 else np.nan
        elif how == QUOTIENT:
            number = cells[one] / cells[other] if cells[other] != 0 else np.nan
        elif how == FIXED:
            number = cells[one] / FIXED_POINT
        else:
            number = (cells[one] * FIXED_POINT + cells[other]) / 10_000.0
        numbers[column] = number
