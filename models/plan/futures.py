"""The wins of a period, drawn many times: each draw has its own resampled past and its own chance.

A draw weighs the leads of the past at random (the doubt of what was measured), follows every open
lead from its stage and its days in it, lets weeks like the past ones bring leads, and decides each
by chance (the chance of what comes). So its wins carry both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from scipy.signal import fftconvolve

from models.plan.stays import AGES, OPEN, TINY, Floats, Ints, Stays, age_band, chances, count

DRAWS = 400
TOGETHER = 50  # draws are worked on so many at a time, which bounds the memory
WINDOW_DAYS = 182  # the past that is measured, back from the cutoff
YEAR = 365


@dataclass(frozen=True)
class Futures:
    """What may come in the days [begin, end) from the cutoff, 1 + DRAWS times; the first is of the
    measured past as it is, unweighted.

    wins: by source, drawn, shape (1 + DRAWS, sources). of_open: the expected wins of the open
    leads, shape (..., sources, stages - 1). of_new, new: those of the leads still to come, and how
    many come, (..., sources). entering: the chance of a lead that enters a stage before the last on
    the day 0, 1, ..., end - 1 to be won in [begin, end), of the usual mix of sources, (..., stages
    - 1, end); of_source: the same of each source's leads that enter the first stage on day 0,
    (..., sources). lifted: the wins more where so much more of a stage's leads went on,
    (..., stages - 1).
    """

    wins: Ints
    of_open: Floats
    of_new: Floats
    new: Floats
    entering: Floats
    of_source: Floats
    lifted: Floats

    @property
    def expected(self) -> Floats:
        """All expected wins, shape (1 + DRAWS,)."""
        wins: Floats = self.of_open.sum(axis=(1, 2)) + self.of_new.sum(axis=1)
        return wins


def futures(
    seen: Stays,
    begin: int,
    end: int,
    seed: int,
    lift: float = 0,
    window: int = WINDOW_DAYS,
) -> Futures:
    """Draw the wins of the days [begin, end), counted from the cutoff, by the last `window` days.

    lift: 0.1 where a tenth more of the leads of one stage are to go on; by default `lifted` is 0.
    Raises ValueError unless 0 <= begin < end.
    """
    if not 0 <= begin < end:
        raise ValueError(f"no days in [{begin}, {end})")
    parts = list(_parts(seen, begin, end, seed, lift, window))
    return Futures(
        *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Futures))
    )


def _parts(
    seen: Stays, begin: int, end: int, seed: int, lift: float, window: int
) -> Iterator[Futures]:
    counts, weeks, mix = count(seen, window, seed), weekly_arrivals(seen, window), _mix(seen)
    rng = np.random.default_rng([seed, 1])
    weights = rng.exponential(size=(1 + DRAWS, len(counts.exposed)))
    calendar = rng.dirichlet(np.ones(len(weeks)), 1 + DRAWS)
    weights[0], calendar[0] = 1, 1 / len(weeks)
    for first in range(0, 1 + DRAWS, TOGETHER):
        part = slice(first, first + TOGETHER)
        moves, weekly = chances(counts, weights[part]), calendar[part]
        plain = np.ones(moves.shape[:3])
        curves = win_curves(moves, plain, end)
        kinds, number, win = open_chances(seen, moves, plain, curves, begin, end)
        arriving = new_chances(curves, begin, end)
        draws, ahead = arriving.shape[:2]
        below = weekly.cumsum(axis=1)[:, None, :-1]
        like = (rng.random((draws, ahead, 1)) > below).sum(axis=-1)
        wins = rng.binomial(weeks[like], arriving).sum(axis=(1, 3))
        _add(wins, kinds[:1], rng.binomial(number, win))
        of_open = np.zeros((draws, seen.sources, seen.stages - 1))
        _add(of_open, kinds, number * win)
        of_new = np.einsum("rw,wsk,risk->rs", weekly, weeks, arriving)
        lifted = np.zeros((draws, seen.stages - 1))
        for stage in range(seen.stages - 1 if lift else 0):
            more = plain.copy()
            more[:, :, stage] += np.minimum(lift, 1 / going_on(moves[:, :, stage]) - 1)
            higher = win_curves(moves, more, end)
            _, _, of_each = open_chances(seen, moves, more, higher, begin, end)
            to_come = new_chances(higher, begin, end) - arriving
            lifted[:, stage] = (of_each - win) @ number
            lifted[:, stage] += np.einsum("rw,wsk,risk->r", weekly, weeks, to_come)
        day = np.arange(end)
        from_day = curves[..., end - day] - curves[..., np.maximum(begin - day, 0)]
        yield Futures(
            wins=wins,
            of_open=of_open,
            of_new=of_new,
            new=np.einsum("rw,wsk->rs", weekly, weeks) * end / 7,
            entering=np.einsum("rskd,sk->rkd", from_day[:, :, :-1], mix),
            of_source=from_day[:, :, 0, 0],
            lifted=lifted,
        )


def usual_course(seen: Stays, days: int, seed: int, window: int = WINDOW_DAYS) -> Floats:
    """The chance to be won within 0, 1, ..., `days` days of entering each stage before the last, by
    the measured past as it is and the usual mix of sources: shape (stages - 1, 1 + days)."""
    counts = count(seen, window, seed)
    moves = chances(counts, np.ones((1, len(counts.exposed))))
    curves = win_curves(moves, np.ones(moves.shape[:3]), days)
    course: Floats = np.einsum("skd,sk->kd", curves[0, :, :-1], _mix(seen))
    return course


def _add(to: Floats | Ints, kinds: tuple[Ints, ...], amounts: Floats | Ints) -> None:
    """Add the amounts, shape (draws, kinds), in their places."""
    np.add.at(to.T, kinds[::-1], amounts.T)


def _mix(seen: Stays) -> Floats:
    """By source, the share of the leads that entered each stage before the last: shape (sources,
    stages - 1); of all leads where none did."""
    sizes = (seen.sources, seen.stages - 1)
    entered = np.zeros(sizes)
    np.add.at(entered, (seen.source, seen.stage), 1)
    everyone = np.bincount(seen.of_source, minlength=seen.sources)[:, None]
    entered = np.where(entered.sum(axis=0) > 0, entered, everyone)
    mix: Floats = entered / entered.sum(axis=0)
    return mix


def weekly_arrivals(seen: Stays, window: int) -> Ints:
    """Leads that entered the funnel in each of the whole weeks of the last `window` days, the
    newest first, by source and by the stage at which they did: shape (weeks, sources, stages)."""
    week = (-1 - seen.arrived) // 7
    whole = max(1, min(window, -int(seen.arrived.min())) // 7)
    sizes = (whole, seen.sources, seen.stages)
    recent = week < whole
    place = np.ravel_multi_index((week[recent], seen.of_source[recent], seen.first[recent]), sizes)
    return np.bincount(place, minlength=int(np.prod(sizes))).reshape(sizes)


def win_curves(moves: Floats, more: Floats, days: int) -> Floats:
    """The chance to be won within 0, 1, ..., `days` days, the day of entering counted, by the stage
    that a lead enters: shape (draws, sources, stages, 1 + days). more: how many times as many of
    each stage's leads go on, shape (draws, sources, stages - 1); who stays is as likely to stay."""
    draws, sources, before_last = more.shape
    curves = np.zeros((draws, sources, before_last + 1, days + 1))
    curves[:, :, -1, 1:] = 1
    for stage in reversed(range(before_last)):
        there, leaving = _course(moves[:, :, stage], days)
        for aim in range(stage + 1, before_last + 1):
            passed = fftconvolve(there * leaving[..., aim], curves[:, :, aim], axes=-1)
            curves[:, :, stage] += passed[..., : days + 1]
        curves[:, :, stage] *= more[:, :, stage, None]
    return np.clip(curves, 0, 1)


