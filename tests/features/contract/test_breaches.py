"""Each breach of the contract, planted alone in a clean database, is counted and shown."""

from datetime import timedelta
from itertools import permutations

import pytest

from features.contract.breaches import Breach, find_breaches, in_order
from tests.features.lead_databases import MICROSECOND, at, event, opened

NOW = at("2026-03-01")
LEADS = [{"lead_id": i, "created_at": at("2026-01-01") + timedelta(days=i)} for i in range(1, 7)]
EVENTS = [
    *(event(i, at("2026-01-20"), value=1.5, recorded_at=at("2026-01-21")) for i in (1, 2, 3)),
    event(1, at("2026-01-20"), value=float("nan"), content=None),
    event(2, at("2025-12-01")),  # before its lead was created: no breach
    event(3, NOW),
]
DEALS = [
    {"lead_id": 1, "closed_at": at("2026-02-01"), "outcome": "won"},
    {"lead_id": 2, "closed_at": at("2026-01-03"), "outcome": "lost"},  # as soon as created
    {"lead_id": 3, "closed_at": at("2026-02-03"), "outcome": "lost"},
]


def breaches(leads=LEADS, events=EVENTS, deals=DEALS, **sections):
    """(place, what, count, first offenders) of each."""
    with opened(leads, events, deals, **sections) as database:
        breached = find_breaches(database.connection, database.columns, NOW)
    assert all(breach.advice.endswith(".") for breach in breached)
    return [(f"{b.table}.{b.column}", b.what, b.count, b.first) for b in breached]


def faults(leads=LEADS, events=EVENTS, deals=DEALS, **sections):
    """The unusable leads, each with its reason."""
    with opened(leads, events, deals, **sections) as database:
        sql = "SELECT lead_id, reason FROM left_out WHERE kind = 'fault' ORDER BY lead_id"
        return database.connection.execute(sql).fetchall()


def deal(lead_id, closed_at="2026-02-01", outcome="won"):
    closed = None if closed_at is None else at(closed_at)
    return {"lead_id": lead_id, "closed_at": closed, "outcome": outcome}


def rewritten(table, column, expression):
    """Settings that read a table with one column replaced by an expression."""
    query = f"SELECT * REPLACE ({expression} AS {column}) FROM '{table}.parquet'"
    return {"tables": {table: query}}


def test_a_clean_database_has_none():
    assert breaches() == []
    assert faults() == []


def test_an_empty_database_but_for_leads_has_none():
    assert breaches(events=[], deals=[]) == []
    assert faults(events=[], deals=[]) == []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            {"leads": [*LEADS, {"lead_id": 4, "created_at": at("2026-01-09")}]},
            ("leads.lead_id", "share a lead_id with another row", 1, ("lead 4: 2 rows",)),
        ),
        (
            {"leads": [*LEADS, *({"lead_id": 7 + i, "created_at": None} for i in range(5))]},
            (
                "leads.created_at",
                "have no readable creation time",
                5,
                ("lead 10: no created_at", "lead 11: no created_at", "lead 7: no created_at"),
            ),
        ),
        (
            {"leads": [*LEADS, {"lead_id": None, "created_at": at("2026-01-09")}]},
            ("leads.lead_id", "are null", 1, ("NULL",)),
        ),
        (
            {"deals": [*DEALS, deal(4, "2026-01-04")]},
            (
                "deals.closed_at",
                "closed before the lead was created",
                1,
                ("lead 4: created 2026-01-05 00:00:00, closed 2026-01-04 00:00:00",),
            ),
        ),
        (
            {"deals": [*DEALS, deal(4, None)]},
            ("deals.closed_at", "have no readable closing time", 1, ("lead 4: outcome won",)),
        ),
        (
            {"deals": [*DEALS, deal(4, outcome="Won"), deal(5, outcome="pending")]},
            (
                "deals.outcome",
                "have an outcome that is neither won, lost nor open",
                2,
                ("lead 4: outcome Won", "lead 5: outcome pending"),
            ),
        ),
        (
            {"deals": [*DEALS, deal(4, outcome=None)]},
            (
                "deals.outcome",
                "have an outcome that is neither won, lost nor open",
                1,
                ("lead 4: no outcome, but closed 2026-02-01 00:00:00",),
            ),
        ),
        (
            {"deals": [*DEALS, deal(None), deal(None, outcome="Won")]},
            ("deals.lead_id", "are null", 2, ("NULL", "NULL")),
        ),
        (
            {"events": [*EVENTS, event(None, at("2026-01-20"))]},
            ("events.lead_id", "are null", 1, ("NULL",)),
        ),
        (
            {"events": [*EVENTS, event(4, None), event(5, None)]},
            ("events.occurred_at", "are null", 2, ("lead 4: NULL", "lead 5: NULL")),
        ),
        (
            {"events": [*EVENTS, event(4, at("2026-01-20"), None)]},
            ("events.action", "are null", 1, ("lead 4: NULL",)),
        ),
    ],
)
def test_each_breach_of_a_row(rows, expected):
    assert breaches(**rows) == [expected]


