"""Intervals of shares, where each lead counts once."""

import math

from scipy.stats import binomtest

from models.statistics.judge import Estimate


def wilson(hits: int, of: int, level: float = 0.95) -> Estimate:
    """A share with its Wilson interval (JASA 1927); NaN of none.

    >>> [round(figure, 4) for figure in wilson(0, 10)]
    [0.0, 0.0, 0.2775]
    """
    if of == 0:
        return Estimate(math.nan, math.nan, math.nan)
    found = binomtest(hits, of).proportion_ci(level, method="wilson")
    return Estimate(hits / of, float(found.low), float(found.high))
