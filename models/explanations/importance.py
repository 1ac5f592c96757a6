"""Which features the model relies on: what permuting each costs in log loss."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from models.classifier.by_segment import BySegment
from models.classifier.model import ReadinessModel
from models.classifier.tree_nodes import tree_functions, tree_nodes
from models.explanations.explain import contributions_of

MOST_ROWS = 2_000
REPEATS = 3

Floats = npt.NDArray[np.float64]
# The number of a feature and an order of the rows -> how far each row's log-odds move when it gets
# the feature of the row that stands there in that order.
LogOddsMoves = Callable[[int, npt.NDArray[np.intp]], Floats]


def importance(
    model: ReadinessModel, frame: pd.DataFrame, won: npt.NDArray[np.float64], seed: int
) -> pd.DataFrame:
    """feature, cost (mean rise of log loss when its column is shuffled), spread (its standard
    deviation over the repeats), the costliest first, on at most 2,000 snapshots (Breiman 2001).

    The log-odds are a sum, over trees or over inputs, so only those parts of it that use the
    shuffled feature are computed again: six times faster than permuting around the whole model, and
    the same but for rounding.
    """
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.permutation(len(frame))[:MOST_ROWS])
    log_odds, moves = _moves(model, frame.iloc[rows])

    def loss(moved: Floats) -> float:
        probability = model.line.probability(log_odds + moved)
        return float(log_loss(won[rows], probability, labels=[0, 1]))

    names = _names(model)
    undisturbed = loss(np.zeros(len(rows)))
    rises = np.zeros((len(names), REPEATS))
    for feature in range(len(names)):
        for repeat in range(REPEATS):
            order = generator.permutation(len(rows))
            rises[feature, repeat] = loss(moves(feature, order)) - undisturbed
    table = pd.DataFrame(
        {"feature": names, "cost": rises.mean(axis=1), "spread": rises.std(axis=1)}
    )
    return table.sort_values("cost", ascending=False, ignore_index=True)


def _names(model: ReadinessModel) -> list[str]:
    """The features in the order of `_moves`."""
    if model.is_linear or isinstance(model.classifier, BySegment):
        return [spec.name for spec in model.specs]
    return list(model.classifier.learner_[0].get_feature_names_out())


def _moves(model: ReadinessModel, frame: pd.DataFrame) -> tuple[Floats, LogOddsMoves]:
    """Log-odds of each row, and how they move."""
    if isinstance(model.classifier, BySegment):
        return _whole(model.classifier, frame, _names(model))
    encoded = model.encoded(frame)
    if model.is_linear:
        return _linear(model, encoded)
    return _trees(model.classifier.learner_[-1], encoded)


def _whole(
    classifier: BySegment, frame: pd.DataFrame, names: list[str]
) -> tuple[Floats, LogOddsMoves]:
    """By scoring all again: a lead that gets another's segment gets its own model, too."""
    before = classifier.learner_log_odds(frame)

    def moves(feature: int, order: npt.NDArray[np.intp]) -> Floats:
        name = names[feature]
        shuffled = frame.assign(**{name: frame[name].to_numpy()[order]})
        return classifier.learner_log_odds(shuffled) - before

    return before, moves


def _trees(boost: HistGradientBoostingClassifier, matrix: Floats) -> tuple[Floats, LogOddsMoves]:
    """Log-odds of each row, and how they move: only by trees that split on the feature."""
    trees = tree_functions(boost)
    before = [tree(matrix) for tree in trees]
    used = [set(nodes["feature_idx"][nodes["is_leaf"] == 0]) for nodes in tree_nodes(boost)]

    def moves(feature: int, order: npt.NDArray[np.intp]) -> Floats:
        shuffled = matrix.copy()
        shuffled[:, feature] = matrix[order, feature]
        moved = np.zeros(len(matrix))
        for tree, known, features in zip(trees, before, used, strict=True):
            if feature in features:
                moved += tree(shuffled) - known
        return moved

    return boost.decision_function(matrix), moves


def _linear(model: ReadinessModel, encoded: Floats) -> tuple[Floats, LogOddsMoves]:
    """The same of a logistic regression: a feature's contribution goes with it."""
    by_feature, base = contributions_of(model, encoded)

    def moves(feature: int, order: npt.NDArray[np.intp]) -> Floats:
        column = by_feature[:, feature]
        moved: Floats = column[order] - column
        return moved

    return by_feature.sum(axis=1) + base, moves
