"""Is the time to close true? Promised against seen, next to the simplest rival: one curve for all.

Only what had time to happen is judged: a chance within 60 days at the cutoffs followed for 60 days,
and the days to a win among the leads won by the data end, against the days promised to a lead that
is won by then (a lead won later cannot be among them).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.spec.wording import plural
from models.statistics.bootstrap import bootstrapped
from models.statistics.intervals import UNKNOWN, Estimate
from models.timing.time_to_close import LADDER, QUARTILES, TINY, TimeToClose

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
REPLICATES = 400


@dataclass(frozen=True)
class Rung:
    """One step of the ladder: the mean chance promised within `days`, the share won, and the Brier
    scores of the estimate and of one curve for all."""

    days: int
    snapshots: int
    promised: float
    won: float
    brier: float
    brier_one_curve: float


@dataclass(frozen=True)
class Timing:
    """How the estimates did. Over the won snapshots (`wins`): the share whose days to the win lay
    in the middle half, low to high (about 0.5 where true), the share won by the median day, and the
    mean pinball loss of the three quartiles, in days, the estimate's and one curve's; what it saves
    lies in the 95% interval [saved_low, saved_high]. All NaN where none was won."""

    reach: int
    ladder: tuple[Rung, ...]
    wins: int
    in_middle_half: float
    by_median: float
    pinball: float
    pinball_one_curve: float
    saved_low: float
    saved_high: float

    def __str__(self) -> str:
        """The sentence that `train` prints."""
        if not self.wins:
            return "Days to close: no lead of the test is won yet."
        ends = f"{self.saved_low:+.2f} to {self.saved_high:+.2f}"
        sure = f"95% interval of the difference {ends}"
        if math.isnan(self.saved_low):
            sure = "too few wins for an interval of the difference"
        return (
            f"Days to close: {self.in_middle_half:.0%} of {plural(self.wins, 'win')} came between "
            f"the low and the high day (half is right). Off by {self.pinball:.2f} days (pinball "
            f"loss); one curve for all leads by {self.pinball_one_curve:.2f} ({sure})."
        )

    def metrics(self) -> dict[str, float]:
        """By name, for MLflow."""
        figures = {
            "close_in_middle_half": self.in_middle_half,
            "close_by_median": self.by_median,
            "close_pinball": self.pinball,
            "close_pinball_one_curve": self.pinball_one_curve,
        }
        figures |= {f"close_brier_{rung.days}d": rung.brier for rung in self.ladder}
        return {f"test_{name}": value for name, value in figures.items()}


def judge_timing(
    curves: TimeToClose,
    frame: pd.DataFrame,
    readiness: Floats,
    endings: pd.DataFrame,
    data_end: datetime,
) -> Timing:
    """Judge curves on snapshots: features, readiness, and endings as known at the data end, row by
    row."""
    days, won = endings["days"].to_numpy(np.float64), (endings["ending"] == "won").to_numpy()
    followed = (data_end - endings["cutoff"]).dt.days.to_numpy()
    chances = curves.chances(frame, readiness, LADDER)
    ladder = []
    for column, rung in enumerate(LADDER):
        inside = followed >= rung
        if rung <= curves.reach and inside.any():
            seen = (won & (days < rung))[inside].astype(np.float64)
            promised, of_all = chances[inside, column], curves.pooled[rung]
            briers = _brier(promised, seen), _brier(of_all, seen)
            figures = promised.mean(), seen.mean(), *briers
            ladder.append(Rung(rung, len(seen), *map(float, figures)))
    within = np.minimum(followed, curves.reach)
    judged = won & (days < within)
    took = days[judged]
    own = _within(judged, within, lambda at, most: curves.quantiles(frame[at], readiness[at], most))
    one = _within(judged, within, lambda at, most: _of_all(curves, at, most))
    losses, of_one = pinball(took, own), pinball(took, one)
    saved = _mean_of_leads(of_one - losses, endings["lead_id"][judged])
    return Timing(
        reach=curves.reach,
        ladder=tuple(ladder),
        wins=len(took),
        in_middle_half=_mean((own[:, 0] <= took) & (took < own[:, 2])),
        by_median=_mean(took < own[:, 1]),
        pinball=_mean(losses),
        pinball_one_curve=_mean(of_one),
        saved_low=saved.low,
        saved_high=saved.high,
    )


def pinball(took: Floats, quantiles: npt.NDArray[Any]) -> Floats:
    """Mean over the quartiles of the loss (Koenker & Bassett 1978), in days, shape (n,)."""
    off = took[:, None] - quantiles
    shares = np.array(QUARTILES)
    loss: Floats = np.maximum(shares * off, (shares - 1) * off).mean(axis=1)
    return loss


def _within(judged: Any, within: Ints, quantiles: Callable[[Any, int], Ints]) -> Ints:
    """Quantiles of the judged rows, each among the wins within the days it was followed."""
    quartiles = np.empty((len(within), len(QUARTILES)), np.int64)
    for most in np.unique(within[judged]):
        at = judged & (within == most)
        quartiles[at] = quantiles(at, int(most))
    of_judged: Ints = quartiles[judged]
    return of_judged


def _of_all(curves: TimeToClose, at: Any, most: int) -> Ints:
    chances = np.array(QUARTILES) * curves.pooled[most]
    days = np.searchsorted(curves.pooled, chances - TINY)
    return np.tile(np.clip(days, 1, most), (int(at.sum()), 1))


def _mean_of_leads(saved: Floats, lead_id: pd.Series[Any]) -> Estimate:
    """The mean with its interval, leads resampled: one deal is judged at several cutoffs. All of
    them are won; no interval where they are too few."""
    if not len(saved):
        return UNKNOWN

    def mean(weight: Floats) -> float:
        return float(np.average(saved, weights=weight))

    return bootstrapped(mean, lead_id, lead_id.nunique(), REPLICATES, seed=0)


def _brier(promised: Any, seen: Floats) -> float:
    return float(np.mean((promised - seen) ** 2))


def _mean(values: npt.NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")
