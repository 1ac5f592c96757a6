"""Which learner a training registers: the boosted trees, or the logistic regression if it does as
well.

Both are fitted on the same training cutoffs and calibrated alike. Of two that do equally well the
simpler is registered (docs/adr/0017): every reason of it is a coefficient that anyone can read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from features.config import Config
from features.dataset import Dataset
from features.progress import Progress
from features.spec.spec import Spec
from models.classifier.classifier import LOGISTIC
from models.classifier.model import ReadinessModel
from models.rules.rules import RuleScore
from models.simpler import does_as_well
from training.baselines import Baseline, baselines, side_by_side
from training.fit import SMALL, SMALL_LOGISTIC, fit, is_small
from training.search import STRENGTHS, Candidate, choose, draw, least_loss, search, shrunk
from training.splits import rolling_origin


@dataclass(frozen=True)
class FittedLearner:
    """A fitted model, the settings that it was fitted with, and all that were tried."""

    model: ReadinessModel
    chosen: Candidate
    candidates: Sequence[Candidate]

    @property
    def way(self) -> Baseline:
        """As a way to rank, to compare with others."""
        return Baseline(self.model.way, True, self.model.rank)


def boosted_trees(
    config: Config,
    past: Dataset,
    specs: Sequence[Spec],
    cutoffs: Sequence[datetime],
    progress: Progress,
) -> FittedLearner:
    """Searched and fitted. cutoffs: those of `past`, in order of time."""
    horizon, settings = config.time.horizon_days, config.training
    folds = rolling_origin(cutoffs, settings.folds, horizon)
    candidates = [SMALL] if is_small(past) else draw(settings.candidates, config.seed)
    tried = search(past, specs, folds, candidates, config.seed, settings.jobs, progress)
    chosen = choose(tried)
    return FittedLearner(fit(past, specs, chosen.settings, horizon, config.seed), chosen, tried)


def logistic_regression(
    config: Config, past: Dataset, specs: Sequence[Spec], cutoffs: Sequence[datetime]
) -> FittedLearner:
    """The same of the regression; on few wins it is shrunk as the trees are."""
    horizon = config.time.horizon_days
    folds = rolling_origin(cutoffs, config.training.folds, horizon)
    strengths = (SMALL_LOGISTIC["strength"],) if is_small(past) else STRENGTHS
    tried = shrunk(past, specs, folds, strengths)
    chosen = least_loss(tried)
    return FittedLearner(fit(past, specs, chosen.settings, horizon, config.seed), chosen, tried)


def simplest(
    config: Config,
    past: Dataset,
    test: Dataset,
    specs: Sequence[Spec],
    rules: RuleScore,
    trees: FittedLearner,
    logistic: FittedLearner,
) -> tuple[FittedLearner, list[Baseline]]:
    """The one to register, and what to compare it with: all that is simpler, and the other one.

    The regression where the trees do not surely beat it on the final test; `training.learner` of
    readiness.toml may name one of the two in any case.
    """
    learner, others = config.training.learner, baselines(past, specs, rules)
    if learner == "simplest":
        ranked = side_by_side(config, test, trees.model.rank(test.frame), [logistic.way])
        as_well = does_as_well(ranked, LOGISTIC, config.promotion.metric)
        learner = "logistic" if as_well else "trees"
    if learner == "logistic":
        return logistic, [*others, trees.way]
    return trees, [*others, logistic.way]
