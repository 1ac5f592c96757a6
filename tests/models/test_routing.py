"""Every open lead has exactly one route, the list is never longer than sales can call, and ties go
by the rule: against a plain sort in Python."""

import math
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.config import Capacity, Routing
from models.routing import (
    MODEL_HIGH,
    ROUTES,
    RULES_HIGH,
    LastListed,
    Router,
    deadline,
    disagreement,
)

MONDAY = datetime(2026, 3, 2)
NAMES = ["lead_id", "readiness", "rule_score", "disqualified", "amount", "contact_within_hours"]
USUAL = ", call within 24 h of working days"


def cohort(*rows: tuple) -> pd.DataFrame:
    """Open leads from (lead_id, readiness, points, disqualified, amount, hours), the rest null; a
    readiness of None: could not be scored."""
    frame = pd.DataFrame([(*row, *[None] * (6 - len(row))) for row in rows], columns=NAMES)
    missing = frame["readiness"].isna()
    return frame.assign(
        state=np.where(missing, "not scored", "scored"),
        state_reason=np.where(missing, "two rows", None),
        basket=np.where(frame["contact_within_hours"].isna(), None, "active-1"),
        is_new=True,
    )


def by_lead(routed: pd.DataFrame, column: str) -> dict[str, object]:
    result = routed.set_index("lead_id")[column].astype(object)
    return result.where(result.notna(), None).to_dict()


FIVE = cohort(
    ("a", 0.41, 5.0, None, 1000.0, 2.0),
    ("b", 0.04, 50.0, None, 40_000.0),
    ("c", 0.41, 7.0, None, 200.0),
    ("d", 0.90, 7.0, "unsubscribed", 9000.0),
    ("e", None, None),
)


def test_ranks_leave_out_who_is_lower_and_those_of_unknown_rank() -> None:
    """Two can be called: b moves up, for c is of fit C, and a may be of any engagement but 4."""
    ranked = FIVE.assign(fit=["A", "B", "C", "A", None], engagement=["3", "2", "1", "1", None])
    how = Routing(fit_from="B", engagement_from=3)
    routed = Router(2, MONDAY, how).route(ranked)
    listed = {"a": "sales", "b": "sales", "c": "nurture", "d": "disqualified", "e": "nurture"}
    assert by_lead(routed, "route") == listed
    assert "fit C below B" in by_lead(routed, "route_reason")["c"]
    narrow = Router(2, MONDAY, Routing(engagement_from=2)).route(ranked)
    assert by_lead(narrow, "route") == listed | {"a": "nurture", "c": "sales"}
    nothing = ranked.assign(fit=None)
    assert "sales" not in set(Router(2, MONDAY, how).route(nothing)["route"])
    assert "sales" in set(Router(2, MONDAY, how, "no model yet").route(nothing)["route"])


@pytest.mark.parametrize("given", [{"fit_from": "D"}, {"fit_from": "b"}, {"engagement_from": 4}])
def test_a_rank_that_leaves_out_nobody_or_is_none_is_refused(given) -> None:
    with pytest.raises(ValidationError):
        Routing(**given)


def test_by_capacity() -> None:
    """Two can be called: c before a, which is as ready and has fewer points."""
    routed = Router(2, MONDAY).route(FIVE)
    assert by_lead(routed, "route") == {
        "a": "sales",
        "b": "nurture",
        "c": "sales",
        "d": "disqualified",
        "e": "nurture",
    }
    assert by_lead(routed, "route_reason") == {
        "a": "readiness 41.0%, among the 2 that sales can call, call within 2 h of working days: "
        "basket active-1",
        "b": "readiness 4.0%, place 3 where sales can call 2",
        "c": "readiness 41.0%, among the 2 that sales can call" + USUAL,
        "d": "disqualified: unsubscribed",
        "e": "not scored: two rows",
    }
    assert by_lead(routed, "contact_by") == {
        "a": pd.Timestamp("2026-03-02 02:00"),  # as its basket wants it
        "b": None,
        "c": pd.Timestamp("2026-03-03"),  # the default of 24 hours
        "d": None,
        "e": None,
    }
    assert set(by_lead(routed, "value").values()) == {None}


