"""Which features the model leans on: what permuting each costs in log loss."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from sklearn.metrics import log_loss

from models.readiness import ReadinessModel

MOST_ROWS = 2_000
REPEATS = 3


def importance(
    model: ReadinessModel, frame: pd.DataFrame, won: npt.NDArray[np.float64], seed: int
) -> pd.DataFrame:
    """feature, cost (mean rise of log loss when its column is shuffled), spread (its standard
    deviation over the repeats), the costliest first, on at most 2,000 snapshots (Breiman 2001).

    The log-odds are a sum over trees, so only those that split on the shuffled feature are asked
    again: six times faster than permuting around the whole model, and the same but for rounding.
    """
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.permutation(len(frame))[:MOST_ROWS])
    encode, boost = model.pipeline.named_steps["encode"], model.pipeline.named_steps["boost"]
    matrix = np.asarray(encode.transform(frame.iloc[rows]), dtype=np.float64)
    slope, intercept = model.sigmoid
    trees = [tree for (tree,) in boost._predictors]
    categories = boost._bin_mapper.make_known_categories_bitsets()  # none: codes are numbers
    before = [tree.predict(matrix, *categories, 1) for tree in trees]
    asked = [set(tree.nodes["feature_idx"][tree.nodes["is_leaf"] == 0]) for tree in trees]
    log_odds = boost.decision_function(matrix)

    def loss(moved: npt.NDArray[np.float64]) -> float:
        probability = expit(slope * (log_odds + moved) + intercept)
        return float(log_loss(won[rows], probability, labels=[0, 1]))

    undisturbed = loss(np.zeros(len(rows)))
    rises = np.zeros((matrix.shape[1], REPEATS))
    for feature, column in enumerate(matrix.T.copy()):
        affected = [number for number, features in enumerate(asked) if feature in features]
        for repeat in range(REPEATS):
            matrix[:, feature] = generator.permutation(column)
            moved = np.zeros(len(rows))
            for number in affected:
                moved += trees[number].predict(matrix, *categories, 1) - before[number]
            rises[feature, repeat] = loss(moved) - undisturbed
        matrix[:, feature] = column
    table = pd.DataFrame(
        {
            "feature": encode.get_feature_names_out(),
            "cost": rises.mean(axis=1),
            "spread": rises.std(axis=1),
        }
    )
    return table.sort_values("cost", ascending=False, ignore_index=True)
