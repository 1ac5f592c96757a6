"""What a learner is made of: fitted pipelines, and the weight of each in the sum of their log-odds.

Trees, or a regression, are one part of weight 1. An average is several (docs/adr/0047): a prefit
stack of scikit-learn whose last step has the weights as its coefficients, so that it is stored in
types that are trusted already, and plain MLflow scores it. As the log-odds of each part are a sum
over features, so are those of the whole: each feature's contribution is the weighted sum of what it
has in the parts.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from models.classifier import encoding, logistic

Floats = npt.NDArray[np.float64]
Learner: TypeAlias = Pipeline | StackingClassifier


class Part(NamedTuple):
    """A fitted pipeline, whose first step is its encoder and whose last learnt, and its weight."""

    pipeline: Pipeline
    weight: float

    @property
    def is_linear(self) -> bool:
        """Whether it is a logistic regression; else it is of trees."""
        return isinstance(self.pipeline[-1], LogisticRegression)

    @property
    def inputs(self) -> int:
        """How many columns `encoded` has."""
        return int(self.pipeline[-1].n_features_in_)

    def encoded(self, frame: pd.DataFrame) -> Floats:
        """What it sees of each row, shape (n, inputs). Columns are taken by name."""
        if self.is_linear:
            return logistic.encoded(self.pipeline, frame)
        return encoding.encoded(self.pipeline[0], frame)

    def log_odds(self, encoded: Floats) -> Floats:
        """Of encoded rows, shape (n,), before its weight. A row's bits do not depend on others."""
        if self.is_linear:
            return logistic.linear_log_odds(self.pipeline[-1], encoded)
        log_odds: Floats = self.pipeline[-1].decision_function(encoded)
        return log_odds


def weighted(parts: Mapping[str, Part]) -> StackingClassifier:
    """The learner whose log-odds are the sum of those of the parts, each times its weight. All
    parts are fitted on the same columns. The names are those of the stored form."""
    estimators = [(name, part.pipeline) for name, part in parts.items()]
    return prefit_stack(estimators, [part.weight for part in parts.values()], 0.0, [0, 1])


def parts_of(learner: Learner) -> tuple[Part, ...]:
    """Those of a `weighted` learner; of any other the one that it is, of weight 1."""
    if isinstance(learner, Pipeline):
        return (Part(learner, 1.0),)
    weights = learner.final_estimator_.coef_[0].tolist()
    return tuple(Part(*each) for each in zip(learner.estimators_, weights, strict=True))


def weighted_sum(each: Iterable[tuple[float, Floats]]) -> Floats:
    """Of weights and arrays of one shape, one at least."""
    first, *others = (weight * array for weight, array in each)
    return sum(others, first)


def prefit_stack(
    estimators: Sequence[tuple[str, Learner]],
    coefficients: Sequence[float],
    intercept: float,
    classes: npt.ArrayLike,
) -> StackingClassifier:
    """A stack whose log-odds are the intercept and the coefficients times those of the estimators,
    which are fitted on frames of the same columns."""
    stack = StackingClassifier(
        list(estimators), LogisticRegression(), cv="prefit", stack_method="decision_function"
    )
    stack.fit(_blank(estimators[0][1]), classes)  # to no purpose but to be fitted
    stack.final_estimator_.coef_ = np.array([coefficients])
    stack.final_estimator_.intercept_ = np.array([intercept])
    return stack


def _blank(learner: Learner) -> pd.DataFrame:
    """Two rows of which nothing is known, as the learner takes them."""
    pipeline = parts_of(learner)[0].pipeline
    encoders = pipeline[0].transformers_
    texts = {name for kind, _, names in encoders if kind.startswith("text") for name in names}
    return pd.DataFrame(
        {
            name: pd.Series([np.nan] * 2, dtype=object if name in texts else float)
            for name in pipeline.feature_names_in_
        }
    )
