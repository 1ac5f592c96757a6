"""What calibration error chance alone would show.

Noise looks like miscalibration: a readiness that keeps every word shows an error of some size on
any few leads, never 0. So an error is not held against 0, and has no interval of its own, but is
held against the one that a perfectly calibrated readiness, on these snapshots, stays under 19 times
of 20 (docs/adr/0018; python -m benchmarks.coverage).

The noise of a bin is its gap's in the bootstrap of leads, but no less than if every snapshot had
drawn for itself as promised (Spiegelhalter, Statistics in Medicine 1986): a bin without a win has
none to resample, and looks surer than it is.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from models.statistics.bootstrap import LEVEL, Floats
from models.statistics.metrics import BINS


def bin_numbers(probability: npt.ArrayLike, bins: int = BINS) -> npt.NDArray[np.intp]:
    """The bin of each snapshot, from 0 for the best: the bins of `models.metrics.ece`.

    >>> bin_numbers([0.1, 0.1, 0.7, 0.9], bins=2)
    array([1, 1, 0, 0])
    """
    rank = rankdata(np.asarray(probability, float))  # from 1, a tie's mean
    middle = len(rank) - rank + 0.5
    found: npt.NDArray[np.intp] = np.minimum((bins * middle / len(rank)).astype(np.intp), bins - 1)
    return found


class Gaps:
    """What each bin promised beyond what it won, as parts of all snapshots: their sizes add up to
    the calibration error. The bins stay as they are, whatever the weights.

    won, probability: shape (n,), n >= 1.
    """

    def __init__(self, won: Floats, probability: Floats) -> None:
        self._bin, self._stray = bin_numbers(probability), probability - won
        drawn = np.bincount(self._bin, probability * (1 - probability), BINS)
        self._least = np.sqrt(drawn) / len(won)

    def measured(self, weight: Floats) -> Floats:
        """The gaps under a weight for each snapshot, shape (n,): shape (BINS,)."""
        found: Floats = np.bincount(self._bin, weight * self._stray, BINS) / weight.sum()
        return found

    def by_chance(self, replicated: Floats) -> float:
        """The error that chance alone stays under 19 times of 20, in [0, inf), from `measured`
        under each resampling of the leads, shape (replicates, BINS)."""
        noise = replicated - self.measured(np.ones(len(self._stray)))
        spread = noise.std(axis=0)
        noise *= np.maximum(1, self._least / np.where(spread > 0, spread, math.inf))
        return float(np.quantile(np.abs(noise).sum(axis=1), LEVEL))
