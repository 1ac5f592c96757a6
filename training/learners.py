"""Which learner a training registers: the boosted trees, or what `training.learner` asks for.

Trees and a logistic regression are fitted at every training, on the same training cutoffs, and
calibrated alike; what is not registered is a baseline. The average of both (docs/adr/0047) is
fitted where it may be registered. With `learner = "simplest"` the regression is registered where it
does as well as the average, else the trees where they do (docs/adr/0017). Whether one does is seen
on the rolling-origin folds of the training cutoffs, for what is chosen on the final test is no
longer tested by it (docs/adr/0030).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import numpy as np
import pandas as pd

from features.config import Config
from features.dataset import Dataset
from features.errors import Refused
from features.progress import Progress, silent
from features.spec.spec import Spec
from models.classifier.classifier import (
    AVERAGE,
    LOGISTIC,
    NAMES,
    TREES,
    AnySettings,
    AverageSettings,
    Kinds,
)
from models.classifier.model import ReadinessModel
from models.comparison import judge_on
from models.simpler import MODEL, SideBySide, difference_text, does_as_well
from models.statistics.intervals import FEW_LEADS
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


def average(
    config: Config,
    past: Dataset,
    specs: Sequence[Spec],
    cutoffs: Sequence[datetime],
    settings: AverageSettings,
) -> FittedLearner:
    """The average, with the settings that were chosen for its parts; judged on the folds, too."""
    horizon, seed, jobs = config.time.horizon_days, config.seed, config.training.jobs
    folds = rolling_origin(cutoffs, config.training.folds, horizon)
    (tried,) = search(past, specs, folds, [settings], seed, jobs, silent)
    return FittedLearner(fit(past, specs, settings, horizon, seed), tried, [tried])


@dataclass(frozen=True)
class SelectedLearner:
    """The learner to register, what it is to be compared with, and the figures that decided; ""
    where the settings named the learner."""

    registered: FittedLearner
    others: Sequence[FittedLearner]
    why: str


def select_learner(
    config: Config,
    past: Dataset,
    specs: Sequence[Spec],
    cutoffs: Sequence[datetime],
    trees: FittedLearner,
    logistic: FittedLearner,
) -> SelectedLearner:
    """The one that `training.learner` names; of "simplest" what does as well on the folds as the
    average. cutoffs: those of `past`, in order of time."""
    settings = cast(AverageSettings, {**trees.chosen.settings, **logistic.chosen.settings})
    name, why = config.training.learner, ""
    if name == "simplest":
        alone = {LOGISTIC: logistic.chosen.settings, TREES: trees.chosen.settings}
        judged = on_folds(config, past, specs, cutoffs, {MODEL: settings, **alone})
        name, why = simplest(config.promotion.metric, judged)
    if name == "trees":
        return SelectedLearner(trees, [logistic], why)
    if name == "logistic":
        return SelectedLearner(logistic, [trees], why)
    return SelectedLearner(average(config, past, specs, cutoffs, settings), [logistic, trees], why)


def simplest(metric: str, judged: SideBySide | None) -> tuple[Kinds, str]:
    """The first of regression and trees that the average, the model of `judged`, does not surely
    beat, else the average; with the figures. The trees where there is too little to choose by."""
    if judged is None or judged.leads < FEW_LEADS or not judged.sure(metric):
        return "trees", f"{TREES}: earlier periods hold too little to choose by"
    simpler: tuple[Kinds, ...] = ("logistic", "trees")
    as_good = [kind for kind in simpler if does_as_well(judged, NAMES[kind], metric)]
    chosen: Kinds = as_good[0] if as_good else "average"
    shown = NAMES[chosen] if as_good else TREES
    figures = "; ".join(
        difference_text(judged, shown, each, of=f"the {AVERAGE}") for each in (metric, "log_loss")
    )
    return chosen, f"{NAMES[chosen]}, chosen on earlier periods, where the {shown} has {figures}"


def on_folds(
    config: Config,
    past: Dataset,
    specs: Sequence[Spec],
    cutoffs: Sequence[datetime],
    settings: Mapping[str, AnySettings],
) -> SideBySide | None:
    """The model and others, by the settings of each, fitted and calibrated on every fold as they
    are registered, judged on the later cutoffs of all folds; None without a fold that suffices."""
    horizon, unseen, readiness = config.time.horizon_days, [], []
    for fold in rolling_origin(cutoffs, config.training.folds, horizon):
        early, later = past.at(fold.fit), past.at(fold.judge)
        if not is_fair(past, specs, fold):
            continue
        try:
            fitted = [fit(early, specs, each, horizon, config.seed) for each in settings.values()]
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
    contenders = [
        Contender(name, np.concatenate(each), True)
        for name, each in zip(settings, zip(*readiness, strict=True), strict=True)
    ]
    return SideBySide.of(judge_on(judged, config, contenders, float(past.won.mean())))
