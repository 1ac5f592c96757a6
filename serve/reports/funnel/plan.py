"""`readiness plan`: can so many deals be won by a day, and how many leads would it take?

Worked example: 40 deals by 2027-03-31, planned on 2026-12-31 00:00. Counted are the wins of the 91
days [2026-12-31, 2027-04-01): the last day counts whole. The open leads bring 22 of them on
average, those still to come 9; in the futures drawn there are 24 to 38 (the middle 80%), and 40 or
more in 6 of 100. Half of the wins that a year brings of leads come within 80 days of their coming:
further leads are to come by 2027-01-11, 80 days before the end, and as many as reach 40 in half of
the futures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from features.errors import BadInput, Refused
from features.funnel import Funnel, Stage
from features.spec.wording import plural
from features.stages import Entries
from models.plan.futures import WINDOW_DAYS, YEAR, Futures, futures, usual_course
from models.plan.stays import OPEN, Floats, Ints, Stays, stays
from models.statistics.bootstrap import too_few
from models.statistics.intervals import Estimate
from models.statistics.verdict import Verdict
from serve.reports.funnel.groups import by_source

LEVEL = 0.8  # of the intervals of a plan
LIFT = 0.1  # the change of a stage, and the share of the leads that come by another source
DIRECTLY = Funnel(stage=[Stage(name="lead", created=True), Stage(name="customer", won=True)])


@dataclass(frozen=True)
class Target:
    """So many deals, won in [begin, end); None for the cutoff. `end` is the midnight after the last
    day."""

    deals: int
    end: datetime
    begin: datetime | None = None

    @classmethod
    def of(cls, funnel: Funnel) -> Target | None:
        """That of [plan] in funnel.toml. Raises BadInput where half of it is missing."""
        written = funnel.plan
        if written is None:
            return None
        if written.deals is None or written.by is None:
            raise BadInput(f"it lacks, for example, {' and '.join(written.missing)}.")
        return cls.by(written.deals, written.by)

    @classmethod
    def by(cls, deals: int, day: date, begin: datetime | None = None) -> Target:
        """So many deals by a day, which counts whole."""
        return cls(deals, datetime(day.year, day.month, day.day) + timedelta(days=1), begin)

    @property
    def last_day(self) -> datetime:
        """The last day that counts."""
        return self.end - timedelta(days=1)


@dataclass(frozen=True)
class Needed:
    """Further leads that reach the target in 10, 50 and 90 of 100 futures; `by` is the day until
    which they must have entered, None for at once: on no day do half of them come in time."""

    low: int
    even: int
    high: int
    by: datetime | None

    @property
    def when(self) -> str:
        """By when they must have entered; a dash where even 9 of 10 futures need none."""
        if not self.high:
            return "-"
        return f"by {self.by:%Y-%m-%d}" if self.by else "at once"


@dataclass(frozen=True)
class PhasePlan:
    """A stage before the last. open: leads in it; wins: expected of them in the period; chance:
    that a lead which enters it now is won in the period, with its 80% interval; half_of_wins: the
    days within which half of the wins of a year come; further: None where it is not known."""

    stage: str
    open: int
    wins: float
    chance: Estimate
    half_of_wins: int
    further: Needed | None


@dataclass(frozen=True)
class SourcePlan:
    """A source. open: its open leads; per_week: its new leads; chance: that one which comes now is
    won in the period; wins: of all of them in the period; further: leads of this source alone that
    reach the target; tenth_more: the wins more if a tenth of all the leads to come were of this
    source instead of the others, None of the only one. Estimates have 80% intervals."""

    source: str
    open: int
    per_week: float
    chance: Estimate
    wins: Estimate
    further: Needed | None
    tenth_more: Estimate | None


@dataclass(frozen=True)
class Plan:
    """What may come, as known before the cutoff.

    wins: of the period, drawn with the doubt of what was measured and the chance of what comes,
    with their 80% interval (NaN where too few deals were won in the last `measured_days`:
    `measured_wins` of them). from_open, from_new: the parts of the expected ones. chance: of
    reaching the target. lifted: by stage, the wins more if a tenth more of its leads went on.
    """

    target: Target
    cutoff: datetime
    begin: datetime
    days: int
    measured_days: int
    measured_wins: int
    wins: Estimate
    from_open: float
    from_new: float
    chance: float | None
    phases: tuple[PhasePlan, ...]
    sources: tuple[SourcePlan, ...]
    lifted: dict[str, Estimate]
    notes: tuple[str, ...]

    @property
    def no_interval(self) -> str:
        """Why there is no interval; "" where there is one."""
        return too_few(self.measured_wins)

    @property
    def verdict(self) -> Verdict:
        """Whether the target will be reached, and what would help."""
        named = plural(self.target.deals, "deal")
        headline = f"{named} by {self.target.last_day:%Y-%m-%d}: expected {self.wins.point:,.0f}"
        parts = (
            f"{self.from_open:,.1f} from the open leads, {self.from_new:,.1f} from leads still to "
            "come"
        )
        if self.chance is None:
            return Verdict(headline, f"{parts}; {self.no_interval}.")
        ends = f"{self.wins.low:,.0f} to {self.wins.high:,.0f}"
        headline += f" ({ends}), chance {chance_text(self.chance)}"
        first = self.phases[0]
        if self.chance >= 0.5 or first.further is None:
            return Verdict(headline, f"{parts}.")
        more = f"{first.further.even:,} further leads in {first.stage} {first.further.when}"
        return Verdict(headline, f"{parts}; {more} would make it an even chance.")

    def json_fields(self) -> dict[str, Any]:
        """What `plan --json` prints of it."""
        fields = {name: value for name, value in vars(self).items() if name != "target"}
        return {
            "sentence": self.verdict,
            "deals": self.target.deals,
            "by": self.target.last_day,
            **fields,
            "no_interval": self.no_interval or None,
        }


def chance_text(chance: float) -> str:
    """A chance of the futures drawn, which are too few to tell 0 from almost 0.

    >>> chance_text(0.063), chance_text(0.0), chance_text(0.999)
    ('6%', 'below 1%', 'above 99%')
    """
    if 0.01 <= chance <= 0.99:
        return f"{chance:.0%}"
    return "below 1%" if chance < 0.5 else "above 99%"


def is_to_the_win(funnel: Funnel) -> bool:
    """Whether only won deals enter the last stage."""
    last = funnel.stage[-1]
    return last.won and not (last.actions or last.contact or last.by_score)


def to_the_win(funnel: Funnel) -> Funnel:
    """The funnel with a last stage that only won deals enter: its own, or one more."""
    if is_to_the_win(funnel):
        return funnel
    return funnel.model_copy(update={"stage": [*funnel.stage, Stage(name="won", won=True)]})


def plan(entries: Entries, target: Target, seed: int, changes: bool = True) -> Plan:
    """Plan for a target by entries whose last stage is the win (`to_the_win`), as known before
    `entries.until`, the cutoff. changes: whether to work out `lifted`, which takes longest.

    Raises BadInput for a period that is over, or that begins before the cutoff, and Refused where
    no deal was won in the days that are measured, or the data go back less far than the period
    reaches.
    """
    cutoff = entries.until
    begin, end = _days(target, cutoff)
    names = by_source(entries)
    source = np.zeros(len(entries.leads), np.int64)
    for number, inside in enumerate(names.values()):
        source[inside] = number
    seen = stays(entries, source)
    history = -int(seen.arrived.min())
    window = min(WINDOW_DAYS, history)
    wins = int((seen.won & (seen.left >= -window)).sum())
    if not wins:
        raise Refused(
            f"No deal was won in the {plural(window, 'day')} before {cutoff:%Y-%m-%d %H:%M}: "
            "nothing says how many will be. `readiness check` says how many deals there are."
        )
    if end > history:
        raise Refused(
            f"The data go back {plural(history, 'day')} before {cutoff:%Y-%m-%d %H:%M}; a plan for "
            f"the {plural(end, 'day')} after it would be a guess. Name an earlier day with --by."
        )
    outlook = futures(seen, begin, end, seed, LIFT if changes else 0)
    is_sure = not too_few(wins)
    all_wins = outlook.wins[1:].sum(axis=1)
    expected = float(outlook.expected[0])
    return Plan(
        target=target,
        cutoff=cutoff,
        begin=target.begin or cutoff,
        days=end - begin,
        measured_days=window,
        measured_wins=wins,
        wins=Estimate(expected, *_middle(all_wins, is_sure)),
        from_open=float(outlook.of_open[0].sum()),
        from_new=float(outlook.of_new[0].sum()),
        chance=float((all_wins >= target.deals).mean()) if is_sure else None,
        phases=tuple(_phases(entries, seen, outlook, target, is_sure, seed)),
        sources=tuple(_sources(list(names), seen, outlook, target, is_sure, seed)),
        lifted={
            stage.name: _estimate(outlook.lifted[:, place], is_sure)
            for place, stage in enumerate(entries.funnel.stage[:-1])
            if changes
        },
        notes=tuple(_notes(entries, seen, end)),
    )


def _days(target: Target, cutoff: datetime) -> tuple[int, int]:
    """The period in whole days from the cutoff, to the nearest."""
    moments = target.begin or cutoff, target.end
    begin, end = (round((moment - cutoff) / timedelta(days=1)) for moment in moments)
    if end < 1:
        raise BadInput(
            f"{target.last_day:%Y-%m-%d} is over: the data end on {cutoff:%Y-%m-%d %H:%M} UTC, and "
            "a plan is for days after that. Name a later day with --by, or an earlier --as-of."
        )
    if begin < 0 or begin >= end:
        raise BadInput(
            f"The period would begin on {target.begin:%Y-%m-%d}; it has to be from "
            f"{cutoff:%Y-%m-%d}, before which outcomes are known, to {target.last_day:%Y-%m-%d}."
        )
    return begin, end


def _middle(values: Floats | Ints, is_sure: bool) -> tuple[float, float]:
    if not is_sure:
        return math.nan, math.nan
    ends = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    low, high = np.quantile(values, ends, method="inverted_cdf")
    return float(low), float(high)


def _estimate(values: Floats, is_sure: bool) -> Estimate:
    """The figure of the past as it is, with the middle 80% of the resampled ones."""
    return Estimate(float(values[0]), *_middle(values[1:], is_sure))


def _phases(
    entries: Entries,
    seen: Stays,
    outlook: Futures,
    target: Target,
    is_sure: bool,
    seed: int,
) -> Iterator[PhasePlan]:
    end = outlook.entering.shape[-1]
    usual = usual_course(seen, max(end, YEAR), seed)
    for place, stage in enumerate(entries.funnel.stage[:-1]):
        half = int(np.argmax(usual[place] >= usual[place, -1] / 2))
        day = max(0, end - half)
        by = target.end - timedelta(days=half) if day else None
        chance = outlook.entering[:, place, min(day, end - 1)]
        yield PhasePlan(
            stage=stage.name,
            open=int(((seen.to == OPEN) & (seen.stage == place)).sum()),
            wins=float(outlook.of_open[0, :, place].sum()),
            chance=_estimate(outlook.entering[:, place, 0], is_sure),
            half_of_wins=half,
            further=_needed(outlook, chance, target, by, seed) if is_sure else None,
        )


def _sources(
    names: list[str], seen: Stays, outlook: Futures, target: Target, is_sure: bool, seed: int
) -> Iterator[SourcePlan]:
    wins = outlook.of_open.sum(axis=2) + outlook.of_new
    coming, end = outlook.new.sum(axis=1), outlook.entering.shape[-1]
    for place, name in enumerate(names):
        own, chance = outlook.new[:, place], outlook.of_source[:, place]
        rest = coming - own
        more = None
        if own[0] and rest[0]:
            moved = np.minimum(LIFT * coming, rest)
            of_rest = outlook.of_new.sum(axis=1) - outlook.of_new[:, place]
            gain = moved * (outlook.of_new[:, place] / own - of_rest / rest)
            more = _estimate(gain, is_sure)
        yield SourcePlan(
            source=name,
            open=int(((seen.to == OPEN) & (seen.source == place)).sum()),
            per_week=float(7 * own[0] / end),
            chance=_estimate(chance, is_sure),
            wins=Estimate(float(wins[0, place]), *_middle(outlook.wins[1:, place], is_sure)),
            further=_needed(outlook, chance, target, None, seed) if is_sure else None,
            tenth_more=more,
        )


def _needed(
    outlook: Futures, chance: Floats, target: Target, by: datetime | None, seed: int
) -> Needed | None:
    """The leads that each future needs until the target is reached, each of them won with `chance`,
    shape (1 + DRAWS,); None where they cannot reach it in 9 of 10 futures."""
    missing = np.maximum(target.deals - outlook.wins[1:].sum(axis=1), 0)
    can = chance[1:] > 1e-6
    failing = np.random.default_rng([seed, 2]).negative_binomial(
        np.maximum(missing, 1), np.where(can, chance[1:], 1)
    )
    leads = np.where(missing > 0, np.where(can, missing + failing, np.inf), 0)
    low, even, high = np.quantile(leads, [0.1, 0.5, 0.9], method="inverted_cdf")
    return Needed(int(low), int(even), int(high), by) if math.isfinite(high) else None


def _notes(entries: Entries, seen: Stays, end: int) -> Iterator[str]:
    last = seen.won
    quickest = int((seen.left[last] - seen.arrived[seen.lead[last]]).min())
    if end <= quickest:
        yield (
            f"The quickest win so far took {plural(quickest, 'day')} from "
            f"{entries.funnel.stage[0].name}: leads still to come bring nothing within "
            f"{plural(end, 'day')}."
        )
