"""Events as rows of numbers, compiled: split for the files of the chunks, and sorted.

A row is small, and is read and written as a whole: what costs here is memory that is far apart.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from features.engine.kernel import Events, Ints, compiled

EVENT = np.dtype(
    [
        ("number", np.int32),  # of the lead within its chunk
        ("occurred", np.int64),
        ("known", np.int64),
        ("action", np.int32),  # place in the alphabet
        ("source", np.int32),  # likewise; -1: none
        ("content", np.uint64),  # hash; 0: none
        ("value", np.int64),  # in ten-thousandths; 0: none
    ]
)
COLUMNS = ("occurred", "known", "action", "source", "content", "value")
Rows = npt.NDArray[Any]  # of EVENT


@compiled
def laid_by_part(part: Any, columns: Any, rows: Rows, parts: int) -> Ints:
    """Fill `rows` from columns in the order of EVENT, part by part; where each part begins (one
    more: the end)."""
    number, occurred, known, action, source, content, value = columns
    begin = np.zeros(parts + 1, np.int64)
    for i in range(len(part)):
        begin[part[i] + 1] += 1
    begin = np.cumsum(begin)
    at = begin.copy()
    for i in range(len(part)):
        row = rows[at[part[i]]]
        at[part[i]] += 1
        row.number, row.occurred, row.known = number[i], occurred[i], known[i]
        row.action, row.source = action[i], source[i]
        row.content, row.value = content[i], value[i]
    return begin


def by_lead(rows: Rows, leads: int) -> tuple[Events, Ints]:
    """The events sorted by lead and time; and where each lead's begin (one more: the end)."""
    order, begin = in_order(rows["number"], rows["occurred"], leads)
    columns = {name: np.empty(len(rows), EVENT[name]) for name in COLUMNS}
    _take(rows, order, tuple(columns.values()))
    content = numbered(columns.pop("content"), begin)
    return Events(content=content, **columns), begin


@compiled
def _take(rows: Rows, order: Ints, columns: Any) -> None:
    """Fill the columns from the rows in that order."""
    occurred, known, action, source, content, value = columns
    for i in range(len(order)):
        row = rows[order[i]]
        occurred[i], known[i] = row.occurred, row.known
        action[i], source[i] = row.action, row.source
        content[i], value[i] = row.content, row.value


@compiled
def in_order(lead: Ints, occurred: Ints, leads: int) -> tuple[Ints, Ints]:
    """The order that puts the events by lead and time, and where each lead's begin (one more: the
    end). Events mostly come in order of time, so a lead's are sorted only where they do not."""
    begin = np.zeros(leads + 1, np.int64)
    for i in range(len(lead)):
        begin[lead[i] + 1] += 1
    begin = np.cumsum(begin)
    order, at = np.empty(len(lead), np.int64), begin.copy()
    for i in range(len(lead)):
        order[at[lead[i]]] = i
        at[lead[i]] += 1
    for n in range(leads):
        own = order[begin[n] : begin[n + 1]]
        for i in range(1, len(own)):
            if occurred[own[i]] < occurred[own[i - 1]]:
                own[:] = own[np.argsort(occurred[own], kind="mergesort")]
                break
    return order, begin


@compiled
def numbered(hashes: npt.NDArray[np.uint64], begin: Ints) -> npt.NDArray[np.int32]:
    """The hashes of one lead's contents as numbers from 0; 0, no content, as -1. A table per lead
    with open addressing; a stamp marks an older lead's entries."""
    most = 1
    for n in range(len(begin) - 1):
        while most < 2 * (begin[n + 1] - begin[n]):
            most *= 2
    stamps, keys = np.full(most, -1, np.int64), np.empty(most, np.uint64)
    given, numbers = np.empty(most, np.int32), np.full(len(hashes), -1, np.int32)
    for n in range(len(begin) - 1):
        count = 0
        for i in range(begin[n], begin[n + 1]):
            if hashes[i] == 0:
                continue
            slot = np.int64(hashes[i] & np.uint64(most - 1))
            while stamps[slot] == n and keys[slot] != hashes[i]:
                slot = (slot + 1) & (most - 1)
            if stamps[slot] != n:
                stamps[slot], keys[slot], given[slot] = n, hashes[i], count
                count += 1
            numbers[i] = given[slot]
    return numbers
