"""The subsample by counting; its correction against the true chances, and against trees that saw
all rows.

Literal example: of 10,000 won and 400,000 not won, 50,000 not won are sampled, an eighth of them.
"""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from models.classifier import subsample as module
from models.classifier.encoding import LOOKED_AT
from models.classifier.subsample import correct_prior, subsample
from models.classifier.tree_nodes import tree_nodes
from models.explanations.contributions import contributions
from tests.models.small_model import learner, snapshots


def outcomes(won, lost):
    """So many of each, in a random order."""
    return np.random.default_rng(0).permutation(np.repeat([1.0, 0.0], [won, lost]))


@pytest.mark.parametrize(
    ("won", "lost", "sampled_lost"),
    [
        (10_000, 400_000, 50_000),  # five for each won one
        (1_000, 400_000, 49_000),  # few wins: 50,000 rows in all
        (1_000, 49_000, 49_000),  # no more than 50,000 rows: all
        (20_000, 99_000, 99_000),  # fewer than five for each won one: all
        (60_000, 10, 10),
    ],
)
def test_all_that_was_won_and_five_others_for_each(won, lost, sampled_lost):
    happened = outcomes(won, lost)
    rows, share = subsample(happened, seed=3)
    assert np.array_equal(rows, np.unique(rows))  # in their order, none twice
    assert (happened[rows].sum(), len(rows)) == (won, won + sampled_lost)
    assert share == sampled_lost / lost


def test_every_snapshot_that_was_not_won_has_the_same_chance_and_the_seed_decides():
    happened = outcomes(1_000, 99_000)
    often = np.zeros(len(happened))
    for seed in range(40):
        often[subsample(happened, seed)[0]] += 1
    lost = often[happened == 0]
    expected = 40 * 49_000 / 99_000
    # Each is sampled a binomial number of times: its variance, and the mean of each tenth.
    assert lost.var() == pytest.approx(expected * (1 - 49_000 / 99_000), rel=0.03)
    assert [part.mean() for part in np.array_split(lost, 10)] == pytest.approx(
        [expected] * 10, rel=0.01
    )
    assert np.array_equal(subsample(happened, 5)[0], subsample(happened, 5)[0])
    assert not np.array_equal(subsample(happened, 5)[0], subsample(happened, 6)[0])


@pytest.fixture
def thinned():
    """A company of which a quarter of the not won are sampled, and a booster fitted on these."""
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.poisson(1.0, 40_000), rng.normal(size=40_000)]).astype(float)
    X[rng.random(X.shape) < 0.1] = np.nan
    truth = expit(np.nan_to_num(X[:, 0]) + np.nan_to_num(X[:, 1], nan=-1.0) - 4)
    won = (rng.random(40_000) < truth).astype(float)
    rows = np.sort(np.concatenate([np.flatnonzero(won), np.flatnonzero(won == 0)[::4]]))
    booster = HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=6, early_stopping=False)
    return X, truth, won, rows, booster.fit(X[rows], won[rows])


def test_corrected_it_gives_the_true_chances(thinned):
    X, truth, won, rows, booster = thinned
    before = booster.decision_function(X)
    correct_prior(booster, X[rows], won[rows], share=0.25)
    assert booster.decision_function(X) == pytest.approx(before + np.log(0.25), abs=1e-12)
    chance = booster.predict_proba(X)[:, 1]
    assert chance.mean() == pytest.approx(won.mean(), rel=0.03)
    order = np.argsort(chance)
    for tenth in np.array_split(order, 10):  # where few are won, and where many
        assert chance[tenth].mean() == pytest.approx(truth[tenth].mean(), rel=0.2, abs=0.003)


def test_reasons_begin_at_the_mean_of_all_snapshots(thinned):
    X, _, won, rows, booster = thinned
    correct_prior(booster, X[rows], won[rows], share=0.25)
    result, base = contributions(booster, X[:500])
    assert result.sum(axis=1) + base == pytest.approx(booster.decision_function(X[:500]), abs=1e-10)
    for nodes in tree_nodes(booster):
        count = nodes["count"].astype(int)
        assert count[0] == pytest.approx(len(X), rel=0.001)
        inner = nodes["is_leaf"] == 0
        left, right = nodes["left"][inner], nodes["right"][inner]
        assert np.array_equal(count[inner], count[left] + count[right])
    assert base == pytest.approx(booster.decision_function(X).mean(), abs=0.02)


def test_a_learner_of_many_snapshots_is_as_good_as_one_that_saw_them_all(monkeypatch):
    frame, won = snapshots(60_000)
    rare = won * (np.random.default_rng(2).random(len(won)) < 0.1)  # 4% won
    requested, _ = snapshots(5_000, seed=1)
    part = learner(frame, rare)
    monkeypatch.setattr(module, "ALWAYS_ROWS", len(frame))
    every = learner(frame, rare)
    roots = [tree_nodes(each.learner_[-1])[0]["count"][0] for each in (part, every)]
    assert int(roots[1]) == 60_000
    assert int(roots[0]) == pytest.approx(60_000, abs=10)
    apart = part.learner_log_odds(requested) - every.learner_log_odds(requested)
    assert abs(apart.mean()) < 0.05
    assert apart.std() < 0.3


@pytest.mark.slow
def test_of_a_large_training_no_fewer_rows_are_looked_at_than_columns_are_held_against():
    """By the draw, and by the 200,000 rows that scikit-learn places its bins by."""
    snapshots = 1_000_000
    for wins in [*range(0, 60_000, 2_000), *range(60_000, snapshots, 60_000)]:
        rows, share = subsample(outcomes(wins, snapshots - wins), 0)
        assert share * min(1, 200_000 / len(rows)) * snapshots >= LOOKED_AT
