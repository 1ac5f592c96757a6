"""Hypothesis strategies for lead databases that are out to catch a feature query.

Times sit on windows' edges, on the cutoffs, on one another and exactly 30 minutes apart, or one
microsecond beside; names look like SQL. Draws are few and small, so that one database of many
leads costs little more than one of one lead.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
from hypothesis import strategies as st

from tests.features.lead_databases import MICROSECOND, at

# A Monday at midnight, a Sunday in the middle of the night, a Thursday's half past three.
CUTOFFS = [at("2026-03-02"), at("2026-03-08 02:00"), at("2026-03-12 15:30")]
WINDOWS = [1, 3, 7]
ACTIONS = [
    "visit",
    "Visit",
    "visit ",
    "",
    "opened mail",
    'said "no"',
    "it's",
    "Größe 名 🙂",
    "x'); DROP TABLE leads; --",
    "50% {off} $1 ? \\",
    "two\nlines",
]
SOURCES = [None, "ads", "Ads", "ärzte", "10", "9", "", "o'clock"]
CONTENTS = [
    *(None, "/", "/pricing", "/Pricing", ""),
    *("/pricing?a_b=10%25", "/pricing?aXb=10%25", "/pri\\\nng 名", "'*'"),
]
VALUES = [None, float("nan"), float("inf"), 0.0, 1.5, -2.25, 0.29, 1234.5678, 1e9, 6e-5, 1e300]
TEXT_IDS = ["7", "007", "O'Brien", "名", "lead 4", "LEAD 4", "a--b", "8", "9", "10", "11", "12"]
ATTRIBUTES = {
    "region": pa.string(),
    "employees": pa.int64(),
    "revenue": pa.float64(),
    "is_eu": pa.bool_(),
    'odd "name"': pa.string(),
    "renewed_at": pa.timestamp("us"),
}


@dataclass(frozen=True)
class Rows:
    """A lead database as lists of rows."""

    leads: list
    events: list
    deals: list


def minutes(*several):
    return [timedelta(minutes=each) for each in several]


BACK = [
    *(timedelta(days=days) for days in (0, 0, 1, 2, 3, 6, 7, 14, 21, 40)),
    *minutes(1, 29, 30, 30, 31, 60, 90, 120, 480),
]
JITTER = [timedelta(0), timedelta(0), MICROSECOND, -MICROSECOND]

INSTANT = st.one_of(
    st.builds(
        lambda cutoff, back, more, jitter: cutoff - back - more + jitter,
        st.sampled_from(CUTOFFS),
        st.sampled_from(BACK),
        st.sampled_from([timedelta(0), *minutes(30, 60)]),
        st.sampled_from(JITTER),
    ),
    st.datetimes(datetime(2026, 2, 14), datetime(2026, 3, 14)),
)
RECORDED_LATER = [
    None,
    None,
    timedelta(0),
    timedelta(minutes=20),
    timedelta(days=1),
    timedelta(days=5),
    timedelta(days=-2),
]


@st.composite
def an_event(draw, lead_ids):
    occurred_at = draw(INSTANT)
    if draw(st.integers(0, 4)) == 0:
        recorded_at = draw(st.sampled_from(CUTOFFS)) + draw(st.sampled_from(JITTER))
    else:
        later = draw(st.sampled_from(RECORDED_LATER))
        recorded_at = None if later is None else occurred_at + later
    return {
        "lead_id": draw(st.sampled_from(lead_ids)),
        "occurred_at": occurred_at,
        "recorded_at": recorded_at,
        "action": draw(st.sampled_from([*ACTIONS, None])),
        "source": draw(st.sampled_from(SOURCES)),
        "content": draw(st.sampled_from(CONTENTS)),
        "value": draw(st.sampled_from(VALUES)),
    }


@st.composite
def a_lead(draw, lead_id):
    return {
        "lead_id": lead_id,
        "created_at": draw(st.sampled_from(CUTOFFS)) - draw(st.sampled_from(BACK)) - MICROSECOND
        if draw(st.booleans())
        else at("2026-01-05 09:00"),
        "region": draw(st.sampled_from(SOURCES)),
        "employees": draw(st.sampled_from([None, 0, 3, 2**40])),
        "revenue": draw(st.sampled_from([None, float("nan"), -0.5, 1e12])),
        "is_eu": draw(st.sampled_from([None, True, False])),
        'odd "name"': "x",
        "renewed_at": draw(st.none() | INSTANT),
    }


def some_events(lead_ids):
    """Events of a few of the leads; often some leads have none."""
    return st.lists(an_event(lead_ids), min_size=30, max_size=60)


@st.composite
def some_deals(draw, leads):
    """Up to three deals per lead, open ones among them, none closed before its lead was created;
    some are recorded late, some of those that are open have a planned closing."""
    deals = []
    for lead in leads:
        for _ in range(draw(st.sampled_from([0, 1, 1, 2, 3]))):
            closed_at, opened_at = draw(INSTANT), draw(st.none() | INSTANT)
            outcome = draw(st.sampled_from(["won", "lost", "lost", "open", None]))
            later = draw(st.sampled_from([None, None, timedelta(hours=7), timedelta(days=3)]))
            if outcome in ("won", "lost") and closed_at < lead["created_at"]:
                continue
            deal = {
                "lead_id": lead["lead_id"],
                "closed_at": closed_at if outcome is not None else None,
                "outcome": outcome,
                "opened_at": opened_at,
                "recorded_at": None if later is None else closed_at + later,
            }
            deals.append(deal)
    return deals


@st.composite
def databases(draw, least_leads=1):
    ids = TEXT_IDS if draw(st.booleans()) else list(range(1, len(TEXT_IDS) + 1))
    ids = ids[: draw(st.integers(least_leads, len(ids)))]
    leads = [draw(a_lead(lead_id)) for lead_id in ids]
    return Rows(leads, draw(some_events(ids)), draw(some_deals(leads)))
