"""Growing trees on all won snapshots and a part of the others, and the prior correction for it.

Growing trees takes as long as there are rows, and where one snapshot in twenty is won the others
are nearly all alike: beyond five of them for each won one they teach next to nothing, and cost two
thirds of the time (docs/adr/0025 has the measures). So of a large training the not won are sampled,
each with the same chance, a share s of them. In the sample the odds of being won are 1 / s of the
true ones, whatever the lead did, so log(s) is added to every log-odds (Prentice and Pyke 1979,
"Logistic disease incidence models and case-control studies", Biometrika 66). Worked example: of
2,000 won and 98,000 not won, 48,000 not won are sampled, s = 0.49; a lead at even odds among them,
0 log-odds, has log(0.49) = -0.71, a chance of 33%.
"""

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from models.classifier.tree_nodes import goes_left, move_start, tree_nodes

NOT_WON_PER_WON = 5
ALWAYS_ROWS = 50_000  # a training of no more snapshots is taken whole

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def subsample(won: Floats, seed: int | None) -> tuple[Rows, float]:
    """The rows to grow trees on, in their order, and the share of the not won among them.

    All won ones; of the others NOT_WON_PER_WON for each won one, and more if these are fewer than
    ALWAYS_ROWS in all. The share is in (0, 1]; at 1 the rows are all there are.
    """
    winners, others = np.flatnonzero(won == 1), np.flatnonzero(won != 1)
    most = max(NOT_WON_PER_WON * len(winners), ALWAYS_ROWS - len(winners))
    if len(others) <= most:
        return np.arange(len(won)), 1.0
    chosen = np.random.default_rng(seed).choice(others, most, replace=False)
    return np.sort(np.concatenate([winners, chosen])), most / len(others)


def correct_prior(
    booster: HistGradientBoostingClassifier, X: Floats, won: Floats, share: float
) -> None:
    """Turn a booster fitted on X, a `subsample`, into one of all rows: log(share) is added to its
    log-odds, and a node's count becomes the number of all rows that pass it, as estimated from the
    sample, for reasons begin at the mean of these (models/explanations/contributions.py)."""
    if share == 1:
        return
    move_start(booster, np.log(share))
    weights = np.where(won == 1, 1, 1 / share)
    for nodes in tree_nodes(booster):
        _recount(nodes, X, weights, np.arange(len(X)), 0)


def _recount(nodes: npt.NDArray[np.void], X: Floats, weights: Floats, rows: Rows, at: int) -> int:
    """Set and return the count of node `at`, which `rows` reach: the sum of its children's."""
    node = nodes[at]
    if node["is_leaf"]:
        count = round(float(weights[rows].sum()))
    else:
        column = X[rows, node["feature_idx"]]
        left = goes_left(column, node["num_threshold"], node["missing_go_to_left"])
        sides = (node["left"], rows[left]), (node["right"], rows[~left])
        count = sum(_recount(nodes, X, weights, own, int(child)) for child, own in sides)
    nodes["count"][at] = count
    return count
