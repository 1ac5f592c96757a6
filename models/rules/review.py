"""Review of a points table by outcomes: the lift of each rule, and what its points should be.

The lift judges a rule by itself: of two rules that mean the same leads, both show theirs, though
one would do. A hand-written table is reviewed as a whole: its own rules, as they stand (window,
cap, once or each time), are weighed anew on past snapshots: what each tells beside the others. The
new weights are brought to the scale of its points by one factor for all, with which the leads'
totals spread equally far (equal standard deviation). So a table cannot be overpaid as a whole: the
review says where it should move points from, and where to.

What groups and totals bound is left out: rules are weighed as if they had none.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from features.dataset import Dataset
from models.rules.file import Rule
from models.rules.fit import errors, weights
from models.rules.learn import some_leads
from models.rules.rules import RuleScore
from models.statistics.clustered import win_rates
from models.statistics.intervals import FEW_LEADS, Estimate

Pays = Literal["pays", "not clear", "wrong way", "never used"]
ReviewVerdict = Literal[
    "about right",
    "not clear",
    "overpaid",
    "underpaid",
    "takes too much",
    "takes too little",
    "wrong way",
    "too few leads",
]
ROWS = 500_000  # snapshots of whole leads, at most: a few rules cost less than many candidates
SURE = 1.96  # standard errors on each side of a 95% interval


@dataclass(frozen=True)
class RuleLift:
    """One rule on past snapshots. `lift`: of those it applied to, the part that was won, over the
    part of all that was won, with the 95% interval; NaN where it never applied or none was won."""

    rule: str
    points: float
    snapshots: int
    leads: int
    wins: int
    lift: Estimate

    @property
    def pays(self) -> Pays:
        """Whether it moves leads the right way, beyond doubt: up those that are won more often than
        all, down those less often."""
        if not self.snapshots:
            return "never used"
        right, wrong = self.lift.low > 1, self.lift.high < 1
        if self.points < 0:
            right, wrong = wrong, right
        if self.leads < FEW_LEADS or not (right or wrong):
            return "not clear"
        return "pays" if right else "wrong way"

    def json_fields(self) -> dict[str, Any]:
        """With the verdict; the lift is null where the rule never applied or none was won."""
        return vars(self) | {"lift": self.lift.or_none, "pays": self.pays}


@dataclass(frozen=True)
class RuleReview:
    """A hand-written rule, and what outcomes would pay for it on the same scale (95% interval),
    beside the other rules. `by_itself`: its own lift."""

    rule: Rule
    by_itself: RuleLift
    fair: Estimate

    @property
    def verdict(self) -> ReviewVerdict:
        """Whether its points lie within the interval of what is fair, and if not, where; not clear
        where nothing at all lies within it too."""
        points, fair = self.rule.points, self.fair
        if self.by_itself.leads < FEW_LEADS:
            return "too few leads"
        if self.by_itself.pays == "wrong way":
            return "wrong way"
        if fair.low <= points <= fair.high:
            return "not clear" if fair.low <= 0 <= fair.high else "about right"
        if points >= 0:
            return "overpaid" if points > fair.high else "underpaid"
        return "takes too much" if points < fair.low else "takes too little"

    def json_fields(self) -> dict[str, Any]:
        """The rule by itself, and what outcomes would pay for it."""
        return self.by_itself.json_fields() | {"fair": self.fair, "verdict": self.verdict}


def rule_lifts(rules: RuleScore, dataset: Dataset) -> list[RuleLift]:
    """Each rule on mature snapshots, in the order of the file; intervals clustered by lead."""
    lines = rules.lines(dataset.frame).iloc[:, : len(rules.file.rule)]
    applied = (lines != 0).to_numpy(bool)
    rates = win_rates(applied, dataset.frame["lead_id"], dataset.won)
    return [
        RuleLift(
            rule=str(line),
            points=rule.points,
            snapshots=each.snapshots,
            leads=each.leads,
            wins=each.wins,
            lift=each.lift,
        )
        for line, rule, each in zip(lines, rules.file.rule, rates, strict=True)
    ]


def review_rules(rules: RuleScore, past: Dataset) -> list[RuleReview]:
    """Each rule of a points table against past snapshots, in the order of its file. A rule keeps
    the sign of its own lift."""
    lifts = rule_lifts(rules, past)
    some = some_leads(past, ROWS)
    sign = np.array([-1.0 if each.lift.point < 1 else 1.0 for each in lifts])
    given = [_of_one_point(rule).give(some.frame) for rule in rules.file.rule]
    columns = np.column_stack(given) * sign
    fitted = weights(columns, some.won, np.zeros(len(given)))
    error = errors(columns, some.won, some.frame["lead_id"], fitted)
    spread = (columns @ fitted[1:]).std()
    factor = rules.rank(some.frame).std() / spread if spread > 0 else 0.0
    points, reach = fitted[1:] * factor, SURE * (error * factor)
    ends = zip(points, np.maximum(points - reach, 0.0), points + reach, strict=True)
    fair = [Estimate(*map(float, each)) for each in ends]
    return [
        RuleReview(rule, lift, each if way > 0 else each.negated())
        for rule, lift, each, way in zip(rules.file.rule, lifts, fair, sign, strict=True)
    ]


def _of_one_point(rule: Rule) -> Rule:
    """The rule as it stands, but that it gives one point at a time."""
    cap = None if rule.cap is None or not rule.points else rule.cap / abs(rule.points)
    return rule.model_copy(update={"points": 1.0, "cap": cap})
