"""How good a ranking of snapshots is: discrimination, calibration, wins within sales' capacity.

A *ranker* gives every snapshot (lead, cutoff) one float, the higher the sooner it is called.
Snapshots of equal score are tied, and nothing may depend on the order they happen to lie in. So
every measure is a function of a `Tally`: how many snapshots, and how many wins among them, have
each score. It follows that an integer weight is exactly a row repeated that many times, and that
a ranker is sorted once for a thousand bootstrap replicates.

Calibration measures (log loss, Brier, expected calibration error) are for probabilities only;
points of a rule score are not one.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from features.config import Capacity

Floats = NDArray[np.float64]
Weight = ArrayLike | None  # shape (n,), at least 0, not all 0; None weighs every snapshot 1
BINS = 10
NAN = float("nan")


@dataclass(frozen=True)
class AtCapacity:
    """What the lists of all cutoffs win together, each in [0, 1] but `lift`.

    share: part of the snapshots that is on a list. precision: part of the list that is won.
    gain: part of all wins that is on a list. lift: precision / base rate. With a share as the
    capacity a random list has lift 1; with a fixed number of leads only nearly so, because small
    cohorts then weigh more in the list than in the base rate. gain and lift are NaN without wins.
    """

    share: float
    precision: float
    gain: float
    lift: float


@dataclass(frozen=True)
class Tally:
    """Wins and snapshots (weighted) at each distinct score, best score first; arrays of a length.

    Sums are numpy's own, not dot products: threads of a BLAS add up in another order, and cost more
    than they save here.

    >>> Ranking([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1]).tally().roc_auc()
    0.875
    >>> Ranking([1, 0, 0, 0], [0.7] * 4).tally().average_precision()
    0.25
    >>> tally = Ranking([1, 0], [0.6, 0.6]).tally()
    >>> round(tally.log_loss(), 4), round(tally.brier(), 2), round(tally.ece(), 2)
    (0.7136, 0.26, 0.1)
    """

    score: Floats
    wins: Floats
    total: Floats

    def roc_auc(self) -> float:
        """Chance that a won snapshot is ranked above one not won, ties as one half; NaN without
        both. In [0, 1], 0.5 at random (Hanley and McNeil, Radiology 1982)."""
        losses = self.total - self.wins
        better = np.cumsum(self.wins) - self.wins / 2  # a tied pair counts one half
        pairs = self.wins.sum() * losses.sum()
        return float((losses * better).sum() / pairs) if pairs else NAN

    def average_precision(self) -> float:
        """Precision averaged over the wins as the list grows, in (0, 1]; NaN without wins. A tie is
        one threshold, as in scikit-learn: all-tied gives the base rate."""
        called = np.maximum(np.cumsum(self.total), np.finfo(float).tiny)  # 0 before any weight
        wins = self.wins.sum()
        precision = np.cumsum(self.wins) / called
        return float((self.wins * precision).sum() / wins) if wins else NAN

    def log_loss(self) -> float:
        """Mean negative log-likelihood in nats, at least 0; probabilities are kept 2.2e-16 off 0
        and 1."""
        tiny = np.finfo(float).eps
        sure = np.clip(self.score, tiny, 1 - tiny)
        loss = -self.wins * np.log(sure) - (self.total - self.wins) * np.log1p(-sure)
        return float(loss.sum() / self.total.sum())

    def brier(self) -> float:
        """Mean squared error of the probability, in [0, 1] (Brier, Monthly Weather Review 1950)."""
        squares = self.wins * (1 - self.score) ** 2 + (self.total - self.wins) * self.score**2
        return float(squares.sum() / self.total.sum())

    def ece(self) -> float:
        """Expected calibration error: |mean probability - win rate| over bins of equal mass, in
        [0, 1]. Equal mass, for it is less biased than equal width (Roelofs et al., AISTATS 2022).
        """
        place = self.bins(BINS)
        gaps = _sum(self.total * self.score, place, BINS) - _sum(self.wins, place, BINS)
        return float(np.abs(gaps).sum() / self.total.sum())

    def bins(self, count: int) -> NDArray[np.intp]:
        """The bin of each score, of `count` bins of equal mass, from 0 for the best.

        A tie is never torn: it goes whole into the bin in which its middle falls, so that a bin
        may be larger than another, or empty.
        """
        middle = np.cumsum(self.total) - self.total / 2
        place: NDArray[np.intp]
        place = np.minimum(count * middle / self.total.sum(), count - 1).astype(np.intp)
        return place


class Ranking:
    """One ranker's snapshots, sorted once, to be tallied under any weights without sorting again.

    outcome: 0 or 1, shape (n,), n >= 1. score: finite floats, shape (n,). cutoff: anything
    hashable, shape (n,); each distinct value has a list of its own; one list for all if absent.
    ValueError if a shape or a value breaks this.
    """

    def __init__(self, outcome: ArrayLike, score: ArrayLike, cutoff: ArrayLike | None = None):
        self._outcome, score = _checked(outcome, score)
        negated, self._place = np.unique(-score, return_inverse=True)
        self._score = -negated
        n = score.size
        period = np.zeros(n, np.intp) if cutoff is None else pd.factorize(pd.Series(cutoff))[0]
        if period.size != n or period.min() < 0:
            raise ValueError(f"{(period >= 0).sum()} cutoffs for {n} snapshots: one each")
        # one key per (cutoff, distinct score): lists lie one after the other, each best first
        keys, self._list_place = np.unique(period * n + self._place, return_inverse=True)
        self._list_of_key, self._lists = keys // n, int(period.max()) + 1

    def tally(self, weight: Weight = None) -> Tally:
        """All snapshots together, whatever their cutoff."""
        return Tally(self._score, *self._sums(self._place, self._score.size, weight))

    def bins(self, count: int) -> NDArray[np.intp]:
        """The bin of each snapshot, shape (n,), as of `Tally.bins`."""
        return self.tally().bins(count)[self._place]

    def at_capacity(self, capacity: Capacity, weight: Weight = None) -> AtCapacity:
        """Call each cutoff's best within capacity, then pool the lists.

        A tie at the end of a list is averaged over all its orders: expected wins = wins above it +
        slots left x win rate within the tie (McSherry and Najork, ECIR 2008). A fractional last
        slot is filled likewise, by that part of a snapshot.

        >>> Ranking([1, 0, 0, 1], [9, 1, 5, 5], ["a", "a", "b", "b"]).at_capacity(Capacity(leads=1))
        AtCapacity(share=0.5, precision=0.75, gain=0.75, lift=1.5)
        """
        wins, total = self._sums(self._list_place, self._list_of_key.size, weight)
        slots, called = self._called(capacity, total)
        won = float((called * wins / np.where(total > 0, total, 1)).sum())
        precision, all_wins = won / float(slots.sum()), float(wins.sum())
        return AtCapacity(
            share=capacity.share or float(slots.sum() / total.sum()),
            precision=precision,
            gain=won / all_wins if all_wins else NAN,
            lift=precision * float(total.sum()) / all_wins if all_wins else NAN,
        )

    def on_list(self, capacity: Capacity, weight: Weight = None) -> Floats:
        """The part of each snapshot that is on its cutoff's list, shape (n,), in [0, 1]: below 1
        in a tie at the end of a list, which is averaged over all its orders."""
        _, total = self._sums(self._list_place, self._list_of_key.size, weight)
        _, called = self._called(capacity, total)
        part: Floats = (called / np.where(total > 0, total, 1))[self._list_place]
        return part

    def deals(self, capacities: Sequence[Capacity], weight: Weight = None) -> tuple[Floats, Floats]:
        """What each capacity calls and wins at all cutoffs together, as `at_capacity` does, each of
        shape (len(capacities),), in one pass over the snapshots."""
        wins, total = self._sums(self._list_place, self._list_of_key.size, weight)
        cohort = _sum(total, self._list_of_key, self._lists)
        slots = np.stack([each.slots(cohort) for each in capacities])
        ends = np.searchsorted(self._list_of_key, np.arange(self._lists + 1))
        won = np.zeros(len(capacities))
        for each, (start, end) in enumerate(itertools.pairwise(ends.tolist())):
            called, deals = (np.append(0, np.cumsum(s[start:end])) for s in (total, wins))
            won += np.interp(slots[:, each], called, deals)
        return slots.sum(axis=1), won

    def _called(self, capacity: Capacity, total: Floats) -> tuple[Floats, Floats]:
        """The length of each list, and how many snapshots it takes at each key."""
        cohort = _sum(total, self._list_of_key, self._lists)
        list_starts = np.cumsum(cohort) - cohort
        called_before = np.cumsum(total) - total - list_starts[self._list_of_key]
        slots = capacity.slots(cohort)
        return slots, np.clip(slots[self._list_of_key] - called_before, 0, total)

    def _sums(self, place: NDArray[np.intp], size: int, weight: Weight) -> tuple[Floats, Floats]:
        """Wins and snapshots at each place."""
        weight = np.ones(place.size) if weight is None else np.asarray(weight, float)
        return _sum(weight * self._outcome, place, size), _sum(weight, place, size)


def _sum(values: Floats, group: NDArray[np.intp], groups: int) -> Floats:
    return np.asarray(np.bincount(group, values, groups), float)  # float: the stubs say int


def _checked(outcome: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats]:
    won, ranked = np.asarray(outcome, float), np.asarray(score, float)
    if won.ndim != 1 or won.shape != ranked.shape or won.size == 0:
        raise ValueError(f"outcome {won.shape} and score {ranked.shape}: one each, at least one")
    if not np.isin(won, (0, 1)).all():
        raise ValueError("an outcome must be 0 or 1: leave censored snapshots out")
    if not np.isfinite(ranked).all():
        raise ValueError(f"{(~np.isfinite(ranked)).sum()} of {ranked.size} scores are not finite")
    return won, ranked


def capacity_curve(
    outcome: ArrayLike, score: ArrayLike, cutoff: ArrayLike, shares: ArrayLike | None = None
) -> pd.DataFrame:
    """AtCapacity over growing shares (default 1% to 100%): share, precision, gain, lift.

    gain against share is the gain curve, precision against share the precision by capacity.

    >>> capacity_curve([1, 0, 0, 1], [9, 1, 5, 5], ["a", "a", "b", "b"], [0.5, 1])
       share  precision  gain  lift
    0    0.5       0.75  0.75   1.5
    1    1.0       0.50  1.00   1.0
    """
    ranking = Ranking(outcome, score, cutoff)
    grid = np.arange(1, 101) / 100 if shares is None else np.asarray(shares, float)
    return pd.DataFrame([ranking.at_capacity(Capacity(share=s)) for s in grid.tolist()])
