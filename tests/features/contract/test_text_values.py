"""Texts are times, numbers or flags only where they cannot be read two ways."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.config import Engine
from features.contract import text_values
from features.contract.breaches import find_breaches
from features.contract.database import open_frames
from features.contract.reading import Reading
from features.open_database import open_database
from features.spec.kinds import Attribute
from tests.features.lead_databases import LEADS, at, config_for, event, opened, write_database

NOW = at("2026-06-01")


@pytest.fixture(scope="module")
def read():
    """Reads texts by one of the functions, in one query."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")

        def values(function, *texts):
            connection.register("texts", pd.DataFrame({"x": texts}, dtype="str"))
            sql = f"SELECT {function('x')} FROM texts"
            return [value for (value,) in connection.execute(sql).fetchall()]

        yield values


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-04", "2026-01-04"),
        ("2026-1-4", "2026-01-04"),
        ("2026/01/04 9:05", "2026-01-04 09:05"),
        ("2026-01-04T09:05:07.5", "2026-01-04 09:05:07.5"),
        ("2026-01-04 09:05:07.123456789", "2026-01-04 09:05:07.123456"),
        ("2026-01-04T01:30:00Z", "2026-01-04 01:30"),
        ("2026-01-04 01:30 UTC", "2026-01-04 01:30"),
        ("2026-01-04T01:30:00+02:00", "2026-01-03 23:30"),
        ("2026-01-04 01:30:00.25+0200", "2026-01-03 23:30:00.25"),
        ("2026-01-04 01:30 -05", "2026-01-04 06:30"),
        ("2026-01-04 01:30:00 Europe/Berlin", "2026-01-04 00:30"),
        ("2026-07-04 01:30 Europe/Berlin", "2026-07-03 23:30"),
        ("2026-07-04 01:30 America/Argentina/Buenos_Aires", "2026-07-04 04:30"),
        ("2026-10-25 01:59 Europe/Berlin", "2026-10-24 23:59"),
        ("2026-10-25 03:00 Europe/Berlin", "2026-10-25 02:00"),
        ("2026-04-05 02:31 Australia/Lord_Howe", "2026-04-04 16:01"),
    ],
)
def test_a_time_that_reads_in_one_way(read, text, moment):
    assert read(text_values.time, text) == [at(moment)]


@pytest.mark.parametrize(
    "text",
    [
        *("15/05/20", "03/04/2024", "5.4.2024", "2024.04.05", "20240510", "1700000000", "45123.5"),
        *("0020-05-15", "2026-13-01", "2026-02-30", "2026-01/04", "26-01-04", "May 4, 2026"),
        *("2026-01-04 10:00 AST", "2026-01-04 10:00 EST", "2026-01-04 10:00 CET"),
        *("2026-01-04 10:00 IST", "2026-01-04 10:00:00 Europe/Nowhere", "2026-01-04 10 PM"),
        *("2026-01-04 10:00:00 Etc/GMT+5", "2026-01-04 10:00:00+99", "infinity", "now", "", "soon"),
        "2026-10-25 02:30 Europe/Berlin",  # 00:30 and 01:30 UTC
        "2026-03-29 02:30 Europe/Berlin",  # the clocks went from 2 to 3
        "2026-04-05 01:45 Australia/Lord_Howe",  # back by half an hour
    ],
)
def test_a_time_that_reads_in_two_ways_or_none_is_none(read, text):
    assert read(text_values.time, text) == [None]


ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Tokyo"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(1990, 1, 1), datetime(2036, 12, 31)), st.sampled_from(ZONES)
        ),
        min_size=20,
        max_size=20,
    )
)
def test_times_are_those_of_python_s_calendar(read, rows):
    """Python knows by `fold` whether a local time comes twice or never."""
    rows = [(moment.replace(second=0, microsecond=0), zone) for moment, zone in rows]
    expected = []
    for moment, zone in rows:
        first, second = (moment.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
        is_sure = first.utcoffset() == second.utcoffset()
        utc = first.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
        expected.append(utc if is_sure else None)
    assert read(text_values.time, *(f"{moment} {zone}" for moment, zone in rows)) == expected


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
            st.integers(-14 * 60, 14 * 60),
            st.sampled_from(["T", " "]),
        ),
        min_size=20,
        max_size=20,
    )
)
def test_offsets_are_those_of_python(read, rows):
    texts, expected = [], []
    for moment, minutes, between in rows:
        there = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
        texts.append(there.isoformat(between))
        expected.append(there.astimezone(UTC).replace(tzinfo=None))
    assert read(text_values.time, *texts) == expected


