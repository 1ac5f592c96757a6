"""Model, rules and chance on the same mature snapshots, at equal list size.

Training judges its final test here and `readiness compare` its fair cutoffs, so that the two cannot
disagree.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.config import Config
from features.dataset import Dataset
from models.judge import Contender, Judgement, judge, verdict
from models.metrics import Capacity
from models.readiness import ReadinessModel
from models.rules import RuleScore


@dataclass(frozen=True)
class Comparison:
    """What the report shows.

    snapshots: lead_id, cutoff of each judged snapshot; won, model and rules: shape (n,), its
    outcome (1.0 or 0.0), readiness and points. `judgement` holds every figure.
    """

    snapshots: pd.DataFrame
    won: npt.NDArray[np.float64]
    model: npt.NDArray[np.float64]
    rules: npt.NDArray[np.float64]
    judgement: Judgement
    verdict: str
    model_version: str
    run_id: str
    rules_name: str
    rules_version: str
    horizon_days: int
    trained_until: datetime
    data_end: datetime

    def to_json(self) -> dict[str, Any]:
        """What `train --json` and `compare --json` print."""
        return {
            "run_id": self.run_id,
            "model_version": self.model_version,
            "rules_version": self.rules_version,
            "verdict": self.verdict,
            "horizon_days": self.horizon_days,
            "trained_until": self.trained_until.isoformat(),
            "data_end": self.data_end.isoformat(),
            "test": self.judgement.to_json(),
        }


def compare_on(
    dataset: Dataset, config: Config, data_end: datetime, model: ReadinessModel, rules: RuleScore
) -> Comparison:
    """Judge model and rules on labelled snapshots, in lists of the configured capacity."""
    readiness, points = model.rank(dataset.frame), rules.rank(dataset.frame)
    snapshots = dataset.frame[["lead_id", "cutoff"]]
    contenders = [Contender("model", readiness, True), Contender("rules", points, False)]
    judged = judge(
        snapshots,
        dataset.won,
        contenders,
        Capacity(config.capacity.share, config.capacity.leads),
        model.base_rate,
        seed=config.seed,
    )
    return Comparison(
        snapshots=snapshots,
        won=dataset.won,
        model=readiness,
        rules=points,
        judgement=judged,
        verdict=verdict(judged),
        model_version=model.version,
        run_id=model.run_id,
        rules_name=rules.file.name,
        rules_version=rules.version,
        horizon_days=model.horizon_days,
        trained_until=model.trained_until,
        data_end=data_end,
    )
