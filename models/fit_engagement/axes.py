"""Fit and engagement: two axes beside the one probability.

Fit is how ready a lead would be by who it is: its attributes and its past deals, no event, and not
its age, so that a night in which nothing is learnt changes nothing. Engagement is how ready it
would be by what it did: its events, and nothing else. Each is a calibrated probability of its own,
cut into four ranks at the quartiles of the training's latest cutoffs: A to D, and 1 to 4, the best
first. A lead that is A4 is the right one and has done little; D1 is busy and seldom buys.

An axis is a logistic regression written down as what each value adds to the log-odds: it needs no
library to be read, and travels as JSON (docs/adr/0038).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

Floats = npt.NDArray[np.float64]
Ranks = npt.NDArray[np.int64]

FIT, ENGAGEMENT = "fit", "engagement"
RANKS = {FIT: ("D", "C", "B", "A"), ENGAGEMENT: ("4", "3", "2", "1")}  # the lowest quarter first
COLUMNS = list(RANKS)


@dataclass(frozen=True)
class OfNumber:
    """What a number x adds to the log-odds: slope * t, where t = asinh(x) * scale + shift, held to
    [0, 1], the range of the training; `missing` where it is unknown."""

    scale: float
    shift: float
    slope: float
    missing: float

    def added(self, values: pd.Series[Any]) -> Floats:
        """Of each value, shape (n,)."""
        given = values.to_numpy(np.float64)
        within = np.clip(np.arcsinh(given) * self.scale + self.shift, 0.0, 1.0)
        return np.where(np.isnan(given), self.missing, self.slope * within)


@dataclass(frozen=True)
class OfText:
    """What a text adds to the log-odds; `unseen` any other than the training's, `missing` none."""

    values: Mapping[str, float]
    unseen: float
    missing: float

    def added(self, values: pd.Series[Any]) -> Floats:
        """Of each value, shape (n,)."""
        codes, texts = pd.factorize(values.to_numpy(object))
        table = [self.values.get(str(text), self.unseen) for text in texts]
        return np.array([*table, self.missing])[codes]  # the code of what is missing is -1


@dataclass(frozen=True)
class Axis:
    """One of the two. numbers, texts: by the name of the feature; what they add to the log-odds is
    added to the intercept. edges: the probability at which the second, third and best rank begin;
    above all that there are where no lead of the training reached it."""

    intercept: float
    numbers: Mapping[str, OfNumber]
    texts: Mapping[str, OfText]
    edges: tuple[float, ...]

    def probability(self, frame: pd.DataFrame) -> Floats:
        """P(won within the horizon) by this axis alone, shape (n,). Features are taken by name; the
        bits of a row do not depend on the rows beside it."""
        log_odds = np.full(len(frame), self.intercept)
        features: dict[str, OfNumber | OfText] = {**self.numbers, **self.texts}
        for name, feature in features.items():
            log_odds += feature.added(frame[name])
        probability: Floats = expit(log_odds)
        return probability

    def ranks(self, probability: Floats) -> Ranks:
        """0 for the lowest rank to 3 for the best, shape (n,)."""
        return np.searchsorted(self.edges, probability, side="right")


@dataclass(frozen=True)
class FitEngagement:
    """Both axes; None where its features told the training's leads not apart, or there are none."""

    fit: Axis | None
    engagement: Axis | None

    @property
    def axes(self) -> Mapping[str, Axis]:
        """Those that there are, by name."""
        both = {FIT: self.fit, ENGAGEMENT: self.engagement}
        return {name: axis for name, axis in both.items() if axis is not None}

    def ranks(self, frame: pd.DataFrame) -> dict[str, Any]:
        """The columns `fit` ("A" to "D") and `engagement` ("1" to "4"), null without the axis."""
        named: dict[str, Any] = dict.fromkeys(COLUMNS, pd.array([None] * len(frame), dtype="str"))
        for name, axis in self.axes.items():
            ranks = axis.ranks(axis.probability(frame))
            named[name] = pd.array(np.array(RANKS[name], object)[ranks], dtype="str")
        return named


NEITHER = FitEngagement(None, None)  # of a model stored before there were axes


def from_dict(given: Mapping[str, Any]) -> FitEngagement:
    """What `dataclasses.asdict` gave, also after a journey through JSON."""
    return FitEngagement(*(given[name] and _axis(given[name]) for name in COLUMNS))


def _axis(given: Mapping[str, Any]) -> Axis:
    return Axis(
        intercept=float(given["intercept"]),
        numbers={name: OfNumber(**each) for name, each in given["numbers"].items()},
        texts={name: OfText(**each) for name, each in given["texts"].items()},
        edges=tuple(map(float, given["edges"])),
    )


def rank_edges(probability: Floats) -> tuple[float, float, float]:
    """Where the second, third and best quarter of some leads begin.

    Equals are never parted: leads of the same probability go to the quarter in which the middle one
    of them stands. Few attributes make few different probabilities, and a quarter may be empty.

    >>> rank_edges(np.array([0.1, 0.2, 0.3, 0.4]))
    (0.2, 0.3, 0.4)
    >>> rank_edges(np.array([0.1, 0.2, 0.2, 0.2]))  # D, then B for all others: A and C are empty
    (0.2, 0.2, 1.0)
    """
    values, counts = np.unique(probability, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    begins = np.searchsorted(middle, [0.25, 0.5, 0.75])
    second, third, best = (float(edge) for edge in np.append(values, 1.0)[begins])
    return second, third, best
