"""Oracles: rows repeated by hand, an exact lead count, and a world in which the truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from models.statistics.bootstrap import FEW_WINS, bootstrap, bootstrapped, interval, rarer, too_few
from models.statistics.metrics import Ranking

LEADS = np.array(["a", "b", "a", "c", "c", "c"])


def weights(replicates=50, seed=1, lead_id=LEADS):
    return bootstrap(lambda weight: weight, lead_id, replicates, seed)


def test_a_lead_is_drawn_with_all_its_snapshots_and_as_many_leads_as_there_are():
    sampled = weights()
    for lead in "abc":
        assert (np.ptp(sampled[:, lead == LEADS], axis=1) == 0).all()
    first_of_each = [0, 1, 3]
    assert (sampled[:, first_of_each].sum(axis=1) == 3).all()
    assert sampled.mean() == pytest.approx(1, abs=0.15)


def test_every_measure_of_a_replicate_sees_the_same_draw():
    both = bootstrap(lambda weight: np.stack([weight, 2 * weight]), LEADS, 20, seed=1)
    assert (both[:, 1] == 2 * both[:, 0]).all()
    assert (both[:, 0] == weights(20)).all()


def test_the_seed_decides_and_more_replicates_only_add():
    assert (weights(50)[:20] == weights(20)).all()
    assert (weights(50, seed=2) != weights(50)).any()


@pytest.mark.parametrize("lead_id", [[], ["a", None]])
def test_missing_leads_are_refused(lead_id):
    with pytest.raises(ValueError, match="lead_id"):
        weights(lead_id=lead_id)
    with pytest.raises(ValueError, match="replicates"):
        weights(replicates=0)


def test_replicates_without_both_classes_are_left_out():
    """Two leads, one won: half of the draws hold one lead twice and have no ROC AUC."""
    ranking = Ranking([1, 0], [0.9, 0.1])
    sampled = bootstrap(lambda w: np.array(ranking.tally(w).roc_auc()), ["a", "b"], 100, seed=0)
    assert 20 < np.isnan(sampled).sum() < 80
    assert interval(sampled, wins=30) == (1.0, 1.0)


def test_an_interval_of_nothing_is_nothing():
    assert np.isnan(interval(np.full(5, np.nan), wins=30)).all()


def test_too_few_wins_have_no_interval_and_it_is_said_why():
    values = np.linspace(0, 1, 100)
    assert np.isnan(interval(values, FEW_WINS - 1)).all()
    assert not np.isnan(interval(values, FEW_WINS)).any()
    assert too_few(FEW_WINS - 1).endswith(f"{FEW_WINS - 1} of the {FEW_WINS} needed")
    assert too_few(FEW_WINS) == ""


def test_the_rarer_outcome_is_counted_in_leads():
    """Three leads won, one of them at two of its snapshots; two leads not won at some snapshot."""
    assert rarer(["a", "a", "b", "c", "d", "d"], [1, 1, 1, 1, 0, 0]) == 1
    assert rarer(["a", "a", "b", "c", "d"], [1, 0, 1, 1, 0]) == 2
    assert rarer(["a", "b"], [0, 0]) == 0


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1), st.floats(0.5, 0.99))
def test_an_interval_holds_the_median_within_the_extremes(values, level):
    low, high = interval(np.array(values), 30, level)
    assert min(values) <= low <= np.median(values) <= high <= max(values)


def world(rng, leads=80, snapshots=4, noise=1.0):
    """A lead's outcome and most of its score's error are the same at each of its snapshots."""
    won = np.repeat(rng.random(leads) < 0.4, snapshots)
    error = np.repeat(rng.normal(size=leads), snapshots)
    return np.repeat(np.arange(leads), snapshots), won, won + noise * error


def auc_interval(lead, won, score, replicates=150):
    ranking = Ranking(won, score)
    wins = rarer(lead, won)
    return bootstrapped(lambda w: ranking.tally(w).roc_auc(), lead, wins, replicates, seed=3)


@pytest.mark.slow
def test_the_clustered_interval_covers_the_truth_and_the_naive_one_does_not():
    truth = norm.cdf(1 / np.sqrt(2))  # P(1 + e > e') for standard normal errors
    rng = np.random.default_rng(11)
    clustered, naive, wider = 0, 0, 0
    for _ in range(100):
        lead, won, score = world(rng)
        a, b = auc_interval(lead, won, score), auc_interval(np.arange(lead.size), won, score)
        clustered += a.low <= truth <= a.high
        naive += b.low <= truth <= b.high
        wider += a.high - a.low > b.high - b.low
    assert 85 <= clustered <= 100
    assert naive < 80  # it takes four snapshots of a lead for four leads: half the width
    assert wider == 100
