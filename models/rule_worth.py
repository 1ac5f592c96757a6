"""Which rules pay for themselves: the lift of the leads that each gave points to, or took some of.

A rule is judged by itself, not beside the others: of two rules that mean the same leads, both show
their lift, though one would do.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from features.dataset import Dataset
from models.bootstrap import bootstrap, interval
from models.judge import FEW_LEADS, Estimate
from models.rules import RuleScore
from models.rules_file import Floats

Pays = Literal["pays", "not clear", "wrong way", "never used"]


@dataclass(frozen=True)
class RuleWorth:
    """One rule on past snapshots. `lift`: of those it touched, the part that was won, over the part
    of all that was won, with the 95 % interval; NaN where nothing was touched or won."""

    line: str
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

    def to_json(self) -> dict[str, Any]:
        """A dict for json.dumps: null where a figure makes no sense, never NaN."""
        lift = None if np.isnan(self.lift.point) else self.lift._asdict()
        return {
            "rule": self.line,
            "points": self.points,
            "snapshots": self.snapshots,
            "leads": self.leads,
            "wins": self.wins,
            "lift": lift,
            "pays": self.pays,
        }


def worth(rules: RuleScore, dataset: Dataset, replicates: int, seed: int) -> list[RuleWorth]:
    """Each rule on mature snapshots, in the order of the file; intervals by resampled leads."""
    lines = rules.lines(dataset.frame).iloc[:, : len(rules.file.rule)]
    touched = (lines != 0).to_numpy(np.float64).T
    won = np.asarray(dataset.won, np.float64)

    def lifts(weight: Floats) -> Floats:
        # plain sums: the threads of a BLAS add up in another order
        wins, total = (touched * (weight * won)).sum(axis=1), (touched * weight).sum(axis=1)
        base = (weight * won).sum() / weight.sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(wins / total / base, np.float64)

    point = lifts(np.ones(won.size))
    replicated = bootstrap(lifts, dataset.frame["lead_id"], replicates, seed)
    replicated = np.where(np.isfinite(replicated), replicated, np.nan)
    found = []
    for row, (line, rule) in enumerate(zip(lines, rules.file.rule, strict=True)):
        mask = touched[row] > 0
        found.append(
            RuleWorth(
                line=str(line),
                points=rule.points,
                snapshots=int(mask.sum()),
                leads=pd.Series(dataset.frame["lead_id"][mask]).nunique(),
                wins=int(won[mask].sum()),
                lift=Estimate(float(point[row]), *interval(replicated[:, row])),
            )
        )
    return found