def test_numbers_and_flags(read):
    plain = {"1095": 1095, "-1.5": -1.5, "1e3": 1000, "+5": 5, ".5": 0.5, "007": 7, "2E-1": 0.2}
    assert read(text_values.number, *plain) == list(plain.values())
    other = ["1,095", "1.095,50", "12 %", "€5", "1 095", "(5)", "1_000", " 5", "0x10", "five", ""]
    assert read(text_values.number, *other) == [None] * len(other)
    flags = {"true": True, "False": False, "T": True, "f": False, "1": True, "0": False}
    assert read(text_values.flag, *flags) == list(flags.values())
    assert read(text_values.flag, "yes", "no", "ja", "on", "y", "2", "") == [None] * 7


def breached(folder, **tables):
    """What, count, first offenders and advice of each breach of the database in a folder."""
    with open_database(config_for(folder, **tables)) as database:
        rows = find_breaches(database.connection, database.columns, NOW)
    return [(f"{b.table}.{b.column}", b.what, b.count, b.first, b.advice) for b in rows]


def events_with(folder, column, values):
    lines = [f"lead_id,action,{'' if column == 'occurred_at' else 'occurred_at,'}{column}"]
    early = "" if column == "occurred_at" else "2026-01-04,"
    lines += [f'7,visit,{early}"{value}"' for value in values]
    (folder / "events.csv").write_text("\n".join(lines))
    return breached(folder, tables={"events": "events.csv"})


@pytest.mark.parametrize(
    ("column", "values", "count", "cures"),
    [
        ("occurred_at", ["25.12.2024", "03.04.2024"], 2, ["%d.%m.%Y"]),
        ("occurred_at", ["03/04/2024", "04/05/2024"], 2, ["%d/%m/%Y", "%m/%d/%Y"]),
        ("occurred_at", ["15/05/20 10:30"], 1, ["%d/%m/%y %H:%M", "%y/%m/%d %H:%M"]),
        ("occurred_at", ["2026-01-04", "12/31/2025 1:05 PM"], 1, ["%m/%d/%Y %I:%M %p"]),
        ("occurred_at", ["20240510"], 1, ["%Y%m%d"]),
        ("occurred_at", ["1700000000"], 1, ["to_timestamp"]),
        ("occurred_at", ["1700000000123"], 1, ["epoch_ms"]),
        ("occurred_at", [" 2026-01-04 "], 1, ["trim"]),
        ("occurred_at", ["45123.25"], 1, ["1899-12-30"]),
        ("value", ["1,095", "1,234,567.5", "3"], 2, ["','"]),
        ("value", ["1.095,50", "7,5"], 2, ["'.', ''"]),
        ("value", ["12 %"], 1, ["' %'"]),
        ("value", ["€5", "5 EUR"], 2, ["regexp_replace"]),
        ("value", ["(5)"], 1, ["'()'"]),
        ("value", ["1 095"], 1, ["regexp_replace"]),
        ("value", ["$4,211.54", "$950.00", "3.5"], 2, ["'[^0-9.-]'"]),
        ("value", ["1.234,56 EUR", "99,00 EUR"], 2, ["'[^0-9,-]'"]),
        ("value", ["€ 4.211", "€ 950"], 2, ["'[^0-9.-]'", "'[^0-9,-]'"]),  # four, or four thousand
        ("value", ["€ 4.211", "1.5"], 1, ["'[^0-9.-]'"]),
    ],
)
def test_the_cure_of_a_breach_reads_its_column(folder, column, values, count, cures):
    """Pasted into readiness.toml, it leaves no breach of that kind."""
    kind = "TIMESTAMP" if column == "occurred_at" else "DOUBLE"
    ((place, what, counted, first, advice),) = events_with(folder, column, values)
    assert (place, what, counted) == (f"events.{column}", f"do not read as {kind}", count)
    assert all(offender.removeprefix("lead 7: ") in values for offender in first)
    queries = [part.split('"')[0] for part in advice.split('events = "')[1:]]
    assert len(queries) == len(cures)
    for query, part in zip(queries, cures, strict=True):
        assert part in query
        assert breached(folder, tables={"events": query}) == []


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["$4,211.54", "$950.00", "US$ 1,000,000"], [[4211.54, 950.0, 1e6]]),
        (["1.234,56 EUR", "99 EUR"], [[1234.56, 99.0]]),
        (["€ 4.211", "€ 950"], [[4.211, 950.0], [4211.0, 950.0]]),
    ],
)
def test_the_cure_of_an_amount_gives_its_number(folder, values, read):
    ((*_, advice),) = events_with(folder, "value", values)
    queries = [part.split('"')[0] for part in advice.split('events = "')[1:]]
    results = []
    for query in queries:
        with open_database(config_for(folder, tables={"events": query})) as database:
            results.append(
                [v for (v,) in database.connection.execute("SELECT value FROM events").fetchall()]
            )
    assert results == read


