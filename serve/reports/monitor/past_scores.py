"""Was what was said of leads true? Past readiness against what has happened since.

Given the readiness p_i of n leads, right scores win as a sum of independent draws with chances p_i:
Poisson-binomial. The horizons of the cutoffs that are counted do not overlap: otherwise one win of
one lead would count at every cutoff of its month, and chance would look like proof.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from serve.reports.monitor.status import Light, milder, off_one

Floats = npt.NDArray[np.float64]

FEWEST_WINS = 20  # expected ones; of fewer, nothing is said
LATEST_WINS = 60  # so many are looked at: what was long ago must not hide what is now
EXACT = 4_000  # leads up to which the distribution is exact
BANDS = 5
LEVEL = 0.95
OFF_AMBER, OFF_RED = 1.25, 1.6
CHANCE_AMBER, CHANCE_RED = 1e-2, 1e-3


@dataclass(frozen=True)
class Kept:
    """Promised and seen of some scored leads, of readiness in [lowest, highest].

    low, high: within which the wins lie 95 times in 100 if the readiness was right; chance: how
    often they would be so far off (two-sided).
    """

    leads: int
    expected: float
    won: int
    low: int
    high: int
    chance: float
    lowest: float
    highest: float

    @property
    def ratio(self) -> float:
        """Wins seen per win promised."""
        return self.won / self.expected if self.expected else math.nan

    @property
    def enough(self) -> bool:
        """Whether so many wins were promised that their number tells something."""
        return self.expected >= FEWEST_WINS

    def light(self, tests: int = 1) -> Light:
        """Red or amber where it is both far off and beyond chance, among `tests` looked at."""
        if not self.enough:
            return "grey"
        if self.chance * tests >= CHANCE_AMBER:
            return "green"
        sure: Light = "red" if self.chance * tests < CHANCE_RED else "amber"
        return milder(sure, off_one(self.ratio, OFF_AMBER, OFF_RED))

    def json_fields(self) -> dict[str, Any]:
        """With the ratio."""
        return vars(self) | {"ratio": self.ratio}


def kept(readiness: Floats, won: Floats) -> Kept:
    """Hold readiness, shape (n,), against outcomes 0 or 1, shape (n,).

    >>> found = kept(np.full(100, 0.3), np.repeat([1.0, 0.0], [50, 50]))
    >>> found.won, round(found.expected), (found.low, found.high)
    (50, 30, (21, 39))
    """
    if not len(readiness):
        return Kept(0, 0.0, 0, 0, 0, 1.0, math.nan, math.nan)
    wins = int(won.sum())
    low, high, chance = wins_by_chance(readiness, wins)
    ends = float(readiness.min()), float(readiness.max())
    return Kept(len(readiness), float(readiness.sum()), wins, low, high, chance, *ends)


def wins_by_chance(readiness: Floats, wins: int) -> tuple[int, int, float]:
    """The 95 % interval of the number of wins, and the two-sided chance of one as far off as
    `wins`. Exact up to EXACT leads (Hong 2013); beyond, normal with a correction for skewness
    (Volkova 1996), whose error falls with the variance.

    >>> wins_by_chance(np.full(10, 0.5), 10)  # 2 of 1024
    (2, 8, 0.001953125)
    """
    tail = (1 - LEVEL) / 2
    p = np.clip(readiness, 0, 1)
    if len(p) <= EXACT:
        mass = _exactly(p)
        below = np.minimum(np.cumsum(mass), 1.0)
        above = np.minimum(np.cumsum(mass[::-1])[::-1], 1.0)
        ends = np.searchsorted(below, [tail, 1 - tail])
        chance = 2 * min(below[wins], above[wins])
        return int(ends[0]), int(ends[1]), min(1.0, float(chance))
    counts = np.arange(-1, len(p) + 1)
    below = _skewed(counts, p)
    ends = np.searchsorted(below[1:], [tail, 1 - tail])
    chance = 2 * min(below[wins + 1], 1 - below[wins])
    return int(ends[0]), int(ends[1]), min(1.0, float(chance))


def _exactly(p: Floats) -> Floats:
    """P(0 wins), ..., P(n wins), one lead after the other."""
    mass = np.zeros(len(p) + 1)
    mass[0] = 1.0
    for done, chance in enumerate(p.tolist(), start=1):
        mass[1 : done + 1] = mass[1 : done + 1] * (1 - chance) + mass[:done] * chance
        mass[0] *= 1 - chance
    return mass


def _skewed(counts: npt.NDArray[np.intp], p: Floats) -> Floats:
    """P(wins <= count), nearly."""
    variance = float((p * (1 - p)).sum())
    if not variance:
        return (counts >= round(float(p.sum()))).astype(float)
    skew = float((p * (1 - p) * (1 - 2 * p)).sum()) / variance**1.5
    x = (counts + 0.5 - p.sum()) / math.sqrt(variance)
    nearly: Floats = stats.norm.cdf(x) + skew * (1 - x**2) * stats.norm.pdf(x) / 6
    return np.maximum.accumulate(np.clip(nearly, 0, 1))


def by_band(readiness: Floats, won: Floats) -> list[Kept]:
    """The same in bands of readiness, lowest first, each with about an equal part of the promised
    wins: at most BANDS, so few that each can be judged. Equal readiness is never torn apart."""
    bands = min(BANDS, int(readiness.sum() // FEWEST_WINS))
    if bands < 2:
        return []
    order = np.argsort(readiness, kind="stable")
    given, seen = readiness[order], won[order]
    promised = np.cumsum(given)
    cuts = np.searchsorted(promised, promised[-1] * np.arange(1, bands) / bands)
    edges = np.unique([0, *np.searchsorted(given, given[cuts], side="left"), len(given)])
    return [kept(given[start:end], seen[start:end]) for start, end in pairwise(edges)]


def apart(cutoffs: Sequence[datetime], days: int) -> list[datetime]:
    """Of some cutoffs those whose horizons do not overlap, from the latest back, in order.

    >>> weeks = [datetime(2026, 1, 5) + timedelta(weeks=n) for n in range(9)]
    >>> [f"{cutoff:%m-%d}" for cutoff in apart(weeks, 30)]
    ['01-26', '03-02']
    """
    chosen: list[datetime] = []
    for cutoff in sorted(set(cutoffs), reverse=True):
        if not chosen or cutoff + timedelta(days=days) <= chosen[-1]:
            chosen.append(cutoff)
    return chosen[::-1]
