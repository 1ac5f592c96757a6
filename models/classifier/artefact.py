"""What is stored of a model, and how it is read back, from the registry or in another process.

The classifier is stored as types of scikit-learn alone, in skops, never pickle, and read back only
if every type in it is one that we trust. The list of trusted types is this file's, not the
artefact's own. skops is imported where it is used: it imports all of scikit-learn, which takes a
second, and most commands load no model.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures

from features.catalog import CUSTOM
from features.check.inputs import Inputs
from features.errors import Refused
from features.stored import from_dict, to_dict
from models.classifier.by_segment import AnyClassifier, BySegment, Own
from models.classifier.calibration_line import UNCALIBRATED, CalibrationLine
from models.classifier.classifier import ReadinessClassifier
from models.classifier.model import ReadinessModel
from models.classifier.parts import blank, prefit_stack
from models.fit_engagement import axes
from models.timing import time_to_close

FORM = 2  # of what is stored; a version of another form is refused, not guessed at
# Exactly what the stored form of scikit-learn 1.9 holds beyond what skops trusts by itself.
TRUSTED = (
    "numpy.dtype",  # of the numbers that the imputer of the logistic regression was fitted on
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils._bunch.Bunch",  # in which a stack names its one estimator
)
UNREADABLE = (OSError, KeyError, TypeError, ValueError, BadZipFile)  # of what was damaged


def stored_form(classifier: AnyClassifier) -> StackingClassifier:
    """The classifier as scikit-learn's own types, so that MLflow loads and scores it where this
    project is not installed: a stack of the learner and, on its log-odds, a logistic regression
    whose coefficient and intercept are the line's; of one by segment `_stored_by_segment`."""
    if isinstance(classifier, BySegment):
        return _stored_by_segment(classifier)
    line = classifier.line_
    return prefit_stack(
        [("learner", classifier.learner_)], [line.slope], line.intercept, classifier.classes_
    )


def from_stored(stack: StackingClassifier) -> AnyClassifier:
    """The classifier of a `stored_form`, to the last bit."""
    if len(stack.estimators_) > 1:
        return _by_segment_from_stored(stack)
    line = stack.final_estimator_
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    return ReadinessClassifier.fitted(
        stack.estimators_[0], CalibrationLine(slope, intercept), stack.classes_
    )


def _stored_by_segment(classifier: BySegment) -> StackingClassifier:
    """A stack of the learner of all leads, `share`, whose outputs are the share of each own model
    where a row has its value and else 0, and the own models. The calibrated log-odds

        slope x (of all + sum of share x (own - of all)) + intercept

    are linear in the products of these outputs, two at a time."""
    of_all, own, line = classifier.of_all, list(classifier.own.values()), classifier.line_
    values, rows = list(classifier.own), blank(of_all.learner_)
    encoder = OneHotEncoder(categories=[values], handle_unknown="ignore", sparse_output=False)
    which = ColumnTransformer([("value", encoder, [classifier.column])])
    share = Pipeline([("which", which), ("share", LogisticRegression())]).fit(rows, [0, 1])
    share[-1].coef_ = np.diag([each.share for each in own])
    share[-1].intercept_ = np.zeros(len(own))
    estimators = [("learner", of_all.learner_), ("share", share)]
    estimators += [(f"own {n}", each.classifier.learner_) for n, each in enumerate(own)]
    products = PolynomialFeatures(2, interaction_only=True, include_bias=False)
    stack = StackingClassifier(
        estimators,
        Pipeline([("products", products), ("line", LogisticRegression())]),
        cv="prefit",
        stack_method="decision_function",
    )
    stack.fit(rows, classifier.classes_)
    powers = stack.final_estimator_[0].powers_  # (product, output): 1 where the output is in it
    slope, outputs = np.zeros(len(powers)), np.eye(powers.shape[1], dtype=int)
    slope[(powers == outputs[0]).all(axis=1)] = line.slope
    for n in range(1, len(own) + 1):
        slope[(powers == outputs[n] + outputs[n + len(own)]).all(axis=1)] = line.slope
        slope[(powers == outputs[n] + outputs[0]).all(axis=1)] = -line.slope
    stack.final_estimator_[-1].coef_ = slope[np.newaxis]
    stack.final_estimator_[-1].intercept_ = np.array([line.intercept])
    return stack


