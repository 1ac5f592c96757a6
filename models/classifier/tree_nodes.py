"""The trees inside a fitted HistGradientBoostingClassifier.

Exact contributions, the importance and the prior correction need the nodes of the trees and the
log-odds that they start from. scikit-learn has no public API for either, so this is the only file
that touches its private attributes: `_predictors`, `_baseline_prediction` and `_bin_mapper`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

Floats = NDArray[np.float64]


def tree_nodes(booster: HistGradientBoostingClassifier) -> list[NDArray[np.void]]:
    """The nodes of each tree, not copies; what is changed in them changes the booster.

    A row goes left if its `feature_idx` is at most `num_threshold`, or is missing and
    `missing_go_to_left` is set. `left`, `right`: places of the children. `count`: training rows.
    `value`: log-odds, of leaves. `is_leaf`: 0 or 1.
    """
    return [predictor.nodes for (predictor,) in booster._predictors]


def tree_functions(booster: HistGradientBoostingClassifier) -> list[Callable[[Floats], Floats]]:
    """What each tree adds to the log-odds of rows: shape (n, features) -> (n,)."""
    categories = booster._bin_mapper.make_known_categories_bitsets()  # none: codes are numbers

    def function(predictor: Any) -> Callable[[Floats], Floats]:
        return lambda X: predictor.predict(X, *categories, 1)

    return [function(predictor) for (predictor,) in booster._predictors]


def start(booster: HistGradientBoostingClassifier) -> float:
    """The log-odds to which the trees add."""
    return float(booster._baseline_prediction.item())


def move_start(booster: HistGradientBoostingClassifier, log_odds: float) -> None:
    """Add to the log-odds of every row."""
    booster._baseline_prediction += log_odds


def goes_left(column: Floats, threshold: float, missing_go_to_left: int) -> NDArray[np.bool_]:
    """Which rows a node sends left, by their values of its feature."""
    # A comparison with NaN is false, so its negation sends the missing left.
    left: NDArray[np.bool_] = ~(column > threshold) if missing_go_to_left else column <= threshold
    return left
