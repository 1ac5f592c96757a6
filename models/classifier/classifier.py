"""The readiness classifier: an encoding, a learner (trees, a regression, or both), a line.

A learner is too sure of what it was fitted on; only later cutoffs show how good it is. So it is
fitted on the earlier cutoffs, and a line through its log-odds on the latest ones (docs/adr/0004 has
the measures; models/classifier/calibration_line.py chooses how free a line). A line leaves log-odds
additive, so that reasons can be exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any, Literal, Self, TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from models.classifier.calibration_line import (
    KINDS,
    UNCALIBRATED,
    CalibrationLine,
    Choice,
    Kind,
    choose_kind,
    fit_line,
    latest,
)
from models.classifier.encoding import encoded, ordinal, uninformative
from models.classifier.logistic import LogisticSettings, inputs, regression
from models.classifier.parts import Learner, Part, parts_of, weighted, weighted_sum
from models.classifier.subsample import correct_prior, subsample

Floats = npt.NDArray[np.float64]
Kinds = Literal["trees", "logistic", "average"]  # of learners; next, as people call them
TREES, LOGISTIC, AVERAGE = "boosted trees", "logistic regression", "average of trees and regression"
NAMES: dict[Kinds, str] = {"trees": TREES, "logistic": LOGISTIC, "average": AVERAGE}
BATCH = 10_000  # rows per prediction: boosting predicts twice as fast in batches as all at once


class Settings(TypedDict):
    """What the search chooses among: settings of HistGradientBoostingClassifier."""

    learning_rate: float
    max_iter: int
    max_leaf_nodes: int
    min_samples_leaf: int
    l2_regularization: float
    max_features: float


class AverageSettings(Settings, LogisticSettings):
    """Those of either part of the average."""


AnySettings = Settings | LogisticSettings | AverageSettings  # which they are says which learner


class ReadinessClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The chance of one of two outcomes, such as won within the horizon, from a frame of features.

    Text columns (any that are not numeric) are encoded, missing values may stay as they are. Of
    more than 50,000 rows the trees see a subsample, corrected for (models/classifier/subsample.py).

    Parameters
    ----------
    learner : {"trees", "logistic", "average"}
        Gradient-boosted trees, a regularised logistic regression, or both, the log-odds being the
        mean of theirs.
    learning_rate, max_iter, max_leaf_nodes, min_samples_leaf, l2_regularization, max_features
        Of the trees, as in HistGradientBoostingClassifier; the regression ignores them.
    strength : float
        C of the regression, > 0: the smaller, the more the coefficients shrink. The trees ignore
        it.
    calibration : {"auto", "none", "shift", "sigmoid"}
        The line through the learner's log-odds; "auto" chooses one of the others by its log loss.
        With "none" the learner is fitted on all rows.
    random_state : int or None
        Of the trees and their subsample.

    The defaults are sound for a few thousand rows: slow learning with few leaves and a random third
    of the features per split makes for stable ranks.

    Attributes
    ----------
    classes_ : array of shape (2,)
        The second is the one whose chance is meant ("won").
    n_features_in_, feature_names_in_
        Of the frame that it was fitted on.
    dropped_ : dict of str to str
        The columns that told no rows apart where the learner was fitted, and why each; the learner
        does not see them.
    learner_ : Pipeline or StackingClassifier
        Steps that encode, the first of them `encode`, and the fitted learner; of the average a
        stack of its parts (models/classifier/parts.py).
    line_ : CalibrationLine
        Calibrated log-odds = slope * log-odds of the learner + intercept.
    choice_ : Choice or None
        How "auto" chose; None where there was nothing to choose.

    Examples
    --------
    >>> X = pd.DataFrame({"visits": [0.0, 1.0, 2.0, 3.0] * 50, "source": ["ad", "fair"] * 100})
    >>> y = (X["visits"] > 1).to_numpy()
    >>> classifier = ReadinessClassifier(min_samples_leaf=20).fit(X, y)
    >>> classifier
    ReadinessClassifier(min_samples_leaf=20)
    >>> classifier.predict(X.head(4)).tolist()
    [False, False, True, True]
    """

    def __init__(
        self,
        learner: Kinds = "trees",
        *,
        learning_rate: float = 0.03,
        max_iter: int = 150,
        max_leaf_nodes: int = 8,
        min_samples_leaf: int = 60,
        l2_regularization: float = 10.0,
        max_features: float = 0.3,
        strength: float = 1e-3,
        calibration: Literal["auto"] | Kind = "auto",
        random_state: int | None = None,
    ) -> None:
        self.learner = learner
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_features = max_features
        self.strength = strength
        self.calibration = calibration
        self.random_state = random_state

    @classmethod
    def of(
        cls,
        settings: AnySettings,
        random_state: int | None,
        calibration: Literal["auto"] | Kind = "auto",
    ) -> Self:
        """Unfitted, of the learner that the settings are for."""
        of_trees, of_regression = "max_iter" in settings, "strength" in settings
        both = of_trees and of_regression
        learner: Kinds = "average" if both else "logistic" if of_regression else "trees"
        return cls(learner, calibration=calibration, random_state=random_state, **settings)

    @classmethod
    def fitted(
        cls, learner: Learner, line: CalibrationLine, classes: npt.ArrayLike = (0, 1)
    ) -> Self:
        """Of parts that are fitted already: how it is read back from what is stored."""
        settings: Any = {}
        for part in parts_of(learner):
            given = part.pipeline[-1].get_params()
            if part.is_linear:
                settings["strength"] = given["C"]
            else:
                names = (*Settings.__annotations__, "random_state")
                settings |= {name: given[name] for name in names}
        made = cls.of(random_state=settings.pop("random_state", None), settings=settings)
        made.feature_names_in_ = learner.feature_names_in_
        made.n_features_in_ = learner.n_features_in_
        made.classes_ = np.asarray(classes)
        made.dropped_, made.choice_ = {}, None
        made.learner_, made.line_ = learner, line
        return made

    @property
    def tree_settings(self) -> Settings:
        """Those of its parameters that are for the trees."""
        return {name: getattr(self, name) for name in Settings.__annotations__}  # type: ignore[return-value]

    @property
    def n_iter_(self) -> int:
        """How many trees there are, or how many steps the regression took alone."""
        return int(np.max(self.parts[0].pipeline[-1].n_iter_))

    @property
    def is_linear(self) -> bool:
        """Whether the learner is the logistic regression alone, the simplest of them."""
        return self.learner == "logistic"

    @property
    def parts(self) -> tuple[Part, ...]:
        """The fitted pipelines whose weighted log-odds are summed; of one learner that one."""
        return parts_of(self.learner_)

    def fit(
        self,
        X: npt.ArrayLike | pd.DataFrame,
        y: npt.ArrayLike,
        cutoffs: npt.ArrayLike | None = None,
        leads: npt.ArrayLike | None = None,
    ) -> Self:
        """Fit the learner on the earlier cutoffs and the line on the latest.

        The latest are as few as hold 200 of the second class, at most a third of them, at least
        one. Where one side lacks an outcome, all rows go to the learner and nothing is calibrated.

        Parameters
        ----------
        X : frame or array of shape (n, features)
        y : array of shape (n,)
            Two classes.
        cutoffs : array of shape (n,), optional
            The time of each row, of any type that can be sorted. None: the rows are in order of
            time, each with a time of its own.
        leads : array of shape (n,), optional
            Whose row it is: rows of one lead share its outcome. None: each is its own.

        Raises
        ------
        ValueError
            Where y does not have two classes, and where no column tells rows apart.
        """
        if self.learner not in NAMES:
            raise ValueError(f"learner must be in {tuple(NAMES)}, not {self.learner!r}")
        if self.calibration not in ("auto", *KINDS):
            raise ValueError(f"calibration must be 'auto' or in {KINDS}, not {self.calibration!r}")
        frame = self._frame(X, y, fit=True)
        won = self._outcome(y)
        rows = np.arange(len(won))
        cutoffs, leads = (rows if each is None else np.asarray(each) for each in (cutoffs, leads))
        check_consistent_length(frame, won, cutoffs, leads)
        late = latest(cutoffs, won) & (self.calibration != "none")
        if not all(0 < won[side].sum() < side.sum() for side in (late, ~late)):
            late[:] = False
        early = frame[~late]
        self.dropped_ = uninformative(early)
        columns = [name for name in frame if name not in self.dropped_]
        if not columns:
            raise ValueError(f"No column tells rows apart: {self.dropped_}")
        with threadpool_limits(1, "blas"):  # threads add up in another order: other last bits
            self.learner_ = self._fit_learner(early[columns], won[~late])
        self.line_ = UNCALIBRATED
        self.choice_: Choice | None = None
        if late.any():
            self._calibrate(frame[late], won[late], leads[late], cutoffs[late])
        return self

    def _fit_learner(self, frame: pd.DataFrame, won: Floats) -> Learner:
        if self.learner == "trees":
            return self._fit_trees(frame, won)
        steps = inputs(frame).steps
        line = Pipeline([*steps, ("logistic", regression(self.strength))]).fit(frame, won)
        if self.learner == "logistic":
            return line
        return weighted(
            {"trees": Part(self._fit_trees(frame, won), 0.5), "regression": Part(line, 0.5)}
        )

    def _fit_trees(self, frame: pd.DataFrame, won: Floats) -> Pipeline:
        rows, share = subsample(won, self.random_state)
        if share < 1:
            frame, won = frame.iloc[rows], won[rows]
        encode = ordinal(frame).fit(frame)
        boost = HistGradientBoostingClassifier(
            early_stopping=False, random_state=self.random_state, **self.tree_settings
        )
        X = encoded(encode, frame)
        correct_prior(boost.fit(X, won), X, won, share)
        return Pipeline([("encode", encode), ("boost", boost)])

    def _calibrate(
        self, frame: pd.DataFrame, won: Floats, leads: npt.ArrayLike, cutoffs: npt.ArrayLike
    ) -> None:
        log_odds = self.learner_log_odds(frame)
        kind = self.calibration
        if kind == "auto":
            choice = choose_kind(log_odds, won, leads, cutoffs)
            self.choice_, kind = choice, choice.kind
        self.line_ = fit_line(kind, log_odds, won)

    def with_line(self, line: CalibrationLine) -> Self:
        """The same fitted classifier with another line; the learner is shared, not copied."""
        other = copy(self)
        other.line_, other.choice_ = line, None
        return other

    def encoded(self, frame: pd.DataFrame) -> Floats:
        """What the learner sees of each row, shape (n, inputs), those of its parts side by side;
        under trees NaN for missing.

        Columns are taken by name, and others ignored. Encoded rows can be explained as well as
        scored (models/explanations/explain.py) at the price of one encoding.
        """
        each = [part.encoded(frame) for part in self.parts]
        if len(each) == 1:
            return each[0]
        # In Fortran order, as the trees want it (models/classifier/encoding.py).
        return np.concatenate([matrix.T for matrix in each]).T

    def by_part(self, encoded: Floats) -> Iterator[tuple[Part, Floats]]:
        """Each part, and what it sees of encoded rows."""
        first = 0
        for part in self.parts:
            yield part, encoded[:, first : first + part.inputs]
            first += part.inputs

    def log_odds(self, encoded: Floats) -> Floats:
        """The learner's log-odds of encoded rows, before the line, shape (n,). At most BATCH at
        once, or the trees take twice as long. A row's bits do not depend on the rows beside it."""
        return weighted_sum(
            (part.weight, part.log_odds(inputs)) for part, inputs in self.by_part(encoded)
        )

    def learner_log_odds(self, frame: pd.DataFrame) -> Floats:
        """`log_odds` of a frame of any length, columns taken by name."""
        starts = range(0, len(frame), BATCH)
        parts = [self.log_odds(self.encoded(frame.iloc[s : s + BATCH])) for s in starts]
        return np.concatenate(parts) if parts else np.empty(0)

    def decision_function(self, X: npt.ArrayLike | pd.DataFrame) -> Floats:
        """Calibrated log-odds of the second class, shape (n,)."""
        check_is_fitted(self)
        return self.line_.log_odds(self.learner_log_odds(self._frame(X)))

    def predict_proba(self, X: npt.ArrayLike | pd.DataFrame) -> Floats:
        """The chance of either class, shape (n, 2), each in (0, 1)."""
        check_is_fitted(self)
        second = self.line_.probability(self.learner_log_odds(self._frame(X)))
        return np.column_stack([1 - second, second])

    def predict(self, X: npt.ArrayLike | pd.DataFrame) -> npt.NDArray[Any]:
        """The likelier class, shape (n,)."""
        second = self.decision_function(X) > 0
        likelier: npt.NDArray[Any] = self.classes_[second.astype(int)]
        return likelier

    def _frame(self, X: Any, y: Any = "no_validation", fit: bool = False) -> pd.DataFrame:
        """X, checked, as a frame with the names of the fit; those of an array are x0, x1, ..."""
        if not isinstance(X, pd.DataFrame):
            X = check_array(
                X, dtype=None, ensure_all_finite="allow-nan", estimator=self, input_name="X"
            )
        validate_data(self, X, y, reset=fit, skip_check_array=True)
        numbered = [f"x{number}" for number in range(self.n_features_in_)]
        names = getattr(self, "feature_names_in_", numbered)
        return pd.DataFrame(X).infer_objects().set_axis(names, axis=1)

    def _outcome(self, y: npt.ArrayLike) -> Floats:
        """1.0 for the second class, 0.0 for the first, shape (n,); sets classes_."""
        given = column_or_1d(check_array(y, ensure_2d=False, dtype=None, input_name="y"), warn=True)
        check_classification_targets(given)
        self.classes_, number = np.unique(given, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is "
                f"{type_of_target(given)}."
            )
        if len(self.classes_) < 2:
            raise ValueError("y has one class only; the classifier needs two.")
        return number.astype(np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags
