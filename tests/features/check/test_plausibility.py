"""What can hardly be true is named with its count, its offenders and the cure; what is merely rare
is not: a real early lead, weekly exports, a quiet Christmas."""

import ast
from collections.abc import Callable
from datetime import datetime, timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from features.audit.finding import codes_to_accept
from features.check.plausibility import (
    Days,
    alike_sql,
    as_shown,
    implausible,
    late_events,
    lone_end,
    odd_groups,
    plain,
    refuse_implausible,
)
from features.errors import Refused
from tests.features.lead_databases import DEALS, EVENTS, LEADS, at, config_for, event, opened

NOW = datetime(2026, 7, 15)
DAY = timedelta(days=1)


def leads(count, first="2026-01-01", every=1, start=1):
    """One lead each `every` days, at 08:00."""
    begin = at(first) + timedelta(hours=8)
    return [
        {"lead_id": start + n, "created_at": begin + n * timedelta(days=every)}
        for n in range(count)
    ]


def findings(leads, events=(), deals=(), attributes=None, now=NOW, **sections):
    with opened(leads, events, deals, attributes, **sections) as database:
        config = config_for(".", **sections)
        return {each.code: each for each in implausible(database, config, now)}


def day(text, records=1):
    return Days(records, at(text), at(text))


def every(step, first, last, records=1):
    return [day(f"{each:%Y-%m-%d}", records) for each in pd.date_range(first, last, freq=step)]


def test_a_tenth_of_the_creation_dates_is_a_placeholder():
    epoch = [{"lead_id": n, "created_at": at("1970-01-01")} for n in range(1000, 1020)]
    result = findings([*epoch, *leads(180)])
    assert list(result) == ["placeholder_date(leads.created_at)"]
    (finding,) = result.values()
    assert finding.figures == {"rows": 20}
    assert "1970-01-01 (20)" in finding.evidence
    assert finding.first == tuple(f"lead {n}: 1970-01-01 00:00:00" for n in (1000, 1001, 1002))


@pytest.mark.parametrize(
    ("early", "kinds"),
    [
        ([day("1900-01-01", 20)], {"placeholder_date": 1}),
        ([day("1969-12-31 23:00", 8), day("1970-01-01", 8)], {"placeholder_date": 1}),  # two zones
        ([day("0020-05-15"), day("1970-01-01", 20)], {"far_date": 1, "placeholder_date": 1}),
        ([day("0015-01-01"), day("0020-05-15")], {"far_date": 2}),
        ([day("1970-01-01", 4)], {"far_date": 1}),  # too few to be shared by many
        ([day("2008-05-02")], {}),  # a real early lead
        ([day("2004-03-04", 2), day("2008-05-02")], {}),
        ([day("2022-06-01", 300)], {}),  # the import with which the records begin
    ],
)
def test_dates_before_the_rest(early, kinds):
    odd = odd_groups([*early, *every("D", "2023-01-01", "2025-12-31")])
    assert {kind: len(groups) for kind, groups in odd.items() if groups} == kinds


def test_a_long_history_is_no_outlier():
    """Races of every second week since 1950, as in rel-f1."""
    assert not any(odd_groups(every("14D", "1950-05-13", "2023-11-26")).values())


def test_dates_of_events_and_deals_too():
    events = [event(1, at("1899-12-30")), *(event(n, at("2026-01-20") + n * DAY) for n in (1, 9))]
    assert list(findings(leads(30), [*events, event(2, at("2026-02-02"))])) == [
        "far_date(events.occurred_at)"
    ]


def company(last="2026-05-30"):
    """An event each day at 10:00, a lead each day, up to `last`."""
    days = pd.date_range("2026-01-01", last, freq="D")
    events = [event(1, when.to_pydatetime() + timedelta(hours=10)) for when in days]
    return leads(len(days)), events


def test_one_deal_dated_a_month_late_is_named_with_the_data_end_without_it():
    created, events = company()
    deals = [
        {"lead_id": 2, "closed_at": at("2026-04-01"), "outcome": "won"},
        {"lead_id": 3, "closed_at": at("2026-06-29 09:30"), "outcome": "lost"},
    ]
    result = findings(created, events, deals)
    assert list(result) == ["lone_last_record(deals)"]
    (finding,) = result.values()
    assert finding.first == ("lead 3: 2026-06-29 09:30:00",)
    assert "time.data_end = 2026-05-30T10:00:00" in finding.evidence
    assert finding.figures == {"records": 1, "days": pytest.approx(29.98, abs=0.01)}
    with opened(created, events, deals) as database:
        assert database.data_end == at("2026-06-29 09:30")
    time = {"data_end": at("2026-05-30 10:00")}
    assert findings(created, events, deals, time=time) == {}