@pytest.mark.parametrize(
    ("values", "part"),
    [
        (["2026-01-04 10:00 AST"], "America/Halifax"),
        (["2026-10-25 02:30 Europe/Berlin"], "twice or never"),
        (["soon", "25.12.2024"], "2026-01-31 14:05:00"),
    ],
)
def test_times_that_no_format_reads_are_explained(folder, values, part):
    ((*_, count, _, advice),) = events_with(folder, "occurred_at", values)
    assert count == len(values)
    assert part in advice


def test_flags_in_words_are_a_breach(folder):
    (folder / "contacts.csv").write_text(
        "lead_id,contacted_at,accepted\n7,2026-01-04,yes\n7,2026-01-04,true\n7,2026-01-04,0\n"
    )
    ((place, what, count, first, _),) = breached(folder, tables={"contacts": "contacts.csv"})
    assert (place, what, count) == ("contacts.accepted", "do not read as BOOLEAN", 1)
    assert first == ("lead 7: yes",)


STAFF = ["3", "12", "1,095"]


def leads_with(folder, values):
    rows = [f'{n},2026-01-0{n},"{value}"' for n, value in enumerate(values, start=1)]
    (folder / "leads.csv").write_text("\n".join(["lead_id,created_at,staff", *rows]))
    (folder / "events.csv").write_text("lead_id,occurred_at,action\n1,2026-01-04,visit\n")
    (folder / "deals.csv").write_text("lead_id,closed_at,outcome\n")
    return {table: f"{table}.csv" for table in ("leads", "events", "deals")}


@pytest.mark.parametrize(
    ("values", "offenders"),
    [
        (STAFF, ("lead 3: 1,095",)),
        (["3", "n/a", "7"], ("lead 2: n/a",)),
        (["5 %", "7 %"], ("lead 1: 5 %", "lead 2: 7 %")),
        (["3", "12", ""], ()),
        (["3", "A7", "1,095"], ()),  # texts
        (["007", "1,095"], ()),  # codes
        (["small", "n/a"], ()),
    ],
)
def test_a_listed_attribute_of_numbers_in_another_form_is_a_breach(tmp_path, values, offenders):
    tables = leads_with(tmp_path, values)
    breaches = breached(tmp_path, tables=tables, features={"attributes": ["staff"]})
    assert [(place, count, first) for place, _, count, first, _ in breaches] == (
        [("leads.staff", len(offenders), offenders)] if offenders else []
    )
    if offenders == ("lead 3: 1,095",):
        query, other = [part.split('"')[0] for part in breaches[0][4].split('leads = "')[1:]]
        assert "'.', ''" in other  # to others it is a little more than one
        config = config_for(
            tmp_path, tables=tables | {"leads": query}, features={"attributes": ["staff"]}
        )
        with open_database(config) as database:
            assert database.attributes == {"staff": "number"}
            assert database.value("SELECT max(staff) FROM leads") == 1095