def test_by_value() -> None:
    """b brings 4% of 40,000, a 41.0% of 1,000; c is not worth the call."""
    routing = Routing(by="value", cost_per_contact=90)
    routed = Router(1, MONDAY, routing).route(FIVE)
    assert by_lead(routed, "route_reason") == {
        "a": "value 410 (41.0% of 1,000) above the cost of a contact 90, place 2 where sales can "
        "call 1",
        "b": "value 1,600 (4.0% of 40,000) above the cost of a contact 90, among the 1 that sales "
        "can call" + USUAL,
        "c": "value 82 (41.0% of 200) not above the cost of a contact 90",
        "d": "disqualified: unsubscribed",
        "e": "not scored: two rows",
    }
    assert list(routed.loc[routed["route"] == "sales", "lead_id"]) == ["b"]
    assert by_lead(routed, "value")["b"] == 0.04 * 40_000


@pytest.mark.parametrize(
    ("by_hand", "listed", "reason_of_b"),
    [
        ({"readiness_from": 0.3}, {"a", "c"}, "readiness 4.0% below 30.0%"),
        ({"points_from": 7.0}, {"b", "c"}, "50 points not below 7, among the 5 that sales can"),
        ({"readiness_from": 0.41, "points_from": 7}, {"c"}, "readiness 4.0% below 41.0% and 50 p"),
        ({"readiness_from": 0.95}, set(), "readiness 4.0% below 95.0%"),
    ],
)
def test_by_hand(by_hand: dict, listed: set[str], reason_of_b: str) -> None:
    routed = Router(5, MONDAY, Routing(by="hand", **by_hand)).route(FIVE)
    assert set(routed.loc[routed["route"] == "sales", "lead_id"]) == listed
    assert str(by_lead(routed, "route_reason")["b"]).startswith(reason_of_b)


def test_an_unknown_amount_is_no_reason_to_drop_a_lead() -> None:
    routing = Routing(by="value", cost_per_contact=1)
    routed = Router(5, MONDAY, routing).route(cohort(("a", 0.5, 1.0), ("b", 0.1, 1.0, None, 99.0)))
    assert by_lead(routed, "route") == {"a": "nurture", "b": "sales"}
    assert by_lead(routed, "route_reason")["a"] == "readiness 50.0%, but no amount is known"


def test_who_comes_late_joins_a_standing_list_only_if_level_with_its_last() -> None:
    leads = cohort(("old", 0.9, 1.0), ("x", 0.5, 1.0), ("y", 0.49, 99.0), ("z", 0.5, 0.0))
    leads["is_new"] = leads["lead_id"] != "old"
    routed = Router(1, MONDAY).route(leads, LastListed(0.5, None))
    assert by_lead(routed, "route") == {"x": "sales", "y": "nurture", "z": "sales"}
    assert by_lead(routed, "route_reason") == {
        "x": "readiness 50.0%, came after the list was made, level with its last lead or above"
        + USUAL,
        "y": "readiness 49.0%, came after the list was made, below its last lead",
        "z": "readiness 50.0%, came after the list was made, level with its last lead or above"
        + USUAL,
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"by": "value"}, "takes cost_per_contact"),
        ({"by": "hand"}, "takes readiness_from, points_from, or both"),
        ({"readiness_from": 0.3}, 'are for by = "hand"'),
        ({"by": "hand", "points_from": 3, "amount": 10}, 'are for by = "value"'),
        ({"by": "luck"}, "capacity"),
    ],
)
def test_settings_that_contradict_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Routing(**wrong)


@pytest.mark.parametrize(
    ("capacity", "open_leads", "slots"),
    [
        (Capacity(share=0.1), 876, 88),
        (Capacity(share=0.1), 14, 1),
        (Capacity(share=0.1), 16, 2),
        (Capacity(share=0.1), 3, 1),
        (Capacity(leads=7), 1000, 7),
    ],
)
def test_slots_are_rounded_and_at_least_one(
    capacity: Capacity, open_leads: int, slots: int
) -> None:
    assert Router.of(capacity, open_leads, MONDAY, Routing()).slots == slots


NUMBER = st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]) | st.floats(0, 1)
LEAD = st.tuples(
    st.none() | NUMBER,
    st.sampled_from([-5.0, 0.0, 5.0, 50.0]),
    st.none() | st.just("unsubscribed"),
    st.none() | st.sampled_from([0.0, 90.0, 1000.0]),
    st.none() | st.sampled_from([0.5, 24.0, 72.0]),
)
LEADS = st.dictionaries(st.text("aB1é'", min_size=1, max_size=4), LEAD, max_size=12)
ROUTINGS = st.sampled_from(
    [
        Routing(),
        Routing(by="value", cost_per_contact=90),
        Routing(by="hand", readiness_from=0.3),
        Routing(by="hand", points_from=5),
        Routing(by="hand", readiness_from=0.1, points_from=0),
    ]
)


