"""Who is open at a cutoff, and what became of it. The docstrings' worked examples first."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from features.cutoffs import grid, is_mature, mature
from features.labels import label_sql
from features.snapshots import Snapshots
from tests.features import oracle
from tests.features.adversarial import CUTOFFS, databases
from tests.features.lead_databases import MICROSECOND, at, opened

MONDAYS = [at("2012-01-09"), at("2012-01-16"), at("2012-01-23")]
CREATED, CUTOFF, NEXT = MONDAYS
LEAD = {"lead_id": 1, "created_at": CREATED}


def deal(closed_at, outcome="won", lead_id=1):
    return {"lead_id": lead_id, "closed_at": closed_at, "outcome": outcome}


def in_order(rows):
    return sorted(rows, key=lambda row: (str(row[0]), row[1]))


def cohort(leads, deals, cutoffs=MONDAYS):
    with opened(leads, [], deals) as database:
        relation = Snapshots.open_at(database, cutoffs).relation
        return in_order(database.connection.execute(f"FROM {relation}").fetchall())


def labels(leads, deals, cutoffs, horizon_days, data_end):
    """(lead, cutoff, won) of everyone in the cohort."""
    with opened(leads, [], deals) as database:
        sql = label_sql(Snapshots.open_at(database, cutoffs), horizon_days, data_end)
        return in_order(database.connection.execute(sql).fetchall())


@pytest.mark.parametrize(
    ("created_at", "closed_at", "open_at"),
    [
        (CREATED, None, [CUTOFF, NEXT]),  # not created before 9 January 00:00
        (CREATED - MICROSECOND, None, MONDAYS),
        (CREATED, CUTOFF, [CUTOFF]),  # closed at the cutoff sharp: still open at it
        (CREATED, CUTOFF - MICROSECOND, []),
        (CREATED, CUTOFF + MICROSECOND, [CUTOFF]),
        (CREATED, CREATED, []),  # closed as soon as created
        (NEXT, None, []),
    ],
)
@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_the_cohort_is_created_before_and_not_closed_before(
    created_at, closed_at, open_at, outcome
):
    leads = [{"lead_id": 1, "created_at": created_at}]
    deals = [] if closed_at is None else [deal(closed_at, outcome)]
    assert cohort(leads, deals) == [(1, cutoff) for cutoff in open_at]


@pytest.mark.parametrize(
    ("deals", "won"),
    [
        ([deal(at("2012-01-16"))], 1),
        ([deal(at("2012-02-14 23:59:59"))], 1),
        ([deal(at("2012-02-15") - MICROSECOND)], 1),
        ([deal(at("2012-02-15"))], 0),
        ([deal(at("2012-01-16"), "lost")], 0),
        ([deal(at("2012-03-01"), "lost")], 0),
        ([], 0),
    ],
)
def test_the_label_over_30_days(deals, won):
    """Mature up to the last instant; censored, yet still a snapshot, with less data."""
    matured = at("2012-02-15")
    assert labels([LEAD], deals, [CUTOFF], 30, matured) == [(1, CUTOFF, won)]
    assert labels([LEAD], deals, [CUTOFF], 30, matured - MICROSECOND) == [(1, CUTOFF, None)]
    assert labels([LEAD], deals, [CUTOFF], 30, at("2012-02-14")) == [(1, CUTOFF, None)]


def test_one_lead_may_be_censored_at_a_later_cutoff_only():
    labelled = labels([LEAD], [deal(at("2012-02-10"))], [CUTOFF, NEXT], 30, at("2012-02-20"))
    assert labelled == [(1, CUTOFF, 1), (1, NEXT, None)]


def test_maturity():
    """30 days and data up to 2012-03-14: 13 February is mature, 14 February is not."""
    end = at("2012-03-14")
    assert is_mature(at("2012-02-13"), 30, end)
    assert not is_mature(at("2012-02-13"), 30, end - MICROSECOND)
    assert not is_mature(at("2012-02-14"), 30, end)
    cutoffs = [at("2012-02-06"), at("2012-02-13"), at("2012-02-20")]
    assert mature(cutoffs, 30, end) == cutoffs[:2]
    assert mature(cutoffs, 30, at("2012-01-01")) == []


def test_the_grid_holds_the_last_cutoff_that_the_data_reach():
    assert grid(CREATED, 7, NEXT) == MONDAYS
    assert grid(CREATED, 7, NEXT - MICROSECOND) == MONDAYS[:2]
    assert grid(CREATED, 7, CREATED) == [CREATED]
    assert grid(CREATED, 7, CREATED - MICROSECOND) == []


def test_an_unusable_lead_is_in_no_cohort():
    """It has two rows, or its deal closed before its creation: its state cannot be known."""
    leads = [{"lead_id": i, "created_at": CREATED} for i in (1, 2, 2, 3)]
    assert cohort(leads, [deal(at("2012-01-01"), lead_id=3)]) == [(1, CUTOFF), (1, NEXT)]


def test_of_several_deals_the_first_closing_ends_the_lead_and_any_win_counts():
    deals = [deal(CUTOFF, "lost"), deal(at("2012-02-01")), deal(None, None), deal(None, "open")]
    assert labels([LEAD], deals, MONDAYS, 30, at("2012-03-01")) == [(1, CUTOFF, 1)]


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(databases(least_leads=6))
def test_cohort_and_labels_equal_the_oracle(rows):
    data_end = CUTOFFS[1] + 4 * oracle.DAY
    expected = [
        (lead["lead_id"], cutoff, oracle.label(lead, rows.deals, cutoff, 4, data_end))
        for lead in rows.leads
        for cutoff in CUTOFFS
        if oracle.is_open(lead, rows.deals, cutoff)
    ]
    leads = [{key: lead[key] for key in ("lead_id", "created_at")} for lead in rows.leads]
    assert labels(leads, rows.deals, CUTOFFS, 4, data_end) == in_order(expected)
