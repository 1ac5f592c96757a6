"""First touches and their outcomes equal the definition, written out in plain Python.

Literal example (horizon 30 days), as in features/touches.py: lead 1 comes by social on 2026-01-05
and reads the newsletter on 2026-01-20, recorded a day later; it is won on 2026-02-10, within 30
days of the newsletter and not of social.
"""

from datetime import datetime, timedelta

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from features.touches import Mark, outcomes_sql, touches_sql, unlisted_sql
from tests.features.lead_databases import MICROSECOND, at, event, opened

DAY = timedelta(days=1)
MARKS = (
    Mark("social", "source", "social"),
    Mark("the newsletter", "source", "newsletter"),
    Mark("it's prices", "action", "visited_pricing"),
    Mark("brought by social", "brought_by", "social"),
)


def rows(frame: pd.DataFrame) -> list[tuple]:
    """The rows as plain values, in order."""
    plain = frame.astype(object).where(frame.notna(), None)
    return sorted(tuple(row) for row in plain.itertuples(index=False, name=None))


def test_the_literal_example() -> None:
    leads = [
        {"lead_id": 1, "created_at": at("2026-01-05 09:00"), "source": "social"},
        {"lead_id": 2, "created_at": at("2026-01-05 09:00"), "source": "fair"},
    ]
    read = event(1, at("2026-01-20 08:00"), "read", source="newsletter")
    events = [read | {"recorded_at": at("2026-01-21 08:00")}]
    deals = [{"lead_id": 1, "closed_at": at("2026-02-10"), "outcome": "won"}]
    social, newsletter = at("2026-01-05 09:00"), at("2026-01-21 08:00")
    brought = [(1, "brought by social", social), (1, "social", social)]
    with opened(leads, events, deals) as database:
        for before, known in (
            (newsletter, brought),
            (newsletter + MICROSECOND, [*brought, (1, "the newsletter", newsletter)]),
        ):
            frame = database.query(touches_sql(MARKS, before))
            assert rows(frame) == known
        first, end = at("2026-01-01"), at("2026-02-20 08:00")
        for until, converted in ((end, None), (end + MICROSECOND, 1)):
            frame = database.query(outcomes_sql(MARKS, 30, first, until))
            frame = frame.set_index("name").converted
            assert frame["social"] == 0
            assert (None if pd.isna(frame["the newsletter"]) else 1) == converted
        assert rows(database.query(unlisted_sql(MARKS, end))) == [("fair", 1)]


ORIGIN = datetime(2026, 1, 1)
times = st.integers(0, 24).map(lambda n: ORIGIN + n * DAY / 2)


@st.composite
def companies(draw):
    """Some leads, their events (perhaps before the lead, or recorded late) and their deals."""
    sources = st.sampled_from(["social", "newsletter", "fair", None])
    ids = range(1, draw(st.integers(1, 4)) + 1)
    leads = [{"lead_id": n, "created_at": draw(times), "source": draw(sources)} for n in ids]
    events = [
        event(
            draw(st.sampled_from([*ids, 99])),
            draw(times),
            draw(st.sampled_from(["read", "visited_pricing"])),
            source=draw(sources),
            recorded_at=draw(st.none() | times),
        )
        for _ in range(draw(st.integers(0, 8)))
    ]
    closed = draw(st.sets(st.sampled_from(list(ids))))
    outcomes = st.sampled_from(["won", "lost"])
    deals = [{"lead_id": n, "closed_at": draw(times), "outcome": draw(outcomes)} for n in closed]
    return leads, events, deals


def oracle_touches(leads, events, deals, before):
    """{(lead, name): first touch}, by looking at every row; none of a lead closed before it was
    created, which is a breach."""
    first_touch = {}
    closings = {deal["lead_id"]: deal["closed_at"] for deal in deals}
    for lead in leads:
        if closings.get(lead["lead_id"], lead["created_at"]) < lead["created_at"]:
            continue
        for mark in MARKS:
            moments = []
            if mark.by != "action" and lead["source"] == mark.value:
                moments.append(lead["created_at"])
            for each in events:
                if each["lead_id"] == lead["lead_id"] and each.get(mark.by) == mark.value:
                    known = max(each["occurred_at"], each["recorded_at"] or each["occurred_at"])
                    moments.append(max(known, lead["created_at"]))
            if moments and min(moments) < before:
                first_touch[lead["lead_id"], mark.name] = min(moments)
    return first_touch


def oracle_outcomes(leads, events, deals, horizon, first, end):
    outcomes = []
    closings = {deal["lead_id"]: deal for deal in deals}
    for (lead, name), touched in oracle_touches(leads, events, deals, end).items():
        deal = closings.get(lead)
        if touched < first or (deal and deal["closed_at"] < touched):
            continue
        converted = None
        if touched + horizon * DAY < end:
            won = deal is not None and deal["outcome"] == "won"
            converted = int(won and deal["closed_at"] < touched + horizon * DAY)
        known = deal is not None and deal["closed_at"] < end
        days = ((deal["closed_at"] if known else end) - touched) / DAY
        event_ = 0 if not known else 1 if deal["outcome"] == "won" else 2
        outcomes.append((name, lead, touched, converted, days, event_))
    return sorted(outcomes, key=str)


@settings(max_examples=30, deadline=None)
@given(companies(), times, st.integers(1, 5), st.integers(0, 6))
def test_touches_and_outcomes_equal_brute_force(company, end, horizon, window) -> None:
    leads, events, deals = company
    if not events:
        events = [event(98, ORIGIN)]
    with opened(leads, events, deals) as database:
        touches = rows(database.query(touches_sql(MARKS, end)))
        assert touches == sorted(
            (*key, t) for key, t in oracle_touches(leads, events, deals, end).items()
        )
        first = end - (window + horizon) * DAY
        touches = rows(database.query(outcomes_sql(MARKS, horizon, first, end)))
        expected = oracle_outcomes(leads, events, deals, horizon, first, end)
        assert sorted(touches, key=str) == expected
