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

from functools import cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from features.engine.kernel import compiled
from models.classifier.tree_nodes import start, tree_nodes

Floats = NDArray[np.float64]
Nodes = NDArray[np.void]  # of one tree, as models/classifier/tree_nodes.py has them
Patterns = NDArray[np.uint64]  # per row: bit i is set where it fails feature i of a path, i < 63
ZERO = np.uint64(0)
ROWS_AT_ONCE = 1 << 12  # so that what is looked at of them stays in the processor's cache


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
    forest = _forest(booster)
    by_feature = np.zeros(X.shape[::-1])  # a feature's rows side by side, as they are added to
    columns = np.ascontiguousarray(X.T, dtype=np.float64)
    for first in range(0, len(X), ROWS_AT_ONCE):
        last = min(first + ROWS_AT_ONCE, len(X))
        _add_trees(forest.nodes, forest.begin, forest.quadrature, columns, by_feature, first, last)
    return by_feature.T, start(booster) + forest.mean


class _Forest(NamedTuple):
    """What the contributions of a booster's trees are computed from. first: the nodes of its first
    tree, by which it is known that the booster was not fitted anew."""

    first: Nodes
    nodes: Nodes
    begin: NDArray[np.int64]
    quadrature: Floats
    mean: float


_FORESTS: WeakKeyDictionary[HistGradientBoostingClassifier, _Forest] = WeakKeyDictionary()


def _forest(booster: HistGradientBoostingClassifier) -> _Forest:
    """Made once of each booster: for a single lead it takes as long as all the rest."""
    known = _FORESTS.get(booster)
    trees = tree_nodes(booster)
    if known is not None and known.first is trees[0]:
        return known
    nodes, begin = np.concatenate(trees), np.cumsum([0, *map(len, trees)])
    longest = int(max(tree["depth"].max() for tree in trees))
    forest = _Forest(trees[0], nodes, begin, _quadrature(longest), float(_mean(nodes, begin)))
    _FORESTS[booster] = forest
    return forest


@compiled
def _mean(nodes: Nodes, begin: NDArray[np.int64]) -> float:
    """The sum over the trees of each one's mean value over its training rows."""
    total = 0.0
    for t in range(len(begin) - 1):
        tree, value = nodes[begin[t] : begin[t + 1]], 0.0
        for node in tree:
            if node.is_leaf:
                value += node.value * node.count
        total += value / tree[0].count
    return total


@compiled
def _add_trees(
    nodes: Nodes,
    begin: NDArray[np.int64],
    quadrature: Floats,
    columns: Floats,
    by_feature: Floats,
    first: int,
    last: int,
) -> None:
    """Add the contributions of all trees to the rows [first, last), both arrays of shape (k, rows).

    Of the path to the node at hand, level by level: its distinct features, of each the share of the
    training rows that pass its splits, and which of them each row fails.
    """
    levels = len(quadrature) + 1
    lengths, features = np.zeros(levels, np.int64), np.empty((levels, levels), np.int64)
    shares, failed = np.empty((levels, levels)), np.zeros((levels, last - first), np.uint64)
    parents, waiting = np.empty(levels + 1, np.int64), np.empty(levels + 1, np.int64)
    for t in range(len(begin) - 1):
        tree, count = nodes[begin[t] : begin[t + 1]], 1
        waiting[0], parents[0] = 0, -1
        while count:
            count -= 1
            at, parent = waiting[count], parents[count]
            level = tree[at].depth
            if parent >= 0:
                up, split = level - 1, tree[parent]
                length, place = lengths[up], 0
                for i in range(length):
                    features[level, i], shares[level, i] = features[up, i], shares[up, i]
                while place < length and features[up, place] != split.feature_idx:
                    place += 1
                if place == length:
                    length += 1
                    features[level, place], shares[level, place] = split.feature_idx, 1.0
                lengths[level] = length
                shares[level, place] = shares[level, place] * tree[at].count / split.count
                column = columns[split.feature_idx]
                _fail(split, at == split.left, place, column, failed[up], failed[level], first)
            if tree[at].is_leaf:
                _add_leaf(
                    tree[at].value,
                    features[level],
                    shares[level, : lengths[level]],
                    failed[level],
                    quadrature,
                    by_feature,
                    first,
                )
            else:  # the left child is next
                waiting[count], waiting[count + 1] = tree[at].right, tree[at].left
                parents[count] = parents[count + 1] = at
                count += 2


