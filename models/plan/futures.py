"""The wins of a period, drawn many times: each draw has its own resampled past and its own chance.

A draw weighs the leads of the past at random (the doubt of what was measured), follows every open
lead from its stage and its days in it, lets weeks like the past ones bring leads, and decides each
by chance (the chance of what comes). So its wins carry both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve

from models.plan.stays import AGES, OPEN, Counts, Floats, Ints, Stays, age_band, chances, count

DRAWS = 400
TOGETHER = 50  # draws are worked on so many at a time, which bounds the memory
WINDOW_DAYS = 182  # the past that is measured, back from the cutoff
ARRIVAL_WEEKS = 26


@dataclass(frozen=True)
class Futures:
    """What may come in the days [begin, end) from the cutoff, DRAWS times; the first row of the
    expected ones is the measured past itself, unweighted.

    wins: shape (DRAWS,). of_open, of_new: expected wins of the open leads, by source and stage, and
    of those still to come, by source, shapes (1 + DRAWS, sources, stages - 1), (1 + DRAWS, sources).
    """

    wins: Ints
    of_open: Floats
    of_new: Floats

    @property
    def expected(self) -> Floats:
        """All expected wins, shape (1 + DRAWS,)."""
        return self.of_open.sum(axis=(1, 2)) + self.of_new.sum(axis=1)


def futures(seen: Stays, begin: int, end: int, seed: int, window: int = WINDOW_DAYS) -> Futures:
    """Draw the wins of the days [begin, end), counted from the cutoff."""
    counts = count(seen, window, seed)
    rng = np.random.default_rng([seed, 1])
    weights = rng.exponential(size=(1 + DRAWS, len(counts.exposed)))
    weights[0] = 1
    weeks = weekly_arrivals(seen)
    mixes = rng.dirichlet(np.ones(len(weeks)), 1 + DRAWS)
    mixes[0] = 1 / len(weeks)
    wins, of_open, of_new = [], [], []
    for first in range(0, 1 + DRAWS, TOGETHER):
        part = slice(first, first + TOGETHER)
        moves = chances(counts, weights[part])
        curves = win_curves(moves, end)
        cells, number, win = open_chances(seen, moves, curves, begin, end)
        drawn = rng.binomial(number, win).sum(axis=1)
        expected = np.zeros((len(moves), seen.sources, seen.stages - 1))
        np.add.at(expected, (slice(None), *cells), number * win)
        of_open.append(expected)
        each = new_chances(curves, begin, end)
        of_new.append(np.einsum("rw,wsk,risk->rs", mixes[part], weeks, each))
        picked = (
            rng.random((len(moves), each.shape[1], 1)) > mixes[part].cumsum(axis=1)[:, None, :-1]
        ).sum(axis=-1)
        drawn += rng.binomial(weeks[picked], each).sum(axis=(1, 2, 3))
        wins.append(drawn)
    return Futures(np.concatenate(wins)[1:], np.concatenate(of_open), np.concatenate(of_new))


def weekly_arrivals(seen: Stays) -> Ints:
    """Leads that entered the funnel in each of the last whole weeks, the newest first, by source and
    by the stage at which they did: shape (weeks, sources, stages)."""
    week = (-1 - seen.arrived) // 7
    whole = int(np.clip(-seen.arrived.min() // 7, 1, ARRIVAL_WEEKS))
    sizes = (whole, seen.sources, seen.stages)
    recent = week < whole
    place = np.ravel_multi_index((week[recent], seen.of_source[recent], seen.first[recent]), sizes)
    return np.bincount(place, minlength=int(np.prod(sizes))).reshape(sizes)


def win_curves(moves: Floats, days: int) -> Floats:
    """The chance to be won within 0, 1, ..., `days` days, that of entering counted, by the stage that
    a lead enters: shape (draws, sources, stages, 1 + days)."""
    draws, sources, before_last, _, aims = moves.shape
    stages = before_last + 1
    curves = np.zeros((draws, sources, stages, days + 1))
    curves[:, :, -1, 1:] = 1
    band = age_band(np.arange(days))
    for stage in reversed(range(before_last)):
        leaving = moves[:, :, stage, band, :]
        stay = np.cumprod(1 - leaving.sum(axis=-1), axis=-1)
        there = np.concatenate([np.ones_like(stay[..., :1]), stay[..., :-1]], axis=-1)
        for aim in range(stage + 1, stages):
            passed = fftconvolve(there * leaving[..., aim], curves[:, :, aim], axes=-1)
            curves[:, :, stage] += passed[..., : days + 1]
    return np.clip(curves, 0, 1)


def open_chances(
    seen: Stays, moves: Floats, curves: Floats, begin: int, end: int
) -> tuple[tuple[Ints, Ints], Ints, Floats]:
    """Of the open leads, alike ones together: their (source, stage), how many they are, and the
    chance of each to be won in the days [begin, end), shape (draws, kinds)."""
    here = seen.to == OPEN
    kinds, number = np.unique(
        np.stack([seen.source[here], seen.stage[here], -seen.entered[here]]),
        axis=1,
        return_counts=True,
    )
    win = np.zeros((len(moves), len(number)))
    for stage in np.unique(kinds[1]):
        rows = np.flatnonzero(kinds[1] == stage)
        source, age = kinds[0, rows], kinds[2, rows]
        win[:, rows] = _within(moves, curves, stage, source, age, end)
        if begin:
            win[:, rows] -= _within(moves, curves, stage, source, age, begin)
    return (kinds[0], kinds[1]), number, np.clip(win, 0, 1)


def _within(
    moves: Floats, curves: Floats, stage: int, source: Ints, age: Ints, days: int
) -> Floats:
    """The chance of leads that have been so many days in a stage to be won within `days`."""
    leaving = moves[:, :, stage]
    onward = leaving[..., :-1] @ curves[..., : days + 1]  # by age, and days left with this one
    there = 1 - leaving.sum(axis=-1)
    win, still = np.zeros((len(moves), len(age))), np.ones((len(moves), len(age)))
    for day in range(days):
        band = age_band(age + day)
        win += still * onward[:, source, band, days - day]
        still *= there[:, source, band]
    return win


def new_chances(curves: Floats, begin: int, end: int) -> Floats:
    """The chance that a lead of each week to come enters before the end and is won in [begin, end):
    shape (draws, weeks, sources, stages)."""
    day = np.arange(-(-end // 7) * 7)
    late, early = np.maximum(end - day, 0), np.maximum(begin - day, 0)
    win = curves[..., late] - curves[..., early]
    weekly = win.reshape(*win.shape[:-1], -1, 7).mean(axis=-1)
    return np.clip(np.moveaxis(weekly, -1, 1), 0, 1)
