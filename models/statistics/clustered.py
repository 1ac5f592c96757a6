"""What segments are worth: the share of their leads that is won, held against all, and how much
they overlap.

Conversion is what sales would meet that call a segment's leads on any day of the grid: of the leads
that are open and in it at a mature cutoff, the share won within the horizon. A lead that is in it
at several cutoffs counts at each, but its snapshots share its fate: the variance is that of the
leads' totals, linearised (Cochran 1977, 6.4), and the interval is Wilson's at the effective sample
size (Franco, Little, Louis and Slud, J. Survey Stat. Methodol. 2019). Where none or all are won
there is no variance to go by, and each lead counts once.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from models.statistics.bootstrap import LEVEL
from models.statistics.judge import FEW_LEADS, Estimate

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Verdict = Literal["more", "fewer", "not clear"]
UNKNOWN = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Conversion:
    """Of a group of snapshots: how many, of how many leads, how many of them won, the share and its
    95 % interval. lift: that share over the one of all snapshots. against_all: whether surely more
    or fewer are won than of all, at 95 % for all segments together."""

    snapshots: int
    leads: int
    wins: int
    rate: Estimate
    lift: Estimate
    against_all: Verdict


def conversions(
    groups: Bools, lead_id: npt.ArrayLike, won: npt.ArrayLike, compared: int
) -> list[Conversion]:
    """The conversion of each group of mature snapshots, held against all of them.

    groups: shape (n, k), whether each snapshot is in each group. won: 0 or 1, shape (n,).
    compared: how many groups are held against all: `against_all` is sure for all of these together
    (Bonferroni).

    >>> everyone, some = conversions(
    ...     np.array([[True, True], [True, False], [True, True], [True, False]]),
    ...     lead_id=[1, 1, 2, 3], won=[1, 0, 1, 0], compared=1)
    >>> everyone.rate.point, some.rate.point, some.lift.point
    (0.5, 1.0, 2.0)
    """
    lead, leads = pd.factorize(pd.Series(lead_id))
    outcome = np.asarray(won, np.float64)

    def per_lead(weights: Floats) -> Floats:
        return np.bincount(lead, weights, minlength=len(leads)).astype(np.float64)

    every = _Totals(per_lead(np.ones(len(outcome))), per_lead(outcome))
    return [
        _against(
            _Totals(per_lead(held.astype(np.float64)), per_lead(outcome * held)), every, compared
        )
        for held in groups.T
    ]


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
    def strays(self) -> Floats:
        """How much each lead moves the rate, to first order; they sum to 0."""
        moves: Floats = (self.won - self.rate * self.seen) / self.seen.sum()
        return moves


def _against(group: _Totals, every: _Totals, compared: int) -> Conversion:
    rate = _wilson(group)
    lift, verdict = _lift(group, every, rate, compared)
    return Conversion(
        snapshots=int(group.seen.sum()),
        leads=group.leads,
        wins=int(group.won.sum()),
        rate=rate,
        lift=lift,
        against_all=verdict if group.leads >= FEW_LEADS else "not clear",
    )


def _wilson(group: _Totals) -> Estimate:
    """Student's quantile in place of the normal's: few leads tell little of their variance."""
    rate, leads = group.rate, group.leads
    if leads < 2:
        return Estimate(rate, math.nan, math.nan)
    variance = leads / (leads - 1) * float((group.strays**2).sum())
    size = min(rate * (1 - rate) / variance, group.seen.sum()) if 0 < rate < 1 else float(leads)
    z2 = _student(LEVEL, leads) ** 2
    centre = (rate + z2 / (2 * size)) / (1 + z2 / size)
    half = math.sqrt(z2 / size * (rate * (1 - rate) + z2 / (4 * size))) / (1 + z2 / size)
    return Estimate(rate, max(0.0, centre - half), min(1.0, centre + half))


def _lift(
    group: _Totals, every: _Totals, rate: Estimate, compared: int
) -> tuple[Estimate, Verdict]:
    """On the scale of logarithms; the group is part of all, which its leads move, too."""
    if group.leads < 2 or not every.won.any():
        return UNKNOWN, "not clear"
    lift = group.rate / every.rate
    if lift == 0:
        high = rate.high / every.rate
        return Estimate(0.0, 0.0, high), "fewer" if high < 1 else "not clear"
    moves = group.strays / group.rate - every.strays / every.rate
    error = math.sqrt(group.leads / (group.leads - 1) * float((moves**2).sum()))
    reach = _student(LEVEL, group.leads) * error
    surely = _student(1 - (1 - LEVEL) / max(1, compared), group.leads) * error
    far = abs(math.log(lift)) > surely
    verdict: Verdict = "not clear" if not far else "more" if lift > 1 else "fewer"
    return Estimate(lift, lift * math.exp(-reach), lift * math.exp(reach)), verdict


def _student(level: float, leads: int) -> float:
    return float(stats.t.ppf((1 + level) / 2, leads - 1))


def overlap(members: pd.DataFrame) -> pd.DataFrame:
    """Of the leads of each segment (row), the share that is also in each other (column); NaN in the
    row of a segment without leads.

    >>> overlap(pd.DataFrame({"a": [True, True, False], "b": [True, False, False]}))
         a    b
    a  1.0  0.5
    b  1.0  1.0
    """
    held = members.to_numpy(np.float64)
    sizes = held.sum(axis=0)[:, None]
    shares = np.divide(
        held.T @ held, sizes, out=np.full((len(sizes),) * 2, np.nan), where=sizes > 0
    )
    return pd.DataFrame(shares, index=members.columns, columns=members.columns)