@compiled
def _fail(
    split: Any,
    is_left: bool,
    place: int,
    column: Floats,
    before: Patterns,
    failed: Patterns,
    first: int,
) -> None:
    """Which features each row fails at a child of the split: those before, and the split's, at
    `place` of the path, where the row goes to the other child."""
    bit = np.uint64(1) << np.uint64(place)
    if_left, if_right = (ZERO, bit) if is_left else (bit, ZERO)
    threshold = split.num_threshold
    # A comparison with NaN is false, so that one with `>` sends the missing left.
    if split.missing_go_to_left:
        for r in range(len(failed)):
            failed[r] = before[r] | (if_right if column[first + r] > threshold else if_left)
    else:
        for r in range(len(failed)):
            failed[r] = before[r] | (if_left if column[first + r] <= threshold else if_right)


@compiled
def _add_leaf(
    value: float,
    features: NDArray[np.int64],
    shares: Floats,
    failed: Patterns,
    quadrature: Floats,
    by_feature: Floats,
    first: int,
) -> None:
    """Add a leaf's to the rows from `first` on, by way of a table of all patterns where these are
    fewer than the rows."""
    length, patterns = len(shares), len(failed)
    if length == 0:
        return
    by_table = length < 63 and 1 << length < len(failed)
    if by_table:
        patterns = 1 << length
    values, factors = np.zeros((length, patterns)), np.empty(length)
    for p in range(patterns):
        pattern = np.uint64(p) if by_table else failed[p]
        _shapley_values(value, shares, pattern, quadrature[length - 1], factors, values, p)
    for i in range(length):
        of_feature, added = by_feature[features[i]], values[i]
        if by_table:
            for r in range(len(failed)):
                of_feature[first + r] += added[failed[r]]
        else:
            for r in range(len(failed)):
                of_feature[first + r] += added[r]


@compiled
def _shapley_values(
    value: float,
    shares: Floats,
    failed: int,
    quadrature: Floats,
    factors: Floats,
    values: Floats,
    p: int,
) -> None:
    """The docstring's integral, of leaf value v, shares z and the pattern x of what is failed, into
    values[:, p], which are 0. `factors` is room for d numbers; quadrature has the rows (point,
    weight), of weight 0 past the last."""
    for q in range(len(quadrature)):
        t, weight = quadrature[q, 0], quadrature[q, 1]
        if weight == 0:
            break
        product = 1.0
        for i in range(len(shares)):
            passes = (failed >> np.uint64(i)) & np.uint64(1) == 0
            factors[i] = (1 - t) * shares[i]
            if passes:
                factors[i] += t
            product *= factors[i]
        for i in range(len(shares)):
            values[i, p] += weight * product / factors[i]
    for i in range(len(shares)):
        passes = (failed >> np.uint64(i)) & np.uint64(1) == 0
        values[i, p] *= value * ((1.0 if passes else 0.0) - shares[i])


@cache
def _quadrature(longest: int) -> Floats:
    """For each number of features from 1 to the longest path's, the rows (point, weight) in (0, 1)
    that integrate polynomials of one degree less exactly; then zeros."""
    every = np.zeros((longest, (longest + 1) // 2, 2))
    for length in range(1, longest + 1):
        points, weights = np.polynomial.legendre.leggauss((length + 1) // 2)
        every[length - 1, : len(points)] = np.stack([(1 + points) / 2, weights / 2], axis=1)
    return every
