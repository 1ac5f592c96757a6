"""Model, rules and chance on the same mature snapshots, at equal list size."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.catalog import distinct
from features.config import Config
from features.cutoffs import grid, mature
from features.database import LeadDatabase
from features.dataset import Dataset, labelled
from features.errors import Refused
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


def fair_cutoffs(config: Config, model: ReadinessModel, data_end: datetime) -> list[datetime]:
    """The mature cutoffs that the model was not trained on, at least a horizon after its last
    training cutoff. Raises Refused where there is none yet."""
    times = config.time
    cutoffs = mature(
        grid(times.first_cutoff, times.cutoff_every_days, data_end), model.horizon_days, data_end
    )
    gap = pd.Timedelta(days=model.horizon_days)
    fair = [cutoff for cutoff in cutoffs if cutoff >= model.trained_until + gap]
    if not fair:
        raise Refused(
            f"No mature cutoff lies {model.horizon_days} days or more after "
            f"{model.trained_until:%Y-%m-%d}, the last one that model version {model.version} was "
            "trained on: wait for outcomes, or train with more test cutoffs."
        )
    return fair


def compare(
    config: Config, database: LeadDatabase, model: ReadinessModel, rules: RuleScore
) -> Comparison:
    """Judge model and rules on every cutoff that is a fair test of the model."""
    cutoffs = fair_cutoffs(config, model, database.data_end)
    specs = distinct((*model.specs, *rules.specs))
    dataset = labelled(database, specs, cutoffs, model.horizon_days, config.engine.memory_gb)
    return compare_on(dataset, config, database.data_end, model, rules)


def compare_on(
    dataset: Dataset, config: Config, data_end: datetime, model: ReadinessModel, rules: RuleScore
) -> Comparison:
    """The same on snapshots that are at hand."""
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