@settings(max_examples=75)
@given(leads=LEADS, slots=st.integers(1, 6), routing=ROUTINGS, shuffled=st.data())
def test_none_is_dropped_and_the_list_is_that_of_a_plain_sort(
    leads, slots, routing, shuffled
) -> None:
    order = shuffled.draw(st.permutations(sorted(leads)))
    routed = Router(slots, MONDAY, routing).route(cohort(*((lead, *leads[lead]) for lead in order)))
    assert sorted(routed["lead_id"]) == sorted(leads)
    assert sum((routed["route"] == route).sum() for route in ROUTES) == len(leads)
    assert all(routed["route_reason"])

    def may_be_called(lead: str) -> bool:
        readiness, points, disqualified, amount, _ = leads[lead]
        if readiness is None or disqualified is not None:
            return False
        if routing.by == "value":
            return amount is not None and readiness * amount > 90
        if routing.by == "hand":
            enough = routing.readiness_from is None or readiness >= routing.readiness_from
            return enough and (routing.points_from is None or points >= routing.points_from)
        return True

    def place(lead: str) -> tuple:
        readiness, points, _, amount, _ = leads[lead]
        value = readiness * amount if routing.by == "value" else 0
        return -value, -readiness, -points, lead.encode()

    expected = sorted(filter(may_be_called, leads), key=place)[:slots]
    assert set(routed.loc[routed["route"] == "sales", "lead_id"]) == set(expected)
    assert len(expected) <= slots
    disqualified = {x for x in leads if leads[x][2] is not None and leads[x][0] is not None}
    assert disqualified <= set(routed.loc[routed["route"] == "disqualified", "lead_id"])
    due = by_lead(routed, "contact_by")
    assert {lead for lead, when in due.items() if when is not None} == set(expected)
    for lead in expected:
        hours = leads[lead][4] or 24
        assert due[lead] == pd.Timestamp(MONDAY + timedelta(hours=hours))


@given(
    cutoff=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)).map(
        lambda t: t.replace(minute=0, second=0, microsecond=0)
    ),
    hours=st.integers(1, 400),
    begin_at=st.integers(0, 23),
    working_days_only=st.booleans(),
)
def test_only_the_hours_of_working_days_pass(
    cutoff: datetime, hours: int, begin_at: int, working_days_only: bool
) -> None:
    """Hour by hour: one of Saturday or Sunday does not count, nor one before the first call."""
    moment, left, begun = cutoff, hours, False
    while left:
        counts = not working_days_only or moment.weekday() < 5
        begun = begun or (counts and moment.hour >= begin_at)
        left -= counts and begun
        moment += timedelta(hours=1)
    assert deadline(cutoff, hours, working_days_only, begin_at) == moment


@given(
    result=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12),
    slots=st.integers(1, 8),
)
def test_marked_is_on_one_list_and_in_the_lower_half_of_the_other(result, slots) -> None:
    readiness, points = ([pair[n] for pair in result] for n in (0, 1))
    size = min(slots, len(result) // 2)

    def listed(values: list[int], at: int) -> bool:
        return sum(value >= values[at] for value in values) <= size

    def low(values: list[int], at: int) -> bool:
        return sum(value > values[at] for value in values) + 1 > (len(values) + 1) / 2

    marks = disagreement(np.array(readiness, float), np.array(points, float), slots)
    for at, mark in enumerate(marks):
        assert (mark == MODEL_HIGH) == (listed(readiness, at) and low(points, at))
        assert (mark == RULES_HIGH) == (listed(points, at) and low(readiness, at))


def test_a_tie_is_no_disagreement() -> None:
    """Six of ten leads have no points: the readiest shares the middle of the rules' order."""
    readiness = np.linspace(0.9, 0.1, 10)
    points = np.array([0.0, 9, 8, 7, 6, 0, 0, 0, 0, 0])
    assert disagreement(readiness, points, 1) == [None] * 10
    assert disagreement(readiness, points - np.eye(10)[0], 1)[0] == MODEL_HIGH


def test_who_is_not_scored_neither_agrees_nor_disagrees() -> None:
    nan = math.nan
    marks = disagreement(np.array([0.9, nan, 0.1]), np.array([0.0, nan, 9.0]), 1)
    assert marks == [MODEL_HIGH, None, RULES_HIGH]
