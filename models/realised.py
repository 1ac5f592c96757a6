"""Realised evidence: what champion, challenger and rules said then, against what happened since.

A backtest asks what a model would have said on past days; here it has said it, each night, beside
the list that sales called from (docs/shadow.md). Both promote by the same figures of `judge`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.config import Config
from models.classifier.model import ReadinessModel
from models.statistics.judge import Contender, Judgement, judge
from models.statistics.verdict import Verdict, verdict


@dataclass(frozen=True)
class Calibration:
    """The mean readiness that a version gave, and the share that was won."""

    mean_readiness: float
    won: float


@dataclass(frozen=True)
class Realised:
    """A challenger (`version`) and, where there was one, a champion, on the same leads of the same
    past lists. judgement: of `challenger`, `champion` and `rules`, the first minus each of the
    others; lost: rows whose lead is no longer in the data as open at that cutoff; calibration: of
    those that say a probability; unit: what is judged, lead or account."""

    version: str
    champion: str | None
    rules_versions: Sequence[str]
    lost: int
    judgement: Judgement
    calibration: dict[str, Calibration]
    unit: str

    @property
    def verdict(self) -> Verdict:
        """Whose lists held more deals, the challenger's or the champion's (without one, the
        rules')."""
        return verdict(self.judgement, self.unit)

    @property
    def won_on_lists(self) -> dict[str, float]:
        """Deals on all lists together, by contender; not whole where a tie ends a list, or the
        capacity is a share."""
        judged = self.judgement
        slots = judged.share * judged.snapshots
        return {name: each["precision"].point * slots for name, each in judged.estimates.items()}

    def json_fields(self) -> dict[str, Any]:
        """As `compare --json` and `promote --json` print it."""
        return {
            "challenger": self.version,
            "champion": self.champion,
            "rules_versions": list(self.rules_versions),
            "lists": len(self.judgement.cutoffs),
            "lost": self.lost,
            "verdict": self.verdict,
            "won_on_lists": self.won_on_lists,
            "calibration": self.calibration,
            "differences": {
                name: {metric: each.or_none for metric, each in figures.items()}
                for name, figures in self.judgement.differences.items()
            },
            "test": self.judgement,
        }


def judge_realised(
    config: Config,
    rows: pd.DataFrame,
    challenger: ReadinessModel,
    champion: ReadinessModel | None,
    rules_versions: Sequence[str],
    lost: int,
) -> Realised:
    """Judge what was said.

    rows: one per mature snapshot: lead_id, cutoff, won (0 or 1), `challenger`, `champion` where
    there is one, and `rules`, what each said. Raises BadInput without rows.
    """
    models = {"challenger": challenger} | ({"champion": champion} if champion else {})
    names = [*models, "rules"]
    contenders = [Contender(name, rows[name].to_numpy(float), name in models) for name in names]
    won = rows["won"].to_numpy(np.float64)
    return Realised(
        version=challenger.version,
        champion=champion.version if champion else None,
        rules_versions=rules_versions,
        lost=lost,
        judgement=judge(
            rows, won, contenders, config.capacity, challenger.base_rate, seed=config.seed
        ),
        calibration={
            name: Calibration(float(rows[name].mean()), float(won.mean())) for name in models
        },
        unit=config.unit,
    )
