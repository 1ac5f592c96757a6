"""A small, bounded search: a few candidate settings, judged on rolling-origin splits.

Of the trees, the first candidate is the default. Another takes its place only if its log loss on
later cutoffs is lower beyond chance, by the standard error of the paired difference, clustered by
lead, and counting how many tried: on a few thousand snapshots the best of many is often merely the
luckiest. Of the logistic regression only its strength is searched for.
"""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from features.dataset import Dataset
from features.progress import Progress
from features.spec.spec import Spec
from models.classifier.classifier import AnySettings, ReadinessClassifier, Settings
from models.classifier.encoding import uninformative
from models.classifier.logistic import LogisticSettings, inputs, linear_log_odds, regression
from training.fit import tells_apart
from training.splits import Split

DEFAULT = ReadinessClassifier().tree_settings  # the first candidate; the others are around it
CHOICES: dict[str, list[Any]] = {
    "learning_rate": [0.03, 0.05],
    "max_iter": [80, 150, 250, 400],
    "max_leaf_nodes": [6, 8, 15, 31],
    "min_samples_leaf": [20, 60, 150],
    "l2_regularization": [1.0, 10.0, 30.0],
    "max_features": [0.15, 0.3, 0.6],
}
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fold:
    """One candidate on one split: the log loss of each judged snapshot, and whose it is."""

    lead_id: npt.NDArray[Any]
    losses: Floats
    roc_auc: float


@dataclass(frozen=True, repr=False)
class Candidate:
    """Settings and how they did on each fold; no folds where there was nothing to judge on."""

    settings: AnySettings
    folds: tuple[Fold, ...]

    def __repr__(self) -> str:
        return (
            f"Candidate({self.settings}, log loss {self.log_loss:.4f} on {len(self.folds)} folds)"
        )

    @property
    def losses(self) -> Floats:
        return np.concatenate([fold.losses for fold in self.folds])

    @property
    def log_loss(self) -> float:
        """Mean over all judged snapshots; NaN without folds."""
        return float(self.losses.mean()) if self.folds else float("nan")

    @property
    def roc_auc(self) -> float:
        """Mean over the folds; NaN without folds."""
        return float(np.mean([f.roc_auc for f in self.folds])) if self.folds else float("nan")


def draw(count: int, seed: int) -> list[Settings]:
    """The default and `count - 1` others, all different."""
    generator = np.random.default_rng(seed)
    candidates = [DEFAULT]
    while len(candidates) < count:
        settings = {key: values[generator.integers(len(values))] for key, values in CHOICES.items()}
        if settings not in candidates:
            candidates.append(Settings(**settings))  # type: ignore[typeddict-item]
    return candidates


