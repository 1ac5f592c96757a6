"""The market turns: the corrected probability keeps its word where the naive one does not, and is
left alone where nothing moved."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import rankdata
from sklearn.metrics import log_loss

from models.explanations.explain import explain
from models.prior_shift import prior_shift
from tests.models.small_model import fitted, snapshots


def market(leads, seed, keep_lost=1.0, mean=-2.0):
    """Snapshots of so many leads, three each, and their true chance before the market turned; of
    the leads not won only the share `keep_lost` is kept, so that the base rate rises."""
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(mean, 1, leads))
    won = (rng.random(leads) < p).astype(float)
    stored = np.flatnonzero((won == 1) | (rng.random(leads) < keep_lost))
    rows = np.repeat(stored, 3)
    return p[rows], won[rows], rows


@pytest.mark.parametrize(("keep_lost", "seed"), [(0.4, 0), (0.4, 1), (0.6, 2)])
def test_the_corrected_probability_is_calibrated_where_the_naive_one_is_not(keep_lost, seed):
    """Lost leads thinned by s move the true log-odds of all by -ln s (King and Zeng)."""
    p, won, lead = market(2_000, seed, keep_lost)
    result = prior_shift(p, won, lead)
    assert result.log_odds == pytest.approx(-np.log(keep_lost), abs=0.25)
    p, won, lead = market(20_000, seed + 100, keep_lost)  # later leads of the same market
    corrected = expit(logit(p) + result.log_odds)
    assert abs(p.mean() - won.mean()) > 0.05
    assert abs(corrected.mean() - won.mean()) < 0.03
    assert log_loss(won, corrected) < log_loss(won, p) - 0.005
    assert np.array_equal(rankdata(corrected), rankdata(p))


def test_where_nothing_moved_it_is_left_alone():
    result = [prior_shift(*market(800, seed)) for seed in range(100)]
    moved = [abs(each.log_odds) for each in result if each.log_odds]
    assert len(moved) <= 12  # 1 in 20 by chance; more than 12 of 100 once in 700
    assert max(moved, default=0) < 0.5


def test_where_other_leads_came_it_is_left_alone():
    """The base rate is twice what it was, by better leads, and the model says so itself: moving by
    the rates alone would promise far too much."""
    better = [prior_shift(*market(800, seed, mean=-1.0)) for seed in range(40)]
    assert np.mean([each.seen for each in better]) > 0.25  # 16% before
    assert sum(each.log_odds != 0 for each in better) <= 6


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_no_win_and_nothing_but_wins_move_only_so_far(outcome):
    p = np.full(400, 0.3)
    result = prior_shift(p, np.full(400, outcome), np.arange(400))
    assert np.isfinite(result.log_odds)
    assert np.sign(result.log_odds) == (1 if outcome else -1)


def test_a_moved_model_ranks_alike_and_its_reasons_add_up():
    model, (frame, _) = fitted(900), snapshots(300, seed=2)
    before = model.rank(frame)
    moved = model.moved(0.7)
    assert logit(moved.rank(frame)) == pytest.approx(logit(before) + 0.7)
    report, plain = explain(moved, frame), explain(model, frame)
    assert report.base == pytest.approx(plain.base + 0.7)
    assert np.array_equal(report.by_feature, plain.by_feature)
    assert np.array_equal(model.rank(frame), before)  # the model itself is as it was
