"""The readiness model: an encoding, a learner (trees or a logistic regression), calibration.

A learner puts a probability where it was fitted; what it is worth is told only by later cutoffs. So
it is fitted on the earlier training cutoffs, frozen, and a line through its log-odds is learnt on
the latest ones (docs/adr/0004 has the measured reasons; models/classifier/calibrators.py chooses
how free a line). A line leaves log-odds additive, so that reasons can be exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypedDict, final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits

from features.config import Config, Features
from features.spec.compiled import attribute_columns
from features.spec.spec import Spec
from models.classifier.calibrators import Choice, Kind, learn
from models.classifier.case_control import ALWAYS_ROWS, drawn, undo
from models.classifier.encoding import encoded
from models.classifier.logistic import LogisticSettings, line, logistic
from models.timing.time_to_close import TimeToClose

TREES, LOGISTIC = "boosted trees", "logistic regression"  # the two learners, as they are called
Floats = npt.NDArray[np.float64]
LOOKED_AT = 40_000  # of more than ALWAYS_ROWS snapshots, boosting looks at no fewer than so many
BATCH = 10_000  # rows per prediction: boosting predicts twice as fast in batches as all at once


@final
class Settings(TypedDict):
    """What the search chooses among: settings of HistGradientBoostingClassifier."""

    learning_rate: float
    max_iter: int
    max_leaf_nodes: int
    min_samples_leaf: int
    l2_regularization: float
    max_features: float


AnySettings = Settings | LogisticSettings  # which of the two they are says which learner it is


def trees(specs: Sequence[Spec], settings: Settings, seed: int) -> Pipeline:
    """The unfitted base estimator over a frame with the specs' columns: texts become ordinal codes
    (unknown and missing ones NaN), numbers pass, NaN stays missing."""
    texts = [spec.name for spec in specs if spec.is_text]
    numbers = [spec.name for spec in specs if not spec.is_text]
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=100,
    )
    encode = ColumnTransformer(
        [("texts", codes, texts), ("numbers", "passthrough", numbers)],
        verbose_feature_names_out=False,
    )
    boost = HistGradientBoostingClassifier(early_stopping=False, random_state=seed, **settings)
    return Pipeline([("encode", encode), ("boost", boost)])


def usable(frame: pd.DataFrame, specs: Sequence[Spec]) -> tuple[tuple[Spec, ...], dict[str, str]]:
    """The specs whose columns can tell leads apart, and the reason for each that cannot: boosting
    fails on all missing ("window shape cannot be larger") and learns nothing from constants.

    Of a large training boosting looks at a part (models/classifier/case_control.py, and at 200,000
    of those to
    place its bins), so a column must have enough values for some to be among them: 20 expected,
    which fails once in 10^8 times.
    """
    dropped = {}
    fewest = 20 * len(frame) / LOOKED_AT if len(frame) > ALWAYS_ROWS else 1
    for spec in specs:
        column = frame[spec.name]
        known = int(column.notna().sum())
        if known == 0:
            dropped[spec.name] = "all missing"
        elif known < fewest:
            dropped[spec.name] = f"known of {known:,} of {len(frame):,} snapshots only"
        elif known == len(frame) and column.nunique() == 1:
            dropped[spec.name] = f"always {column.iloc[0]}"
    return tuple(spec for spec in specs if spec.name not in dropped), dropped


def fit_usable(
    frame: pd.DataFrame,
    won: npt.ArrayLike,
    kept: Sequence[Spec],
    settings: AnySettings,
    seed: int,
) -> Pipeline:
    """The learner of these settings fitted on the specs' columns, all of them usable; trees on the
    rows that are drawn for them."""
    columns, outcome = frame[[spec.name for spec in kept]], np.asarray(won, np.float64)
    with threadpool_limits(1, "blas"):  # threads add up in another order: other last bits
        if "strength" in settings:
            return logistic(kept, settings).fit(columns, outcome)
        pipeline = trees(kept, settings, seed)
        rows, share = drawn(outcome, seed)
        if share < 1:
            columns, outcome = columns.iloc[rows], outcome[rows]
        X = encoded(pipeline[0].fit(columns), columns)
        undo(pipeline[-1].fit(X, outcome), X, outcome, share)
        return pipeline


def fit_learner(
    frame: pd.DataFrame,
    won: npt.ArrayLike,
    specs: Sequence[Spec],
    settings: AnySettings,
    seed: int,
) -> Pipeline:
    """The learner of these settings fitted on the usable ones of the specs' columns."""
    return fit_usable(frame, won, usable(frame, specs)[0], settings, seed)


