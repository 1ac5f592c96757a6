"""Permanent baselines: what is simpler than any model, fitted at every training.

The simplest model is a baseline too, and comes from training/learners.py. All see the training
cutoffs only, and as for the model the learner is fitted on the earlier ones and calibrated on the
latest (training/fit.py). All are judged on the model's own test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from features.config import Capacity, Config
from features.dataset import Dataset
from features.errors import Refused
from features.spec.spec import Spec
from models.comparison import judge_on
from models.rules.learn import learn_points
from models.rules.rules import RuleScore
from models.simpler import (
    BASE_RATE,
    CALIBRATED_RULES,
    LEARNED_POINTS,
    MODEL,
    RULES,
    SideBySide,
)
from models.statistics.judge import Contender
from training.fit import calibration_split

Floats = npt.NDArray[np.float64]
Rank = Callable[[pd.DataFrame], Floats]  # a frame of n snapshots -> shape (n,), higher is sooner


@dataclass(frozen=True)
class Baseline:
    """A way to rank snapshots, fitted."""

    name: str
    is_probability: bool
    rank: Rank


def baselines(past: Dataset, specs: Sequence[Spec], rules: RuleScore) -> list[Baseline]:
    """All of them, the simplest first, fitted on the training cutoffs."""
    return [
        Baseline(BASE_RATE, True, same_for_all(past)),
        Baseline(RULES, False, rules.rank),
        Baseline(CALIBRATED_RULES, True, calibrated_rules(past, rules)),
        *learned_points(past, specs),
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
    """The points table learned from outcomes; none where no rule is beyond chance."""
    any_capacity = Capacity(share=0.1)  # only places its bands, which rank nobody
    try:
        return [Baseline(LEARNED_POINTS, False, learn_points(past, specs, any_capacity).rank)]
    except Refused:
        return []


def _column(points: Floats) -> Floats:
    return points[:, np.newaxis]


def side_by_side(
    config: Config, test: Dataset, readiness: Floats, others: Sequence[Baseline]
) -> SideBySide:
    """The model and others on the same snapshots, in lists of the configured capacity."""
    contenders = [Contender(MODEL, readiness, True)]
    contenders += [Contender(b.name, b.rank(test.frame), b.is_probability) for b in others]
    return SideBySide.of(judge_on(test, config, contenders, float(test.won.mean())))
