"""Features are worded as a salesperson would word them."""

import math

import numpy as np
import pytest

from features.spec.kinds import (
    ActiveDays,
    Age,
    Attribute,
    Count,
    DaysSince,
    Decayed,
    DistinctContent,
    Faded,
    First,
    Last,
    MeanValue,
    Ratio,
    Sessions,
    Share,
    SumValue,
    Trend,
)
from features.spec.where import Where
from features.spec.wording import movement
from tests.features.every_spec import EVERY_SPEC, GAP

TEAMS = Where(content="/t*")
WORDS = {"price_list": "opened the price list", "region": "sales region"}


@pytest.mark.parametrize(
    ("spec", "value", "phrase"),
    [
        (Count("visited_pricing", 7), 4, "visited pricing 4 times in the last 7 days"),
        (Count("price_list", 1), 1, "opened the price list once in the last day"),
        (Count("price_list"), 0, 'no "opened the price list" so far'),
        (Count("visited_pricing"), 12_345, "visited pricing 12,345 times so far"),
        (Count(None, 30), 1, "1 event in the last 30 days"),
        (Count(None, 30), 0, "no activity in the last 30 days"),
        (DaysSince("price_list"), 0.01, "last opened the price list less than an hour ago"),
        (DaysSince("chat"), 1 / 24, "last chat 1 hour ago"),
        (DaysSince("chat"), 1.5, "last chat 36 hours ago"),
        (DaysSince(), 12.4, "last activity 12 days ago"),
        (DaysSince(), None, "no activity so far"),
        (DaysSince("chat"), math.nan, 'no "chat" so far'),
        (ActiveDays(7), 1, "active on 1 day in the last 7 days"),
        (ActiveDays(), 9, "active on 9 days so far"),
        (Sessions(30), 2, "2 sessions in the last 30 days"),
        (DistinctContent(), 3, "3 different contents so far"),
        (First("source"), "ads", "first source seen: ads"),
        (First("source"), "trade_fair", "first source seen: trade fair"),
        (Last("source"), None, "last source seen: unknown"),
        (Trend("chat", 7), 0.8, "chat rising (80% of the last 14 days' came in the last 7 days)"),
        (Trend(None, 7), 0.5, "activity steady (50% of the last 14 days' came in the last 7 days)"),
        (Trend(None, 1), 0.0, "activity fading (0% of the last 2 days' came in the last day)"),
        (Trend("chat", 7), None, 'no "chat" in the last 14 days'),
        (Share("night", 90), 0.25, "25% of activity at night in the last 90 days"),
        (Share("weekend"), None, "no activity so far"),
        (Decayed("chat", 14), 1.234, "recent chat (faded count 1.23)"),
        (Decayed("chat", 14), 0.00456, "recent chat (faded count 0.0046)"),
        (Decayed("chat", 14, 30), 0, 'no "chat" in the last 30 days'),
        (Count("price_list", 7, TEAMS), 2, "opened the price list (content /t*) 2 times in the last 7 days"),  # noqa: E501
        (Count("price_list", 7, TEAMS), 0, 'no "opened the price list" (content /t*) in the last 7 days'),  # noqa: E501
        (Count(None, 7, TEAMS), 1, "any activity (content /t*) once in the last 7 days"),
        (DaysSince("chat", Where(value_from=1000)), 3, "last chat (value from 1,000) 3 days ago"),
        (Faded("chat", 30), 0, 'no "chat" in the last 30 days'),
        (Faded("chat", 30), 1.5, "recent chat (faded count 1.5)"),
        (ActiveDays(7, "price_list"), 2, "days with opened the price list in the last 7 days: 2"),
        (Age(), 40.2, "lead is 40 days old"),
        (Age(), 0.5, "lead is 12 hours old"),
        (SumValue(None, 1), 1234.5, "sum of the value of any activity, in the last day: 1,234.5"),
        (MeanValue("chat", 7), 2.5, "mean value of chat, in the last 7 days: 2.5"),
        (MeanValue("chat", 7), None, 'no "chat" in the last 7 days'),
        (Attribute("region", text=True), "north", "sales region: north"),
        (Attribute("region", text=True), None, "sales region: unknown"),
        (Attribute("staff_size", text=False), 250, "staff size: 250"),
        (GAP, 0.0, "longest pause in days: 0"),
        (GAP, 0.004, "longest pause in days: 0.004"),
        (GAP, -0.001, "longest pause in days: -0.001"),
    ],
)  # fmt: skip
def test_what_was_seen(spec, value, phrase):
    assert spec.phrase(value, WORDS) == phrase


