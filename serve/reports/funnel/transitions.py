"""Conversion and time from stage to stage, over entries as features.stages reads them. Pure.

Every lead in a phase has one fate: it went on, it was lost, or it is still there. Conversion is the
share that went on WITHIN a number of days of entering, measured on the leads that entered so many
days before the end or earlier (mature): of these the fate within that time is fully known, so no
open lead is guessed about. Worked example, until 2026-03-01, within 30 days: who entered on 01-30
00:00 or earlier counts. Entered on 01-20, gone on on 02-05: went on. Entered on 01-20, gone on on
02-19 00:00 (30 days later): still there after 30 days. Entered on 02-10: not counted, whatever
became of it; to count only the quick ones would flatter.

Who skipped a stage is in none of the figures of its phase: a skip is seen only on those that came
further, so that counting them would flatter, too, and add stays of no time. On the way into the
skipped stage they have gone on.

Times use every lead instead, the open ones censored at the end: Kaplan-Meier for the time in a
phase, Aalen-Johansen for what becomes of its leads (going on and being lost compete).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.stages import Entries
from models.statistics.intervals import Estimate, wilson
from models.statistics.survival import cumulative_incidence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
DAY_US = 86_400_000_000
QUANTILES = (0.25, 0.5, 0.75)
UNKNOWN = float("nan")


class Fate(IntEnum):
    """What became of a lead in a phase; OPEN is censored."""

    OPEN, ON, LOST = 0, 1, 2


@dataclass(frozen=True)
class Way:
    """The leads that entered a stage, on their way to a later one; n leads.

    lead: row in Entries.leads. skipped: the rows of those that skipped the stage, not among the n.
    start: when they entered, datetime64[us]. stay: microseconds until they went on (to that stage
    or past it), were lost, or the end came. fate: a Fate. mature: entered `within` days or more
    before the end. reference: the share that should go on, if configured.
    """

    begin: str
    to: str
    within: int
    reference: tuple[float, float] | None
    skipped: Ints
    lead: Ints
    start: npt.NDArray[np.datetime64]
    stay: Ints
    fate: Ints
    mature: Bools

    @property
    def on_time(self) -> Bools:
        """Who went on within the days, [start, start + within)."""
        return self._in_time(Fate.ON)

    @property
    def lost_in_time(self) -> Bools:
        """Who was lost within them."""
        return self._in_time(Fate.LOST)

    def _in_time(self, fate: Fate) -> Bools:
        met: Bools = (self.fate == fate) & (self.stay < self.within * DAY_US)
        return met

    @cached_property
    def curve(self) -> pd.DataFrame:
        """What has become of the leads so many days after they entered, open leads censored:
        columns days (from 0, rising), on and lost (shares; Aalen-Johansen), left (their sum, one
        minus Kaplan-Meier). No rows but the first without leads."""
        days, (on, lost) = cumulative_incidence(self.stay / DAY_US, self.fate)
        return pd.DataFrame({"days": days, "left": on + lost, "on": on, "lost": lost})

    def among(self, members: Bools) -> Way:
        """The part of some leads, True per row of Entries.leads."""
        part = self.of(members[self.lead])
        return replace(part, skipped=self.skipped[members[self.skipped]])

    def of(self, leads: Bools) -> Way:
        """The part of some of the leads that entered, True per row of this way; no skippers."""
        return replace(
            self,
            skipped=self.skipped[:0],
            lead=self.lead[leads],
            start=self.start[leads],
            stay=self.stay[leads],
            fate=self.fate[leads],
            mature=self.mature[leads],
        )


@dataclass(frozen=True)
class Measured:
    """The figures of one way.

    entered, open (there at the end); skipped: passed the stage without entering it, not counted;
    of the `mature` leads went_on, lost and still after `within` days; rate: the share that went on,
    with its 95% Wilson interval; NaN without mature leads. days: quantiles of the time until a
    lead left the phase, by going on or lost (Kaplan-Meier); None where not reached yet.
    median_on: of the mature leads that went on in time, the median of their days.
    """

    begin: str
    to: str
    within: int
    reference: tuple[float, float] | None
    entered: int
    open: int
    skipped: int
    mature: int
    went_on: int
    lost: int
    rate: Estimate
    days: dict[float, float | None]
    median_on: float | None

    @property
    def still(self) -> int:
        """Mature leads that were still there after `within` days."""
        return self.mature - self.went_on - self.lost

    def json_fields(self) -> dict[str, Any]:
        """One of `phases` in `funnel --json`."""
        return {
            "from": self.begin,
            "to": self.to,
            "within_days": self.within,
            "reference": self.reference,
            "entered": self.entered,
            "open": self.open,
            "skipped": self.skipped,
            "mature": self.mature,
            "went_on": self.went_on,
            "lost": self.lost,
            "still_there": self.still,
            "conversion": self.rate,
            "days_in_phase": self.days,
            "median_days_of_those_gone_on": self.median_on,
        }


def ways(entries: Entries) -> list[Way]:
    """From each stage to the next; then, where there are more than two stages, from the first to
    the last."""
    stages = entries.funnel.stage
    steps = [_way(entries, n, n + 1, entries.funnel.within(s)) for n, s in enumerate(stages[1:])]
    if len(stages) == 2:
        return steps
    return [*steps, _way(entries, 0, len(stages) - 1, entries.funnel.whole_within_days)]


def _way(entries: Entries, begin: int, to: int, within: int) -> Way:
    stages, until = entries.funnel.stage, np.datetime64(entries.until, "us")
    skipped = entries.skipped[:, begin]
    lead = np.flatnonzero(~np.isnat(entries.entered[:, begin]) & ~skipped)
    start, onward = entries.entered[lead, begin], entries.entered[lead, to]
    lost = entries.leads["lost_at"].to_numpy("datetime64[us]")[lead]
    gone_on = ~np.isnat(onward)
    fate = np.where(gone_on, Fate.ON, np.where(np.isnat(lost), Fate.OPEN, Fate.LOST))
    end = np.where(gone_on, onward, np.where(np.isnat(lost), until, lost))
    return Way(
        stages[begin].name,
        stages[to].name,
        within,
        _pair(stages[to].reference) if to == begin + 1 else None,
        np.flatnonzero(skipped),
        lead,
        start,
        (end - start).astype(np.int64),
        fate.astype(np.int64),
        until - start >= np.timedelta64(within, "D"),
    )


def _pair(reference: list[float] | None) -> tuple[float, float] | None:
    return (reference[0], reference[1]) if reference else None


def measure(way: Way) -> Measured:
    """The figures of a way."""
    mature = int(way.mature.sum())
    on_time = way.mature & way.on_time
    went_on = int(on_time.sum())
    return Measured(
        *(way.begin, way.to, way.within, way.reference),
        entered=len(way.lead),
        open=int((way.fate == Fate.OPEN).sum()),
        skipped=len(way.skipped),
        mature=mature,
        went_on=went_on,
        lost=int((way.mature & way.lost_in_time).sum()),
        rate=wilson(went_on, mature),
        days=stay_quantiles(way),
        median_on=float(np.median(way.stay[on_time])) / DAY_US if went_on else None,
    )


def stay_quantiles(way: Way) -> dict[float, float | None]:
    """Days until 25, 50 and 75% of the leads have left a phase, by going on or lost: the first
    time at which the Kaplan-Meier estimate of those still there is down to that; None where it is
    not yet."""
    left, days = (way.curve[column].to_numpy() for column in ("left", "days"))
    # 1e-9: sums are not exact, 1/2 may come out as 0.49999999999999994
    places = {q: int(np.argmax(left >= q - 1e-9)) for q in QUANTILES}
    return {q: float(days[at]) if left[at] >= q - 1e-9 else None for q, at in places.items()}
