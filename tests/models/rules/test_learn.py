"""Points learned from a small world in which it is known what each event adds.

Busy leads do everything more often. "asked" is worth much, "read" something, "clicked" nothing at
all: those who click are won more often only because they also ask. "complained" is bad.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from features.conditions.conditions import Condition
from features.config import Capacity
from features.dataset import Dataset
from features.errors import Refused
from features.spec.kinds import ActiveDays, Age, Attribute, Count, DaysSince
from models.rules.file import Disqualifier, Rule, RulesFile, rules_toml
from models.rules.learn import MOST_POINTS, MOST_RULES, MOST_TAKEN, learn_points
from models.rules.rules import parse_rules

ACTIONS = ("asked", "read", "clicked", "complained")
SPECS = (
    *(Count(action, window) for action in ACTIONS for window in (7, 90, None)),
    *(ActiveDays(7), DaysSince(), Age(), Attribute("size", text=True)),
)
TENTH = Capacity(share=0.1)


def world(seed: int, snapshots: int = 8_000, per_lead: int = 4) -> Dataset:
    """Counts of the last 7 and 90 days are binomial parts of those of all time."""
    rng = np.random.default_rng(seed)
    busy = np.repeat(rng.lognormal(0, 0.5, snapshots // per_lead), per_lead)
    frame = {"lead_id": np.repeat(np.arange(snapshots // per_lead), per_lead)}
    frame["cutoff"] = np.tile(pd.date_range("2026-01-05", periods=per_lead), len(busy) // per_lead)
    odds = np.full(len(busy), -3.2)
    for action, often, effect in zip(
        ACTIONS, (0.3, 0.8, 1.5, 0.15), (2.0, 0.5, 0.0, -1.5), strict=True
    ):
        whole = rng.poisson(often * busy)
        recent = rng.binomial(whole, 0.6)
        frame[f"count_all({action})"], frame[f"count_90d({action})"] = whole, recent
        frame[f"count_7d({action})"] = rng.binomial(recent, 0.3)
        odds = odds + effect * (recent > 0)
    frame |= {"active_days_7d": rng.binomial(7, 0.2 * busy / busy.max())}
    frame |= {"days_since": rng.exponential(3, snapshots), "age_days": np.full(snapshots, 100.0)}
    frame["attribute(size)"] = rng.choice(["small", "large"], snapshots)
    won = rng.random(snapshots) < expit(odds)
    return Dataset(pd.DataFrame(frame), won.astype(float))


def of(rules: RulesFile, action: str) -> list[float]:
    return [rule.points for rule in rules.rule if rule.action == action]


@pytest.fixture(scope="module")
def learned():
    return [learn_points(world(seed), SPECS, TENTH) for seed in range(5)]


def test_the_planted_effects_are_recovered(learned):
    """The planted strong event gets most in each world, the bad one loses points, and the useless
    one nothing, though busy leads click more and are won more."""
    for rules in learned:
        assert max(of(rules.file, "asked")) == max(rule.points for rule in rules.file.rule)
        assert 0 < sum(of(rules.file, "read")) < sum(of(rules.file, "asked"))
        assert all(points < 0 for points in of(rules.file, "complained"))
        assert of(rules.file, "complained")
    clicked = [points for rules in learned for points in of(rules.file, "clicked")]
    assert sum(clicked) / len(learned) <= 1


def test_whole_points_within_bounds(learned):
    for rules in learned:
        assert len(rules.file.rule) <= MOST_RULES
        for rule in rules.file.rule:
            assert rule.points == int(rule.points) != 0
            assert -MOST_TAKEN <= rule.points <= MOST_POINTS
            assert rule.per == "once" or rule.about != "an event" or rule.cap is not None
            assert rule.cap is None or rule.cap == int(rule.cap)


def test_no_good_event_is_punished(learned):
    for seed, rules in enumerate(learned):
        past = world(seed)
        for rule, column in zip(rules.file.rule, rules.lines(past.frame), strict=True):
            touched = rules.lines(past.frame)[column].to_numpy() != 0
            lift = past.won[touched].mean() / past.won.mean()
            assert (lift > 1) == (rule.points > 0), rule.label


def test_hot_are_about_as_many_as_sales_can_call(learned):
    for seed, rules in enumerate(learned):
        frame = world(seed).frame
        last = frame[frame["cutoff"] == frame["cutoff"].max()]
        points = rules.rank(last)
        for begins, expected in ((rules.file.bands.hot, 0.1), (rules.file.bands.warm, 0.3)):
            off = [abs((points >= other).mean() - expected) for other in range(-40, 100)]
            assert abs((points >= begins).mean() - expected) == pytest.approx(min(off))


def test_the_same_again_and_round_the_file(tmp_path):
    past = world(1)
    out = Disqualifier(name='says "no"', any=[Condition(action="complained", at_least=3)])
    rules, again = (learn_points(past, SPECS, TENTH, [out]) for _ in range(2))
    assert rules.version == again.version
    text = rules_toml(rules.file, ["head", ""], {0: ["lift 2"]})
    read = parse_rules(text, tmp_path)
    assert (read.version, read.file) == (rules.version, rules.file)
    assert (read.rank(past.frame) == rules.rank(past.frame)).all()
    assert text.startswith("# head\n#\nname = ")
    assert "# lift 2\n[[rule]]" in text


@given(
    st.text(min_size=1),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.none() | st.floats(0.5, 1e9),
    st.none() | st.integers(1, 3650),
)
def test_any_rule_survives_the_file(text, points, cap, window):
    rules = [
        Rule(action=text, points=points, cap=cap, window_days=window, group=text),
        Rule.model_validate({"attribute": text, "is": [text, "b"], "points": 1}),
        Rule.model_validate({"attribute": "n", "from": points, "points": 2, "per": "once"}),
    ]
    limits = {"cap": 40.0, "floor": -1.5}
    bands = {"warm": -0.5, "hot": 50}
    file = RulesFile.model_validate(
        {"name": text, "bands": bands, "groups": {text: limits}, "total": limits, "rule": rules}
    )
    assert parse_rules(rules_toml(file, [], {}), None).file == file


def test_nothing_to_learn_is_said():
    past = world(0, snapshots=400)
    rng = np.random.default_rng(0)
    with pytest.raises(Refused, match="0 are won"):
        learn_points(Dataset(past.frame, np.zeros(400)), SPECS, TENTH)
    noise = past.frame.assign(**{c: 0 for c in past.frame if c.startswith("count")})
    noise = noise.assign(**{"days_since": 1.0, "attribute(size)": "small", "active_days_7d": 0})
    with pytest.raises(Refused, match="beyond chance"):
        learn_points(Dataset(noise, (rng.random(400) < 0.2).astype(float)), SPECS, TENTH)
