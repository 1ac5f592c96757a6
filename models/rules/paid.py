"""Where a hand-written points table overpays and underpays, by outcomes.

Its own rules, as they stand (window, cap, once or each time), are weighed anew on past snapshots:
what each tells beside the others. The new weights are brought to the scale of its points by one
factor for all, with which the leads' totals spread equally far (equal standard deviation). So a
table cannot be overpaid as a whole: it is told where it should move points from, and where to.

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
from models.rules.worth import RuleWorth
from models.statistics.judge import FEW_LEADS, Estimate

RuleVerdict = Literal[
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
SURE = 1.96  # standard errors on each side of a 95 % interval


@dataclass(frozen=True)
class Paid:
    """A hand-written rule, and what outcomes would pay for it on the same scale (95 % interval),
    beside the other rules. `told`: what it is worth by itself."""

    rule: Rule
    told: RuleWorth
    fair: Estimate

    @property
    def verdict(self) -> RuleVerdict:
        """Whether its points lie within the interval of what is fair, and if not, where; not clear
        where nothing at all lies within it too."""
        points, fair = self.rule.points, self.fair
        if self.told.leads < FEW_LEADS:
            return "too few leads"
        if self.told.pays == "wrong way":
            return "wrong way"
        if fair.low <= points <= fair.high:
            return "not clear" if fair.low <= 0 <= fair.high else "about right"
        if points >= 0:
            return "overpaid" if points > fair.high else "underpaid"
        return "takes too much" if points < fair.low else "takes too little"

    def json_fields(self) -> dict[str, Any]:
        """The rule by itself, and what outcomes would pay for it."""
        return self.told.json_fields() | {"fair": self.fair, "verdict": self.verdict}


def paid(rules: RuleScore, told: list[RuleWorth], past: Dataset) -> list[Paid]:
    """Each rule of a points table against past snapshots, in the order of its file.

    told: the rules' worth (models/rules/worth.py). A rule keeps the sign of its own lift.
    """
    some = some_leads(past, ROWS)
    frame, each = some.frame, rules.file.rule
    sign = np.array([-1.0 if found.lift.point < 1 else 1.0 for found in told])
    columns = np.column_stack([_of_one_point(rule).give(frame) for rule in each]) * sign
    found = weights(columns, some.won, np.zeros(len(each)))
    error = errors(columns, some.won, frame["lead_id"], found)
    spread = (columns @ found[1:]).std()
    factor = rules.rank(frame).std() / spread if spread > 0 else 0.0
    fair = [
        sorted([weight, max(weight - SURE * wide, 0.0), weight + SURE * wide])
        for weight, wide in zip(found[1:] * factor, error * factor, strict=True)
    ]
    return [
        Paid(rule, worth, _signed(low, point, high, way))
        for rule, worth, (low, point, high), way in zip(each, told, fair, sign, strict=True)
    ]


def _of_one_point(rule: Rule) -> Rule:
    """The rule as it stands, but that it gives one point at a time."""
    cap = None if rule.cap is None or not rule.points else rule.cap / abs(rule.points)
    return rule.model_copy(update={"points": 1.0, "cap": cap})


def _signed(low: float, point: float, high: float, way: float) -> Estimate:
    return Estimate(point, low, high) if way > 0 else Estimate(-point, -high, -low)