@dataclass(frozen=True, repr=False)
class ReadinessModel:
    """A fitted model and what it must remember to be used rightly.

    `specs` are its features in order; `dropped` the columns left out at fit and why;
    `leave_out_actions` the actions that it never saw;
    `trained_until` its last training cutoff, so that cutoffs from `trained_until + horizon_days`
    on are fair tests of it; `base_rate` the share of training snapshots won; `time_to_close` None
    in models stored before there was one; `calibrator` how the calibration was chosen, None in a
    model read back from the registry.
    """

    estimator: CalibratedClassifierCV
    specs: tuple[Spec, ...]
    dropped: Mapping[str, str]
    horizon_days: int
    trained_until: datetime
    base_rate: float
    leave_out_actions: tuple[str, ...] = ()
    version: str = "unregistered"
    run_id: str = ""
    time_to_close: TimeToClose | None = None
    calibrator: Choice | None = None
    name = "model"

    def __repr__(self) -> str:
        return (
            f"ReadinessModel(version {self.version}, {self.way}, {len(self.specs)} features, "
            f"horizon {self.horizon_days} days, trained until {self.trained_until:%Y-%m-%d})"
        )

    def rank(self, frame: pd.DataFrame) -> Floats:
        """P(won within the horizon) for each snapshot, in [0, 1]."""
        starts = range(0, len(frame), BATCH)
        parts = [self.rank_encoded(self.encoded(frame.iloc[s : s + BATCH])) for s in starts]
        return np.concatenate(parts) if parts else np.empty(0)

    def encoded(self, frame: pd.DataFrame) -> Floats:
        """What the learner sees of each snapshot: numbers, in the encoder's order; under trees NaN
        for missing."""
        if self.is_linear:
            found: Floats = self.pipeline[:-1].transform(frame[[spec.name for spec in self.specs]])
            return found
        return encoded(self.pipeline.named_steps["encode"], frame)

    def rank_encoded(self, encoded: Floats) -> Floats:
        """`rank` of snapshots that are encoded already, to the last bit: at most BATCH at once, or
        it takes twice as long."""
        calibrator = self.estimator.calibrated_classifiers_[0].calibrators[0]
        linear, learner = self.is_linear, self.learner
        log_odds = line(learner, encoded) if linear else learner.decision_function(encoded)
        found: Floats = calibrator.predict(log_odds)
        return found

    def staged(self, config: Config) -> Config:
        """The settings under which the lead database looks as it did at this model's training:
        its own attributes and left-out actions, whatever readiness.toml lists by now."""
        return config.model_copy(update={"features": self.as_trained(config.features)})

    def as_trained(self, features: Features) -> Features:
        """The same for the settings of the features alone."""
        mine = attribute_columns(self.specs)
        return features.model_copy(
            update={
                "attributes": list(dict.fromkeys([*features.attributes, *mine])),
                "leave_out_actions": list(self.leave_out_actions),
            }
        )

    @property
    def sigmoid(self) -> tuple[float, float]:
        """(slope, intercept): calibrated log-odds = slope * log-odds of the learner + intercept."""
        sigmoid = self.estimator.calibrated_classifiers_[0].calibrators[0]
        return -float(sigmoid.a_), -float(sigmoid.b_)

    def moved(self, log_odds: float) -> ReadinessModel:
        """The same model with so much added to every log-odds (models/prior_shift.py)."""
        estimator = copy(self.estimator)
        inner = copy(estimator.calibrated_classifiers_[0])
        sigmoid = copy(inner.calibrators[0])
        sigmoid.b_ -= log_odds
        inner.calibrators = [sigmoid]
        estimator.calibrated_classifiers_ = [inner]
        return replace(self, estimator=estimator)

    @property
    def pipeline(self) -> Pipeline:
        """The fitted base estimator: steps that encode, the first of them `encode`, and a learner,
        `boost` or `logistic`."""
        pipeline: Pipeline = self.estimator.calibrated_classifiers_[0].estimator.estimator
        return pipeline

    @property
    def learner(self) -> Any:
        """The pipeline's last step, fitted."""
        return self.pipeline[-1]

    @property
    def is_linear(self) -> bool:
        """Whether the learner is the logistic regression, the simpler of the two."""
        return isinstance(self.learner, LogisticRegression)

    @property
    def way(self) -> str:
        """What the learner is called: TREES or LOGISTIC."""
        return LOGISTIC if self.is_linear else TREES


def log_odds_of(fitted: Pipeline, frame: pd.DataFrame) -> Floats:
    """The learner's log-odds of each snapshot, before calibration: the same bits on any machine's
    number of threads, which BLAS would otherwise share a regression's sums out among."""
    with threadpool_limits(1, "blas"):
        found: Floats = fitted.decision_function(frame)
    return found


def calibrated(
    frozen: Pipeline, later: pd.DataFrame, won: npt.ArrayLike, kind: Kind = "sigmoid"
) -> CalibratedClassifierCV:
    """A calibrator of the kind over a frozen fit, learnt on later snapshots. Whatever the kind, it
    is stored as scikit-learn's sigmoid, whose slope or intercept may be that of doing nothing."""
    with threadpool_limits(1, "blas"):  # threads add up in another order: other last bits
        fitted = CalibratedClassifierCV(FrozenEstimator(frozen), method="sigmoid").fit(later, won)
    if kind != "sigmoid":
        line = learn(kind, log_odds_of(frozen, later), np.asarray(won, np.float64))
        stored = fitted.calibrated_classifiers_[0].calibrators[0]
        stored.a_, stored.b_ = -line.slope, -line.intercept
    return fitted
