"""Permanent baselines: what is simpler than the model, fitted beside it at every training.

All see the training cutoffs only and keep the model's discipline: what is fitted is fitted on the
earlier ones and calibrated on the latest (training/fit.py). All are judged on the model's own test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from features.config import Config
from features.dataset import Dataset
from features.errors import Refused
from features.spec import Spec
from models.comparison import capacity_of
from models.judge import Contender, judge
from models.logistic import fit_logistic, inputs, regression
from models.metrics import Capacity
from models.readiness import calibrated, usable
from models.rules.learn import learn_points
from models.rules.rules import RuleScore
from models.simpler import (
    BASE_RATE,
    CALIBRATED_RULES,
    LEARNED_POINTS,
    LOGISTIC,
    MODEL,
    RULES,
    Beside,
    Simpler,
    weigh,
)
from training.fit import calibration_split
from training.splits import Split, rolling_origin

Floats = npt.NDArray[np.float64]
Rank = Callable[[pd.DataFrame], Floats]  # a frame of n snapshots -> shape (n,), higher is sooner

# C of scikit-learn, the strongest shrinkage first. Weekly snapshots of a lead are much alike, so
# that some hundred features want far more of it than C = 1.
STRENGTHS = (3e-4, 1e-3, 5e-3, 3e-2)
WITHOUT_FOLDS = 1e-3


@dataclass(frozen=True)
class Baseline:
    """A way to rank snapshots, fitted."""

    name: str
    is_probability: bool
    rank: Rank


def baselines(
    past: Dataset, specs: Sequence[Spec], rules: RuleScore, folds: Sequence[Split]
) -> list[Baseline]:
    """All of them, the simplest first, fitted on the training cutoffs. folds: rolling-origin splits
    of these, to choose how strongly the regression is shrunk."""
    return [
        Baseline(BASE_RATE, True, same_for_all(past)),
        Baseline(RULES, False, rules.rank),
        Baseline(CALIBRATED_RULES, True, calibrated_rules(past, rules)),
        *learned_points(past, specs),
        Baseline(LOGISTIC, True, logistic(past, specs, folds)),
    ]


def same_for_all(past: Dataset) -> Rank:
    """The win rate of the training snapshots, whatever is known of a lead."""
    base_rate = float(past.won.mean())
    return lambda frame: np.full(len(frame), base_rate)


def calibrated_rules(past: Dataset, rules: RuleScore) -> Rank:
    """Points as a probability: a sigmoid learnt on the cutoffs that calibrate the model, too. It
    ranks as the points do (the other way round, where more points went with fewer wins)."""
    latest = past.at(calibration_split(past).judge)
    sigmoid = make_pipeline(StandardScaler(), LogisticRegression(C=1e3))
    sigmoid.fit(_column(rules.rank(latest.frame)), latest.won)
    return lambda frame: np.asarray(sigmoid.predict_proba(_column(rules.rank(frame)))[:, 1])


def learned_points(past: Dataset, specs: Sequence[Spec]) -> list[Baseline]:
    """The points table that outcomes would write; none where nothing stands clear of chance."""
    any_capacity = Capacity(share=0.1)  # only places its bands, which rank nobody
    try:
        return [Baseline(LEARNED_POINTS, False, learn_points(past, specs, any_capacity).rank)]
    except Refused:
        return []


def _column(points: Floats) -> Floats:
    return points[:, np.newaxis]


def logistic(past: Dataset, specs: Sequence[Spec], folds: Sequence[Split]) -> Rank:
    """The regression on the model's features, calibrated as the trees are."""
    split = calibration_split(past)
    early, latest = past.at(split.fit), past.at(split.judge)
    kept, _ = usable(early.frame, specs)
    names = [spec.name for spec in kept]
    pipeline = fit_logistic(early.frame, early.won, kept, strength(past, specs, folds))
    estimator = calibrated(pipeline, latest.frame[names], latest.won)
    return lambda frame: np.asarray(estimator.predict_proba(frame[names])[:, 1])


def strength(past: Dataset, specs: Sequence[Spec], folds: Sequence[Split]) -> float:
    """The one of STRENGTHS with the least log loss over all snapshots judged in the folds that hold
    won and other snapshots on either side; without such a fold, WITHOUT_FOLDS."""
    fair = [f for f in folds if past.at(f.fit).has_both and past.at(f.judge).has_both]
    if not fair:
        return WITHOUT_FOLDS
    losses = np.sum([_losses(past.at(f.fit), past.at(f.judge), specs) for f in fair], axis=0)
    return STRENGTHS[int(np.argmin(losses))]


def _losses(past: Dataset, later: Dataset, specs: Sequence[Spec]) -> Floats:
    """The sum of the later snapshots' log losses under each of STRENGTHS."""
    kept, _ = usable(past.frame, specs)
    names = [spec.name for spec in kept]
    with threadpool_limits(1, "blas"):
        encode: Pipeline = inputs(kept)
        seen, unseen = encode.fit_transform(past.frame[names]), encode.transform(later.frame[names])
        step = regression(STRENGTHS[0]).set_params(warm_start=True)
        found = []
        for each in STRENGTHS:
            log_odds = step.set_params(C=each).fit(seen, past.won).decision_function(unseen)
            found.append(np.logaddexp(0, np.where(later.won == 1, -log_odds, log_odds)).sum())
    return np.array(found)


def judged_baselines(
    config: Config,
    past: Dataset,
    test: Dataset,
    specs: Sequence[Spec],
    readiness: Floats,
    rules: RuleScore,
) -> Simpler:
    """Fit all on the training cutoffs, hold the model against each of them on its final test, and
    say which is no worse by the metric that promotes. readiness: what the model says of the test.
    """
    cutoffs = [stamp.to_pydatetime() for stamp in past.frame["cutoff"].drop_duplicates()]
    folds = rolling_origin(cutoffs, config.training.folds, config.time.horizon_days)
    fitted = baselines(past, specs, rules, folds)
    return weigh(beside(config, test, readiness, fitted), config.promotion.metric)


def beside(config: Config, test: Dataset, readiness: Floats, others: Sequence[Baseline]) -> Beside:
    """The model and others on the same snapshots, in lists of the configured capacity."""
    contenders = [Contender(MODEL, readiness, True)]
    contenders += [Contender(b.name, b.rank(test.frame), b.is_probability) for b in others]
    snapshots, base_rate = test.frame[["lead_id", "cutoff"]], float(test.won.mean())
    capacity = capacity_of(config)
    return Beside.of(judge(snapshots, test.won, contenders, capacity, base_rate, seed=config.seed))
