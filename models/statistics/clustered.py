"""Shares of groups of snapshots where leads recur; the win rate is held against that of all.

A lead with several snapshots in a group counts at each, but its snapshots share its fate: the
variance is that of the leads' totals, linearised (Cochran 1977, 6.4), and the interval is Wilson's
at the effective sample size (Franco, Little, Louis and Slud, J. Survey Stat. Methodol. 2019). Where
none or all are won there is no variance to go by, and each lead counts once.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from models.statistics.intervals import FEW_LEADS, LEVEL, UNKNOWN, Estimate, score_interval

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
AgainstAll = Literal["more", "fewer", "not clear"]


@dataclass(frozen=True)
class WinRate:
    """Of a group of snapshots: how many, of how many leads, how many of them won, the share and its
    95% interval. lift: that share over the one of all snapshots. against_all: whether surely more
    or fewer are won than of all, at 95% for all groups together."""

    snapshots: int
    leads: int
    wins: int
    rate: Estimate
    lift: Estimate
    against_all: AgainstAll


def win_rates(
    groups: Bools, lead_id: npt.ArrayLike, won: npt.ArrayLike, compared: int = 0
) -> list[WinRate]:
    """The win rate of each group of mature snapshots, held against all of them.

    groups: shape (n, k), whether each snapshot is in each group. won: 0 or 1, shape (n,).
    compared: how many groups are held against all: `against_all` is sure for all of these together
    (Bonferroni).

    >>> everyone, some = win_rates(
    ...     np.array([[True, True], [True, False], [True, True], [True, False]]),
    ...     lead_id=[1, 1, 2, 3], won=[1, 0, 1, 0], compared=1)
    >>> everyone.rate.point, some.rate.point, some.lift.point
    (0.5, 1.0, 2.0)
    """
    every, *each = _totals(np.column_stack([np.ones(len(groups)), groups]), lead_id, won)
    return [_win_rate(group, every, compared) for group in each]


def shares(
    parts: npt.NDArray[Any], lead_id: npt.ArrayLike, outcome: npt.ArrayLike, level: float = LEVEL
) -> list[Estimate]:
    """The share of each group that has an outcome, with its interval at a level; NaN in an empty
    group, and without an interval in one of a single lead.

    parts: shape (n, k), how much of each snapshot is in each group, in [0, 1]. outcome: how much of
    each snapshot has it, in [0, 1], shape (n,): a snapshot within a tie at the end of a list is
    partly on it.

    >>> [each.point for each in shares(np.array([[1.0, 0.5], [1.0, 1.0]]), [1, 2], [1.0, 0.0])]
    [0.5, 0.3333333333333333]
    """
    return [_rate(group, level) for group in _totals(parts, lead_id, outcome)]


def mean_by_lead(values: Floats, lead: npt.ArrayLike) -> tuple[float, float]:
    """The mean over snapshots, and its standard error clustered by lead; both shape (n,), n > 0.

    >>> mean_by_lead(np.array([1.0, 1.0, -2.0, 0.0]), [7, 7, 8, 9])
    (0.0, 0.7071067811865476)
    """
    mean = float(values.mean())
    residuals = np.bincount(pd.factorize(pd.Series(lead))[0], values - mean)
    return mean, float(np.sqrt((residuals**2).sum()) / len(values))


def _totals(
    parts: npt.NDArray[Any], lead_id: npt.ArrayLike, outcome: npt.ArrayLike
) -> "list[_Totals]":
    lead, leads = pd.factorize(pd.Series(lead_id))
    having = np.asarray(outcome, np.float64)

    def per_lead(values: npt.NDArray[Any]) -> Floats:
        return np.bincount(lead, values, len(leads)).astype(np.float64)

    return [_Totals(per_lead(part), per_lead(having * part)) for part in parts.T]


@dataclass(frozen=True)
class _Totals:
    """Of each lead, shape (leads,): its snapshots in the group, and those of them that were won."""

    seen: Floats
    won: Floats

    @property
    def rate(self) -> float:
        return float(self.won.sum() / self.seen.sum()) if self.seen.any() else math.nan

    @property
    def leads(self) -> int:
        return int((self.seen > 0).sum())

    @property
    def residuals(self) -> Floats:
        """How much each lead moves the rate, to first order; they sum to 0."""
        moves: Floats = (self.won - self.rate * self.seen) / self.seen.sum()
        return moves

    def variance(self, residuals: Floats) -> float:
        """Of a figure that each lead moves by its residual, shape (leads,)."""
        return self.leads / (self.leads - 1) * float((residuals**2).sum())

    def quantile(self, level: float) -> float:
        """Student's in place of the normal's: few leads tell little of their variance."""
        return float(stats.t.ppf((1 + level) / 2, self.leads - 1))


def _win_rate(group: _Totals, every: _Totals, compared: int) -> WinRate:
    rate = _rate(group, LEVEL)
    lift, against_all = _lift(group, every, rate, compared)
    return WinRate(
        snapshots=int(group.seen.sum()),
        leads=group.leads,
        wins=int(group.won.sum()),
        rate=rate,
        lift=lift,
        against_all=against_all if group.leads >= FEW_LEADS else "not clear",
    )


def _rate(group: _Totals, level: float) -> Estimate:
    rate, size = group.rate, float(group.leads)
    if group.leads < 2:
        return UNKNOWN._replace(point=rate)
    if 0 < rate < 1:
        variance, size = group.variance(group.residuals), float(group.seen.sum())
        if variance > 0:  # 0 where every lead has the same rate
            size = min(size, rate * (1 - rate) / variance)
    return score_interval(rate, size, group.quantile(level))


def _lift(
    group: _Totals, every: _Totals, rate: Estimate, compared: int
) -> tuple[Estimate, AgainstAll]:
    """On the scale of logarithms; the group is part of all, which its leads move, too."""
    if group.leads < 2 or not every.won.any():
        return UNKNOWN, "not clear"
    lift = group.rate / every.rate
    if lift == 0:
        high = rate.high / every.rate
        return Estimate(0.0, 0.0, high), "fewer" if high < 1 else "not clear"
    moves = group.residuals / group.rate - every.residuals / every.rate
    error = math.sqrt(group.variance(moves))
    reach = group.quantile(LEVEL) * error
    surely = group.quantile(1 - (1 - LEVEL) / max(1, compared)) * error
    if abs(math.log(lift)) <= surely:
        against_all: AgainstAll = "not clear"
    else:
        against_all = "more" if lift > 1 else "fewer"
    return Estimate(lift, lift * math.exp(-reach), lift * math.exp(reach)), against_all
