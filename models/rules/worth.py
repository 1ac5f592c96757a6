"""Which rules pay for themselves: the lift of the leads that each gave points to, or took some of.

A rule is judged by itself, not beside the others: of two rules that mean the same leads, both show
their lift, though one would do.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.dataset import Dataset
from models.bootstrap import bootstrap, interval
from models.judge import FEW_LEADS, Estimate
from models.rules.file import Floats
from models.rules.rules import RuleScore

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
    won = np.asarray(dataset.won, np.float64)
    lead, leads = pd.factorize(dataset.frame["lead_id"])

    def by_lead(figures: npt.ArrayLike) -> Floats:
        return np.asarray(np.bincount(lead, figures, len(leads)), np.float64)

    touched = (lines != 0).to_numpy(np.float64).T
    wins, total = (np.stack([by_lead(row * of) for row in touched]) for of in (won, 1.0))
    all_wins, all_total = by_lead(won), by_lead(np.ones(won.size))

    def lifts(weight: Floats) -> Floats:
        # plain sums: the threads of a BLAS add up in another order
        base = (weight * all_wins).sum() / (weight * all_total).sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (wins * weight).sum(axis=1) / (total * weight).sum(axis=1)
            return np.asarray(share / base, np.float64)

    point = lifts(np.ones(len(leads)))
    replicated = bootstrap(lifts, leads, replicates, seed)
    replicated = np.where(np.isfinite(replicated), replicated, np.nan)
    return [
        RuleWorth(
            line=str(line),
            points=rule.points,
            snapshots=int(total[row].sum()),
            leads=int((total[row] > 0).sum()),
            wins=int(wins[row].sum()),
            lift=Estimate(float(point[row]), *interval(replicated[:, row])),
        )
        for row, (line, rule) in enumerate(zip(lines, rules.file.rule, strict=True))
    ]
