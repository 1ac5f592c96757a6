"""`readiness compare`: model against rules on every cutoff that is a fair test of the model."""

from datetime import datetime, timedelta

from features.catalog import distinct
from features.config import Config
from features.cutoffs import grid, mature
from features.database import LeadDatabase
from features.dataset import labelled
from features.errors import Refused
from features.progress import Progress
from models.comparison import Comparison, compare_on
from models.readiness import ReadinessModel
from models.rules import RuleScore


def fair_cutoffs(config: Config, model: ReadinessModel, data_end: datetime) -> list[datetime]:
    """The mature cutoffs that the model was not trained on, at least a horizon after its last
    training cutoff. Raises Refused where there is none yet."""
    times = config.time
    cutoffs = mature(
        grid(times.first_cutoff, times.cutoff_every_days, data_end), model.horizon_days, data_end
    )
    gap = timedelta(days=model.horizon_days)
    fair = [cutoff for cutoff in cutoffs if cutoff >= model.trained_until + gap]
    if not fair:
        raise Refused(
            f"No mature cutoff lies {model.horizon_days} days or more after "
            f"{model.trained_until:%Y-%m-%d}, the last one that model version {model.version} was "
            "trained on: wait for outcomes, or train with more test cutoffs."
        )
    return fair


def compare(
    config: Config,
    database: LeadDatabase,
    model: ReadinessModel,
    rules: RuleScore,
    progress: Progress,
) -> Comparison:
    """Judge model and rules on every cutoff that is a fair test of the model."""
    cutoffs = fair_cutoffs(config, model, database.data_end)
    specs = distinct((*model.specs, *rules.specs))
    memory_gb = config.engine.memory_gb
    dataset = labelled(database, specs, cutoffs, model.horizon_days, memory_gb, progress)
    return compare_on(dataset, config, database.data_end, model, rules)
