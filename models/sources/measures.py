"""What the touches of one source tell: conversion of the mature leads, trend, speed to close."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from models.sources.moves import MatureLeads
from models.statistics.intervals import Estimate, newcombe, wilson
from models.statistics.survival import FIRST, cumulative_incidence

LEAST_AT_RISK = 10  # with fewer leads still watched, the curve is not read on


@dataclass(frozen=True)
class Measures:
    """Of one source over the window.

    whole, later: the mature leads of the window, and of its later half. trend: the conversion of
    the later half minus that of the earlier, None where one of them has no lead. immature: leads
    whose horizon is not over, counted in days_to_win alone. days_to_win: within so many days half
    of the wins came, None without a win.
    """

    whole: MatureLeads
    later: MatureLeads
    immature: int
    trend: Estimate | None
    days_to_win: float | None


def measure(touches: pd.DataFrame, middle: datetime) -> Measures:
    """Measure the touches of one source, as `features.touches.outcomes_sql` has them. middle: the
    middle of the window of the mature ones, where its later half begins."""
    mature = touches[touches["converted"].notna()]
    won = mature["converted"].to_numpy(bool)
    is_later = (mature["touched_at"] >= middle).to_numpy()
    later, earlier = (
        MatureLeads(int(half.sum()), int(won[half].sum())) for half in (is_later, ~is_later)
    )
    return Measures(
        whole=MatureLeads(len(mature), int(won.sum())),
        later=later,
        immature=len(touches) - len(mature),
        trend=trend(later, earlier),
        days_to_win=median_days_to_win(touches["days"].to_numpy(), touches["event"].to_numpy()),
    )


def trend(later: MatureLeads, earlier: MatureLeads) -> Estimate | None:
    """The conversion of `later` minus that of `earlier`; None where one of them has no lead."""
    if not later.leads or not earlier.leads:
        return None
    return newcombe(wilson(later.won, later.leads), wilson(earlier.won, earlier.leads))


def median_days_to_win(days: np.ndarray, event: np.ndarray) -> float | None:
    """Days from the touch within which half of the wins came, open leads censored, lost ones a
    competing end (Aalen-Johansen). The curve is read as far as LEAST_AT_RISK leads are watched.

    days: shape (n,); event: 0 censored, 1 won, 2 lost. None where no win is seen.
    """
    if len(days) < LEAST_AT_RISK or not (event == FIRST).any():
        return None
    times, (won, _) = cumulative_incidence(days, event)
    won = won[times <= np.sort(days)[-LEAST_AT_RISK]]
    if won[-1] == 0:
        return None
    return float(times[np.searchsorted(won, won[-1] / 2 - 1e-9)])  # sums are not exact
