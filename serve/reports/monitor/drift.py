"""Has the distribution of a feature, or the pace of an action, moved since training?

Leads of now are held against leads of the reference of the same age, so that a database that grows
older does not drift by growing: each lead of the reference weighs as many leads of now as there are
of its age per such lead. A change counts where it is both large (a fixed limit) and beyond chance
(a limit that depends on how many leads there are): the one keeps quiet a million leads, of which
any trifle is sure, the other three hundred, of which nothing small is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from serve.reports.monitor.status import Status, at_least, milder, off_one

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BINS = 10
AGE_BANDS = 20
FEWEST_PER_BAND = 10  # reference leads of an age, for leads of now to be compared
CHANCE = 1e-3  # of a false alarm by chance alone, over all that are looked at together
PSI_AMBER, PSI_RED = 0.1, 0.25  # Siddiqi, Credit Risk Scorecards, 2006
RATE_AMBER, RATE_RED = 1.35, 1.7


@dataclass(frozen=True)
class Matched:
    """The reference weighted to the ages of now.

    weight: shape (rows of the reference,), sums to `now.sum()`; now: which rows of now have leads
    of their age in the reference; lead: the lead of each row of the reference, as a number.
    """

    weight: Floats
    now: Bools
    lead: npt.NDArray[np.intp]

    @property
    def share(self) -> float:
        """The part of the leads of now that can be compared."""
        return float(self.now.mean()) if self.now.size else math.nan

    @property
    def effective(self) -> float:
        """How many leads of equal weight the reference is worth (Kish 1965); a lead that stands in
        it at several cutoffs is one."""
        of_lead = np.bincount(self.lead, self.weight)
        squares = float((of_lead**2).sum())
        return float(of_lead.sum() ** 2 / squares) if squares else 0.0


def match_ages(reference: pd.Series[Any], leads: pd.Series[Any], now: Floats) -> Matched:
    """Weigh the reference's rows (ages in days, and their leads) to the ages of now, shape (n,)."""
    edges = np.unique(np.quantile(now, np.arange(1, AGE_BANDS) / AGE_BANDS)) if now.size else now
    before, after = np.searchsorted(edges, reference), np.searchsorted(edges, now)
    had = np.bincount(before, minlength=len(edges) + 1)
    have = np.bincount(after, minlength=len(edges) + 1)
    enough = had >= FEWEST_PER_BAND
    weight = np.where(enough, have / np.maximum(had, 1), 0.0)
    return Matched(weight[before], enough[after], pd.factorize(leads)[0])


def psi(before: npt.ArrayLike, after: npt.ArrayLike) -> float:
    """Population stability index of two counts over the same bins, shape (b,): the symmetric
    Kullback-Leibler divergence of their shares (Jeffreys), in nats, at least 0.

    >>> round(psi([50, 50], [80, 20]), 4)  # 0.3 ln 1.6 + 0.3 ln 2.5
    0.4159
    """
    shares = []
    for counts in (np.asarray(before, float), np.asarray(after, float)):
        filled = counts + (0.5 if (counts == 0).any() else 0)  # no bin is empty for certain
        shares.append(filled / filled.sum())
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def psi_by_chance(bins: int, before: float, after: float, chance: float) -> float:
    """What the index exceeds with probability `chance` where nothing has changed, given the leads
    before and after: (1/before + 1/after) chi2(bins - 1) (Yurdakul and Naranjo, 2020).

    >>> [round(psi_by_chance(10, n, n, 1e-5), 3) for n in (300, 1_000_000)]
    [0.262, 0.0]
    """
    if not before or not after:
        return math.inf
    return float((1 / before + 1 / after) * stats.chi2.isf(chance, max(bins - 1, 1)))


@dataclass(frozen=True)
class Bin:
    """A range of a feature's values, in words; which share of the reference lies in it (weighted to
    the ages of now) and which of the leads of now."""

    values: str
    then: float
    now: float


@dataclass(frozen=True)
class Drift:
    """How far a feature moved: its index, what chance alone may make of it, and its status.
    meaning: of the feature, in words. bins: what the index is counted over."""

    name: str
    psi: float
    by_chance: float
    status: Status
    meaning: str = ""
    bins: tuple[Bin, ...] = ()

    def json_fields(self) -> dict[str, Any]:
        """The public name of status is light."""
        figures = {"name": self.name, "psi": self.psi, "by_chance": self.by_chance}
        return {**figures, "light": self.status, "bins": self.bins}


