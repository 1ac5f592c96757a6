"""An axis as it is written down: the regression that was fitted, and quarters without parting
equals."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.classifier.classifier import ReadinessClassifier
from models.fit_engagement.axes import Axis, FitEngagement, OfNumber, OfText, from_dict, rank_edges
from training.fit_engagement import as_axis

AXIS = Axis(
    -1.0,
    {"visits": OfNumber(scale=0.5, shift=0.0, slope=2.0, missing=-0.25)},
    {"source": OfText({"fair": 1.0}, unseen=0.5, missing=-2.0)},
    (0.2, 0.4, 0.6),
)


def sampled(rows=900, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "visits": rng.poisson(3, rows).astype(float),
            "amount": np.where(rng.random(rows) < 0.3, np.nan, rng.normal(0, 50, rows)),
            "source": rng.choice(["ad", "fair", "web", None], rows, p=[0.4, 0.3, 0.29, 0.01]),
            "country": rng.choice(["DE", "AT", "rare"], rows, p=[0.5, 0.495, 0.005]),
        }
    )
    ready = 0.5 * frame["visits"] + (frame["source"] == "fair") + frame["amount"].isna() - 3
    return frame, (rng.random(rows) < 1 / (1 + np.exp(-ready))).astype(float)


@pytest.mark.parametrize("calibration", ["auto", "none"])
def test_it_is_the_regression_that_was_fitted(calibration):
    """Also for what the training never saw: another text, no text, numbers beyond its range."""
    frame, won = sampled()
    fitted = ReadinessClassifier("logistic", strength=0.1, calibration=calibration).fit(frame, won)
    other, _ = sampled(seed=1)
    other.loc[:3, "country"] = ["CH", "FR", "rare", "DE"]
    other.loc[4:6, "visits"] = [1e9, -5.0, np.nan]
    axis = as_axis(fitted)
    assert axis.probability(other) == pytest.approx(fitted.predict_proba(other)[:, 1], rel=1e-9)
    assert set(axis.numbers) | set(axis.texts) == set(frame)


def test_a_worked_example():
    frame = pd.DataFrame(
        {"visits": [0.0, np.sinh(1.0), 1e6, np.nan], "source": ["fair", "ad", None, "fair"]}
    )
    log_odds = np.array([-1 + 0 + 1, -1 + 1 + 0.5, -1 + 2 - 2, -1 - 0.25 + 1])
    assert AXIS.probability(frame) == pytest.approx(1 / (1 + np.exp(-log_odds)))
    both = FitEngagement(AXIS, None).ranks(frame)
    assert list(both["fit"]) == ["B", "A", "C", "B"]
    assert pd.isna(both["engagement"]).all()


def test_it_comes_back_from_json():
    for both in (FitEngagement(AXIS, None), FitEngagement(None, AXIS), FitEngagement(None, None)):
        assert from_dict(json.loads(json.dumps(asdict(both)))) == both


@given(st.lists(st.integers(1, 30), min_size=4, max_size=80))
def test_equals_share_a_quarter_and_without_equals_all_are_as_large(given):
    probability = np.array(given) / 100
    ranks = np.searchsorted(rank_edges(probability), probability, side="right")
    ordered = sorted(probability)
    for value, rank in zip(probability, ranks, strict=True):
        first = ordered.index(value)
        middle = first + ordered.count(value) / 2
        assert rank == min(3, int(4 * middle / len(ordered)))
    alone = np.random.default_rng(len(given)).permutation(4 * len(given)) / 1000
    counts = np.bincount(np.searchsorted(rank_edges(alone), alone, side="right"))
    assert counts.tolist() == [len(given)] * 4
