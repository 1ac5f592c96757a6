"""Who is never trained on or scored, and which events no person caused."""

import pyarrow as pa
import pytest

from features.check.notes import machine_notes
from features.config import Exclude
from features.snapshots import Snapshots
from tests.features.lead_databases import COLUMNS, at, event, opened, refusal, write_database

CUTOFF = at("2026-03-01")
LEADS = [
    {"lead_id": 1, "created_at": at("2026-01-01"), "email": "ann@client.com"},
    {"lead_id": 2, "created_at": at("2026-01-01"), "email": "Bob@Our-Company.com"},
    {"lead_id": 3, "created_at": at("2026-01-01"), "email": "test_7@client.com"},
    {"lead_id": 4, "created_at": at("2026-01-01"), "email": None},
]
EMAIL = {"email": pa.string()}


def left_out(leads=LEADS, **sections):
    """lead -> (reason, kind), and the leads that are open."""
    with opened(leads, [], [], EMAIL, **sections) as database:
        rows = database.connection.execute("SELECT lead_id, reason, kind FROM left_out").fetchall()
        open_leads = Snapshots.open_at(database, [CUTOFF]).frame["lead_id"].tolist()
    return {lead: (reason, kind) for lead, reason, kind in rows}, open_leads


def test_own_staff_and_tests_by_patterns_whatever_their_case():
    patterns = {"email": ["*@our-company.com", "TEST_*"]}
    reasons, open_leads = left_out(exclude={"leads": patterns})
    assert {lead: kind for lead, (_, kind) in reasons.items()} == {2: "excluded", 3: "excluded"}
    assert "Bob@Our-Company.com" in reasons[2][0]
    assert open_leads == [1, 4]
    assert left_out() == ({}, [1, 2, 3, 4])


def test_a_pattern_is_taken_letter_by_letter():
    reasons, _ = left_out(exclude={"leads": {"email": ["test%", "test_?@client.com", "t.*"]}})
    assert reasons == {}


def test_who_objected_is_left_out_at_every_cutoff(monkeypatch):
    monkeypatch.setitem(COLUMNS["leads"], "objected_at", pa.timestamp("us"))
    leads = [LEADS[0] | {"objected_at": at("2026-03-05 10:00")}, LEADS[3]]
    reasons, open_leads = left_out(leads)
    assert reasons[1][1] == "objected"
    assert "2026-03-05" in reasons[1][0]
    assert open_leads == [4]


def test_a_column_that_leads_do_not_have(tmp_path):
    write_database(tmp_path, LEADS, [], [])
    message = refusal(tmp_path, exclude={"leads": {"mail": ["x"]}})
    assert "mail" in message
    assert "created_at" in message


def clicks(*seconds, action="clicked", lead=1):
    return [event(lead, at(f"2026-02-01 09:00:{each:02}"), action) for each in seconds]


def counted(events, **exclude):
    with opened(LEADS, events, attributes=EMAIL, exclude=exclude) as database:
        rows = database.connection.execute(
            "SELECT lead_id, action, second(occurred_at) FROM known_events ORDER BY ALL"
        ).fetchall()
        assert database.events_count >= len(rows)
    return rows


@pytest.mark.parametrize(
    ("seconds", "left"),
    [
        ((0, 0, 1, 2, 3, 7), [7]),  # five in three seconds, and one later
        ((0, 1, 2, 3), [0, 1, 2, 3]),  # four
        ((0, 1, 2, 3, 4), [0, 1, 2, 3, 4]),  # five, but in four seconds
        ((0, 1, 2, 3, 3, 4), []),  # 0 to 3 and 1 to 4 are a burst each
        ((0, 1, 2, 3, 3, 7, 8, 9, 9), [7, 8, 9, 9]),
    ],
)
def test_bursts(seconds, left):
    others = clicks(*range(4), lead=2)
    rows = counted(clicks(*seconds) + others, machine_clicks=True)
    assert [second for lead, _, second in rows if lead == 1] == left
    assert len([lead for lead, *_ in rows if lead == 2]) == 4
    assert len(counted(clicks(*seconds))) == len(seconds)


def test_check_counts_what_machines_seem_to_cause():
    with opened(LEADS, clicks(0, 0, 1, 2, 3, 7), attributes=EMAIL) as database:
        clicked, sent = machine_notes(database, Exclude())
    assert (clicked.count, sent.count) == (5, 0)
    assert "machine_clicks" in clicked.advice


def test_openings_right_after_the_sending():
    events = [
        *clicks(10, action="email_sent"),
        *clicks(10, 14, 15, 16, action="email_opened"),  # at once, 4, 5 and 6 seconds after
        *clicks(12, action="email_opened", lead=2),  # to whom nothing was sent
        *clicks(12),
    ]
    rows = counted(events, machine_opens=True)
    assert [(lead, second) for lead, action, second in rows if action == "email_opened"] == [
        (1, 16),
        (2, 12),
    ]
    assert len(rows) == 4
