"""Events as rows: none lost, each in its part, in order of lead and time."""

from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.engine.event_rows import EVENT, by_lead, in_order, laid_by_part, numbered

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3), st.integers(0, 4)), max_size=30)


@settings(deadline=None)
@given(ROWS)
def test_events_are_ordered_by_lead_and_time(rows):
    lead = np.array([row[0] for row in rows], np.int32)
    occurred = np.array([row[1] for row in rows], np.int64)
    order, begin = in_order(lead, occurred, 5)
    assert sorted(order.tolist()) == list(range(len(rows)))
    keys = [(lead[i], occurred[i]) for i in order]
    assert keys == sorted(keys)
    assert begin.tolist() == [sum(row[0] < n for row in rows) for n in range(6)]


@settings(deadline=None)
@given(ROWS)
def test_contents_are_numbered_per_lead(rows):
    rows = sorted(rows)
    begin = np.array([sum(row[0] < n for row in rows) for n in range(6)], np.int64)
    spread = 2**60 + 1  # so that several share a slot of the table
    hashes = np.array([row[2] * spread for row in rows], np.uint64)
    numbers = numbered(hashes, begin).tolist()
    met = defaultdict(dict)
    for (lead, _, content), number in zip(rows, numbers, strict=True):
        expected = met[lead].setdefault(content, len(met[lead])) if content else -1
        assert number == expected


FULL_ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),  # lead
        st.integers(-3, 3),  # occurred
        st.integers(-3, 3),  # known
        st.integers(0, 2),  # action
        st.integers(-1, 2),  # source
        st.integers(0, 3),  # content
        st.integers(-5, 5),  # value
    ),
    max_size=30,
)


def columns_of(rows):
    return tuple(
        np.array([row[place] for row in rows], EVENT[name])
        for place, name in enumerate(EVENT.names)
    )


@settings(deadline=None)
@given(FULL_ROWS, st.data())
def test_rows_are_laid_by_part(given_rows, data):
    part = data.draw(
        st.lists(st.integers(0, 4), min_size=len(given_rows), max_size=len(given_rows))
    )
    rows = np.empty(len(given_rows), EVENT)
    begin = laid_by_part(np.array(part, np.uint16), columns_of(given_rows), rows, 5)
    for number in range(5):
        own = [row for row, of in zip(given_rows, part, strict=True) if of == number]
        assert rows[begin[number] : begin[number + 1]].tolist() == own


@settings(deadline=None)
@given(FULL_ROWS)
def test_no_column_of_a_row_is_lost_by_sorting(given_rows):
    rows = np.array(given_rows, EVENT)
    events, begin = by_lead(rows, 4)
    expected = sorted(given_rows, key=lambda row: row[:2])
    lead = np.repeat(np.arange(4), np.diff(begin))
    got = zip(lead, events.occurred, events.known, events.action, events.source, events.value,
              strict=True)  # fmt: skip
    assert sorted(got) == sorted((*row[:5], row[6]) for row in expected)
    assert (events.content >= 0).sum() == sum(row[5] > 0 for row in given_rows)
