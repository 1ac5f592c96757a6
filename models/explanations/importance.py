"""Which features the model relies on: what permuting each costs in log loss."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import log_loss

from models.classifier.model import ReadinessModel
from models.classifier.parts import Part, weighted_sum
from models.classifier.tree_nodes import tree_functions, tree_nodes
from models.explanations.explain import contributions_of_part

MOST_ROWS = 2_000
REPEATS = 3

Floats = npt.NDArray[np.float64]
# The name of a feature and an order of the rows -> how far each row's log-odds move when it gets
# the feature of the row that stands there in that order.
LogOddsMoves = Callable[[str, npt.NDArray[np.intp]], Floats]


def importance(
    model: ReadinessModel, frame: pd.DataFrame, won: npt.NDArray[np.float64], seed: int
) -> pd.DataFrame:
    """feature, cost (mean rise of log loss when its column is shuffled), spread (its standard
    deviation over the repeats), the costliest first, on at most 2,000 snapshots (Breiman 2001).

    The log-odds are a sum, over trees or inputs or both, so only those parts of it that use the
    shuffled feature are computed again: six times faster than permuting around the whole model, and
    the same but for rounding.
    """
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.permutation(len(frame))[:MOST_ROWS])
    encoded = model.encoded(frame.iloc[rows])
    names = _names(model)
    parts = [
        (part.weight, *(_linear(part, inputs, names) if part.is_linear else _trees(part, inputs)))
        for part, inputs in model.classifier.by_part(encoded)
    ]
    log_odds = weighted_sum((weight, own) for weight, own, _ in parts)

    def moved(feature: str, order: npt.NDArray[np.intp]) -> Floats:
        return weighted_sum((weight, moves(feature, order)) for weight, _, moves in parts)

    def loss(moved: Floats) -> float:
        probability = model.line.probability(log_odds + moved)
        return float(log_loss(won[rows], probability, labels=[0, 1]))

    undisturbed = loss(np.zeros(len(rows)))
    rises = np.zeros((len(names), REPEATS))
    for place, name in enumerate(names):
        for repeat in range(REPEATS):
            order = generator.permutation(len(rows))
            rises[place, repeat] = loss(moved(name, order)) - undisturbed
    table = pd.DataFrame(
        {"feature": names, "cost": rises.mean(axis=1), "spread": rises.std(axis=1)}
    )
    return table.sort_values("cost", ascending=False, ignore_index=True)


def _names(model: ReadinessModel) -> list[str]:
    """The features, in the order in which the trees have them, if there are any."""
    first = model.classifier.parts[0]
    if first.is_linear:
        return [spec.name for spec in model.specs]
    return list(first.pipeline[0].get_feature_names_out())


def _trees(part: Part, matrix: Floats) -> tuple[Floats, LogOddsMoves]:
    """Log-odds of each row, and how they move: only by trees that split on the feature."""
    boost = part.pipeline[-1]
    place = {name: at for at, name in enumerate(part.pipeline[0].get_feature_names_out())}
    trees = tree_functions(boost)
    before = [tree(matrix) for tree in trees]
    used = [set(nodes["feature_idx"][nodes["is_leaf"] == 0]) for nodes in tree_nodes(boost)]

    def moves(feature: str, order: npt.NDArray[np.intp]) -> Floats:
        at = place[feature]
        shuffled = matrix.copy()
        shuffled[:, at] = matrix[order, at]
        moved = np.zeros(len(matrix))
        for tree, known, features in zip(trees, before, used, strict=True):
            if at in features:
                moved += tree(shuffled) - known
        return moved

    return boost.decision_function(matrix), moves


def _linear(part: Part, inputs: Floats, names: Sequence[str]) -> tuple[Floats, LogOddsMoves]:
    """The same of a logistic regression: a feature's contribution goes with it."""
    by_feature, base = contributions_of_part(part, inputs, names)

    def moves(feature: str, order: npt.NDArray[np.intp]) -> Floats:
        column = by_feature[:, names.index(feature)]
        moved: Floats = column[order] - column
        return moved

    return by_feature.sum(axis=1) + base, moves
