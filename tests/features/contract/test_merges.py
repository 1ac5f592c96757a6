"""Merged leads: the worked example of features/contract/merges.py, and chains of merges."""

import pytest

from features.engine.duckdb_engine import feature_frame
from features.labels import label_sql
from features.snapshots import Snapshots
from features.spec.kinds import Count, DaysSince
from tests.features.lead_databases import at, event, opened

pytestmark = pytest.mark.slow  # the compiled pass
LEADS = [{"lead_id": lead, "created_at": at("2026-01-01")} for lead in "ABC"]
EVENTS = [
    event("A", at("2026-01-20")),
    event("A", at("2026-02-15")),  # still recorded under the old id
    event("B", at("2026-01-25")),
    event("C", at("2026-01-05")),
]
WON = {"lead_id": "B", "closed_at": at("2026-02-20"), "outcome": "won"}
INTO_B = ("A", "B", "2026-02-10 09:00")


def seen(cutoff, merges, deals=(WON,), leads=LEADS):
    """lead -> (events so far, days since the last, won within 30 days) of the open leads."""
    rows = ", ".join(f"('{one}', '{other}', TIMESTAMP '{when}')" for one, other, when in merges)
    table = f"SELECT * FROM (VALUES {rows}) t(lead_id, into_lead_id, merged_at)"
    with opened(leads, EVENTS, deals, tables={"merges": table}) as database:
        snapshots = Snapshots.open_at(database, [at(cutoff)])
        frame = feature_frame(snapshots, [Count(), DaysSince()])
        sql = label_sql(snapshots, 30, at("2026-06-01"))
        won = dict(database.connection.execute(f"SELECT lead_id, won FROM ({sql})").fetchall())
        left_out = database.query("FROM left_out")
    assert left_out.empty
    rows = frame.itertuples(index=False, name=None)
    return {lead: (count, since, won[lead]) for lead, _, count, since in rows}


def test_before_the_merge_there_are_two_leads_and_after_it_one():
    before = seen("2026-02-10", [INTO_B])
    assert before == {"A": (1, 21, 1), "B": (1, 16, 1), "C": (1, 36, 0)}
    after = seen("2026-02-11", [INTO_B])
    assert after == {"B": (2, 17, 1), "C": (1, 37, 0)}
    assert seen("2026-02-16", [INTO_B])["B"] == (3, 1, 1)


def test_a_merge_counts_from_when_it_was_made_on_sharp():
    assert "A" in seen("2026-02-10 09:00", [INTO_B])
    assert "A" not in seen("2026-02-10 09:00:00.000001", [INTO_B])
    assert seen("2026-02-10 09:00", [INTO_B])["B"][0] == 1
    assert seen("2026-02-10 09:00:00.000001", [INTO_B])["B"][0] == 2


def test_merges_add_up():
    chain = [INTO_B, ("B", "C", "2026-02-12")]
    assert seen("2026-02-11", chain) == {"B": (2, 17, 1), "C": (1, 37, 1)}
    assert seen("2026-02-13", chain) == {"C": (3, 19, 1)}


def test_a_deal_of_the_merged_lead_is_the_survivors_from_then_on():
    deal = {"lead_id": "A", "closed_at": at("2026-02-05"), "outcome": "lost"}
    assert set(seen("2026-02-10", [INTO_B], [deal])) == {"B", "C"}
    assert set(seen("2026-02-11", [INTO_B], [deal])) == {"C"}


def test_the_merged_lead_may_have_no_row_any_more():
    assert set(seen("2026-02-11", [INTO_B], leads=LEADS[1:])) == {"B", "C"}
