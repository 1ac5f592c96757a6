"""Fit and engagement against what came true: the win rate of each rank, and of each pair of ranks.

Whether an axis tells more than chance beside the other: of two snapshots of the same rank on the
other axis, one won and one not, how often has the won one the better rank? Equals count half, so
that an axis which adds nothing gives 50%. The interval is a bootstrap by lead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.fit_engagement.axes import ENGAGEMENT, FIT, RANKS, FitEngagement, Ranks
from models.statistics.bootstrap import bootstrapped, rarer
from models.statistics.clustered import WinRate, win_rates
from models.statistics.intervals import Estimate

Floats = npt.NDArray[np.float64]
REPLICATES = 300
COUNT = 4  # ranks of an axis


@dataclass(frozen=True)
class RankRate:
    """A rank of one axis: the mean probability that the axis gave (NaN of none), and what came."""

    rank: str
    promised: float
    won: WinRate


@dataclass(frozen=True)
class Cell:
    """A pair of ranks, and what came of its snapshots."""

    fit: str
    engagement: str
    won: WinRate


@dataclass(frozen=True)
class FitEngagementGrid:
    """cells: all 16, A1 first, A2, ..., D4 last. ranks: by axis, the best first. concordance: by
    axis, how often the won one of two has the better rank, where the other axis is level."""

    cells: list[Cell]
    ranks: Mapping[str, list[RankRate]]
    concordance: Mapping[str, Estimate]

    def rises(self, axis: str) -> bool:
        """Whether the win rate rises from each rank that has snapshots to the next better one."""
        rates = [each.won.rate.point for each in self.ranks[axis] if each.won.snapshots]
        return all(better > worse for better, worse in pairwise(rates))

    def adds(self, axis: str) -> bool:
        """Whether the axis tells more than chance beside the other."""
        return self.concordance[axis].low > 0.5

    def verdicts(self) -> list[str]:
        """A sentence on each axis."""
        return [self._verdict(FIT, ENGAGEMENT), self._verdict(ENGAGEMENT, FIT)]

    def _verdict(self, axis: str, other: str) -> str:
        share = self.concordance[axis]
        if np.isnan(share.point):
            return f"{axis.capitalize()}: no two leads to compare."
        interval = f" ({share.low:.1%} to {share.high:.1%})" if share.known else ""
        adds = "tells more than chance" if self.adds(axis) else "is within chance"
        adds = adds if share.known else "has too few wins to tell"
        rises = "rises with every rank" if self.rises(axis) else "does not rise with every rank"
        return (
            f"{axis.capitalize()} {adds} beside {other}: of two leads of the same {other}, one won "
            f"and one not, the won one has the better {axis} in {share.point:.1%}{interval} of "
            f"pairs, where chance gives 50.0%. The win rate {rises} of {axis}."
        )

    def json_fields(self) -> dict[str, Any]:
        """What `train --json` and `compare --json` print as `fit_engagement`."""
        return {
            "cells": self.cells,
            "ranks": self.ranks,
            "concordance": self.concordance,
            "rises": {axis: self.rises(axis) for axis in RANKS},
            "adds": {axis: self.adds(axis) for axis in RANKS},
        }


def grid_of(
    axes: FitEngagement | None, frame: pd.DataFrame, won: Floats, seed: int
) -> FitEngagementGrid | None:
    """The grid of mature snapshots: their features and lead_id, and whether each was won, shape
    (n,), 0.0 or 1.0. None where the model has not both axes."""
    if axes is None or axes.fit is None or axes.engagement is None:
        return None
    lead = frame["lead_id"]
    promised = {name: axis.probability(frame) for name, axis in axes.axes.items()}
    ranks = {name: axis.ranks(promised[name]) for name, axis in axes.axes.items()}
    best_first = range(COUNT - 1, -1, -1)
    pairs = list(product(best_first, best_first))
    held = [(ranks[FIT] == fit) & (ranks[ENGAGEMENT] == eng) for fit, eng in pairs]
    rates = win_rates(np.column_stack(held), lead, won)
    by_axis = {}
    for name in RANKS:
        inside = [ranks[name] == rank for rank in best_first]
        rated = zip(best_first, inside, win_rates(np.column_stack(inside), lead, won), strict=True)
        by_axis[name] = [
            RankRate(
                RANKS[name][rank],
                float(promised[name][rows].mean()) if rows.any() else float("nan"),
                rate,
            )
            for rank, rows, rate in rated
        ]
    return FitEngagementGrid(
        cells=[
            Cell(RANKS[FIT][fit], RANKS[ENGAGEMENT][eng], rate)
            for (fit, eng), rate in zip(pairs, rates, strict=True)
        ],
        ranks=by_axis,
        concordance={
            FIT: _concordance(ranks[FIT], ranks[ENGAGEMENT], lead, won, seed),
            ENGAGEMENT: _concordance(ranks[ENGAGEMENT], ranks[FIT], lead, won, seed),
        },
    )


def _concordance(
    own: Ranks, other: Ranks, lead: pd.Series[Any], won: Floats, seed: int
) -> Estimate:
    place = ((won == 1) * COUNT + other) * COUNT + own

    def share(weight: Floats) -> float:
        lost, winners = np.bincount(place, weight, 2 * COUNT**2).reshape(2, COUNT, COUNT)
        worse = np.cumsum(lost, axis=1) - lost / 2
        pairs = float((winners.sum(axis=1) * lost.sum(axis=1)).sum())
        return float((winners * worse).sum()) / pairs if pairs else float("nan")

    return bootstrapped(share, lead, rarer(lead, won), REPLICATES, seed)
