"""Specs name themselves, and survive being stored beside a model."""

import json

import pytest

from features.catalog import MOST_ACTIONS, catalog
from features.conditions.segments import InSegment
from features.config import Features
from features.errors import BadInput
from features.spec import accounts
from features.spec.kinds import (
    KINDS,
    ActiveDays,
    Age,
    Attribute,
    Count,
    Custom,
    DaysSince,
    Decayed,
    Faded,
    First,
    Last,
    MeanValue,
    Ratio,
    Share,
    SumValue,
    Trend,
)
from features.spec.spec import Spec, distinct
from features.spec.titles import OfTitle, OpenPeopleOfTitle
from features.spec.where import Where
from features.stored import from_dict, to_dict
from tests.features.every_spec import EVERY_SPEC, GAP


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (Count("visited_pricing", 7), "count_7d(visited_pricing)"),
        (Count(), "count_all"),
        (Decayed("chat", 14), "decayed_14d(chat)"),
        (Decayed("chat", 0.5, 30), "decayed_0.5d_within_30d(chat)"),
        (Faded("chat", 30), "faded_30d(chat)"),
        (ActiveDays(7), "active_days_7d"),
        (ActiveDays(None, "chat", Where(value_from=5)), "active_days_all(chat)[value>=5]"),
        (Count("chat", 7, Where("/a*", "ads")), 'count_7d(chat)[content="/a*", source="ads"]'),
        (SumValue(None, 7, Where(value_below=0.5)), "value_7d[value<0.5]"),
        (DaysSince("chat", Where('"]', None)), r'days_since(chat)[content="\"]"]'),
        (Trend(None, 7), "trend_7d"),
        (Share("night", 90), "night_share_90d"),
        (First("source"), "first_source"),
        (Age(), "age_days"),
        (Attribute("region", text=True), "attribute(region)"),
        (Ratio(Count(), Age()), "count_all/age_days"),
        (GAP, "longest_gap"),
    ],
)
def test_names(spec, name):
    assert spec.name == name


def test_different_specs_have_different_names():
    assert len(set(EVERY_SPEC)) == len(EVERY_SPEC)
    assert len({spec.name for spec in EVERY_SPEC}) == len(EVERY_SPEC)


def test_the_list_holds_every_kind():
    concrete = {kind for kind in _subclasses(Spec) if not kind.__subclasses__()}
    assert (
        {type(spec) for spec in EVERY_SPEC}
        == concrete
        == {*KINDS, *accounts.KINDS, OfTitle, OpenPeopleOfTitle, InSegment}
    )


def _subclasses(kind):
    return {kind}.union(*map(_subclasses, kind.__subclasses__()))


def test_the_names_of_a_large_catalog_differ():
    actions = [f"action {number}" for number in range(500)]
    listed = Features(windows_days=[1, 2, 3, 7, 14, 28, 30, 60, 90, 180, 365])
    specs = catalog(listed, actions, {"region": True, "staff": False})
    assert len({spec.name for spec in specs}) == len(specs)
    named = {spec.action for spec in specs if isinstance(spec, Count)}
    assert named == {None, *actions[:MOST_ACTIONS]}


def test_the_order_of_windows_and_their_repetition_do_not_matter():
    one = catalog(Features(windows_days=[30, 7]), ["visit"], {})
    other = catalog(Features(windows_days=[7, 30, 7]), ["visit"], {})
    assert {spec.name for spec in one} == {spec.name for spec in other}
    assert len(one) == len(other)


def test_measured_actions_get_the_mean_of_their_value_in_every_window():
    settings = Features(windows_days=[7, 30], measured_actions=["priced"])
    means = {spec for spec in catalog(settings, ["visit", "priced"], {}) if "mean" in spec.name}
    assert means == {MeanValue("priced", window) for window in (7, 30, None)}


def test_distinct_keeps_the_first_mention():
    specs = [Count(), Age(), Count(None, 7), Count(), Age()]
    assert distinct(specs) == (Count(), Age(), Count(None, 7))


def test_a_stored_spec_comes_back_equal():
    stored = json.dumps([to_dict(spec) for spec in EVERY_SPEC])
    restored = [from_dict(each, {GAP.name: GAP}) for each in json.loads(stored)]
    assert restored == EVERY_SPEC
    assert [type(spec) for spec in restored] == [type(spec) for spec in EVERY_SPEC]


def test_sql_is_never_stored():
    assert "max(age_us)" not in json.dumps(to_dict(Ratio(GAP, Count())))
    tampered = {"kind": "Custom", "name": GAP.name, "sql": "DROP TABLE leads"}
    assert from_dict(tampered, {GAP.name: GAP}).sql == GAP.sql


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"kind": "Kount", "action": None}, "unknown kind 'Kount'"),
        ({"action": None}, "unknown kind None"),
        ({"kind": "Custom", "name": "gone"}, "custom feature 'gone', which is not in features/"),
    ],
)
def test_what_cannot_be_restored_is_refused(stored, message):
    with pytest.raises(BadInput, match=message):
        from_dict(stored)
    with pytest.raises(BadInput, match=message):
        from_dict({"kind": "Ratio", "over": to_dict(Count()), "under": stored})


def test_which_features_are_text():
    texts = [spec for spec in EVERY_SPEC if spec.is_text]
    assert {type(spec) for spec in texts} == {First, Last, Attribute, OfTitle}
    assert Attribute("staff", text=False) not in texts
    assert not Custom("x", "1", "x").is_text


def test_a_model_stored_before_there_were_conditions_is_read():
    assert from_dict({"kind": "ActiveDays", "window": 7}) == ActiveDays(7)
    assert to_dict(Count("chat", 7)) == {"kind": "Count", "action": "chat", "window": 7}
