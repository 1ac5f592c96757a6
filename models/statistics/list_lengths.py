"""How many deals two rankers find as the list grows, from one lead to all of them.

The figures at the capacity are those of the judgement: the same replicates of the same bootstrap.
Each interval holds for its length alone, not for all lengths at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from features.config import Capacity
from models.statistics.bootstrap import Floats, bootstrap, interval, rarer
from models.statistics.intervals import Estimate
from models.statistics.metrics import Ranking

STEPS = 60
CHANCE = "chance"


@dataclass(frozen=True)
class ListLength:
    """Lists of one length. leads: of each list, the mean over the cutoffs. share: part of the open
    leads that is on a list, in (0, 1]. deals: won of each list, by ranker and by chance, the
    mean over the cutoffs. difference: deals of the first ranker minus those of the second."""

    leads: float
    share: float
    at_capacity: bool
    deals: dict[str, Estimate]
    difference: Estimate


def capacities(capacity: Capacity, cohorts: Floats) -> list[Capacity]:
    """About STEPS capacities of the same kind, evenly apart on the scale of logarithms, from one
    lead per cutoff to all; rising, with the capacity itself.

    cohorts: the number of open leads at each cutoff, shape (cutoffs,).

    >>> [each.leads or each.share for each in capacities(Capacity(leads=3), np.array([4.0, 5.0]))]
    [1, 2, 3, 4, 1.0]
    """
    by_share = capacity.share is not None
    most = float(cohorts.mean() if by_share else cohorts.max())
    own = most * capacity.share if capacity.share is not None else float(capacity.leads or 0)
    grid = np.unique(np.geomspace(1, most, STEPS).round())
    apart = np.abs(grid - own) >= 0.5  # two that read alike would be one step too many
    leads = sorted({*grid[apart & (grid < most)].tolist(), min(own, most), most})
    if not by_share:
        every = Capacity(share=1.0)  # a replicate may have more leads at a cutoff than there are
        return [
            Capacity(leads=round(each)) if each < most else every if own < most else capacity
            for each in leads
        ]
    return [capacity if each == own else Capacity(share=min(1.0, each / most)) for each in leads]


def by_length(
    snapshots: pd.DataFrame,
    outcome: ArrayLike,
    scores: Mapping[str, Floats],
    capacity: Capacity,
    replicates: int = 1000,
    seed: int = 0,
) -> list[ListLength]:
    """The deals of lists of every length, the shortest first.

    snapshots, outcome, capacity, replicates, seed: as of `judge`. scores: of two rankers, by name,
    each of shape (n,), higher is called sooner.
    """
    won, cutoff = np.asarray(outcome, float), snapshots["cutoff"].to_numpy()
    cohorts = pd.Series(cutoff).value_counts().to_numpy().astype(np.float64)
    steps = capacities(capacity, cohorts)
    ranked = {**scores, CHANCE: np.zeros(won.size)}  # all tied: the mean of all orders
    rankings = [Ranking(won, score, cutoff) for score in ranked.values()]

    def measure(weight: Floats | None) -> Floats:
        each = [ranking.deals(steps, weight) for ranking in rankings]
        return np.stack([deals / called for called, deals in each])

    called, _ = rankings[0].deals(steps)
    per_list, wins = called / len(cohorts), rarer(snapshots["lead_id"], won)
    point = measure(None) * per_list
    replicated = bootstrap(measure, snapshots["lead_id"], replicates, seed) * per_list
    apart = replicated[:, 0] - replicated[:, 1]
    return [
        ListLength(
            leads=float(per_list[at]),
            share=float(called[at] / won.size),
            at_capacity=step == capacity,
            deals={
                name: Estimate(float(point[i, at]), *interval(replicated[:, i, at], wins))
                for i, name in enumerate(ranked)
            },
            difference=Estimate(float(point[0, at] - point[1, at]), *interval(apart[:, at], wins)),
        )
        for at, step in enumerate(steps)
    ]


@dataclass(frozen=True)
class Apart:
    """Neighbouring lengths, of `first` to `last` leads, at each of which one of the two rankers
    surely finds more deals: the first of them where `first_is_better`, else the second."""

    first: ListLength
    last: ListLength
    first_is_better: bool


def significant_lengths(lengths: Sequence[ListLength]) -> list[Apart]:
    """Where one list surely holds more deals than the other, the shortest first; none where no
    length has an interval."""
    apart = []
    for better, each in groupby(lengths, lambda length: _surely_better(length.difference)):
        if better is not None:
            first, *others = each
            apart.append(Apart(first, others[-1] if others else first, better))
    return apart


def _surely_better(difference: Estimate) -> bool | None:
    return difference.point > 0 if difference.known and difference.significant else None
