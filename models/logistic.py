"""A regularised logistic regression on the model's own features: what boosting must beat.

It has the face of `models.readiness.trees`, a pipeline over the frame, so it is calibrated as the
trees are.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from features.spec import Spec, is_text

RAREST, MOST_TEXTS = 20, 30  # a text seen less often, or beyond so many, shares one column
STEPS = 1_000  # of the solver; it takes some 20 to 100


def inputs(specs: Sequence[Spec]) -> Pipeline:
    """Unfitted: a frame with the specs' columns to inputs of mean 0 and deviation 1.

    Numbers bend as asinh does (a logarithm for large ones of either sign, a straight line near 0),
    so that the tenth visit adds less than the second. A missing number gets the mean, which adds
    nothing, beside an input that says it is missing. Texts become one input per value.
    """
    texts = [spec.name for spec in specs if is_text(spec)]
    numbers = [spec.name for spec in specs if not is_text(spec)]
    bend = FunctionTransformer(np.arcsinh, feature_names_out="one-to-one")
    each = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=RAREST,
        max_categories=MOST_TEXTS,
        sparse_output=False,
    )
    encode = ColumnTransformer(
        [
            *((f"text {number}", each, [name]) for number, name in enumerate(texts)),
            ("numbers", Pipeline([("bend", bend), ("fill", SimpleImputer())]), numbers),
            ("missing", MissingIndicator(error_on_new=False), numbers),
        ]
    )
    return Pipeline([("encode", encode), ("scale", StandardScaler())])


def regression(strength: float) -> LogisticRegression:
    """Unfitted. strength: scikit-learn's C, > 0; the smaller, the more the coefficients shrink."""
    return LogisticRegression(C=strength, max_iter=STEPS)


def fit_logistic(
    frame: pd.DataFrame, won: npt.ArrayLike, specs: Sequence[Spec], strength: float
) -> Pipeline:
    """The regression fitted on the specs' columns, all of them usable (`models.readiness.usable`):
    steps `encode`, `scale` and `logistic`."""
    pipeline = Pipeline([*inputs(specs).steps, ("logistic", regression(strength))])
    with threadpool_limits(1, "blas"):  # threads add up in another order: other last bits
        return pipeline.fit(frame[[spec.name for spec in specs]], won)