@pytest.mark.parametrize(
    ("days", "alone"),
    [
        ([*every("D", "2026-01-01", "2026-03-31"), day("2026-04-30")], 1),
        ([*every("D", "2026-01-01", "2026-03-31"), day("2026-04-20"), day("2026-04-30")], 2),
        ([*every("D", "2026-01-01", "2026-03-31"), day("2026-04-30", 4)], 0),  # more than three
        ([*every("D", "2026-01-01", "2026-03-31"), day("2026-04-13")], 0),  # 13 days
        (every("W-MON", "2025-01-01", "2026-03-31"), 0),  # weekly exports
        ([*every("W-MON", "2025-01-01", "2026-03-31"), day("2026-04-12")], 0),  # one was missed
        ([*every("W-MON", "2025-01-01", "2026-03-31"), day("2026-04-30")], 1),
        ([*every("D", "2025-01-01", "2025-12-19"), day("2026-01-02", 3)], 1),  # 14 days
        ([*every("D", "2025-01-01", "2025-12-22"), day("2026-01-02", 3)], 0),  # Christmas
        (every("MS", "2023-01-01", "2026-03-31"), 0),  # monthly
        ([day("2026-01-01"), day("2026-03-01")], 0),  # too little to have a rhythm
        ([], 0),
    ],
)
def test_the_end_stands_alone_or_not(days, alone):
    start = lone_end(days)
    assert (0 if start is None else len(days) - start) == alone


def test_an_old_gap_does_not_hide_a_lone_end():
    days = [*every("D", "2024-01-01", "2024-02-01"), *every("D", "2024-10-01", "2026-03-31")]
    assert lone_end([*days, day("2026-04-30")]) == len(days)


NAMES = ["Visited_Pricing", "visited_pricing ", "visited\u200b-pricing", "visited_home"]


def test_names_that_look_alike_are_shown_so_that_the_difference_shows():
    events = [
        event(1, at("2026-01-10") + n * DAY, name, source=source)
        for n, (name, source) in enumerate(zip(NAMES, ["ads", "Ads", "web", None], strict=True))
    ]
    created = [lead | {"source": f"fair {n % 2}-{n}"} for n, lead in enumerate(leads(12))]
    result = findings(created, events)
    assert list(result) == [
        "lookalike_names(action=visited_pricing)",
        "lookalike_names(source=ads)",
    ]
    evidence = result["lookalike_names(action=visited_pricing)"].evidence
    for name in ("'Visited_Pricing'", "'visited_pricing '", r"'visited\u200b-pricing'"):
        assert f"{name} (1)" in evidence
    assert "home" not in evidence


@pytest.mark.parametrize(
    "names", [["Visited Pricing", "visited_pricing "], ["a\u00a0B", "A_b"], ["a\u200bb ", "AB"]]
)
def test_the_cure_makes_them_one(names):
    cure = alike_sql("name", names).partition(" AS ")[0]
    rows = duckdb.sql(
        f"SELECT {cure} FROM (SELECT unnest($names) AS name)", params={"names": names}
    )
    assert [text for (text,) in rows.fetchall()] == [plain(name) for name in names]
    assert len({plain(name) for name in names}) == 1


def test_sources_of_leads_and_names_that_are_left_out():
    created = [
        lead | {"source": ("Google Ads", "google-ads")[n % 2]} for n, lead in enumerate(leads(6))
    ]
    events = [event(1, at("2026-01-10"), "mail"), event(1, at("2026-01-11"), "Mail")]
    features = {"leave_out_actions": ["Mail"]}
    assert list(findings(created, events, features=features)) == [
        "lookalike_names(leads.source=google_ads)"
    ]


@pytest.mark.parametrize("name", ["visited pricing", "Größe", "価格", "a_b"])
def test_a_name_with_nothing_hidden_is_shown_as_it_is(name):
    assert as_shown(name) == name


@pytest.mark.parametrize("name", [" a", "a\u00a0b", "a\u200bb", "cafe\u0301", "a\tb"])
def test_a_name_with_something_hidden_is_written_out(name):
    assert as_shown(name).isprintable()
    assert as_shown(name) != name
    assert ast.literal_eval(as_shown(name)) == name


