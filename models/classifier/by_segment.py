"""A model of its own for each value of a feature, such as the product, mixed with the one for all.

Where a value's own model has the share s, the log-odds of its leads are

    s x those of its own model + (1 - s) x those of the model of all leads;

every other value, also one never seen and a missing one, has s = 0: the model of all leads alone.
The line is fitted after the mix. A mean of log-odds is additive where both are, so that reasons
stay exact (models/explanations/explain.py). training/by_segment.py chooses the shares; ADR 48.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from models.classifier.calibration_line import UNCALIBRATED, CalibrationLine, Choice
from models.classifier.classifier import BATCH, Floats, Kinds, ReadinessClassifier
from models.classifier.encoding import uninformative

Rows = npt.NDArray[np.intp]


class Shares(NamedTuple):
    """column: the name of a text feature. of: by its values, the share of the value's own model, in
    (0, 1]; a value that is not in it has none."""

    column: str
    of: Mapping[str, float]


class Own(NamedTuple):
    """A value's own model, uncalibrated, and its share."""

    share: float
    classifier: ReadinessClassifier


class OfValue(NamedTuple):
    """The rows of a value that has its own model, at least one, and what that sees of them."""

    value: str
    rows: Rows
    encoded: Floats


class Encoded(NamedTuple):
    """What the model of all leads sees of each row, shape (n, inputs), and each own model of its
    own rows."""

    of_all: Floats
    own: tuple[OfValue, ...]


@dataclass(frozen=True)
class BySegment:
    """Scores as a fitted ReadinessClassifier does. of_all: the classifier of all leads, whose line
    is not used; own: by value of `column`."""

    of_all: ReadinessClassifier
    column: str
    own: Mapping[str, Own]
    line_: CalibrationLine = UNCALIBRATED
    choice_: Choice | None = None

    @classmethod
    def fit(
        cls, of_all: ReadinessClassifier, shares: Shares, X: pd.DataFrame, won: Floats
    ) -> BySegment:
        """Own models of the kind and settings of `of_all`, which was fitted on the rows of X, each
        on the rows of its value; of a value with too little to learn from, none. No line yet."""
        columns = [name for name in X if name not in of_all.dropped_]
        own = {}
        for value, share in shares.of.items():
            rows = (X[shares.column] == value).to_numpy()
            if _can_learn(X.loc[rows, columns], won[rows]):
                classifier = clone(of_all).set_params(calibration="none")
                own[value] = Own(share, classifier.fit(X.loc[rows, columns], won[rows]))
        return cls(of_all, shares.column, own)

    @property
    def learner(self) -> Kinds:
        """The kind of learner that all of its models have."""
        return self.of_all.learner

    @property
    def is_linear(self) -> bool:
        """Whether they are logistic regressions."""
        return self.of_all.is_linear

    @property
    def classes_(self) -> npt.NDArray[np.int64]:
        """As of the classifier of all leads."""
        return np.asarray(self.of_all.classes_)

    def with_line(self, line: CalibrationLine, choice: Choice | None = None) -> BySegment:
        """The same with another line; the learners are shared, not copied."""
        return replace(self, line_=line, choice_=choice)

    def encoded(self, frame: pd.DataFrame) -> Encoded:
        """What the learners see of each row; columns are taken by name, and others ignored."""
        values = frame[self.column].to_numpy(object)
        own = []
        for value, (_, classifier) in self.own.items():
            rows = np.flatnonzero(values == value)
            if len(rows):
                own.append(OfValue(value, rows, classifier.encoded(frame.iloc[rows])))
        return Encoded(self.of_all.encoded(frame), tuple(own))

    def log_odds(self, encoded: Encoded) -> Floats:
        """The mixed log-odds of encoded rows, before the line, shape (n,)."""
        log_odds = self.of_all.log_odds(encoded.of_all)
        for value, rows, seen in encoded.own:
            share, classifier = self.own[value]
            log_odds[rows] = mixed(log_odds[rows], classifier.log_odds(seen), share)
        return log_odds

    def learner_log_odds(self, frame: pd.DataFrame) -> Floats:
        """`log_odds` of a frame of any length."""
        starts = range(0, len(frame), BATCH)
        parts = [self.log_odds(self.encoded(frame.iloc[s : s + BATCH])) for s in starts]
        return np.concatenate(parts) if parts else np.empty(0)


AnyClassifier = ReadinessClassifier | BySegment


def mixed(of_all: Floats, own: Floats, share: float) -> Floats:
    """Of log-odds, or of what they are the sum of."""
    return share * own + (1 - share) * of_all


def _can_learn(X: pd.DataFrame, won: Floats) -> bool:
    """Whether both outcomes are there, and a column that tells rows apart."""
    return 0 < won.sum() < len(won) and len(uninformative(X)) < len(X.columns)
