"""`readiness compare`: model against rules on every cutoff that is a fair test of the model."""

from features.catalog import distinct
from features.config import Config
from features.database import LeadDatabase
from features.dataset import labelled
from features.progress import Progress
from models.comparison import Comparison, compare_on, fair_cutoffs
from models.readiness import ReadinessModel
from models.rules import RuleScore


def compare(
    config: Config,
    database: LeadDatabase,
    model: ReadinessModel,
    rules: RuleScore,
    progress: Progress,
) -> Comparison:
    """Judge model and rules on every cutoff that is a fair test of the model."""
    cutoffs = fair_cutoffs(config, [model], database.data_end)
    specs = distinct((*model.specs, *rules.specs))
    memory_gb = config.engine.memory_gb
    dataset = labelled(database, specs, cutoffs, model.horizon_days, memory_gb, progress)
    return compare_on(dataset, config, database.data_end, model, rules)
