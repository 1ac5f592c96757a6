"""A figure with its interval, and the intervals of shares that have a formula."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from scipy.stats import norm

LEVEL = 0.95
FEW_LEADS = 30  # with fewer, intervals are too narrow to decide by


class Estimate(NamedTuple):
    """A figure and its 95% interval [low, high], NaN where undefined; low and high alone are NaN
    where an interval could not be trusted (docs/adr/0018), as always for a calibration error."""

    point: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    @property
    def significant(self) -> bool:
        """Of a difference: whether its interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def negated(self) -> "Estimate":
        """The estimate of the figure with the opposite sign."""
        return Estimate(-self.point, -self.high, -self.low)

    def interval_json(self) -> dict[str, float] | None:
        """The interval for json.dumps; null where there is none."""
        return {"low": self.low, "high": self.high} if self.known else None

    @classmethod
    def from_json(cls, stored: Mapping[str, float | None] | None) -> "Estimate":
        """What json.dumps made of `or_none`; NaN where it has null, or nothing."""
        figures = map((stored or {}).get, cls._fields)
        return cls(*(math.nan if figure is None else figure for figure in figures))

    @property
    def or_none(self) -> "Estimate | None":
        """Itself; None without a figure."""
        return None if math.isnan(self.point) else self


def percentage_points(difference: Estimate) -> str:
    """A difference of two shares with its interval, in percentage points (pp): 3.3% more would be
    read as a part of the smaller share.

    >>> percentage_points(Estimate(0.033, 0.007, 0.054))
    '+3.3 pp (+0.7 to +5.4)'
    >>> nan = math.nan
    >>> percentage_points(Estimate(-0.0004, nan, nan)), percentage_points(Estimate(nan, nan, nan))
    ('+0.0 pp', '-')
    """
    if math.isnan(difference.point):
        return "-"
    point, low, high = (f"{100 * each:+z.1f}" for each in difference)
    return f"{point} pp ({low} to {high})" if difference.known else f"{point} pp"


UNKNOWN = Estimate(math.nan, math.nan, math.nan)


def wilson(hits: int, count: int, level: float = LEVEL) -> Estimate:
    """hits / count with its interval, where each lead counts once; NaN where count is 0.

    >>> [round(figure, 4) for figure in wilson(0, 10)]
    [0.0, 0.0, 0.2775]
    """
    if count == 0:
        return UNKNOWN
    return score_interval(hits / count, count, float(norm.ppf((1 + level) / 2)))


def score_interval(share: float, size: float, quantile: float) -> Estimate:
    """The interval of a share that `size` independent draws have shown (Wilson, JASA 1927).

    size: > 0, not always whole: of dependent draws as many as tell the same (effective sample
    size). quantile: of the standard normal, or of Student's t where the variance is estimated.
    """
    z2 = quantile**2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = math.sqrt(z2 / size * (share * (1 - share) + z2 / (4 * size))) / (1 + z2 / size)
    low, high = centre - half, centre + half
    return Estimate(share, low if share > 0 else 0.0, high if share < 1 else 1.0)


def newcombe(first: Estimate, second: Estimate) -> Estimate:
    """first - second of two independent shares, from their Wilson intervals (Newcombe, Statistics
    in Medicine 1998, method 10). His first example: 56 of 70 against 48 of 80.

    >>> [round(figure, 4) for figure in newcombe(wilson(56, 70), wilson(48, 80))]
    [0.2, 0.0524, 0.3339]
    """
    below = math.hypot(first.point - first.low, second.high - second.point)
    above = math.hypot(first.high - first.point, second.point - second.low)
    gap = first.point - second.point
    return Estimate(gap, gap - below, gap + above)


def ratio(first: Estimate, second: Estimate) -> Estimate:
    """first / second of two independent shares, from their intervals on the scale of logarithms
    (Zou and Donner, Statistics in Medicine 2008); NaN where the second is 0, and without an
    interval where either has none.

    >>> [round(figure, 4) for figure in ratio(wilson(20, 100), wilson(40, 100))]
    [0.5, 0.3154, 0.7829]
    """
    if second.point == 0:
        return UNKNOWN
    if not (first.known and second.known):
        return UNKNOWN._replace(point=first.point / second.point)
    if first.point == 0:
        return Estimate(0.0, 0.0, first.high / second.low)
    logs = newcombe(*(Estimate(*map(math.log, each)) for each in (first, second)))
    return Estimate(*map(math.exp, logs))
