"""Which phase holds the funnel back the most, against its reference or its own past.

A phase with a reference is held against it: its Wilson interval has to lie below the lower end.
Any other is held against its own past: the mature leads are parted into those that entered in the
recent days, counted back from the last of them (by default: in the later half), and those before;
the interval of the difference (Newcombe) has to lie below 0. As the worst of several phases is
looked for, each interval is wider (Bonferroni), so that of all phases together 95% hold: a funnel
in which nothing has changed names a phase in at most 1 of 20 readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.spec.wording import percent, plural
from models.statistics.intervals import FEW_LEADS, Estimate, newcombe, wilson
from models.statistics.verdict import Verdict
from serve.reports.funnel.transitions import Way


@dataclass(frozen=True)
class Shortfall:
    """A phase beside what was to be expected of it.

    rate: of `leads` (mature, entered from the day `since` to the day `until`). expected: the lower
    end of the reference, or the share of the `before` leads that entered earlier (0: a reference).
    difference: rate - expected with its interval.
    """

    begin: str
    to: str
    within: int
    leads: int
    before: int
    since: str
    until: str
    rate: float
    expected: float
    difference: Estimate

    @property
    def sure(self) -> bool:
        """Whether it is below, and the interval leaves no doubt of it."""
        return self.difference.high < 0

    @property
    def fewer(self) -> float:
        """How many leads fewer went on than expected."""
        return (self.expected - self.rate) * self.leads

    def json_fields(self) -> dict[str, Any]:
        """One of `judged` in `funnel --json`."""
        rest = {name: value for name, value in vars(self).items() if name != "begin"}
        return {"from": self.begin, **rest, "sure": self.sure}


def shortfalls(steps: Sequence[Way], recent_days: int | None = None) -> list[Shortfall]:
    """Each phase with enough mature leads (FEW_LEADS, on either side), in the funnel's order.
    steps: from each stage to the next. recent_days: None for the later half."""
    level = 1 - 0.05 / max(1, len(steps))
    judged = [_shortfall(way, level, recent_days) for way in steps]
    return [each for each in judged if each is not None]


def _shortfall(way: Way, level: float, recent_days: int | None) -> Shortfall | None:
    mature = way.of(way.mature)
    count = len(mature.lead)
    if count < 2 * FEW_LEADS:
        return None
    if way.reference:
        low = way.reference[0]
        rate = wilson(int(mature.on_time.sum()), count, level)
        gap = Estimate(rate.point - low, rate.low - low, rate.high - low)
        return _of_phase(mature, 0, low, gap)
    split = np.sort(mature.start)[count // 2]
    if recent_days:
        split = mature.start.max() - np.timedelta64(recent_days, "D")
    later, earlier = mature.of(mature.start >= split), mature.of(mature.start < split)
    if min(len(later.lead), len(earlier.lead)) < FEW_LEADS:
        return None
    now, then = (
        wilson(int(half.on_time.sum()), len(half.lead), level) for half in (later, earlier)
    )
    return _of_phase(later, len(earlier.lead), then.point, newcombe(now, then))


def _of_phase(way: Way, before: int, expected: float, gap: Estimate) -> Shortfall:
    days = [f"{pd.Timestamp(moment):%Y-%m-%d}" for moment in (way.start.min(), way.start.max())]
    rate = float(way.on_time.mean())
    phase = (way.begin, way.to, way.within, len(way.lead), before)
    return Shortfall(*phase, days[0], days[1], rate, expected, gap)


def worst(judged: Sequence[Shortfall]) -> Shortfall | None:
    """The phase that holds back the most: as the shares of all phases multiply, the one that is
    left with the smallest part of what was expected of it. None where none is surely below."""
    below = [each for each in judged if each.sure]
    return min(below, key=lambda each: each.rate / each.expected, default=None)


def verdict(judged: Sequence[Shortfall], phases: int) -> Verdict:
    """The bottleneck of so many phases, if there is one. With a single phase in which leads are
    lost it is none: then the verdict says what that phase is below."""
    phase = worst(judged)
    if phase is None:
        few = phases - len(judged)
        unjudged = f" {few} of {phases} could not be judged: too few leads yet." if few else ""
        return Verdict(
            "No phase stands out",
            "none is surely below its reference or its own past." + unjudged,
        )
    against = (
        f"{percent(phase.expected)} of the {phase.before:,} before"
        if phase.before
        else f"at least {percent(phase.expected)} as the reference has it"
    )
    # where leads are lost in one phase only, there is none to be worse than
    lossy = [each for each in judged if min(each.rate, each.expected if each.before else 1) < 1]
    what = "holds the funnel back the most"
    if len(lossy) < 2:
        what = "is below what it was before" if phase.before else "is below its reference"
    gap = phase.difference
    together = f", for {phases} phases together" if phases > 1 else ""
    return Verdict(
        f"{phase.begin} to {phase.to} {what}",
        f"of the {plural(phase.leads, 'lead')} that entered {phase.begin} from {phase.since} to "
        f"{phase.until}, {percent(phase.rate)} came to {phase.to} within "
        f"{plural(phase.within, 'day')}, against {against} (difference {100 * gap.point:+.1f} "
        f"percentage points, 95% interval {100 * gap.low:+.1f} to {100 * gap.high:+.1f}"
        f"{together}): about {phase.fewer:,.0f} fewer.",
    )
