"""What permuting a feature costs: the loss itself, by hand, is the oracle."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from models.explanations import importance as module
from models.explanations.importance import importance
from tests.models.small_model import fitted, snapshots


@pytest.fixture(scope="module")
def result():
    model, (frame, won) = fitted(), snapshots(800, seed=1)
    return model, frame, won, importance(model, frame, won, seed=7)


def test_what_drives_the_outcome_comes_first(result):
    model, _, _, table = result
    assert set(table["feature"]) == {spec.name for spec in model.specs}
    assert list(table["cost"]) == sorted(table["cost"], reverse=True)
    assert set(table["feature"][:3]) == {"age_days", "count_7d(visit)", "first_source"}
    assert table["cost"][2] > 0.03
    noise = table.set_index("feature").loc[["count_all(chat)", "attribute(size)", "last_source"]]
    assert noise["cost"].abs().max() < 0.01
    assert (table["spread"] >= 0).all()


@pytest.mark.slow
def test_the_cost_is_the_rise_of_the_log_loss_when_a_column_is_shuffled(result):
    """Text and number alike, and averaged over many shuffles of our own."""
    model, frame, won, table = result
    costs = table.set_index("feature")
    rng = np.random.default_rng(0)
    for feature in ("age_days", "first_source"):
        rises = []
        for _ in range(30):
            shuffled = frame.assign(**{feature: frame[feature].to_numpy()[rng.permutation(800)]})
            rises.append(log_loss(won, model.rank(shuffled)) - log_loss(won, model.rank(frame)))
        within = 4 * max(np.std(rises), costs.loc[feature, "spread"]) / np.sqrt(module.REPEATS)
        assert costs.loc[feature, "cost"] == pytest.approx(np.mean(rises), abs=within)


def test_the_seed_decides(result):
    model, frame, won, table = result
    assert importance(model, frame, won, seed=7).equals(table)
    assert not importance(model, frame, won, seed=8).equals(table)


def test_of_many_snapshots_only_some_are_looked_at(result, monkeypatch):
    model, frame, won, _ = result
    monkeypatch.setattr(module, "MOST_ROWS", 300)
    bounded = importance(model, frame, won, seed=7)
    rows = np.sort(np.random.default_rng(7).permutation(800)[:300])
    chosen = frame.iloc[rows].reset_index(drop=True)
    monkeypatch.setattr(module, "MOST_ROWS", 2_000)
    assert set(importance(model, chosen, won[rows], seed=7)["feature"][:3]) == set(
        bounded["feature"][:3]
    )


def test_one_outcome_only_can_still_be_judged(result):
    model, frame, won, _ = result
    lost = won == 0
    assert importance(model, frame[lost], won[lost], seed=7)["cost"].notna().all()
