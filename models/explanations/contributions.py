"""Exact additive contributions of a gradient-boosted classifier to its log-odds.

They are the Shapley values of path-dependent TreeSHAP (Lundberg, Erion and Lee 2018, "Consistent
individualized feature attribution for tree ensembles", arXiv:1802.03888): where a feature is
unknown, a split on it sends a row both ways, weighted by the training rows that went each way.

A tree is the sum of its leaves, so take one leaf of value v, with d distinct features on its path.
Of the training rows, the share z_i passes the splits on feature i; the row at hand passes all of
them (x_i = 1) or not (x_i = 0). Knowing the features S, the leaf adds to the prediction

    v * product of x_i over S * product of z_i over the others,

a game whose Shapley values are an integral (Owen 1972, "Multilinear extensions of games"):

    v * (x_j - z_j) * integral over t in [0, 1] of the product over i != j of t x_i + (1 - t) z_i

of a polynomial of degree d - 1, to which Gauss-Legendre quadrature with d / 2 points is exact. All
its factors are positive, so nothing cancels: the error is that of rounding. And they depend on the
row only by its d bits x, so a leaf needs 2^d of them once, and rows look theirs up (the idea of
Nadel and Wettenstein 2026, "From decision trees to Boolean logic", the woodelf-explainer library).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from models.classifier.tree_nodes import goes_left, start, tree_nodes

Floats = NDArray[np.float64]
Patterns = NDArray[np.intp]  # per row: bit i is set where it fails feature i of a path, i < 63
Path = dict[int, float]  # feature -> share of the training rows that pass the path's splits on it
ROWS_AT_ONCE = 1 << 16  # bounds the memory; the tables of a leaf are built once per so many rows


@dataclass(frozen=True, slots=True)
class _Node:
    """What is used of a node, by the names of models/classifier/tree_nodes.py."""

    value: float
    count: int
    feature_idx: int
    num_threshold: float
    missing_go_to_left: int
    left: int
    right: int
    is_leaf: int


def contributions(booster: HistGradientBoostingClassifier, X: Floats) -> tuple[Floats, float]:
    """What each feature adds to the log-odds of each row, and the log-odds they are added to.

    X: shape (n, k), as the booster was fitted on; NaN is missing. Returns contributions, shape
    (n, k), and the base, the mean log-odds of the training rows (before any of X is known), so that
    `contributions.sum(axis=1) + base` is `booster.decision_function(X)`. A feature that no tree
    splits on contributes 0. A row's contributions do not depend on the rows beside it.

    Raises ValueError for more than two classes, native categories (encode them as numbers), and an
    X of another width.
    """
    if booster.n_trees_per_iteration_ != 1 or booster.is_categorical_ is not None:
        raise ValueError("contributions need two classes and numeric features only")
    if X.ndim != 2 or X.shape[1] != booster.n_features_in_:
        raise ValueError(f"X must have shape (n, {booster.n_features_in_}), not {X.shape}")
    trees = [_nodes(nodes) for nodes in tree_nodes(booster)]
    base = start(booster) + sum(_mean(tree) for tree in trees)
    by_feature = np.zeros(X.shape[::-1])  # a feature's rows side by side, as they are added to
    for first in range(0, len(X), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        columns = np.ascontiguousarray(X[rows].T, dtype=np.float64)
        for tree in trees:
            _add_tree(tree, columns, by_feature[:, rows])
    return by_feature.T, base


def _nodes(nodes: NDArray[np.void]) -> list[_Node]:
    columns = [nodes[field.name].tolist() for field in fields(_Node)]  # 50 times as fast as rows
    return [_Node(*node) for node in zip(*columns, strict=True)]


def _mean(tree: list[_Node]) -> float:
    """Mean value of the tree over its training rows."""
    return sum(node.value * node.count for node in tree if node.is_leaf) / tree[0].count


def _add_tree(tree: list[_Node], columns: Floats, by_feature: Floats) -> None:
    """Add the tree's contributions, both arrays of shape (k, rows)."""
    nowhere_yet = np.zeros(columns.shape[1], dtype=np.intp)
    for leaf, path, failed in _leaves(tree, columns, 0, {}, nowhere_yet):
        shares = np.array(list(path.values()))
        for feature, values in zip(path, _look_up(leaf.value, shares, failed), strict=True):
            by_feature[feature] += values


def _leaves(
    tree: list[_Node], columns: Floats, at: int, path: Path, failed: Patterns
) -> Iterator[tuple[_Node, Path, Patterns]]:
    """Leaves below node `at`, each with its path and which of its features each row fails."""
    node = tree[at]
    if node.is_leaf:
        yield node, path, failed
        return
    feature = node.feature_idx
    left = goes_left(columns[feature], node.num_threshold, node.missing_go_to_left)
    bit = 1 << (list(path).index(feature) if feature in path else len(path))
    for child, fails in ((node.left, ~left), (node.right, left)):
        share = path.get(feature, 1.0) * tree[child].count / node.count
        yield from _leaves(tree, columns, child, {**path, feature: share}, failed | fails * bit)


def _look_up(value: float, shares: Floats, failed: Patterns) -> Iterable[Floats]:
    """`_shapley_values`, by way of a table of all patterns where these are fewer than the rows."""
    patterns = 1 << len(shares)
    if patterns >= len(failed):
        return _shapley_values(value, shares, failed)
    table = _shapley_values(value, shares, np.arange(patterns, dtype=np.intp))
    return (values.take(failed) for values in table)


def _shapley_values(value: float, shares: Floats, failed: Patterns) -> Floats:
    """The docstring's integral: leaf value v and shares z, shape (d,) -> shape (d, rows).

    Strictly row by row (no pairwise sums, no BLAS), so that a row's bits do not depend on others.
    """
    z = shares[:, np.newaxis]
    passes = (failed >> np.arange(len(shares))[:, np.newaxis]) & 1 == 0
    integral = np.zeros(passes.shape)
    for t, weight in _quadrature(len(shares)):
        factors = np.where(passes, t + (1 - t) * z, (1 - t) * z)
        integral += weight * np.multiply.reduce(factors, axis=0) / factors
    values: Floats = value * (passes - z) * integral
    return values


@cache
def _quadrature(features: int) -> list[tuple[float, float]]:
    """(point, weight) in (0, 1) that integrate polynomials of degree features - 1 exactly."""
    points, weights = np.polynomial.legendre.leggauss(max(1, (features + 1) // 2))
    return list(zip((1 + points) / 2, weights / 2, strict=True))
