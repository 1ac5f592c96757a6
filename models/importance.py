"""Which features the model leans on: what permuting each costs in log loss."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from models.readiness import ReadinessModel

MOST_ROWS = 2_000
REPEATS = 3


def importance(
    model: ReadinessModel, frame: pd.DataFrame, won: npt.NDArray[np.float64], seed: int
) -> pd.DataFrame:
    """feature, cost (mean rise of log loss when its column is shuffled), spread (its standard
    deviation over the repeats), the costliest first, on at most 2,000 snapshots (Breiman 2001)."""
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.permutation(len(frame))[:MOST_ROWS])
    encode, boost = model.pipeline.named_steps["encode"], model.pipeline.named_steps["boost"]
    matrix = encode.transform(frame.iloc[rows])
    slope, intercept = model.sigmoid

    def score(
        trees: HistGradientBoostingClassifier,
        shuffled: npt.NDArray[np.float64],
        outcome: npt.NDArray[np.float64],
    ) -> float:
        probability = expit(slope * trees.decision_function(shuffled) + intercept)
        return -float(log_loss(outcome, probability, labels=[0, 1]))

    with threadpool_limits(1, "openmp"):  # hundreds of small predictions: threads cost more
        found = permutation_importance(
            boost, matrix, won[rows], scoring=score, n_repeats=REPEATS, random_state=seed
        )
    table = pd.DataFrame(
        {
            "feature": encode.get_feature_names_out(),
            "cost": found.importances_mean,
            "spread": found.importances_std,
        }
    )
    return table.sort_values("cost", ascending=False, ignore_index=True)
