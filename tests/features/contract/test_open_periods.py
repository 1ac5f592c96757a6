"""When a lead with several deals is open: the worked example, and plain Python on drawn deals."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.cutoffs import grid
from features.labels import ending_sql, label_sql
from features.snapshots import Snapshots
from tests.features import oracle
from tests.features.adversarial import CUTOFFS, databases
from tests.features.lead_databases import MICROSECOND, at, event, opened

LEAD = {"lead_id": 1, "created_at": at("2025-12-01")}
LOST = {"lead_id": 1, "closed_at": at("2026-01-10"), "outcome": "lost"}
WON = {"lead_id": 1, "closed_at": at("2026-03-20"), "outcome": "won"}
BACK = event(1, at("2026-02-03 09:00"))
WEEKLY = grid(at("2026-01-05"), 7, at("2026-04-06"))


def labelled(deals, events=(BACK,), cutoffs=WEEKLY, leads=(LEAD,), **outcomes):
    """Cutoff -> label over 30 days of the only lead, at the cutoffs at which it is open."""
    with opened(leads, events, deals, outcomes=outcomes) as database:
        sql = label_sql(Snapshots.open_at(database, cutoffs), 30, at("2026-06-01"))
        rows = database.connection.execute(f"SELECT cutoff, won FROM ({sql})").fetchall()
    assert len(rows) == len(dict(rows))
    return dict(sorted(rows))


def days(*texts):
    return [at(f"2026-{text}") for text in texts]


def test_the_worked_example():
    back = labelled([LOST, WON], after_lost="open_again")
    assert list(back) == days("01-05", "02-09", "02-16", "02-23", "03-02", "03-09", "03-16")
    assert list(back.values()) == [0, 0, 0, 1, 1, 1, 1]
    assert labelled([LOST, WON]) == {at("2026-01-05"): 0}
    assert labelled([LOST, WON], after_won="open_again") == {at("2026-01-05"): 0}


@pytest.mark.parametrize(
    ("deals", "events", "open_at"),
    [
        ([LOST], [], ["01-10"]),
        ([LOST], [event(1, at("2026-01-10"))], ["01-10"]),  # at the closing, not after it
        ([LOST], [event(1, at("2026-01-10") + MICROSECOND)], ["01-10", "01-11", "01-12"]),
        ([LOST], [event(1, at("2026-01-11"))], ["01-10", "01-12"]),  # known before 01-12 only
        ([LOST], [event(1, at("2026-01-11"), recorded_at=at("2026-01-12"))], ["01-10"]),
        ([LOST, {"lead_id": 1, "opened_at": at("2026-01-11")}], [], ["01-10", "01-12"]),
        ([LOST, {"lead_id": 1, "opened_at": at("2026-01-03")}], [], ["01-10", "01-11", "01-12"]),
        ([LOST, {"lead_id": 1, "outcome": "open"}], [], ["01-10"]),  # opened nobody knows when
        (
            [LOST, WON | {"opened_at": at("2026-01-03"), "closed_at": at("2026-01-11")}],
            [],
            ["01-10", "01-11"],
        ),
        ([LOST | {"recorded_at": at("2026-01-11")}], [], ["01-10", "01-11"]),
        ([LOST, LOST | {"closed_at": at("2026-01-11")}], [], ["01-10"]),
        (
            [LOST, LOST | {"closed_at": at("2026-01-11")}],
            [event(1, at("2026-01-10 12:00"))],
            ["01-10", "01-11"],
        ),
    ],
)
def test_coming_back(deals, events, open_at):
    cutoffs = days("01-10", "01-11", "01-12")
    assert list(labelled(deals, events, cutoffs, after_lost="open_again")) == days(*open_at)


def test_won_and_lost_at_one_instant_is_final_where_either_is():
    deals = [LOST, LOST | {"outcome": "won"}]
    assert list(labelled(deals, after_lost="open_again")) == [at("2026-01-05")]
    both = labelled(deals, after_lost="open_again", after_won="open_again")
    assert list(both)[:2] == days("01-05", "02-09")


def endings(deals, events, until, **outcomes):
    with opened([LEAD], events, deals, outcomes=outcomes) as database:
        sql = ending_sql(Snapshots.open_at(database, [at("2026-01-05")]), until)
        return database.connection.execute(f"SELECT days, ending FROM ({sql})").fetchall()


def test_the_ending_of_a_lead_that_comes_back():
    again = {"after_lost": "open_again"}
    assert endings([LOST, WON], [BACK], at("2026-04-01"), **again) == [(74, "won")]
    assert endings([LOST, WON], [BACK], at("2026-03-01"), **again) == [(55, "open")]
    assert endings([LOST, WON], [BACK], at("2026-02-01"), **again) == [(5, "lost")]
    assert endings([LOST], [], at("2026-03-01"), **again) == [(5, "lost")]
    assert endings([LOST], [BACK], at("2026-03-01")) == [(5, "lost")]


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(databases(least_leads=6), st.sets(st.sampled_from(["won", "lost"])))
def test_open_leads_and_labels_equal_the_oracle(rows, open_again):
    cutoffs = [*CUTOFFS, CUTOFFS[0] + timedelta(days=3)]
    data_end = CUTOFFS[1] + 4 * oracle.DAY
    expected = sorted(
        (str(lead["lead_id"]), cutoff, oracle.label(lead, rows.deals, cutoff, 4, data_end))
        for lead in rows.leads
        for cutoff in cutoffs
        if oracle.is_open(lead, rows.deals, cutoff, rows.events, open_again)
    )
    leads = [{key: lead[key] for key in ("lead_id", "created_at")} for lead in rows.leads]
    outcomes = {f"after_{outcome}": "open_again" for outcome in open_again}
    with opened(leads, rows.events, rows.deals, outcomes=outcomes) as database:
        sql = label_sql(Snapshots.open_at(database, cutoffs), 4, data_end)
        got = database.connection.execute(sql).fetchall()
    assert sorted((str(lead), *rest) for lead, *rest in got) == expected
