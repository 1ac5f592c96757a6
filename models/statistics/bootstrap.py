"""How sure a measure is: a bootstrap paired over rankers and clustered by lead.

The snapshots of one lead share its fate, so leads are resampled, not snapshots: a replicate draws
as many leads as there are, with replacement, and a lead drawn twice counts twice with all its
snapshots (Davison and Hinkley 1997, 3.8; Field and Welsh, JRSS B 2007). Whatever is measured in
one replicate sees the same draw, so that differences between rankers are paired.

An interval says how the figures vary with the leads, at these cutoffs and with this model: not
with another quarter, nor with another training. What it has to go by are the leads of the rarer
outcome, mostly the won ones: below FEW_WINS of them there is no interval, for it would not hold the
truth as often as it says (docs/adr/0018, python -m benchmarks.coverage).
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from models.statistics.intervals import LEVEL, Estimate

Floats = NDArray[np.float64]
FEW_WINS = 20  # below so many leads of the rarer outcome there is no interval


def bootstrap(
    measure: Callable[[Floats], Floats], lead_id: ArrayLike, replicates: int, seed: int
) -> Floats:
    """`measure` under each of `replicates` resamplings of the leads, shape (replicates, ...).

    measure: takes the weight of each snapshot, shape (n,), whole numbers from 0 that are equal
    within a lead; gives an array of the same shape each time, NaN where a replicate leaves it
    undefined. lead_id: shape (n,), no missing. Deterministic in the seed, and the first replicates
    do not depend on how many follow. ValueError for missing leads or fewer than 1 replicate.

    >>> bootstrap(lambda weight: weight, ["a", "a", "b"], replicates=3, seed=0)
    array([[0., 0., 2.],
           [1., 1., 1.],
           [2., 2., 0.]])
    """
    lead, leads = pd.factorize(pd.Series(lead_id))
    if len(lead) == 0 or lead.min() < 0:
        raise ValueError("every snapshot needs a lead_id, and there must be one at least")
    if replicates < 1:
        raise ValueError(f"replicates must be at least 1, not {replicates}")
    rng, count = np.random.default_rng(seed), len(leads)

    def resampled() -> Floats:
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        return times.astype(float)[lead]

    return np.stack([measure(resampled()) for _ in range(replicates)])


def rarer(lead_id: ArrayLike, won: ArrayLike) -> int:
    """How many leads the rarer outcome has: those won at a snapshot, or those not won at one.

    >>> rarer(["a", "a", "b", "c"], [1, 1, 0, 0])
    1
    """
    lead, outcome = pd.Series(lead_id).reset_index(drop=True), np.asarray(won, float)
    return min(int(lead[outcome == one].nunique()) for one in (0, 1))


def too_few(wins: int) -> str:
    """Why there is no interval, from the number of leads of the rarer outcome; "" where there is.

    >>> too_few(8), too_few(20)
    ('too few wins for an interval: 8 of the 20 needed', '')
    """
    if wins >= FEW_WINS:
        return ""
    return f"too few wins for an interval: {wins} of the {FEW_WINS} needed"


def interval(replicated: Floats, wins: int, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval (low, high) of replicated values, shape (replicates,); NaN where wins
    are too few. Replicates that are NaN (no win drawn: no ROC AUC) are left out.

    wins: how many leads of the rarer outcome were resampled (`rarer`).

    >>> interval(np.array([1.0, 2.0, 3.0, float("nan")]), wins=20, level=0.5)
    (1.5, 2.5)
    >>> interval(np.array([1.0, 2.0, 3.0]), wins=19)
    (nan, nan)
    """
    known = replicated[~np.isnan(replicated)]
    if known.size == 0 or wins < FEW_WINS:
        return math.nan, math.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrapped(
    measure: Callable[[Floats], float], lead_id: ArrayLike, wins: int, replicates: int, seed: int
) -> Estimate:
    """One measure of all snapshots with its interval. Arguments as of `bootstrap` and `interval`.

    >>> bootstrapped(lambda weight: float(weight.sum()), range(50), wins=20, replicates=9, seed=0)
    Estimate(point=50.0, low=50.0, high=50.0)
    """
    replicated = bootstrap(lambda weight: np.array(measure(weight)), lead_id, replicates, seed)
    return Estimate(measure(np.ones(np.size(lead_id))), *interval(replicated, wins))
