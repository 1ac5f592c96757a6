"""Whether an axis adds to the other, against pairs counted one by one."""

import numpy as np
import pandas as pd
import pytest

from models.fit_engagement.axes import Axis, FitEngagement, OfNumber
from models.fit_engagement.grid import grid_of

EDGES = (0.25, 0.5, 0.75)


def axis(name):
    """The number itself, from 0 to 3, is the rank."""
    number = OfNumber(scale=1 / np.arcsinh(3.0), shift=0.0, slope=4.0, missing=0.0)
    edges = 1 / (1 + np.exp(2 - 4 * np.arcsinh([0.5, 1.5, 2.5]) / np.arcsinh(3.0)))
    return Axis(-2.0, {name: number}, {}, tuple(edges))


AXES = FitEngagement(axis("who"), axis("did"))


def sampled(leads=150, fit_helps=0.0, seed=0):
    """Engagement always helps."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "lead_id": np.repeat(np.arange(leads), 2),
            "who": np.repeat(rng.integers(0, 4, leads), 2).astype(float),
            "did": rng.integers(0, 4, 2 * leads).astype(float),
        }
    )
    ready = fit_helps * frame["who"] + frame["did"] - 2
    return frame, (rng.random(2 * leads) < 1 / (1 + np.exp(-ready))).astype(float)


def test_concordance_counted_pair_by_pair():
    frame, won = sampled(60, fit_helps=0.7)
    grid = grid_of(AXES, frame, won, seed=7)
    for own, other, name in (("who", "did", "fit"), ("did", "who", "engagement")):
        pairs, better = 0, 0.0
        for i in np.flatnonzero(won == 1):
            for j in np.flatnonzero(won == 0):
                if frame[other][i] == frame[other][j]:
                    pairs += 1
                    mine, its = frame[own][i], frame[own][j]
                    better += 1.0 if mine > its else 0.5 if mine == its else 0.0
        assert grid.concordance[name].point == pytest.approx(better / pairs)
        assert grid.concordance[name].low < better / pairs < grid.concordance[name].high


def test_an_axis_that_helps_adds_and_one_that_does_not_is_within_chance():
    helps = grid_of(AXES, *sampled(1500, fit_helps=0.7), seed=7)
    assert (helps.adds("fit"), helps.adds("engagement")) == (True, True)
    assert (helps.rises("fit"), helps.rises("engagement")) == (True, True)
    added = [grid_of(AXES, *sampled(300, seed=seed), seed=7).adds("fit") for seed in range(20)]
    assert sum(added) <= 3  # one in forty would by chance


def test_without_both_axes_or_wins_there_is_nothing_to_say():
    frame, won = sampled()
    assert grid_of(None, frame, won, 7) is None
    assert grid_of(FitEngagement(AXES.fit, None), frame, won, 7) is None
    nobody = grid_of(AXES, frame, np.zeros(len(won)), 7)
    assert np.isnan(nobody.concordance["fit"].point)
    assert not nobody.adds("fit")
    assert all(sentence for sentence in nobody.verdicts())
