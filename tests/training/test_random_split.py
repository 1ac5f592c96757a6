"""The random split beside the time-ordered one.

Worked example: 100 leads, each at 8 weekly cutoffs with a feature that is the lead's own constant
and an outcome that is the lead's own coin. In order of time the last two weeks hold new leads, of
whom nothing can be known (area 0.5); split by row, most leads of the judged part are in the fitted
part too and are recognised.
"""

import json
import math

import numpy as np
import pandas as pd
import pytest

from features.config import Capacity, load
from features.dataset import Dataset
from features.result_json import to_json
from features.spec.kinds import Count
from models.registry import Registry
from models.statistics.judge import Contender, judge
from tests.training.few_cutoffs import week
from training.random_split import random_split

SPEC = Count("visit")
SETTINGS = {
    "learning_rate": 0.1,
    "max_iter": 60,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 2,
    "l2_regularization": 0.0,
    "max_features": 1.0,
}


def recurring(leads, weeks, seed):
    rng = np.random.default_rng(seed)
    own, coin = rng.random(leads), rng.integers(0, 2, leads).astype(float)
    frame = pd.DataFrame(
        {
            "lead_id": np.tile(np.arange(leads), len(weeks)),
            "cutoff": np.repeat([week(n) for n in weeks], leads),
            SPEC.name: np.tile(own, len(weeks)),
        }
    )
    return Dataset(frame, np.tile(coin, len(weeks)))


@pytest.fixture(scope="module")
def result():
    past, test = recurring(100, range(8), 1), recurring(100, range(12, 14), 2)
    chance = np.random.default_rng(3).random(len(test.won))
    contenders = [Contender("model", chance, True), Contender("rules", chance, False)]
    judged = judge(test.frame, test.won, contenders, Capacity(share=0.1), 0.5)
    return random_split(past, test, [SPEC], SETTINGS, judged, seed=7)


def test_recurring_leads_are_recognised_only_by_the_random_split(result):
    assert result.random["roc_auc"] > 0.9
    assert abs(result.time_ordered["roc_auc"] - 0.5) < 0.15
    assert result.gap["roc_auc"] == result.random["roc_auc"] - result.time_ordered["roc_auc"]
    assert result.snapshots == 200


def test_a_training_says_it_prints_it_and_keeps_it(trained, demo_folder):
    printed = to_json(trained)["random_split"]
    assert json.loads(json.dumps(printed, allow_nan=False)) == printed
    assert printed["split"] == "by row"
    assert printed["snapshots"] == to_json(trained)["test"]["snapshots"]
    ordered = to_json(trained)["test"]["model"]
    for name in ("roc_auc", "average_precision", "log_loss"):
        assert printed["time_ordered"][name] == pytest.approx(ordered[name])
        assert printed["gap"][name] == printed["random"][name] - printed["time_ordered"][name]
    registry = Registry(load(demo_folder))
    stored = registry.client.get_run(trained.model.run_id).data.metrics
    assert math.isclose(stored["random_split_roc_auc"], printed["random"]["roc_auc"])
    assert math.isclose(stored["random_split_gap_roc_auc"], printed["gap"]["roc_auc"])
    assert f"{printed['random']['roc_auc']:.3f}" in trained.random_split.sentence