@pytest.mark.parametrize(
    ("spec", "meaning"),
    [
        (Count("price_list", 7), "number of times: opened the price list, in the last 7 days"),
        (Count(), "number of times: any activity, so far"),
        (
            Share("night", 90),
            "share of activity at night (22:00-06:00 UTC) in the last 90 days",
        ),
        (
            Share("weekend", None),
            "share of activity at the weekend (Saturday and Sunday, UTC) so far",
        ),
        (Sessions(7), "sessions begun in the last 7 days (a pause over 30 minutes ends one)"),
        (Trend("chat", 1), "share of the last 2 days' chat that came in the last day"),
        (
            Decayed("chat", 14, 30),
            "number of times: chat, in the last 30 days, each fading by half every 14 days",
        ),
        (
            Ratio(ActiveDays(), Age()),
            "(days with any activity so far) per (age of the lead in days)",
        ),
        (GAP, "longest pause in days"),
    ],
)
def test_what_it_means(spec, meaning):
    assert spec.meaning(WORDS) == meaning


def test_every_feature_has_a_meaning_of_its_own():
    meanings = {spec.meaning({}): spec.name for spec in EVERY_SPEC}
    assert len(meanings) == len(EVERY_SPEC)
    assert all(meanings)


@pytest.mark.parametrize("value", [None, math.nan, 0, 0.0, 1, 0.3, 2.5, 1e6, "text"])
def test_every_feature_has_a_phrase_for_any_value(value):
    for spec in EVERY_SPEC:
        phrase = spec.phrase(value, {})
        assert phrase
        assert "nan" not in phrase
        assert "None" not in phrase


def test_without_words_an_action_goes_by_its_name():
    assert Count("price_list", 7).phrase(2, {}) == "price list 2 times in the last 7 days"
    assert DaysSince("price_list").meaning({}) == "days since the last: price list"


def test_values_that_count_as_one_to_the_words_are_worded_alike():
    """Spans about whole hours and days, on both sides of every half, to come and past."""
    spans = np.arange(97) / 48
    spans = np.concatenate([spans, np.arange(4, 200) / 2, [1.9799, 1.98, 1.99, 2.49, 2.51, np.nan]])
    near = [np.nextafter(spans, side) for side in (-np.inf, np.inf)]
    values = np.concatenate([spans, *near])
    values = np.concatenate([values, -values])
    fewer = set()
    for spec in EVERY_SPEC:
        if spec.is_text:
            continue
        worded = spec.as_worded(values)
        if len(np.unique(worded)) < len(np.unique(values)):
            fewer.add(type(spec))
        for one, other in {(w, v) for w, v in zip(worded, values, strict=True) if w != v}:
            assert spec.phrase(one, {}) == spec.phrase(other, {})
    assert {DaysSince, Age} <= fewer


@pytest.mark.parametrize(
    ("then", "now", "message"),
    [
        ("seen 2 times", "seen once", "seen 2 times -> once"),
        ('no "seen" so far', "seen once", 'no "seen" so far -> seen once'),
        ("seen once or more", "seen once", "seen once or more -> seen once"),
        ("seen once", "seen once or more", "seen once -> or more"),
        ("source: ads", "source: web", "source: ads -> web"),
    ],
)
def test_what_both_facts_begin_with_is_said_once(then: str, now: str, message: str) -> None:
    assert movement(then, now) == message