@pytest.mark.parametrize("expected_as_text", [True, False])
def test_what_a_model_learnt_as_a_number_must_read_as_one(tmp_path, expected_as_text):
    """Else it would silently be unknown to the model. Such a lead is not scored, and named."""
    tables = leads_with(tmp_path, ["3", "big", "12"])
    config = config_for(tmp_path, tables=tables, features={"attributes": ["staff"]})
    with open_database(config, [Attribute("staff", text=expected_as_text)]) as database:
        breaches = find_breaches(database.connection, database.columns, NOW)
        faults = database.connection.execute("SELECT lead_id, reason FROM left_out").fetchall()
    if expected_as_text:
        assert (breaches, faults) == ([], [])
    else:
        assert [(b.column, b.count, b.first) for b in breaches] == [("staff", 1, ("lead 2: big",))]
        assert faults == [("2", "leads.staff: big")]


def test_ids_that_lost_digits_are_breaches(folder):
    """12345678901234567 and ...568 are one number to DOUBLE. Below 2**53 nothing is lost."""
    leads = pd.DataFrame({"lead_id": [12345678901234567.0, 2.0**53 - 1, float("nan")]})
    leads["created_at"] = at("2026-01-01")
    events = pd.DataFrame({"lead_id": [2**53 - 1], "occurred_at": at("2026-01-04"), "action": "x"})
    with open_frames({"leads": leads, "events": events}, Reading(), Engine()) as database:
        breaches = find_breaches(database.connection, database.columns, NOW)
        faults = database.connection.execute("SELECT lead_id FROM left_out").fetchall()
    lost = [(b.table, b.count) for b in breaches if "lost digits" in b.what]
    assert lost == [("leads", 1)]
    assert faults == [("12345678901234568",)]
    (folder / "events.csv").write_text(
        "lead_id,occurred_at,action\n1.23457E+16,2026-01-04,visit\n1e5f,2026-01-04,visit\n"
    )
    breaches = breached(folder, tables={"events": "events.csv"})
    assert [(place, count, first) for place, _, count, first, _ in breaches] == [
        ("events.lead_id", 1, ("lead 1.23457E+16: the id as it arrived",))
    ]


def test_ids_that_differ_only_in_writing_are_named_where_they_meet_no_lead():
    leads = [{"lead_id": lead, "created_at": at("2026-01-01")} for lead in ("a1", "A2", "a2", "3")]
    ids = ["a1", " a1", "A1 ", "A2", "3.0", "4"]
    with opened(leads, [event(lead, at("2026-01-04")) for lead in ids]) as database:
        breaches = find_breaches(database.connection, database.columns, NOW)
    assert [(b.table, b.column, b.count, b.first) for b in breaches] == [
        (
            *("events", "lead_id", 3),
            ("lead  a1: in leads a1", "lead 3.0: in leads 3", "lead A1 : in leads a1"),
        )
    ]


def test_texts_in_parquet_are_read_as_strictly(tmp_path):
    write_database(tmp_path, LEADS, [event("7", at("2026-01-04"))])
    texts = {
        "03/04/2026": None,
        "2026-01-04 10:00 AST": None,
        "2026-01-04T10:00Z": "2026-01-04 10:00",
    }
    rows = pd.DataFrame({"lead_id": "7", "occurred_at": list(texts), "action": "visit"})
    rows.to_parquet(tmp_path / "events.parquet")
    with open_database(config_for(tmp_path)) as database:
        staged = database.connection.execute("SELECT occurred_at FROM events").fetchall()
    assert sorted(str(moment) for (moment,) in staged) == ["2026-01-04 10:00:00", "None", "None"]