def test_several_deals_and_open_ones_are_no_breach():
    """An open deal's closing may be planned, beyond the data's end too."""
    more = [deal(3), deal(1, None, None), deal(1, None, "open"), deal(4, "2027-01-01", "open")]
    assert breaches(deals=[*DEALS, *more]) == []
    assert faults(deals=[*DEALS, *more]) == []


@pytest.mark.parametrize(
    ("merges", "what"),
    [
        ([(1, 2), (1, 3)], "merge a lead for the second time"),
        ([(1, 1)], "merge leads in a circle"),
        ([(1, 2), (2, 1)], "merge leads in a circle"),
        ([(1, 2), (2, 3), (3, 1)], "merge leads in a circle"),
    ],
)
def test_merges_that_cannot_be(merges, what):
    rows = ", ".join(f"({one}, {other}, TIMESTAMP '2026-02-01')" for one, other in merges)
    table = {"merges": f"SELECT * FROM (VALUES {rows}) t(lead_id, into_lead_id, merged_at)"}
    assert what in [breach[1] for breach in breaches(tables=table)]


LATER = NOW + MICROSECOND
FUTURE = "lie after 2026-03-01 00:00 UTC, in the future"


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ({"leads": [*LEADS, {"lead_id": 9, "created_at": LATER}]}, "leads.created_at"),
        ({"events": [*EVENTS, event(9, LATER)]}, "events.occurred_at"),
        ({"events": [*EVENTS, event(9, NOW, recorded_at=LATER)]}, "events.recorded_at"),
        ({"deals": [*DEALS, {**deal(9), "closed_at": LATER}]}, "deals.closed_at"),
    ],
)
def test_times_after_the_end_lie_in_the_future(rows, place):
    assert breaches(**rows) == [(place, FUTURE, 1, ("lead 9: 2026-03-01 00:00:00.000001",))]


@pytest.mark.parametrize(
    ("table", "column", "kind", "value", "count"),
    [
        ("events", "occurred_at", "TIMESTAMP", "soon", 3),
        ("events", "recorded_at", "TIMESTAMP", "31.12.2025", 3),
        ("events", "recorded_at", "TIMESTAMP", "infinity", 3),
        ("events", "value", "DOUBLE", "12 EUR", 3),
    ],
)
def test_values_that_do_not_read_as_their_type(table, column, kind, value, count):
    """At the events of 20 January with a record."""
    expression = f"CASE WHEN value = 1.5 THEN '{value}' ELSE {column}::VARCHAR END"
    shown = tuple(f"lead {i}: {value}" for i in (1, 2, 3))
    breached = breaches(**rewritten(table, column, expression))
    assert breached == [(f"{table}.{column}", f"do not read as {kind}", count, shown)]


