"""The gate on simulated leads: readiness against the true chance of a win, which we know there."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from features.config import load
from features.simulator.simulate import simulate, write
from features.starter.starter import write_starter
from tests.conftest import edit
from training.train import train

pytestmark = pytest.mark.long
LEADS, SEED, HORIZON = 20_000, 7, 30
MOST_ERROR = 0.015


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """The final test's readiness, outcomes and truth, and the base rate of the training."""
    folder = tmp_path_factory.mktemp("company")
    world = simulate(LEADS, SEED)
    write(world, folder)
    write_starter(folder)
    edit(folder, candidates=1, folds=1, cutoff_every_days=14)
    trained = train(load(folder))
    compared = trained.comparison
    truth = world.true_probability(compared.snapshots, HORIZON)
    return compared.model, compared.won, truth, trained.model.base_rate


def error(probability, truth, bins=10):
    """Mean over bins of equal mass of |mean predicted - mean truth|."""
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    return np.mean([abs(probability[part].mean() - truth[part].mean()) for part in parts])


def test_readiness_is_calibrated_against_the_truth(result):
    readiness, won, truth, _ = result
    assert len(won) > 10_000
    print(f"\nexpected calibration error against the truth: {error(readiness, truth):.4f}")
    assert error(readiness, truth) <= MOST_ERROR
    assert error(np.clip(2 * readiness, 0, 1), truth) > MOST_ERROR  # the measure can fail


def test_the_model_goes_a_good_part_of_the_way_to_the_truth(result):
    """In log loss, from the base rate to the truth; hidden intent and fit are never seen whole."""
    readiness, won, truth, base_rate = result
    knowing_nothing, knowing_all = log_loss(won, np.full(len(won), base_rate)), log_loss(won, truth)
    covered = (knowing_nothing - log_loss(won, readiness)) / (knowing_nothing - knowing_all)
    print(f"\nshare of the way from the base rate to the truth: {covered:.3f}")
    assert 0.4 < covered < 1


def test_the_truth_ranks_as_readiness_does(result):
    readiness, _, truth, _ = result
    assert pd.Series(readiness).corr(pd.Series(truth), method="spearman") > 0.6
