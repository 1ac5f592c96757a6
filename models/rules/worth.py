"""Which rules pay for themselves: the lift of the leads that each gave points to, or took some of.

A rule is judged by itself, not beside the others: of two rules that mean the same leads, both show
their lift, though one would do.
"""

from dataclasses import dataclass
from typing import Any, Literal

from features.dataset import Dataset
from models.rules.rules import RuleScore
from models.statistics.clustered import conversions
from models.statistics.judge import FEW_LEADS, Estimate

Pays = Literal["pays", "not clear", "wrong way", "never used"]


@dataclass(frozen=True)
class RuleWorth:
    """One rule on past snapshots. `lift`: of those it touched, the part that was won, over the part
    of all that was won, with the 95 % interval; NaN where nothing was touched or won."""

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
        """With the verdict; the lift is null where nothing was touched or won."""
        return vars(self) | {"lift": self.lift.or_none, "pays": self.pays}


def worth(rules: RuleScore, dataset: Dataset) -> list[RuleWorth]:
    """Each rule on mature snapshots, in the order of the file; intervals as those of segments."""
    lines = rules.lines(dataset.frame).iloc[:, : len(rules.file.rule)]
    touched = (lines != 0).to_numpy(bool)
    found = conversions(touched, dataset.frame["lead_id"], dataset.won, compared=0)
    return [
        RuleWorth(
            rule=str(line),
            points=rule.points,
            snapshots=each.snapshots,
            leads=each.leads,
            wins=each.wins,
            lift=each.lift,
        )
        for line, rule, each in zip(lines, rules.file.rule, found, strict=True)
    ]
