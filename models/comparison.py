"""Model, rules and chance on the same mature snapshots, at equal list size.

Training judges its final test here and `readiness compare` its fair cutoffs, so that the two cannot
disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.config import Config
from features.dataset import Dataset
from features.errors import Refused
from features.spec.wording import plural
from models.classifier.model import ReadinessModel
from models.fit_engagement.grid import FitEngagementGrid, grid_of
from models.rules.rules import RuleScore
from models.statistics.calibration_report import CalibrationReport, calibration_report
from models.statistics.judge import Contender, Judgement, judge
from models.statistics.verdict import Verdict, exploration, verdict


@dataclass(frozen=True, repr=False)
class Comparison:
    """Model and rules, judged on the same snapshots.

    snapshots: lead_id, cutoff of each judged snapshot; won, model and rules: shape (n,), its
    outcome (1.0 or 0.0), readiness and points. `judgement` holds every figure of the ranking,
    `calibration` whether the readiness is calibrated. segment: the one that was judged alone, if
    so. prior_shift: by day of the cutoff, what was added to every log-odds there; {} without one.
    champion_because: why the model became champion, where the lists do not show it: neither is
    surely the better; "" otherwise, and of a model that is no champion. fit_engagement: the win
    rate by both axes; None of a model that has not both. unit: what is judged, lead or account.
    """

    snapshots: pd.DataFrame
    won: npt.NDArray[np.float64]
    model: npt.NDArray[np.float64]
    rules: npt.NDArray[np.float64]
    judgement: Judgement
    calibration: CalibrationReport
    verdict: Verdict
    model_version: str
    run_id: str
    rules_name: str
    rules_version: str
    horizon_days: int
    trained_until: datetime
    data_end: datetime
    segment: str | None = None
    prior_shift: Mapping[str, float] = field(default_factory=dict)
    champion_because: str = ""
    fit_engagement: FitEngagementGrid | None = None
    unit: str = "lead"

    def __repr__(self) -> str:
        judged = self.judgement
        return (
            f"Comparison(model {self.model_version}, rules {self.rules_version}, "
            f"{plural(judged.snapshots, 'snapshot')}, {judged.wins:,} won)\n{self.verdict}"
        )

    def json_fields(self) -> dict[str, Any]:
        """What `train --json` and `compare --json` print."""
        return {
            "run_id": self.run_id,
            "model_version": self.model_version,
            "rules_version": self.rules_version,
            "segment": self.segment,
            "verdict": self.verdict,
            "horizon_days": self.horizon_days,
            "trained_until": self.trained_until,
            "data_end": self.data_end,
            "prior_shift": self.prior_shift,
            "champion_because": self.champion_because or None,
            "test": self.judgement,
            "calibration": self.calibration,
            "fit_engagement": self.fit_engagement,
        }


def fair_cutoffs(
    config: Config, models: Sequence[ReadinessModel], data_end: datetime
) -> list[datetime]:
    """The mature cutoffs at least a horizon after the last one that any of the models was trained
    on. Raises Refused where there is none yet."""
    times = config.time
    horizon = max(model.horizon_days for model in models)
    last = max(model.trained_until for model in models)
    begin = last + timedelta(days=horizon)
    fair = [cutoff for cutoff in times.mature_cutoffs(data_end, horizon) if cutoff >= begin]
    if not fair:
        raise Refused(
            f"No mature cutoff lies {plural(horizon, 'day')} or more after {last:%Y-%m-%d}, the "
            "last one trained on: wait for outcomes, or train with more test cutoffs."
        )
    return fair


def judge_on(
    dataset: Dataset,
    config: Config,
    contenders: Sequence[Contender],
    base_rate: float,
    replicates: int = 1000,
) -> Judgement:
    """`judge` on labelled snapshots, in lists of the configured capacity."""
    snapshots, capacity = dataset.frame[["lead_id", "cutoff"]], config.capacity
    return judge(
        snapshots, dataset.won, contenders, capacity, base_rate, replicates, seed=config.seed
    )


def compare_on(
    dataset: Dataset,
    config: Config,
    data_end: datetime,
    model: ReadinessModel,
    rules: RuleScore,
    readiness: npt.NDArray[np.float64] | None = None,
) -> Comparison:
    """Judge model and rules on labelled snapshots, in lists of the configured capacity. readiness:
    of each snapshot; without it, that of the model as it is stored."""
    points = rules.rank(dataset.frame)
    readiness = model.rank(dataset.frame) if readiness is None else readiness
    contenders = [Contender("model", readiness, True), Contender("rules", points, False)]
    judged = judge_on(dataset, config, contenders, model.base_rate)
    return Comparison(
        snapshots=dataset.frame[["lead_id", "cutoff"]],
        won=dataset.won,
        model=readiness,
        rules=points,
        judgement=judged,
        calibration=calibration_report(dataset.frame, dataset.won, readiness, rules.band(points)),
        verdict=(exploration if config.training.split == "random" else verdict)(
            judged, config.unit
        ),
        model_version=model.version,
        run_id=model.run_id,
        rules_name=rules.file.name,
        rules_version=rules.version,
        horizon_days=model.horizon_days,
        trained_until=model.trained_until,
        data_end=data_end,
        fit_engagement=grid_of(model.fit_engagement, dataset.frame, dataset.won, config.seed),
        unit=config.unit,
    )
