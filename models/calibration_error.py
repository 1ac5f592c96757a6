"""Between which bounds the true calibration error lies, found by asking each value: could it be?

Noise looks like miscalibration: a perfect model shows an error of some size on any few leads, and
resampling them adds noise to noise, so that neither percentiles nor a bias taken off hold the truth
(docs/adr/0022). So the interval is made of tests. Supposed the true gaps had the form of those seen
and came to the error t: with the noise of the bootstrap around them, would an error as low as the
one seen, or as high, come once in forty times only? Then t is not in the interval (test inversion:
Davison and Hinkley 1997, 5.6). It begins at 0 where a perfect model may well have shown as much.

The noise of a bin is its gap's in the bootstrap, but no less than if every snapshot had drawn for
itself as promised (Spiegelhalter, Statistics in Medicine 1986): a bin without a win has none to
resample, and looks surer than it is.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from models.bootstrap import FEW_WINS, LEVEL, NO_INTERVAL, Floats, Interval
from models.metrics import BINS

STEPS = 200  # values of the error that are asked


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

    def interval(self, replicated: Floats, wins: int) -> Interval:
        """The interval of the calibration error, from `measured` under each resampling of the
        leads, shape (replicates, BINS). wins: leads of the rarer outcome; NaN where too few."""
        if wins < FEW_WINS:
            return NO_INTERVAL
        gaps = self.measured(np.ones(len(self._stray)))
        noise = (replicated - gaps) * math.sqrt(wins / (wins - 1))  # a resampling varies less
        spread = noise.std(axis=0)
        noise *= np.maximum(1, self._least / np.where(spread > 0, spread, math.inf))
        seen = float(np.abs(gaps).sum())
        form = gaps / seen if seen else np.full(BINS, 1 / BINS)
        asked = np.linspace(0, seen + float(np.abs(noise).sum(axis=1).max()), STEPS)
        shown = np.stack([np.abs(error * form + noise).sum(axis=1) for error in asked])
        tail = (1 - LEVEL) / 2
        could = ((shown >= seen).mean(axis=1) > tail) & ((shown <= seen).mean(axis=1) > tail)
        if not could.any():  # less than even a perfect model would show
            return Interval(0.0, seen)
        return Interval(float(asked[could][0]), float(asked[could][-1]))