@pytest.mark.parametrize(
    ("table", "column", "what"),
    [
        ("leads", "created_at", "have no readable creation time"),
        ("deals", "closed_at", "have no readable closing time"),
    ],
)
def test_an_unreadable_time_that_spoils_its_lead_is_both_breaches(table, column, what):
    expression = f"CASE WHEN lead_id = 3 THEN 'soon' ELSE {column}::VARCHAR END"
    sections = rewritten(table, column, expression)
    whats = [(place, what, count) for place, what, count, _ in breaches(**sections)]
    place = f"{table}.{column}"
    assert whats == [(place, "do not read as TIMESTAMP", 1), (place, what, 1)]
    assert [lead for lead, _ in faults(**sections)] == [3]


def test_columns_of_the_optional_tables_are_checked_too():
    contacts = "SELECT 1 AS lead_id, 'never' AS contacted_at, 'perhaps' AS accepted"
    stages = "SELECT 1 AS lead_id, NULL::VARCHAR AS stage, TIMESTAMP '2026-01-05' AS entered_at"
    assert breaches(tables={"contacts": contacts, "stages": stages}) == [
        ("contacts.contacted_at", "do not read as TIMESTAMP", 1, ("lead 1: never",)),
        ("contacts.accepted", "do not read as BOOLEAN", 1, ("lead 1: perhaps",)),
        ("stages.stage", "are null", 1, ("lead 1: NULL",)),
    ]


def test_several_breaches_are_all_listed():
    leads = [*LEADS, LEADS[0]]
    places = [place for place, *_ in breaches(leads=leads, deals=[*DEALS, deal(4, None, "?")])]
    assert places == ["leads.lead_id", "deals.closed_at", "deals.outcome"]


def test_a_breach_reads_as_a_sentence():
    with opened(
        LEADS, EVENTS, [*DEALS, deal(4, outcome="Won"), deal(5, outcome="gone")]
    ) as database:
        [breach] = find_breaches(database.connection, database.columns, NOW)
    assert str(breach).startswith("deals.outcome: ")
    assert breach.count == 2
    for part in (": 2 ", "lead 4: outcome Won; lead 5: outcome gone", breach.advice):
        assert part in str(breach)
    assert "CASE WHEN" in breach.advice


def test_each_unusable_lead_is_listed_once_with_its_first_reason():
    leads = [*LEADS, LEADS[5], LEADS[5], {"lead_id": 7, "created_at": None}]
    events = [*EVENTS, event(8, at("2026-01-20")), event(8, at("2026-01-21"))]
    deals = [
        *DEALS,
        deal(3),  # a second deal
        deal(4, "2026-01-01"),
        deal(5, None),
        deal(6, "2026-01-01", "?"),  # doubled in leads, closed too early, and of no outcome
        deal(9),  # a deal of a stranger: no lead to score
    ]
    assert faults(leads, events, deals) == [
        (4, "deals.closed_at: created 2026-01-05 00:00:00, closed 2026-01-01 00:00:00"),
        (5, "deals.closed_at: outcome won"),
        (6, "leads.lead_id: 3 rows"),
        (7, "leads.created_at: no created_at"),
        (8, "events: the lead has events but no row in leads"),
    ]


def test_rows_without_a_lead_make_no_unusable_lead():
    leads = [*LEADS, {"lead_id": None, "created_at": None}, {"lead_id": None, "created_at": None}]
    deals = [*DEALS, deal(None, None, "?"), deal(None)]
    assert faults(leads, [*EVENTS, event(None, at("2026-01-20"))], deals) == []


def test_the_order_is_that_of_the_contract_however_rows_are_divided():
    def breach(table, column, what="are null"):
        return Breach(table, column, what, 1, ("lead 1: NULL",), "")

    ordered = [
        breach("leads", "created_at"),
        breach("leads", "employees"),  # an attribute
        breach("events", "occurred_at", "are null"),
        breach("events", "occurred_at", "do not read as TIMESTAMP"),
        breach("events", "action"),
        breach("deals", "closed_at"),
    ]
    for rows in permutations(ordered):
        assert in_order(rows) == ordered