def drift(
    name: str, before: pd.Series[Any], after: pd.Series[Any], matched: Matched, tests: int = 1
) -> Drift:
    """Hold a feature of now against the reference: equal-count bins of the reference, missing ones
    in a bin of their own; the commonest BINS texts, all others together.

    tests: how many features are looked at together.
    """
    *places, names = _binned(before, after[matched.now], matched.weight)
    bins = int(max(place.max(initial=0) for place in places)) + 1
    counts = (
        np.bincount(places[0], matched.weight, bins),
        np.bincount(places[1], minlength=bins),
    )
    used = (counts[0] + counts[1]) > 0
    index = psi(counts[0][used], counts[1][used]) if used.any() else math.nan
    leads = matched.effective, float(matched.now.sum())
    chance = psi_by_chance(int(used.sum()), *leads, CHANCE / tests)
    status = at_least(index, PSI_AMBER, PSI_RED)
    totals = [max(count.sum(), 1.0) for count in counts]
    shares = (
        Bin(
            names[place],
            *(float(n[place] / total) for n, total in zip(counts, totals, strict=True)),
        )
        for place in np.flatnonzero(used)
    )
    surely = status if index > chance else milder(status, "green")
    return Drift(name, index, chance, surely, bins=tuple(shares))


def _binned(
    before: pd.Series[Any], after: pd.Series[Any], weight: Floats
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], list[str]]:
    """The bin of each row, before and after, and what each bin holds, in words."""
    if not pd.api.types.is_numeric_dtype(before):
        common = pd.Series(weight).groupby(before.to_numpy()).sum().nlargest(BINS).index
        known = {text: place for place, text in enumerate(common)}
        names = [*map(str, common), "others", "unknown"]
        return _texts(before, known), _texts(after, known), names
    values, given = before.to_numpy(np.float64), after.to_numpy(np.float64)
    order = np.argsort(values, kind="stable")  # NaN last
    order = order[: int((~np.isnan(values)).sum())]
    total = np.cumsum(weight[order])
    shares = np.arange(1, BINS) / BINS * (total[-1] if total.size else 0)
    cuts = values[order][np.searchsorted(total, shares)] if total.size else values[:0]
    edges = np.unique(cuts).astype(np.float64)
    return _numbers(values, edges), _numbers(given, edges), _ranges(edges)


def _ranges(edges: Floats) -> list[str]:
    """The bins (-inf, e0], (e0, e1], ..., (en, inf) and the unknown, in words.

    >>> _ranges(np.array([0.0, 2.5]))
    ['0 or less', 'over 0 to 2.5', 'over 2.5', 'unknown']
    """
    ends = [f"{edge:.4g}" for edge in edges]
    if not ends:
        return ["all", "unknown"]
    between = [f"over {low} to {high}" for low, high in pairwise(ends)]
    return [f"{ends[0]} or less", *between, f"over {ends[-1]}", "unknown"]


def _numbers(values: Any, edges: Floats) -> npt.NDArray[np.intp]:
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))


def _texts(texts: pd.Series[Any], known: dict[object, int]) -> npt.NDArray[np.intp]:
    other = texts.isna().to_numpy() + len(known)
    place = texts.map(known).to_numpy(np.float64)
    return np.where(np.isnan(place), other, place).astype(np.intp)


@dataclass(frozen=True)
class RateChange:
    """How often something is done per lead, before and after; `ratio` after over before.

    expected: leads of now who would have done it, had nothing changed; leads: who did. z: the
    difference in standard errors, each lead one observation however often it recurs.
    """

    before: float
    after: float
    expected: float
    leads: int
    z: float

    @property
    def ratio(self) -> float:
        return self.after / self.before if self.before else math.nan

    def status(self, tests: int, amber: float = RATE_AMBER, red: float = RATE_RED) -> Status:
        """Its status among `tests` looked at together; grey where too few did it to tell: where
        nobody doing it any more could be chance."""
        if self.expected < fewest_expected(tests):
            return "grey"
        status = off_one(self.ratio, amber, red)
        sure = abs(self.z) > stats.norm.isf(CHANCE / tests / 2)
        return status if sure or self.after == 0 else milder(status, "green")


def fewest_expected(tests: int) -> float:
    """Of how many expected leads the absence of all is beyond chance: Poisson's exp(-expected).

    >>> round(fewest_expected(20), 1)
    9.9
    """
    return math.log(tests / CHANCE)


def rate_change(before: Floats, after: Floats, matched: Matched) -> RateChange:
    """Compare how often something is done per lead. before: of each row of the reference; after: of
    each row of now, of which those are taken that have leads of their age in the reference."""
    weight, given = matched.weight, after[matched.now]
    total = float(weight.sum())
    if not total:
        return RateChange(math.nan, math.nan, 0.0, 0, math.nan)
    mean, now = float((weight * before).sum() / total), float(given.mean())
    residual = np.bincount(matched.lead, weight * (before - mean))
    variance = float((residual**2).sum()) / total**2 + float(given.var(ddof=0)) / len(given)
    expected = float((weight * (before > 0)).sum())
    z = (now - mean) / math.sqrt(variance) if variance else 0.0
    return RateChange(mean, now, expected, int((given > 0).sum()), z)
