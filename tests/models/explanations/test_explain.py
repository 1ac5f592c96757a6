"""Reasons add up to the readiness, and say the fact that weighs most.

The example is written by hand: what each feature adds to a lead's log-odds, and what was seen.
"""

import re
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
import shap
from scipy.special import logit
from threadpoolctl import threadpool_limits

from features.spec.kinds import (
    ActiveDays,
    Age,
    Attribute,
    Count,
    Custom,
    DaysSince,
    Decayed,
    First,
    Last,
    Ratio,
    Share,
    Trend,
)
from models.classifier.model import ReadinessModel
from models.explanations.explain import Explained, Reason, explain
from tests.models.small_model import fitted, snapshots

SPECS = (Count("pricing", 7), Age(), Count("pricing"), DaysSince("pricing"), First("source"))


def by_hand(contributions, specs=SPECS, words=None, **seen):
    """One lead, with the contributions and the values of its features as given."""
    model = ReadinessModel(None, specs, {}, 30, datetime(2026, 3, 2), 0.1)
    frame = pd.DataFrame(
        dict(zip((s.name for s in specs), ([v] for v in seen.values()), strict=True))
    )
    return Explained(model, frame, np.array([contributions], float), -2.0, words or {})


def test_a_topic_is_one_reason_worded_by_its_weightiest_fact():
    example = by_hand(
        [0.3, -0.5, 0.1, 0.8, 0.0], week=4.0, age=80.0, ever=9.0, last=0.5, source="ads"
    )
    assert example.top(3) == [
        [
            Reason("pricing", pytest.approx(1.2), "last pricing 12 hours ago"),
            Reason("age", -0.5, "lead is 80 days old"),
        ]
    ]
    assert [str(reason) for reason in example.top(1)[0]] == ["last pricing 12 hours ago (+1.20)"]


def test_the_fact_told_pulls_the_way_of_its_topic():
    """The week's visits weigh most, -0.9, but the topic as a whole speaks for the lead."""
    example = by_hand(
        [-0.9, 0.0, 0.7, 0.6, 0.0], week=0.0, age=1.0, ever=9.0, last=30.0, source="ads"
    )
    (reason,) = example.top(3)[0]
    assert reason == Reason("pricing", pytest.approx(0.4), "pricing 9 times so far")


def test_a_fact_that_anyone_can_count_is_told_before_one_that_needs_a_formula():
    specs = (Decayed("pricing", 14), Count("pricing", 7), Trend("pricing", 7))
    both = by_hand([0.9, 0.2, 0.0], specs, faded=3.1, week=4.0, trend=0.5)
    assert both.top(1)[0][0].text == "pricing 4 times in the last 7 days"
    alone = by_hand([0.9, -0.2, 0.0], specs, faded=3.1, week=4.0, trend=0.5)
    assert alone.top(1)[0][0].text == "recent pricing (faded count 3.1)"


def test_what_is_missing_is_a_fact_too():
    example = by_hand(
        [-0.1, 0, 0, -0.4, -0.2], week=0.0, age=1.0, ever=0.0, last=np.nan, source=np.nan
    )
    assert [reason.text for reason in example.top(3)[0]] == [
        'no "pricing" so far',
        "first source seen: unknown",
    ]


def test_configured_words_are_used():
    words = {"pricing": "visited the price list"}
    example = by_hand(
        [1, 0, 0, 0, 0], words=words, week=4.0, age=1.0, ever=9.0, last=1.0, source="ads"
    )
    assert example.top(1)[0][0].text == "visited the price list 4 times in the last 7 days"


def test_what_features_are_about():
    topics = {
        Count("chat", 7): "chat",
        Decayed("chat", 14, 30): "chat",
        Trend("chat", 7): "chat",
        Ratio(Count("chat"), Age()): "chat",
        Count(): "activity",
        ActiveDays(7): "activity",
        Ratio(ActiveDays(), Age()): "activity",
        Share("night", 90): "night",
        Age(): "age",
        First("source"): "source",
        Last("source"): "source",
        Last("action"): "action",
        Attribute("industry", True): "industry",
        Custom("longest_gap_days", "1", "longest pause"): "longest_gap_days",
    }
    assert {spec: spec.topic for spec in topics} == topics


@pytest.fixture(scope="module")
def explained():
    model, (frame, _) = fitted(), snapshots(400, seed=1)
    return model, explain(model, frame)


def test_reasons_and_base_add_up_to_the_log_odds_of_readiness(explained):
    model, result = explained
    every = result.top(100)
    sums = [result.base + sum(reason.log_odds for reason in reasons) for reasons in every]
    assert np.abs(sums - logit(model.rank(result.frame))).max() < 1e-9


