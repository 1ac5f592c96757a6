"""Every number of the report against a count by hand."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from features.catalog import describe_features
from features.check.check import check
from features.check.report import ActionCount, CutoffCount, Note, Report, TableSpan
from features.config import load
from features.contract.breaches import Breach
from features.open_database import open_database
from features.result_json import to_json

NOW = datetime(2024, 2, 1)

LEADS = """lead_id,created_at,source,industry
1,2024-01-01 00:00:00,ads,mill
2,2024-01-03 00:00:00,web,shop
3,2024-01-10 00:00:00,ads,mill
4,2024-01-20 00:00:00,web,shop
"""
# Lead 1 has one visit three times over and a call recorded a day late, lead 3 only an action that
# is left out, lead 4 nothing; there is no lead 8.
EVENTS = """lead_id,occurred_at,action,recorded_at
1,2024-01-02 10:00:00,visited,2024-01-02 10:00:00
1,2024-01-02 10:00:00,visited,2024-01-02 10:00:00
1,2024-01-02 10:00:00,visited,2024-01-02 10:00:00
1,2024-01-05 00:00:00,called,2024-01-06 00:00:00
2,2024-01-04 00:00:00,visited,
3,2024-01-11 00:00:00,signed,
8,2024-01-11 00:00:00,visited,
8,2024-01-12 00:00:00,visited,
"""
DEALS = """lead_id,closed_at,outcome
1,2024-01-12 00:00:00,won
2,2024-01-25 00:00:00,lost
9,2024-01-15 00:00:00,won
"""
TIME = "horizon_days = 7\nfirst_cutoff = 2024-01-01\ndata_end = 2024-01-29"
FEATURES = 'leave_out_actions = ["signed"]'


def settings(folder: Path, time: str = TIME, features: str = FEATURES, **tables: str) -> Path:
    """A folder with the tables above, or others, and a readiness.toml."""
    for name, text in ({"leads": LEADS, "events": EVENTS, "deals": DEALS} | tables).items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "readiness.toml").write_text(
        '[tables]\nleads = "leads.csv"\nevents = "events.csv"\ndeals = "deals.csv"\n'
        f"[time]\n{time}\n[capacity]\nshare = 0.1\n[features]\n{features}\n"
    )
    return folder


def checked(folder: Path, now: datetime = NOW) -> Report:
    config = load(folder)
    with open_database(config) as database:
        return check(database, config, now)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return checked(settings(tmp_path_factory.mktemp("small")))


def about(report: Report, *words: str) -> Note:
    """The one note whose title has all these words."""
    (note,) = (note for note in report.notes if set(words) <= set(note.title.split()))
    return note


def test_tables_are_counted_and_dated(report: Report) -> None:
    assert set(report.tables) == {
        TableSpan("leads", 4, datetime(2024, 1, 1), datetime(2024, 1, 20)),
        TableSpan("events", 8, datetime(2024, 1, 2, 10), datetime(2024, 1, 12)),
        TableSpan("deals", 3, datetime(2024, 1, 12), datetime(2024, 1, 25)),
    }
    assert report.data_end == datetime(2024, 1, 29)


def test_actions_are_counted_whether_left_out_or_not(report: Report) -> None:
    assert report.actions == (
        ActionCount("visited", 6, 3, 0.75, left_out=False),
        ActionCount("called", 1, 1, 0.125, left_out=False),
        ActionCount("signed", 1, 1, 0.125, left_out=True),
    )


def test_deals_and_what_does_not_match(report: Report) -> None:
    assert report.deals == {"won": 2, "lost": 1, "open": 2}  # open: leads 3 and 4
    assert report.counts == {
        "leads_without_events": 2,
        "events_without_leads": 2,
        "deals_without_leads": 1,
        "duplicate_events": 2,
        "leads_with_very_many_events": 0,
        "events_recorded_late": 1,
    }
    assert report.recorded_late == 1 / 4  # of the four with recorded_at


def test_cutoffs_with_their_snapshots(report: Report) -> None:
    # Lead 1, created at the first cutoff sharp, is not in its cohort. On 8 January leads 1 and 2
    # are open, lead 1 is won on the 12th. On the 15th 2 and 3, on the 22nd 2 to 4, and on the 29th,
    # too late to know, 3 and 4.
    assert report.cutoffs == (
        CutoffCount(datetime(2024, 1, 1), mature=True, snapshots=0, won=None),
        CutoffCount(datetime(2024, 1, 8), mature=True, snapshots=2, won=1),
        CutoffCount(datetime(2024, 1, 15), mature=True, snapshots=2, won=0),
        CutoffCount(datetime(2024, 1, 22), mature=True, snapshots=3, won=0),
        CutoffCount(datetime(2024, 1, 29), mature=False, snapshots=2, won=None),
    )
    assert report.snapshots == {"mature": 7, "censored": 2, "won": 1}
    assert report.won_share == 1 / 7


def test_notes_name_the_first_and_what_to_do(report: Report) -> None:
    assert report.ok
    assert [(note.count, note.first) for note in report.notes] == [
        (2, ("lead 3", "lead 4")),  # leads without events
        (2, ("lead 8 (2)",)),  # events without a lead
        (1, ("lead 9 (1)",)),  # deals without one
        (2, ("lead 1: visited at 2024-01-02 10:00:00, 3 times",)),  # duplicates
        (1, ("lead 1: called at 2024-01-05 00:00:00, recorded 2024-01-06 00:00:00",)),  # late
        (2, ("source", "industry")),  # columns that are no features
        (1, ("2024-01-01 00:00:00",)),  # cutoffs before the first lead
        # before the first deal, by the horizon of 7 days
        (2, ("lead 1: created 2024-01-01 00:00:00", "lead 2: created 2024-01-03 00:00:00")),
    ]
    assert "time.first_cutoff to 2024-01-08 00:00:00" in report.notes[-2].advice
    for note in report.notes:
        parts = (note.title, f"{note.count}", *note.first, note.advice)
        assert note.advice
        assert all(part in str(note) for part in parts)


def test_the_report_is_safe_for_json(report: Report) -> None:
    printed = json.loads(json.dumps(to_json(report), allow_nan=False))
    assert printed == to_json(report)
    assert printed["ok"] is True
    assert printed["cutoffs"][1] == {
        "cutoff": "2024-01-08T00:00:00",
        "mature": True,
        "snapshots": 2,
        "won": 1,
    }
    assert [note["text"] for note in printed["notes"]] == [str(note) for note in report.notes]


def test_breaches_fail_the_check(tmp_path: Path) -> None:
    deals = DEALS + "1,2024-01-14 00:00:00,perhaps\n"
    report = checked(settings(tmp_path, deals=deals))
    assert not report.ok
    assert [(b.table, b.column, b.count) for b in report.breaches] == [("deals", "outcome", 1)]
    assert isinstance(report.breaches[0], Breach)
    texts = [breach["text"] for breach in to_json(report)["breaches"]]
    assert texts == [str(breach) for breach in report.breaches]
    assert report.cutoffs[1].snapshots == 1  # lead 1 can no longer be trusted


def test_a_date_in_the_future_is_a_breach_and_does_not_stretch_the_grid(tmp_path: Path) -> None:
    deals = DEALS + "3,9999-12-31 00:00:00,won\n"
    time = "horizon_days = 7\nfirst_cutoff = 2024-01-08"
    report = checked(settings(tmp_path, time, deals=deals))
    assert [(b.column, b.count) for b in report.breaches] == [("closed_at", 1)]
    assert report.data_end == datetime(2024, 1, 25)
    assert report.cutoffs[-1].cutoff == datetime(2024, 1, 22)


def test_where_no_cutoff_is_mature_the_note_says_when(tmp_path: Path) -> None:
    report = checked(settings(tmp_path, TIME.replace("= 7", "= 60")))
    assert report.won_share is None
    note = about(report, "none", "mature")
    assert (note.count, note.first[0]) == (5, "2024-01-01 00:00:00")
    first, end = re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", note.advice)
    assert (first, end) == ("2024-03-01 00:00:00", "2024-01-29 00:00:00")


def test_a_grid_after_the_data_is_noted(tmp_path: Path) -> None:
    report = checked(settings(tmp_path, TIME.replace("2024-01-01", "2025-01-01")))
    assert report.cutoffs == ()
    note = about(report, "time.first_cutoff", "after")
    assert (note.count, note.first) == (1, ("2025-01-01 00:00:00",))
    assert "2024-01-29 00:00:00" in note.title


@pytest.mark.parametrize(
    ("first", "winners", "which", "count"),
    [
        # open on the 15th are leads 1 to 3, on the 22nd all four
        ("2024-01-15", (), "none", 7),
        ("2024-01-22", (1, 2, 3, 4), "all", 4),
    ],
)
def test_one_sided_outcomes_are_noted(
    tmp_path: Path, first: str, winners: tuple[int, ...], which: str, count: int
) -> None:
    won = "".join(f"{lead},2024-01-23,won\n" for lead in winners)
    time = TIME.replace("2024-01-01", first)
    report = checked(settings(tmp_path, time, deals=f"lead_id,closed_at,outcome\n{won}"))
    assert about(report, which, "won").count == count


def test_a_misspelt_left_out_action_is_noted(tmp_path: Path) -> None:
    report = checked(settings(tmp_path, features='leave_out_actions = ["singed", "?"]'))
    note = about(report, "features.leave_out_actions")
    assert (note.count, note.first) == (2, ("singed (is it signed?)", "?"))


def test_actions_too_rare_for_features_are_noted(tmp_path: Path) -> None:
    rare = "".join(f"1,2024-01-02 10:00:00,page_{n:02d},\n" for n in range(60))
    report = checked(settings(tmp_path, events=EVENTS + rare))
    note = about(report, "actions", "60")
    # visited, called and 58 pages are the 60 most frequent
    assert (note.count, note.first) == (2, ("page_58", "page_59"))


def test_a_lead_that_does_more_than_people_can_is_noted(tmp_path: Path) -> None:
    """Lead 4 has 10,001 events, lead 3 one fewer; both have nearly a half of all."""
    busy = "".join(f"{3 + n % 2},2024-01-21 10:00:{n % 60:02d},visited,\n" for n in range(20_000))
    report = checked(settings(tmp_path, events=EVENTS + busy + "4,2024-01-21 11:00:00,visited,\n"))
    note = about(report, "leads", "10,000", "1%")
    assert (note.count, note.first) == (1, ("lead 4: 10001 events",))


def test_features_are_counted_and_described(tmp_path: Path) -> None:
    config = load(settings(tmp_path, features=FEATURES + '\nattributes = ["industry"]'))
    with open_database(config) as database:
        described = describe_features(database, config)
        report = check(database, config, NOW)
    # any action, visited and called; each in four windows and at all time
    assert report.features["Count"] == 3 * 5
    assert report.features["Attribute"] == 1
    assert sum(report.features.values()) == len(described) == len({d["name"] for d in described})
    assert {
        "name": "count_7d(visited)",
        "meaning": "number of times: visited, in the last 7 days",
        "kind": "Count",
    } in described
    assert not any("signed" in feature["name"] for feature in described)


def test_leads_of_a_time_without_recorded_deals_are_noted(tmp_path: Path) -> None:
    """The first deal is on record on 2024-01-12, the last on 2024-01-15, the horizon is 7 days:
    created up to 2024-01-05, or after 2024-01-22."""
    late = LEADS + "5,2024-01-05 00:00:00,web,mill\n6,2024-01-22 00:00:01,web,mill\n"
    deals = DEALS.replace("2,2024-01-25 00:00:00,lost\n", "")
    report = checked(settings(tmp_path, leads=late, deals=deals))
    before = about(report, "before", "deal", "(2024-01-12)")
    assert [line.split(":")[0] for line in before.first] == ["lead 1", "lead 2", "lead 5"]
    assert "2024-01-15" in before.advice  # the first of the grid 01-01, 01-08, ... with a deal
    after = about(report, "after", "deal", "(2024-01-15)")
    assert [line.split(":")[0] for line in after.first] == ["lead 6"]


def test_no_cutoff_is_proposed_where_the_grid_begins_with_the_deals(tmp_path: Path) -> None:
    report = checked(settings(tmp_path, TIME.replace("2024-01-01", "2024-01-12")))
    assert "first_cutoff" not in about(report, "before", "deal").advice