def _course(leaving: Floats, days: int) -> tuple[Floats, Floats]:
    """For the ages 0, 1, ..., days - 1 in a stage: the chance that a lead is still there at its
    begin, and the chances to leave it then."""
    leaving = leaving[..., age_band(np.arange(days)), :]
    stay = np.cumprod(1 - leaving.sum(axis=-1), axis=-1)
    return np.concatenate([np.ones_like(stay[..., :1]), stay[..., :-1]], axis=-1), leaving


def going_on(leaving: Floats) -> Floats:
    """The share of the leads of a stage that go on within two years."""
    there, leaving = _course(leaving, 2 * YEAR)
    share: Floats = (there * leaving[..., :-1].sum(axis=-1)).sum(axis=-1)
    return np.clip(share, TINY, 1)


def open_chances(
    seen: Stays, moves: Floats, more: Floats, curves: Floats, begin: int, end: int
) -> tuple[tuple[Ints, Ints], Ints, Floats]:
    """Of the open leads, alike ones together: their (source, stage), how many they are, and the
    chance of each to be won in the days [begin, end), shape (draws, kinds)."""
    here = seen.to == OPEN
    age = np.minimum(-seen.entered[here], AGES[-1])  # from there on all have the same chances
    alike = np.stack([seen.source[here], seen.stage[here], age])
    kinds, number = np.unique(alike, axis=1, return_counts=True)
    win = np.zeros((len(moves), len(number)))
    for stage in np.unique(kinds[1]):
        rows = np.flatnonzero(kinds[1] == stage)
        place = (moves[:, :, stage], curves, kinds[0, rows], kinds[2, rows])
        within = _within(*place, end) - (_within(*place, begin) if begin else 0)
        win[:, rows] = within * more[:, kinds[0, rows], stage]
    return (kinds[0], kinds[1]), number, np.clip(win, 0, 1)


def _within(leaving: Floats, curves: Floats, source: Ints, age: Ints, days: int) -> Floats:
    """The chance of leads that have been so many days in a stage to be won within `days`."""
    onward = leaving[..., :-1] @ curves[..., : days + 1]  # by age, and days left with this one
    there = 1 - leaving.sum(axis=-1)
    win, still = np.zeros((len(leaving), len(age))), np.ones((len(leaving), len(age)))
    for day in range(days):
        band = age_band(age + day)
        win += still * onward[:, source, band, days - day]
        still *= there[:, source, band]
    return win


def new_chances(curves: Floats, begin: int, end: int) -> Floats:
    """The chance that a lead of each week to come enters before the end and is won in [begin, end):
    shape (draws, weeks, sources, stages)."""
    day = np.arange(-(-end // 7) * 7)
    win = curves[..., np.maximum(end - day, 0)] - curves[..., np.maximum(begin - day, 0)]
    weekly: Floats = win.reshape(*win.shape[:-1], -1, 7).mean(axis=-1)
    return np.clip(np.moveaxis(weekly, -1, 1), 0, 1)