def search(
    dataset: Dataset,
    specs: Sequence[Spec],
    splits: Sequence[Split],
    candidates: Sequence[AnySettings],
    seed: int,
    jobs: int,
    progress: Progress,
) -> list[Candidate]:
    """Every candidate on every fair split, in the order given. `progress` gets the number of fits
    that are done, and of all."""
    fair = [split for split in splits if is_fair(dataset, specs, split)]
    work = [(settings, split) for settings in candidates for split in fair]
    with _sigint_blocked():
        runs = Parallel(n_jobs=jobs, return_as="generator")(
            delayed(_judge)(dataset, specs, settings, split, seed) for settings, split in work
        )
    folds: list[Fold] = []
    for fold in runs:
        folds.append(fold)
        progress("search", len(folds), len(work))
    each = len(fair)
    return [
        Candidate(settings, tuple(folds[i * each : (i + 1) * each]))
        for i, settings in enumerate(candidates)
    ]


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Processes started here never receive SIGINT. A terminal sends Ctrl-C to all of them, and each
    would write a traceback; only this process may end them. Ctrl-C in here is raised afterwards."""
    resource_tracker.ensure_running()  # its start would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """The default (the first), or the best if it is better beyond chance: by as many standard
    errors as the best of so many rivals would reach once in 44 times, if all were equal (two for
    one rival, 2.7 for seven; Bonferroni)."""
    default, best = candidates[0], min(candidates, key=lambda candidate: candidate.log_loss)
    if not default.folds or best is default:
        return default
    leads = np.concatenate([fold.lead_id for fold in default.folds])
    gain = pd.Series(default.losses - best.losses).groupby(leads).sum()
    standard_error = float(np.sqrt((gain**2).sum()))
    required = norm.isf(norm.sf(2) / (len(candidates) - 1))
    return best if gain.sum() > required * standard_error else default


def is_fair(dataset: Dataset, specs: Sequence[Spec], split: Split) -> bool:
    """Whether both sides hold won and other snapshots, and a feature tells the earlier apart."""
    past = dataset.at(split.fit)
    both = past.has_both and dataset.at(split.judge).has_both
    return both and tells_apart(past, specs)


def _judge(
    dataset: Dataset, specs: Sequence[Spec], settings: AnySettings, split: Split, seed: int
) -> Fold:
    past, later = dataset.at(split.fit), dataset.at(split.judge)
    names = [spec.name for spec in specs]
    classifier = ReadinessClassifier.of(settings, seed, calibration="none")
    classifier.fit(past.frame[names], past.won)
    probability = classifier.predict_proba(later.frame[names])[:, 1]
    of_outcome = np.where(later.won == 1, probability, 1 - probability)
    return Fold(
        lead_id=later.frame["lead_id"].to_numpy(),
        losses=-np.log(np.clip(of_outcome, 1e-15, None)),
        roc_auc=float(roc_auc_score(later.won, probability)),
    )


# C of scikit-learn, the strongest shrinkage first. Weekly snapshots of a lead are much alike, so
# that some hundred features want far more of it than C = 1.
STRENGTHS = (3e-4, 1e-3, 5e-3, 3e-2)
WITHOUT_FOLDS = Candidate(LogisticSettings(strength=1e-3), ())


def shrunk(
    past: Dataset, specs: Sequence[Spec], folds: Sequence[Split], strengths: Sequence[float]
) -> list[Candidate]:
    """Each strength on every fair fold."""
    fair = [fold for fold in folds if is_fair(past, specs, fold)]
    judged = [_judge_strengths(past.at(f.fit), past.at(f.judge), specs, strengths) for f in fair]
    return [
        Candidate(LogisticSettings(strength=strength), tuple(each[number] for each in judged))
        for number, strength in enumerate(strengths)
    ]


def least_loss(candidates: Sequence[Candidate]) -> Candidate:
    """The one with the least log loss over all judged snapshots; without folds the only one, or
    WITHOUT_FOLDS."""
    if len(candidates) > 1 and not candidates[0].folds:
        return WITHOUT_FOLDS
    return min(candidates, key=lambda candidate: candidate.log_loss)


def _judge_strengths(
    past: Dataset, later: Dataset, specs: Sequence[Spec], strengths: Sequence[float]
) -> list[Fold]:
    """One encoding for all; each fit begins where the one before has ended."""
    frame = past.frame[[spec.name for spec in specs]]
    frame = frame.drop(columns=list(uninformative(frame)))
    with threadpool_limits(1, "blas"):
        encode = inputs(frame)
        seen, unseen = encode.fit_transform(frame), encode.transform(later.frame[frame.columns])
        step = regression(strengths[0]).set_params(warm_start=True)
        folds = []
        for strength in strengths:
            log_odds = linear_log_odds(step.set_params(C=strength).fit(seen, past.won), unseen)
            losses = np.logaddexp(0, np.where(later.won == 1, -log_odds, log_odds))
            area = float(roc_auc_score(later.won, log_odds))
            folds.append(Fold(later.frame["lead_id"].to_numpy(), losses, area))
    return folds
