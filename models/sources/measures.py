"""What the touches of one source tell: conversion of the mature leads, trend, speed to close."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator

from models.sources.moves import Tally

LEAST_AT_RISK = 10  # with fewer leads still watched, the curve is not read on


@dataclass(frozen=True)
class Change:
    """A conversion, minus an earlier one, with a 95 % interval."""

    point: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves no doubt that there is one."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Measures:
    """Of one source over the window.

    whole, later: the mature leads of the window, and of its later half. trend: the conversion of
    the later half minus that of the earlier, None where one of them has no lead. immature: leads
    whose horizon is not over, counted in days_to_win alone. days_to_win: within so many days half
    of the wins came, None without a win.
    """

    whole: Tally
    later: Tally
    immature: int
    trend: Change | None
    days_to_win: float | None


def measure(touches: pd.DataFrame, middle: datetime) -> Measures:
    """Measure the touches of one source, as `features.touches.outcomes_sql` has them. middle: the
    middle of the window of the mature ones, where its later half begins."""
    mature = touches[touches["converted"].notna()]
    won = mature["converted"].to_numpy(bool)
    is_later = (mature["touched_at"] >= middle).to_numpy()
    later, earlier = (
        Tally(int(half.sum()), int(won[half].sum())) for half in (is_later, ~is_later)
    )
    return Measures(
        whole=Tally(len(mature), int(won.sum())),
        later=later,
        immature=len(touches) - len(mature),
        trend=difference(later, earlier),
        days_to_win=median_days_to_win(touches["days"].to_numpy(), touches["event"].to_numpy()),
    )


def difference(now: Tally, before: Tally) -> Change | None:
    """The difference of two conversions, Newcombe's interval (1998, method 10).

    >>> change = difference(Tally(70, 56), Tally(80, 48))  # his first example
    >>> round(change.point, 4), round(change.low, 4), round(change.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    if not now.leads or not before.leads:
        return None
    p, q = now.won / now.leads, before.won / before.leads
    here, there = (
        binomtest(tally.won, tally.leads).proportion_ci(method="wilson") for tally in (now, before)
    )
    down, up = np.hypot(p - here.low, there.high - q), np.hypot(here.high - p, q - there.low)
    return Change(p - q, float(p - q - down), float(p - q + up))


def median_days_to_win(days: np.ndarray, event: np.ndarray) -> float | None:
    """Days from the touch within which half of the wins came, open leads censored, lost ones a
    competing end (Aalen-Johansen). The curve is read as far as LEAST_AT_RISK leads are watched.

    days: shape (n,); event: 0 censored, 1 won, 2 lost. None where no win is seen.
    """
    if len(days) < LEAST_AT_RISK or not (event == 1).any():
        return None
    if (event == 2).any():
        times, incidence = cumulative_incidence_competing_risks(event, days)[:2]
        wins = incidence[1]
    else:  # without a competing end, which sksurv asks for, it is Kaplan and Meier's
        times, survival = kaplan_meier_estimator(event == 1, days)[:2]
        wins = 1 - survival
    wins = wins[times <= np.sort(days)[-LEAST_AT_RISK]]
    if wins.size == 0 or wins[-1] == 0:
        return None
    return float(times[np.searchsorted(wins, wins[-1] / 2 - 1e-9)])  # sums are not exact
