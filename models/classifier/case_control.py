"""Trees grown on all that was won and a part of the rest, and then told how large a part it was.

Growing trees takes as long as there are rows, and where one snapshot in twenty is won the others
are nearly all alike: beyond five of them for each won one they teach next to nothing, and cost two
thirds of the time (docs/adr/0021 has the measures). So of a large training the not won are drawn at
random, each with the same chance, a share s of them. Among the drawn the odds of being won are
1 / s of the true ones, whatever the lead did, so log(s) is added to every log-odds (Prentice and
Pyke 1979, "Logistic disease incidence models and case-control studies", Biometrika 66). Worked
example: of 2,000 won and 98,000 not won, 48,000 not won are drawn, s = 0.49; a lead that the trees
hold for even, 0 log-odds, has log(0.49) = -0.71, a chance of 33 %.
"""

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from models.explanations.contributions import goes_left

NOT_WON_PER_WON = 5
ALWAYS_ROWS = 50_000  # a training of no more snapshots is not thinned

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def drawn(won: Floats, seed: int) -> tuple[Rows, float]:
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


def undo(booster: HistGradientBoostingClassifier, X: Floats, won: Floats, share: float) -> None:
    """Make of a booster fitted on X, rows that were `drawn`, one of all rows: log(share) is added
    to its log-odds, and a node's count becomes the number of all rows that came by, as the drawn
    ones tell it, for reasons begin at the mean of these (models/explanations/contributions.py)."""
    if share == 1:
        return
    booster._baseline_prediction += np.log(share)
    stands_for = np.where(won == 1, 1, 1 / share)
    for (tree,) in booster._predictors:
        _recount(tree.nodes, X, stands_for, np.arange(len(X)), 0)


def _recount(
    nodes: npt.NDArray[np.void], X: Floats, stands_for: Floats, rows: Rows, at: int
) -> int:
    """Set and return the count of node `at`, which `rows` reach: the sum of its children's."""
    node = nodes[at]
    if node["is_leaf"]:
        count = round(float(stands_for[rows].sum()))
    else:
        column = X[rows, node["feature_idx"]]
        left = goes_left(column, node["num_threshold"], node["missing_go_to_left"])
        sides = (node["left"], rows[left]), (node["right"], rows[~left])
        count = sum(_recount(nodes, X, stands_for, own, int(child)) for child, own in sides)
    nodes["count"][at] = count
    return count
