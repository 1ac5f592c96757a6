"""Time to close: by when a lead that will be won is won, and on which day to come back to it.

Leads are put into a few bands of readiness, each with as many of the training's wins; the leads
that postpone are a band of their own. What became of each band gives its curve: the chance of a win
within d days, where lost leads can win no more and open ones are censored (Aalen-Johansen). A
lead's own curve is its band's, fitted through its readiness: its chance within the horizon *is* its
readiness, and what comes after is shared out as in its band (docs/adr/0009 says what else was
tried).

Worked example, horizon 30 days, cutoff 2026-03-02 (a Monday), a lead with readiness 10%. In its
band 20% were won within 30 days, 10% within 10, and 36% within 180, as far as is looked ahead:
a fifth of those still not won at 30 days. So its chance is 5% within 10 days, 10% within 30, and
10% + 90% x 20% = 28% within 180. If it is won by then, a quarter of 28%, which is 7%, is
reached between day 10 and day 30: that is when to come back, moved to a Monday if at a weekend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.spec.kinds import DaysSince
from models.statistics.survival import FIRST, OPEN, SECOND, cumulative_incidence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LADDER = (7, 30, 60, 90, 180)
QUARTILES = (0.25, 0.5, 0.75)
FURTHEST = 180  # days looked ahead, if the history allows
FOLLOWED = 0.2  # share of the training snapshots that must have been followed as far as we look
BANDS, LEAST_WINS = 4, 100  # won snapshots in each band; one deal is won at several cutoffs
QUIET_DAYS = 7
TINY = 1e-9  # so that a day is not missed by the last bit
SILENCE = DaysSince().name
COLUMNS = ["close_days_low", "close_days_median", "close_days_high", "follow_up_on", "postponing"]


@dataclass(frozen=True)
class TimeToClose:
    """Curves of winning, by band of readiness.

    A curve holds, for d = 0, 1, ..., `reach`, the chance of a win in [cutoff, cutoff + d days).
    `edges`: the readiness at which the second, third, ... of the `bands` begins; `postponing` the
    curve of the leads that postpone, None where too few were won; `pooled` that of all leads.
    `ready_from` is the average readiness.
    """

    horizon_days: int
    ready_from: float
    edges: tuple[float, ...]
    bands: tuple[tuple[float, ...], ...]
    postponing: tuple[float, ...] | None
    pooled: tuple[float, ...]

    @property
    def reach(self) -> int:
        """The most days ahead that the curves tell of."""
        return len(self.pooled) - 1

    def postpones(self, frame: pd.DataFrame, readiness: Floats) -> Bools:
        """Ready but postponing: as ready as the average lead or more, yet nothing was heard of it
        for more than 7 days. A lead of which nothing was ever heard postpones nothing."""
        if SILENCE not in frame:
            return np.zeros(len(frame), bool)
        silent = frame[SILENCE].to_numpy(np.float64) > QUIET_DAYS
        return silent & (readiness >= self.ready_from)

    def chances(self, frame: pd.DataFrame, readiness: Floats, days: Sequence[int]) -> Floats:
        """The chance of a win within each of `days`, shape (n, len(days)); NaN beyond `reach`."""
        chances = np.full((len(readiness), len(days)), np.nan)
        curves, band = self._curves(), self._band(frame, readiness)
        for column, day in enumerate(days):
            if day <= self.reach:
                at, at_horizon = curves[band, day], curves[band, self.horizon_days]
                late = readiness + (1 - readiness) * _share(at - at_horizon, 1 - at_horizon)
                soon = day <= self.horizon_days
                chances[:, column] = readiness * at / at_horizon if soon else late
        return chances

    def quantiles(self, frame: pd.DataFrame, readiness: Floats, within: int | None = None) -> Ints:
        """The first whole day by which a quarter, half and three quarters of such leads are won,
        of those won within `within` days (default and at most `reach`): shape (n, 3), each >= 1."""
        within = self.reach if within is None else min(within, self.reach)
        curves, band = self._curves(), self._band(frame, readiness)
        all_of_it = self.chances(frame, readiness, [within])[:, 0]
        at_horizon = curves[band, self.horizon_days]
        days = np.empty((len(readiness), len(QUARTILES)), np.int64)
        for column, quartile in enumerate(QUARTILES):
            chance = quartile * all_of_it
            later = at_horizon + _share(chance - readiness, 1 - readiness) * (1 - at_horizon)
            soon = _share(chance, readiness) * at_horizon
            needed = np.where(chance <= readiness, soon, later)
            for number, curve in enumerate(curves):
                inside = band == number
                days[inside, column] = np.searchsorted(curve, needed[inside] - TINY)
        return np.clip(days, 1, within)

    def estimate(self, frame: pd.DataFrame, readiness: Floats, cutoff: datetime) -> pd.DataFrame:
        """COLUMNS for each row of the frame, with the frame's index.

        close_days_low, _median and _high are the `quantiles`; follow_up_on (midnight of a weekday
        after the cutoff) is the day by which a quarter of such leads would be won.
        """
        quantiles = self.quantiles(frame, readiness)
        today = np.datetime64(cutoff, "D")
        follow_up = np.busday_offset(today + quantiles[:, 0], 0, roll="forward")
        columns = [*quantiles.T, follow_up.astype("datetime64[us]")]
        columns.append(self.postpones(frame, readiness))
        return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)), index=frame.index)

    def _curves(self) -> Floats:
        own = () if self.postponing is None else (self.postponing,)
        return np.array([*self.bands, *own])

    def _band(self, frame: pd.DataFrame, readiness: Floats) -> Ints:
        """The row in `_curves` of each lead."""
        band = np.searchsorted(self.edges, readiness, side="right")
        if self.postponing is None:
            return band
        return np.where(self.postpones(frame, readiness), len(self.bands), band)


def from_dict(given: Mapping[str, Any]) -> TimeToClose:
    """What `dataclasses.asdict` gave, also after a journey through JSON."""
    own = given["postponing"]
    return TimeToClose(
        horizon_days=int(given["horizon_days"]),
        ready_from=float(given["ready_from"]),
        edges=tuple(map(float, given["edges"])),
        bands=tuple(tuple(map(float, curve)) for curve in given["bands"]),
        postponing=None if own is None else tuple(map(float, own)),
        pooled=tuple(map(float, given["pooled"])),
    )


def fit_time_to_close(
    frame: pd.DataFrame, readiness: Floats, endings: pd.DataFrame, horizon_days: int
) -> TimeToClose:
    """Learn the curves from training snapshots: their features, readiness (of models that never saw
    the lead: docs/adr/0009) and endings, row by row.

    `endings` (`features.dataset.endings`) are as known when the last training label was complete,
    at the last cutoff + horizon. Raises ValueError where none was won within the horizon.
    """
    days, ending = endings["days"].to_numpy(np.float64), endings["ending"].to_numpy(object)
    won = (ending == "won") & (days < horizon_days)
    if not won.any():
        raise ValueError("no snapshot was won within the horizon")
    reach = _reach(endings["cutoff"], horizon_days)

    def curve(inside: Bools) -> tuple[float, ...]:
        return incidence_by_day(days[inside], ending[inside], reach)

    pooled = curve(np.ones(len(days), bool))
    everyone = TimeToClose(horizon_days, float(won.mean()), (), (pooled,), None, pooled)
    apart = everyone.postpones(frame, readiness)
    if (won & apart).sum() < LEAST_WINS or not (won & ~apart).any():
        apart = np.zeros(len(days), bool)
    edges = _band_edges(readiness[won & ~apart])
    band = np.searchsorted(edges, readiness, side="right")
    return replace(
        everyone,
        edges=edges,
        bands=tuple(curve((band == number) & ~apart) for number in range(len(edges) + 1)),
        postponing=curve(apart) if apart.any() else None,
    )


def incidence_by_day(days: Floats, ending: npt.NDArray[Any], reach: int) -> tuple[float, ...]:
    """The chance of a win in [cutoff, cutoff + d days) for d = 0, 1, ..., reach, lost leads being
    out of the race and open ones censored (Aalen-Johansen), rounded to 7 decimals."""
    event = np.select([ending == "won", ending == "open"], [FIRST, OPEN], SECOND)
    times, (won, _) = cumulative_incidence(days, event)
    before = np.searchsorted(times, np.arange(1, reach + 1)) - 1  # the last time before the day
    return (0.0, *won[before].round(7).tolist())


def _band_edges(readiness_of_won: Floats) -> tuple[float, ...]:
    """Bounds of bands that share the wins equally; each band holds one at least."""
    count = int(np.clip(len(readiness_of_won) // LEAST_WINS, 1, BANDS))
    shares = np.arange(1, count) / count
    edges = np.unique(np.quantile(readiness_of_won, shares, method="higher"))
    return tuple(float(edge) for edge in edges if edge > readiness_of_won.min())


def _reach(cutoffs: pd.Series[pd.Timestamp], horizon_days: int) -> int:
    """How far ahead a fifth of the snapshots was followed: at least the horizon, at most 180."""
    followed = (cutoffs.max() - cutoffs).dt.days.to_numpy() + horizon_days
    furthest = int(np.quantile(followed, 1 - FOLLOWED, method="lower"))
    return max(horizon_days, min(FURTHEST, furthest))


def _share(part: Floats, whole: Floats) -> Floats:
    """part / whole; 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
