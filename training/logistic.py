"""The logistic regression of a training: how strongly it is shrunk, and the fit."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from features.dataset import Dataset
from features.spec.spec import Spec
from models.classifier.columns import uninformative
from models.classifier.logistic import LogisticSettings, inputs, linear_log_odds, regression
from training.search import Candidate, Fold, is_fair
from training.splits import Split

# C of scikit-learn, the strongest shrinkage first. Weekly snapshots of a lead are much alike, so
# that some hundred features want far more of it than C = 1.
STRENGTHS = (3e-4, 1e-3, 5e-3, 3e-2)
WITHOUT_FOLDS = Candidate(LogisticSettings(strength=1e-3), ())


def shrunk(
    past: Dataset, specs: Sequence[Spec], folds: Sequence[Split], strengths: Sequence[float]
) -> list[Candidate]:
    """Each strength on every fold that holds won and other snapshots on either side."""
    fair = [fold for fold in folds if is_fair(past, fold)]
    judged = [_judge(past.at(f.fit), past.at(f.judge), specs, strengths) for f in fair]
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


def _judge(
    past: Dataset, later: Dataset, specs: Sequence[Spec], strengths: Sequence[float]
) -> list[Fold]:
    """One encoding for all; each fit begins where the one before has ended."""
    frame = past.frame[[spec.name for spec in specs]]
    frame = frame.drop(columns=list(uninformative(frame)))
    with threadpool_limits(1, "blas"):
        encode: Pipeline = inputs(frame)
        seen, unseen = encode.fit_transform(frame), encode.transform(later.frame[frame.columns])
        step = regression(strengths[0]).set_params(warm_start=True)
        folds = []
        for strength in strengths:
            log_odds = linear_log_odds(step.set_params(C=strength).fit(seen, past.won), unseen)
            losses = np.logaddexp(0, np.where(later.won == 1, -log_odds, log_odds))
            area = float(roc_auc_score(later.won, log_odds))
            folds.append(Fold(later.frame["lead_id"].to_numpy(), losses, area))
    return folds