def test_long_ids_that_end_in_zeros_lost_their_last_digits():
    rows = leads(30, start=12345678901234567)
    rounded = [
        lead | {"lead_id": lead["lead_id"] // 100 * 100 + 10_000 * n} for n, lead in enumerate(rows)
    ]
    result = findings(rounded)
    assert result["rounded_ids(leads)"].figures == {"ids": 30}
    assert result["rounded_ids(leads)"].first[0] == f"lead {min(r['lead_id'] for r in rounded)}"
    as_text = [lead | {"lead_id": str(lead["lead_id"])} for lead in rounded]
    assert "rounded_ids(leads)" in findings(as_text)


@pytest.mark.parametrize("start", [12345678901234567, 1_000, 10**14])
def test_ids_that_keep_their_digits(start):
    assert findings(leads(30, start=start)) == {}


def test_snowflake_ids_keep_their_digits():
    """Milliseconds in the high bits; what a floating-point number would hold, too."""
    assert (
        findings(
            [
                lead | {"lead_id": (1_700_000_000_000 + 977 * n) << 22}
                for n, lead in enumerate(leads(60))
            ]
        )
        == {}
    )


def test_training_refuses_unless_it_is_accepted():
    created = [*leads(50), {"lead_id": 99, "created_at": at("1970-01-01")}]
    code = "far_date(leads.created_at)"
    with opened(created, [event(1, at("2026-01-05"))]) as database:
        with pytest.raises(Refused, match="lead 99: 1970-01-01") as refused:
            refuse_implausible(database, config_for("."), NOW)
        assert f'accepted = ["{code}"]' in str(refused.value)
        for pattern in (code, "far_date(*", "column:created_at"):
            accepting = config_for(".", audit={"accepted": [pattern]})
            refuse_implausible(database, accepting, NOW)
            (finding,) = implausible(database, accepting, NOW)
            assert finding.accepted
        assert codes_to_accept([finding]) == [code]


def test_a_small_honest_database_has_nothing_to_say():
    assert findings(LEADS, EVENTS, DEALS) == {}


def in_accounts(*sizes):
    """Leads in accounts of these sizes; the first is "unknown"."""
    names = [f"{n}" if n else "unknown" for n, size in enumerate(sizes) for _ in range(size)]
    return [lead | {"company": name} for lead, name in zip(leads(sum(sizes)), names, strict=True)]


def shared(*sizes, **sections):
    company = {"company": pa.string()}
    return findings(in_accounts(*sizes), attributes=company, **sections)


def test_an_account_that_stands_for_unknown_is_named_where_it_would_be_used():
    used = {"features": {"account": "company"}}
    (finding,) = shared(30, *[3] * 50, **used).values()
    assert (finding.code, finding.about) == ("shared_account(company)", "column:company")
    assert finding.figures == {"people": 30, "accounts": 51}
    assert "unknown" in finding.evidence
    assert not shared(30, *[3] * 50)
    accepted = shared(30, *[3] * 50, **used, audit={"accepted": [finding.code]})
    assert accepted[finding.code].accepted
    (alone,) = shared(30, **used).values()
    assert alone.figures == {"people": 30, "accounts": 1}
    for sizes in ((19, *[1] * 50), (29, *[3] * 50), (19,), (20, *[2] * 2_000)):
        assert not shared(*sizes, **used), sizes


def working_days(first: datetime, until: datetime, only: Callable[[datetime], bool]) -> list[Days]:
    """Events from 8 to 18 on each day of a period that is one of `only`."""
    days = [first + n * DAY for n in range((until - first).days)]
    hours = timedelta(hours=8), timedelta(hours=18)
    return [Days(50, *(day + hour for hour in hours)) for day in days if only(day)]


MONDAY = datetime(2026, 9, 7)


@pytest.mark.parametrize("missed", range(5))
def test_of_an_export_that_stops_on_a_working_day_it_is_said_after_a_weekend_s_time(
    missed: int,
) -> None:
    """Whatever the day of the week: never while it may be a weekend, and from then on each night.
    Monday to Friday; the longest silence, from Friday at 18 to Monday at 8, has 62 hours."""
    stop = MONDAY + timedelta(days=56 + missed)
    days = working_days(MONDAY, stop, only=lambda day: day.weekday() < 5)
    newest = days[-1].last
    for night in range(1, 8):
        cutoff = stop + night * DAY
        notes = list(late_events(days, cutoff))
        assert bool(notes) == (cutoff - newest > timedelta(hours=62))
        if notes:
            assert f"{(cutoff - newest) / DAY:.1f} days" in notes[0]
            assert "2.6 days" in notes[0]


def test_no_night_of_a_year_whose_exports_run_is_noted() -> None:
    days = working_days(MONDAY, MONDAY + 364 * DAY, only=lambda day: day.weekday() < 5)
    for night in range(14, 365):
        cutoff = MONDAY + night * DAY
        assert not list(late_events([day for day in days if day.first < cutoff], cutoff))


def test_what_comes_later_than_the_cutoff_is_not_looked_at() -> None:
    """A list for a past day is made of what was known then."""
    days = working_days(MONDAY, MONDAY + 90 * DAY, only=lambda day: day.day not in (20, 21, 22))
    assert not list(late_events(days, datetime(2026, 10, 14)))
    assert list(late_events(days[:30], datetime(2026, 11, 30)))


def test_a_few_days_have_no_rhythm() -> None:
    days = working_days(MONDAY, MONDAY + 5 * DAY, only=lambda day: True)
    assert not list(late_events(days, MONDAY + 200 * DAY))
    assert not list(late_events([], MONDAY))
