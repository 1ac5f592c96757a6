"""Oracles: the definition by enumeration of all subsets, shap, the booster's own decision function.

The rows hold what is awkward: missing and infinite values, values that equal a threshold.
"""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
import shap
from sklearn.ensemble import HistGradientBoostingClassifier

from models.classifier.tree_nodes import tree_nodes
from models.explanations import contributions as module
from models.explanations.contributions import contributions

SHAPES = {
    "stumps": {"max_depth": 1},
    "15 leaves": {"max_leaf_nodes": 15},
    "31 leaves": {"max_leaf_nodes": 31, "min_samples_leaf": 2},
    "unbounded": {"max_leaf_nodes": None, "min_samples_leaf": 1, "max_iter": 3},
}


def awkward_rows(n, k, seed=0):
    """Shape (n, k): few distinct values, so that thresholds are met exactly; a fifth missing."""
    rng = np.random.default_rng(seed)
    X = np.where(np.arange(k) % 2, rng.poisson(2, (n, k)), rng.normal(size=(n, k)).round(1))
    X[rng.random((n, k)) < 0.2] = np.nan
    return X


def fitted(X, seed=0, **shape):
    """A booster on an outcome that depends on several features at once, on missingness and luck."""
    known = np.nan_to_num(X, nan=-2.0)
    signal = known[:, 0] * known[:, 1] + known[:, 2] + 2 * np.isnan(X[:, 0])
    won = signal + np.random.default_rng(seed).normal(size=len(X)) > np.median(signal)
    options = {"max_iter": 10, "early_stopping": False, "random_state": seed} | shape
    return HistGradientBoostingClassifier(**options).fit(X, won)


def rows_at_the_edges(booster, X):
    """X, then a row of every threshold, one of infinities each way, and one of missing values."""
    inner = [node for nodes in tree_nodes(booster) for node in nodes if not node["is_leaf"]]
    met = np.tile(X[0], (len(inner), 1))
    met[range(len(inner)), [node["feature_idx"] for node in inner]] = [
        node["num_threshold"] for node in inner
    ]
    extremes = np.array([[np.inf], [-np.inf], [np.nan]]).repeat(X.shape[1], axis=1)
    return np.vstack([X, met, extremes])


@pytest.fixture(scope="module", params=SHAPES.values(), ids=SHAPES.keys())
def booster_and_rows(request):
    X = awkward_rows(600, 14)
    booster = fitted(X, **request.param)
    return booster, rows_at_the_edges(booster, X)


def test_contributions_and_base_add_up_to_the_log_odds(booster_and_rows):
    booster, X = booster_and_rows
    result, base = contributions(booster, X)
    assert result.sum(axis=1) + base == pytest.approx(booster.decision_function(X), abs=1e-11)


def test_equals_shap(booster_and_rows):
    booster, X = booster_and_rows
    oracle = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    result, base = contributions(booster, X)
    assert result == pytest.approx(oracle.shap_values(X), abs=1e-9)
    assert base == pytest.approx(np.ravel(oracle.expected_value)[0], abs=1e-9)


def expected_value(nodes, row, known, at=0):
    """Prediction of a tree with only some features known: Lundberg's definition, word for word."""
    node = nodes[at]
    if node["is_leaf"]:
        return node["value"]
    left, right = node["left"], node["right"]
    if node["feature_idx"] not in known:
        return sum(
            nodes[child]["count"] / node["count"] * expected_value(nodes, row, known, child)
            for child in (left, right)
        )
    x = row[node["feature_idx"]]
    goes_left = node["missing_go_to_left"] if np.isnan(x) else x <= node["num_threshold"]
    return expected_value(nodes, row, known, left if goes_left else right)


def shapley_values(nodes, row):
    """By definition: how much each feature changes the prediction, over all sets of the others."""
    k = len(row)
    result = np.zeros(k)
    for feature in range(k):
        others = [other for other in range(k) if other != feature]
        for size in range(k):
            weight = factorial(size) * factorial(k - size - 1) / factorial(k)
            for known in map(set, combinations(others, size)):
                with_it = expected_value(nodes, row, known | {feature})
                result[feature] += weight * (with_it - expected_value(nodes, row, known))
    return result


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_definition(seed):
    X = awkward_rows(200, 4, seed)
    booster = fitted(X, seed, max_iter=1, max_leaf_nodes=8, min_samples_leaf=5)
    rows = rows_at_the_edges(booster, X[:10])
    oracle = [shapley_values(tree_nodes(booster)[0], row) for row in rows]
    assert contributions(booster, rows)[0] == pytest.approx(np.array(oracle), abs=1e-12)


def test_a_feature_without_a_split_contributes_exactly_nothing():
    X = awkward_rows(300, 6)
    X[:, 4] = 1.0
    result, _ = contributions(fitted(X), np.vstack([X, np.full(6, np.nan)]))
    assert not result[:, 4].any()
    assert result[:, 0].any()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_trees_of_a_single_leaf(early_stopping):
    X = awkward_rows(100, 3)
    booster = fitted(X, min_samples_leaf=80, early_stopping=early_stopping)
    result, base = contributions(booster, X)
    assert not result.any()
    assert booster.decision_function(X) == pytest.approx(base, abs=1e-12)


def test_a_row_is_the_same_bit_by_bit_in_any_company(booster_and_rows, monkeypatch):
    """Table or not, batch or not: the same lead must not change its reasons with the list."""
    booster, X = booster_and_rows
    together, _ = contributions(booster, X)
    alone = [contributions(booster, row[np.newaxis])[0][0] for row in X[-20:]]
    assert np.array_equal(together[-20:], alone)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 100)
    assert np.array_equal(together, contributions(booster, np.asfortranarray(X))[0])


def test_no_rows():
    X = awkward_rows(100, 3)
    assert contributions(fitted(X), X[:0])[0].shape == (0, 3)


def test_what_it_cannot_explain_is_refused():
    X = awkward_rows(100, 3)
    with pytest.raises(ValueError, match=r"X must have shape \(n, 3\), not \(100, 2\)"):
        contributions(fitted(X), X[:, :2])
    with pytest.raises(ValueError, match="numeric features only"):
        contributions(fitted(X, categorical_features=[1]), X)
    three = HistGradientBoostingClassifier(max_iter=2).fit(X, np.arange(100) % 3)
    with pytest.raises(ValueError, match="two classes"):
        contributions(three, X)
