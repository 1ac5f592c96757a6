"""What became of a snapshot, and after how long, as known at a time. The docstring's example first.

cutoff 2012-01-16, until 2012-02-15
won 2012-01-17 12:00 -> 1.5 days, won        won 2012-02-15 00:00 -> 30 days, open
"""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.dataset import endings, labelled
from features.spec.kinds import Age
from tests.features.lead_databases import MICROSECOND, at, event, opened

CUTOFF, UNTIL, LATER = at("2012-01-16"), at("2012-02-15"), at("2012-03-20")
LEAD = {"lead_id": 1, "created_at": at("2012-01-09")}


def became(deals, until=UNTIL, cutoffs=(CUTOFF,)):
    with opened([LEAD], [], deals, time={"data_end": LATER}) as database:
        frame = endings(database, cutoffs, until)
        return list(zip(frame["days"], frame["ending"], strict=True))


@pytest.mark.parametrize("outcome", ["won", "lost"])
@pytest.mark.parametrize(
    ("closed_at", "days", "seen"),
    [
        (CUTOFF, 0.0, True),
        (at("2012-01-17 12:00"), 1.5, True),
        (UNTIL - MICROSECOND, 30.0, True),
        (UNTIL, 30.0, False),
        (at("2012-03-01"), 30.0, False),
    ],
)
def test_the_worked_example(closed_at, days, seen, outcome):
    deals = [{"lead_id": 1, "closed_at": closed_at, "outcome": outcome}]
    ((elapsed, ending),) = became(deals)
    assert elapsed == pytest.approx(days, abs=1e-9)
    assert ending == (outcome if seen else "open")


def test_a_lead_without_a_deal_is_open_up_to_the_time_asked():
    assert became([], until=LATER) == [(64.0, "open")]


CLOSINGS = st.lists(
    st.tuples(st.integers(0, 30 * 24), st.sampled_from(["won", "lost"])), min_size=1, max_size=8
)


@given(CLOSINGS, st.integers(14, 30))
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_rows_and_outcomes_are_those_of_plain_python_in_the_dataset_s_order(closings, days):
    begin = at("2012-01-09")
    cutoffs = [begin + timedelta(days=7), begin + timedelta(days=14)]
    until = begin + timedelta(days=days)
    leads = [{"lead_id": n, "created_at": begin} for n in range(len(closings))]
    deals = [
        {"lead_id": n, "closed_at": begin + timedelta(hours=hours), "outcome": outcome}
        for n, (hours, outcome) in enumerate(closings)
    ]
    expected = []
    for cutoff in cutoffs:
        for deal in deals:
            if deal["closed_at"] >= cutoff:
                seen = deal["closed_at"] < until
                end = deal["closed_at"] if seen else until
                took = (end - cutoff) / timedelta(days=1)
                expected.append((deal["lead_id"], took, deal["outcome"] if seen else "open"))
    # a lead that stays open, so that no cohort is empty
    leads.append({"lead_id": 99, "created_at": begin})
    events = [event(99, begin + timedelta(hours=1))]
    with opened(leads, events, deals, time={"data_end": LATER}) as database:
        frame = endings(database, cutoffs, until)
        rows = labelled(database, [Age()], cutoffs, 30, 4).frame
    assert frame[["lead_id", "cutoff"]].equals(rows[["lead_id", "cutoff"]])
    others = frame[frame["lead_id"] != 99]
    known = list(zip(others["lead_id"], others["days"], others["ending"], strict=True))
    assert known == [(lead, pytest.approx(took), ending) for lead, took, ending in expected]
