"""Nothing that is known only at or after a cutoff changes anything of its snapshots.

Two databases that agree on what was known before the cutoff are the same to it, whatever comes
later: that covers adding, removing, shifting, duplicating and rewriting later events and deals.
"""

from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.engine.duckdb_engine import feature_frame
from features.snapshots import Snapshots
from features.spec import kinds
from tests.features import oracle
from tests.features.adversarial import (
    ACTIONS,
    ATTRIBUTES,
    CUTOFFS,
    databases,
    some_deals,
    some_events,
)
from tests.features.every_spec import WHERES
from tests.features.lead_databases import MICROSECOND, at, event, opened

CUTOFF = at("2026-03-02")
LEAD = {"lead_id": 1, "created_at": at("2026-01-01")}
SOME_ACTIONS = [None, ACTIONS[0], ACTIONS[-3]]
SPECS = [
    kinds.Age(),
    kinds.DaysSinceDate("renewed_at"),
    *(kind(outcome) for kind in (kinds.PastDeals, kinds.DaysSinceDeal)
      for outcome in ("won", "lost")),
    *(kind(action, span) for kind, action, span in product(
        (kinds.Count, kinds.SumValue), SOME_ACTIONS, (1, 7, None))),
    *(kinds.DaysSince(action) for action in SOME_ACTIONS),
    *(kinds.Trend(action, 7) for action in SOME_ACTIONS),
    *(kinds.Decayed(action, 2) for action in SOME_ACTIONS),
    *(kinds.Faded(action, 9) for action in SOME_ACTIONS),
    *(followed for action, where in product((None, ACTIONS[0]), WHERES[::4]) for followed in (
        kinds.Count(action, 7, where), kinds.DaysSince(action, where),
        kinds.SumValue(action, None, where), kinds.ActiveDays(7, action, where),
        kinds.Decayed(action, 2, None, where), kinds.Faded(action, 9, where))),
    *(kind(span) for kind, span in product(
        (kinds.ActiveDays, kinds.Sessions, kinds.DistinctContent), (1, 7, None))),
    *(kinds.Share(part, 7) for part in ("night", "weekend")),
    *(kind(column) for kind, column in product((kinds.First, kinds.Last), ("source", "action"))),
    *(kinds.Attribute(name, text=True) for name in ATTRIBUTES if name != "renewed_at"),
    kinds.Custom("first_seen", "max(age_us)", "microseconds since the first event"),
]  # fmt: skip


def snapshots_of(rows, cutoff):
    """The cohort at the cutoff with all its features."""
    sections = {
        "features": {"attributes": list(ATTRIBUTES)},
        "outcomes": {"after_won": "open_again", "after_lost": "open_again"},
    }
    with opened(rows.leads, rows.events, rows.deals, ATTRIBUTES, **sections) as database:
        return feature_frame(Snapshots.open_at(database, [cutoff]), SPECS)


def with_another_future(rows, cutoff, events, deals):
    """The same past, with what these other events and deals hold for the future."""
    past = [each for each in rows.events if oracle.known_at(each) < cutoff]
    later = [each for each in events if oracle.known_at(each) >= cutoff]
    closed, opened_before = [], []
    for each in rows.deals:
        if closed_before(each, cutoff):
            closed.append(each)
        elif each["opened_at"] is not None and each["opened_at"] < cutoff:
            opened_before.append(each | {"closed_at": cutoff, "outcome": "lost"})
    to_come = [each | {"opened_at": None} for each in deals if not closed_before(each, cutoff)]
    return replace(rows, events=later + past, deals=to_come + closed + opened_before)


def closed_before(deal, cutoff):
    lead = {"lead_id": deal["lead_id"]}
    return any(when < cutoff for when, _ in oracle.closings(lead, [deal]))


@st.composite
def one_past_two_futures(draw):
    rows, cutoff = draw(databases()), draw(st.sampled_from(CUTOFFS))
    others = draw(some_events([lead["lead_id"] for lead in rows.leads]))
    duplicated = others + [each for each in rows.events for _ in range(2)]
    return rows, with_another_future(rows, cutoff, duplicated, draw(some_deals(rows.leads))), cutoff


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(one_past_two_futures())
def test_another_future_changes_no_snapshot(futures):
    one, other, cutoff = futures
    assert one.events != other.events
    pd.testing.assert_frame_equal(
        snapshots_of(one, cutoff), snapshots_of(other, cutoff), check_exact=True
    )


def counted(*events, window=None):
    with opened([LEAD], events) as database:
        frame = feature_frame(Snapshots.open_at(database, [CUTOFF]), [kinds.Count("visit", window)])
    return frame.iloc[0, -1]


@pytest.mark.parametrize(
    ("occurred_at", "recorded_at", "count"),
    [
        (CUTOFF - MICROSECOND, None, 1),
        (CUTOFF - MICROSECOND, CUTOFF - MICROSECOND, 1),
        (CUTOFF - MICROSECOND, CUTOFF, 0),  # it had happened, but nobody knew
        (at("2026-02-01"), CUTOFF + MICROSECOND, 0),
        (at("2026-02-01"), CUTOFF - MICROSECOND, 1),
        (CUTOFF, None, 0),
        (CUTOFF, at("2026-02-01"), 0),  # booked in February for March: no event yet
        (CUTOFF + MICROSECOND, None, 0),
    ],
)
def test_an_event_counts_from_when_it_has_happened_and_is_known(occurred_at, recorded_at, count):
    assert counted(event(1, occurred_at, recorded_at=recorded_at)) == count


def test_a_window_goes_by_when_it_happened_not_by_when_it_was_recorded():
    late = event(1, at("2026-02-10"), recorded_at=at("2026-03-01"))
    assert counted(late, window=7) == 0
    assert counted(late, window=30) == 1


def test_a_late_record_joins_two_sessions_only_once_it_is_known():
    """The visit at 9:25 bridges 9:00 and 9:50, from the cutoff on at which it is known."""
    visits = [
        event(1, at("2026-03-01 09:00")),
        event(1, at("2026-03-01 09:25"), recorded_at=CUTOFF),
        event(1, at("2026-03-01 09:50")),
    ]
    with opened([LEAD], visits) as database:
        cohort = Snapshots.open_at(database, [CUTOFF, CUTOFF + MICROSECOND])
        frame = feature_frame(cohort, [kinds.Sessions(), kinds.Sessions(1)])
    assert frame["sessions_all"].tolist() == [2, 1]
    assert frame["sessions_1d"].tolist() == [2, 1]
