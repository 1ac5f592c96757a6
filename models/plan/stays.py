"""How long leads stay in each stage and where they go then, counted in whole days.

Days are counted from the cutoff: day -1 is the last 24 hours before it, day 0 the first after it. A
stay of n days is one that ends n days after the day on which it began, so that the stays of a lead
add up to its whole way. Worked example, cutoff 2026-03-01 00:00: entered MQL on 02-10 at 17:00 (day
-19), SQL on 02-13 at 09:00 (day -16): a stay of 3 days, which had the chance to end on four of them
(ages 0, 1, 2, 3). Still an SQL at the cutoff: ages 0 to 15 are over, age 16 is day 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from features.stages import Entries

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
OPEN = -1
TINY = 1e-12  # against a division by 0
DAY_US = 86_400_000_000
# Ages in days at which another chance of leaving begins: it is the same within [0, 1), [1, 2), ...
AGES = np.array([0, 1, 2, 4, 8, 15, 31, 61, 91, 181, 366])
BLOCKS = 500  # leads are resampled in so many random blocks, or one by one where there are fewer


@dataclass(frozen=True)
class Stays:
    """One row per stay of a lead in a stage before the last.

    lead: row in the entries. source: a number per group of sources. stage: its place. entered,
    left: days; left is 0 where the lead is still there. to: the place of the stage entered next,
    `stages` where the lead was lost, OPEN where it is there. arrived, first, of_source: per lead,
    the day on which it entered the funnel, the place of the stage at which it did, and its source.
    """

    stages: int
    sources: int
    lead: Ints
    source: Ints
    stage: Ints
    entered: Ints
    left: Ints
    to: Ints
    arrived: Ints
    first: Ints
    of_source: Ints

    @property
    def won(self) -> npt.NDArray[np.bool_]:
        """Which stays ended with a win: the last stage entered."""
        won: npt.NDArray[np.bool_] = self.to == self.stages - 1
        return won


def stays(entries: Entries, source: Ints) -> Stays:
    """The stays of all leads. source: the number of each lead's group of sources, from 0."""
    stages = entries.entered.shape[1]
    visited = ~np.isnat(entries.entered) & ~entries.skipped
    lost_at = entries.leads["lost_at"].to_numpy("datetime64[us]")
    is_lost = ~np.isnat(lost_at)
    day, lost_on = _days(entries.entered, entries.until), _days(lost_at, entries.until)
    columns = []
    for stage in range(stages - 1):
        lead = np.flatnonzero(visited[:, stage])
        later = visited[lead, stage + 1 :]
        went_on = later.any(axis=1)
        onward = np.where(went_on, stage + 1 + later.argmax(axis=1), stage)
        ended = np.where(is_lost[lead], stages, OPEN)
        to = np.where(went_on, onward, ended)
        left = np.where(went_on, day[lead, onward], np.where(is_lost[lead], lost_on[lead], 0))
        columns.append((lead, source[lead], np.full(len(lead), stage), day[lead, stage], left, to))
    lead, of, stage_of, entered, left, to = (
        np.concatenate(column).astype(np.int64) for column in zip(*columns, strict=True)
    )
    first = visited.argmax(axis=1)
    arrived = day[np.arange(len(first)), first]
    sizes = stages, int(source.max()) + 1
    return Stays(*sizes, lead, of, stage_of, entered, left, to, arrived, first, source)


def _days(moments: npt.NDArray[np.datetime64], until: datetime) -> Ints:
    """The day of each moment; meaningless where there is none."""
    return (moments - np.datetime64(until, "us")).astype(np.int64) // DAY_US


@dataclass(frozen=True)
class Counts:
    """What was seen in the days [-days, 0), per block of leads.

    exposed: days that leads began in a stage, by source, stage and band of ages (AGES), shape
    (blocks, sources, stages - 1, ages). left: how many of them it left, by where to, shape (...,
    stages + 1); the last is lost.
    """

    exposed: Floats
    left: Floats


def count(seen: Stays, days: int, seed: int) -> Counts:
    """Count the days in stages and the moves of the last so many days, by random block of leads."""
    leads = len(seen.arrived)
    block = np.random.default_rng(seed).permutation(leads) % min(leads, BLOCKS)
    recent = (seen.to == OPEN) | (seen.left >= -days)
    begin = np.maximum(-days - seen.entered, 0)[recent]
    end = (seen.left - seen.entered + (seen.to != OPEN))[recent]
    shape = (int(block.max()) + 1, seen.sources, seen.stages - 1, len(AGES))
    cell = (block[seen.lead], seen.source, seen.stage)
    place = np.ravel_multi_index([part[recent] for part in cell], shape[:-1])
    last = np.append(AGES[1:], np.iinfo(np.int64).max)
    exposed = np.stack(
        [
            np.bincount(
                place, np.clip(end, low, high) - np.clip(begin, low, high), np.prod(shape[:-1])
            )
            for low, high in zip(AGES, last, strict=True)
        ],
        axis=-1,
    ).reshape(shape)
    moved = recent & (seen.to != OPEN)
    age = age_band((seen.left - seen.entered)[moved])
    into = (*(part[moved] for part in cell), age, seen.to[moved])
    sizes = (*shape, seen.stages + 1)
    left = np.bincount(np.ravel_multi_index(into, sizes), minlength=int(np.prod(sizes)))
    return Counts(exposed.astype(np.float64), left.reshape(sizes).astype(np.float64))


def age_band(days: Ints) -> Ints:
    """The place in AGES of each age in days."""
    band: Ints = np.searchsorted(AGES, days, side="right") - 1
    return band


def chances(counts: Counts, weights: Floats) -> Floats:
    """The chance to leave a stage on a day for each other stage or lost, by source and age.

    weights: of the blocks, shape (draws, blocks). Returns shape (draws, sources, stages - 1, ages,
    stages + 1). The course over the ages is that of all sources; each source leaves so many times
    as often for each of the others, a factor per stage and aim, as if one move more of it had been
    seen, at the rate of all; together they move as often as they did. An age at which nobody was
    seen has the chances of the one before.
    """
    exposed = np.tensordot(weights, counts.exposed, 1)
    left = np.tensordot(weights, counts.left, 1)
    pooled = _rates(exposed.sum(axis=1), left.sum(axis=1))
    expected = (exposed[..., None] * pooled[:, None]).sum(axis=-2)
    moves = left.sum(axis=-2)
    factor = (1 + moves) / (1 + expected)
    of_all = moves.sum(axis=1) / np.maximum((factor * expected).sum(axis=1), TINY)
    factor *= of_all[:, None]
    rates = pooled[:, None] * factor[..., None, :]
    possible: Floats = rates / np.maximum(rates.sum(axis=-1, keepdims=True), 1)
    return possible


def _rates(exposed: Floats, left: Floats) -> Floats:
    """left / exposed by age, shape (..., ages, stages + 1); where nobody was seen, as before it."""
    rates = left / np.maximum(exposed, TINY)[..., None]
    for age in range(1, len(AGES)):
        unseen = exposed[..., age] <= 0
        rates[..., age, :] = np.where(unseen[..., None], rates[..., age - 1, :], rates[..., age, :])
    return rates
