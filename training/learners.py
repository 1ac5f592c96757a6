"""Which learner a training registers: the boosted trees, or what `training.learner` asks for.

Both are fitted at every training, on the same training cutoffs, and calibrated alike; the one that
is not registered is a baseline. With `learner = "simplest"` the regression is registered where it
does as well (docs/adr/0017): every reason of it is a coefficient that anyone can read. Whether it
does is seen on the rolling-origin folds of the training cutoffs, for what is chosen on the final
test is no longer tested by it (docs/adr/0030).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from features.config import Config
from features.dataset import Dataset
from features.errors import Refused
from features.progress import Progress
from features.spec.spec import Spec
from models.classifier.classifier import LOGISTIC, TREES
from models.classifier.model import ReadinessModel
from models.comparison import judge_on
from models.simpler import MODEL, SideBySide, difference_text, does_as_well
from models.statistics.judge import Contender
from training.baselines import Baseline
from training.fit import SMALL, SMALL_LOGISTIC, fit, is_small
from training.search import STRENGTHS, Candidate, choose, draw, is_fair, least_loss, search, shrunk
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


@dataclass(frozen=True)
class SelectedLearner:
    """The learner to register, the other one, and the figures that decided; "" where the settings
    named the learner."""

    registered: FittedLearner
    other: FittedLearner
    why: str


def select_learner(
    config: Config,
    past: Dataset,
    specs: Sequence[Spec],
    cutoffs: Sequence[datetime],
    trees: FittedLearner,
    logistic: FittedLearner,
) -> SelectedLearner:
    """The one that `training.learner` names; of "simplest" the regression where the trees do not
    surely beat it on the folds. cutoffs: those of `past`, in order of time."""
    learner = config.training.learner
    if learner == "trees":
        return SelectedLearner(trees, logistic, "")
    if learner == "logistic":
        return SelectedLearner(logistic, trees, "")
    metric, judged = (
        config.promotion.metric,
        on_folds(config, past, specs, cutoffs, trees, logistic),
    )
    if judged is None:
        return SelectedLearner(trees, logistic, f"{TREES}: there is no earlier period to choose on")
    figures = "; ".join(
        difference_text(judged, LOGISTIC, each, of=f"the {TREES}") for each in (metric, "log_loss")
    )
    why = f"chosen on earlier periods, where the {LOGISTIC} has {figures}"
    if does_as_well(judged, LOGISTIC, metric):
        return SelectedLearner(logistic, trees, f"{LOGISTIC}, {why}")
    return SelectedLearner(trees, logistic, f"{TREES}, {why}")


def on_folds(
    config: Config,
    past: Dataset,
    specs: Sequence[Spec],
    cutoffs: Sequence[datetime],
    trees: FittedLearner,
    logistic: FittedLearner,
) -> SideBySide | None:
    """The trees, as the model, and the regression, each fitted and calibrated on every fold as it
    is registered, judged on the later cutoffs of all folds; None without a fold that suffices."""
    horizon, unseen, readiness = config.time.horizon_days, [], []
    for fold in rolling_origin(cutoffs, config.training.folds, horizon):
        early, later = past.at(fold.fit), past.at(fold.judge)
        if not is_fair(past, specs, fold):
            continue
        try:
            fitted = [
                fit(early, specs, learner.chosen.settings, horizon, config.seed)
                for learner in (trees, logistic)
            ]
        except Refused:  # too few cutoffs to calibrate on
            continue
        unseen.append(later)
        readiness.append([model.rank(later.frame) for model in fitted])
    if not unseen:
        return None
    frame = pd.concat([each.frame[["lead_id", "cutoff"]] for each in unseen], ignore_index=True)
    judged = Dataset(frame, np.concatenate([each.won for each in unseen]))
    if not judged.has_both:
        return None
    of_trees, of_logistic = (np.concatenate(each) for each in zip(*readiness, strict=True))
    contenders = [Contender(MODEL, of_trees, True), Contender(LOGISTIC, of_logistic, True)]
    return SideBySide.of(judge_on(judged, config, contenders, float(past.won.mean())))
