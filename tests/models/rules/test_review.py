"""A hand-written table whose faults are known, in the small world of test_points_table.py."""

import numpy as np
import pytest

from models.rules.file import Bands, Rule, RulesFile
from models.rules.review import RuleLift, RuleReview, review_rules
from models.rules.rules import RuleScore
from models.statistics.intervals import Estimate
from tests.models.rules.test_learn import world


def by_hand(**points: float) -> RuleScore:
    rules = [
        Rule(action=action, points=p, per="once", window_days=90) for action, p in points.items()
    ]
    return RuleScore(RulesFile(name="by hand", bands=Bands(warm=5, hot=10), rule=rules))


def verdicts(rules: RuleScore) -> dict[str | None, str]:
    past = world(2)
    result = review_rules(rules, past)
    return {each.rule.action: each.verdict for each in result}


def test_points_in_the_right_proportions_are_about_right():
    """2.0, 0.5 and -1.5 are what the events add to the log-odds of that world, in tenths."""
    result = verdicts(by_hand(asked=20, read=5, complained=-15))
    assert set(result.values()) == {"about right"}


def test_where_points_are_lacking_and_where_too_many():
    result = verdicts(by_hand(asked=4, read=5, clicked=10, complained=-15))
    assert result["asked"] == "underpaid"
    assert result["clicked"] == "overpaid"
    assert verdicts(by_hand(asked=20, read=5, complained=12))["complained"] == "wrong way"
    assert verdicts(by_hand(asked=20, read=20, complained=-1))["complained"] == "takes too little"


def test_one_factor_for_all_rules():
    """Ten times the points for everything are the same table: no rule is overpaid by that."""
    past = world(2)
    small, large = by_hand(asked=2, read=2, clicked=1), by_hand(asked=20, read=20, clicked=10)
    reviews = [review_rules(rules, past) for rules in (small, large)]
    for one, ten in zip(*reviews, strict=True):
        assert ten.verdict == one.verdict
        assert np.array(ten.fair) == pytest.approx(10 * np.array(one.fair), rel=1e-6)


@pytest.mark.parametrize(
    ("points", "fair", "verdict"),
    [
        (10, (8, 5, 12), "about right"),
        (10, (8, 0, 12), "not clear"),
        (10, (5, 2, 9), "overpaid"),
        (10, (20, 11, 30), "underpaid"),
        (-10, (-5, -9, -1), "takes too much"),
        (-10, (-20, -30, -11), "takes too little"),
    ],
)
def test_words_for_it(points, fair, verdict):
    lift = Estimate(2.0, 1.5, 2.5) if points > 0 else Estimate(0.5, 0.3, 0.7)
    reviews = RuleLift("a", points, 100, 100, 9, lift)
    rule = Rule(action="a", points=points)
    assert RuleReview(rule, reviews, Estimate(*fair)).verdict == verdict
    few = RuleLift("a", points, 29, 29, 9, lift)
    assert RuleReview(rule, few, Estimate(*fair)).verdict == "too few leads"