def _by_segment_from_stored(stack: StackingClassifier) -> BySegment:
    learner, share, *own = stack.estimators_
    ((_, encoder, (column,)),) = share[0].transformers_[:1]
    step, classes = stack.final_estimator_[-1], stack.classes_
    of_all, *classifiers = (
        ReadinessClassifier.fitted(each, UNCALIBRATED, classes) for each in (learner, *own)
    )
    shares = np.diag(share[-1].coef_).tolist()
    of_values = zip(encoder.categories_[0].tolist(), shares, classifiers, strict=True)
    return BySegment(
        of_all,
        column,
        {value: Own(share, classifier) for value, share, classifier in of_values},
        CalibrationLine(float(step.coef_[0, 0]), float(step.intercept_[0])),
    )


def to_bytes(classifier: AnyClassifier) -> bytes:
    """The stored form as skops bytes, for another process such as a worker of Spark."""
    from skops.io import dumps

    stored: bytes = dumps(stored_form(classifier))
    return stored


@lru_cache(maxsize=1)  # a worker scores bucket after bucket with one model
def from_bytes(stored: bytes) -> AnyClassifier:
    """What `to_bytes` was given, to the last bit. Raises Refused for types that are not trusted."""
    from skops.io import get_untrusted_types, loads

    _refuse_foreign("The model that was sent", get_untrusted_types(data=stored))
    return from_stored(loads(stored, trusted=list(TRUSTED)))


def load_trusted(path: Path) -> Any:
    """Read a skops file whose types are all trusted. Raises Refused, naming the others."""
    from skops.io import get_untrusted_types
    from skops.io import load as load_skops

    _refuse_foreign(path.name, get_untrusted_types(file=path))
    return load_skops(path, trusted=list(TRUSTED))


def _refuse_foreign(what: str, untrusted: list[str]) -> None:
    foreign = sorted(set(untrusted) - set(TRUSTED))
    if foreign:
        raise Refused(
            f"{what} holds types that this project does not trust: {', '.join(foreign)}. It "
            "was not loaded. Has somebody changed the artefact? Train again to get a sound one."
        )


def describe(model: ReadinessModel) -> dict[str, Any]:
    """What a model remembers beside its classifier, for the metadata of its version."""
    return {
        "form": FORM,
        "specs": json.dumps([to_dict(spec) for spec in model.specs]),
        "dropped": dict(model.dropped),
        "horizon_days": model.horizon_days,
        "trained_until": model.trained_until.isoformat(),
        "base_rate": model.base_rate,
        "leave_out_actions": list(model.leave_out_actions),
        "time_to_close": json.dumps(model.time_to_close and asdict(model.time_to_close)),
        "inputs": json.dumps(model.inputs and asdict(model.inputs)),
        "fit_engagement": json.dumps(model.fit_engagement and asdict(model.fit_engagement)),
        "account": model.account,
    }


def remember(info: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ReadinessModel that `describe` wrote."""
    custom = {spec.name: spec for spec in CUSTOM}
    curves = json.loads(info.get("time_to_close", "null"))
    inputs = json.loads(info.get("inputs", "null"))
    both = json.loads(info.get("fit_engagement", "null"))
    return {
        "specs": tuple(from_dict(given, custom) for given in json.loads(info["specs"])),
        "dropped": dict(info["dropped"]),
        "horizon_days": int(info["horizon_days"]),
        "trained_until": datetime.fromisoformat(info["trained_until"]),
        "base_rate": float(info["base_rate"]),
        "leave_out_actions": tuple(info["leave_out_actions"]),
        "time_to_close": None if curves is None else time_to_close.from_dict(curves),
        "inputs": None if inputs is None else Inputs.from_dict(inputs),
        "fit_engagement": None if both is None else axes.from_dict(both),
        "account": info.get("account"),
    }