def test_a_topic_holds_all_its_features_and_no_other(explained):
    model, result = explained
    columns = [spec.name for spec in model.specs]
    by_feature = pd.DataFrame(result.by_feature, columns=columns)
    members = {
        "visit": ["count_7d(visit)", "count_all(visit)", "days_since(visit)"],
        "chat": ["count_all(chat)"],
        "source": ["first_source", "last_source"],
        "age": ["age_days"],
        "size": ["attribute(size)"],
    }
    assert sorted(columns) == sorted(name for names in members.values() for name in names)
    for row, reasons in enumerate(result.top(100)):
        for reason in reasons:
            whole = by_feature.loc[row, members[reason.topic]].sum()
            assert reason.log_odds == pytest.approx(whole, abs=1e-12)


def test_the_strongest_come_first_and_a_shorter_list_is_its_beginning(explained):
    _, result = explained
    for few, every in zip(result.top(2), result.top(100), strict=True):
        strengths = [abs(reason.log_odds) for reason in every]
        assert strengths == sorted(strengths, reverse=True)
        assert few == every[:2]


def test_a_contribution_stands_with_its_own_feature(explained):
    """Texts are encoded ahead of numbers; the order of the features is another."""
    model, result = explained
    at = {spec.name: place for place, spec in enumerate(model.specs)}
    referred = (result.frame["first_source"] == "referral").to_numpy()
    first_source = result.by_feature[:, at["first_source"]]
    assert first_source[referred].min() > first_source[~referred].max()
    young = (result.frame["age_days"] < 50).to_numpy()
    age = result.by_feature[:, at["age_days"]]
    assert age[young].mean() > 0.5 > age[~young].mean()


def test_contributions_are_shap_s_on_the_scale_of_the_readiness(explained):
    model, result = explained
    encode, boost = model.classifier.learner_
    oracle = shap.TreeExplainer(boost, feature_perturbation="tree_path_dependent")
    values = oracle.shap_values(encode.transform(result.frame).astype(float)) * model.line.slope
    by_name = pd.DataFrame(values, columns=encode.get_feature_names_out())
    names = [spec.name for spec in model.specs]
    assert np.abs(result.by_feature - by_name[names].to_numpy()).max() < 1e-6


def test_threads_change_no_bit(explained):
    model, result = explained
    encoded = model.encoded(result.frame)
    for threads in (1, 2):
        with threadpool_limits(threads):
            again = explain(model, result.frame, encoded=encoded)
            assert np.array_equal(again.by_feature, result.by_feature)
            assert np.array_equal(model.rank_encoded(encoded), model.rank(result.frame))
            columns = result.frame[[spec.name for spec in model.specs]]
            assert np.array_equal(
                model.rank(result.frame), model.classifier.predict_proba(columns)[:, 1]
            )


def test_a_lead_has_the_same_reasons_in_any_company(explained):
    model, result = explained
    alone = explain(model, result.frame.iloc[[7]].reset_index(drop=True))
    assert np.array_equal(alone.by_feature[0], result.by_feature[7])
    assert alone.top(3)[0] == result.top(3)[7]


def test_a_trained_model_s_reasons_add_up_and_read_like_facts(trained, judged):
    result = explain(trained.model, judged.frame)
    sums = [result.base + sum(r.log_odds for r in reasons) for reasons in result.top(1000)]
    assert np.abs(sums - logit(trained.model.rank(judged.frame))).max() < 1e-9
    report = [reason for reasons in result.top(5) for reason in reasons]
    assert len(report) > 2 * len(judged.won)
    facts = [
        reason.text for reason in report if reason.topic != "source"
    ]  # sources are named as is
    assert not [text for text in facts if "nan" in text.lower() or "_" in text or not text]


COUNTED = re.compile(r"(?P<said>[a-z ]+) (?P<times>\d+) times in the last (?P<days>\d+) days")
NEVER = re.compile('no "(?P<said>[a-z ]+)" so far')


def test_the_facts_told_are_those_of_the_lead(trained, judged):
    counted = never = 0
    for row, reasons in enumerate(explain(trained.model, judged.frame).top(5)):
        seen = judged.frame.iloc[row]
        for reason in reasons:
            if match := COUNTED.fullmatch(reason.text):
                action, days = match["said"].replace(" ", "_"), match["days"]
                assert seen[f"count_{days}d({action})"] == int(match["times"])
                counted += 1
            if match := NEVER.fullmatch(reason.text):
                assert seen[f"count_all({match['said'].replace(' ', '_')})"] == 0
                never += 1
    assert counted > 50
    assert never > 50


def test_a_line_says_the_reasons_as_they_are_listed():
    explained = explain(fitted(), snapshots(300, seed=1)[0])
    for most in (1, 3, 50):
        assert explained.lines(most) == ["; ".join(map(str, row)) for row in explained.top(most)]
    silent = by_hand([0.0] * 5, week=4.0, age=80.0, ever=9.0, last=0.5, source="ads")
    assert silent.lines(3) == [""]
