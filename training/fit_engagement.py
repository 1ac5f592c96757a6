"""The model's two axes: fit learnt from what is known without watching, engagement from events."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.dataset import Dataset
from features.errors import Refused
from features.spec.compiled import compile_specs
from features.spec.kinds import Age
from features.spec.spec import Leaf, OfEvents, OfLead, Spec
from models.classifier.calibration_line import latest
from models.classifier.classifier import AnySettings, ReadinessClassifier
from models.classifier.model import ReadinessModel
from models.fit_engagement.axes import (
    ENGAGEMENT,
    FIT,
    RANKS,
    Axis,
    FitEngagement,
    OfNumber,
    OfText,
    rank_edges,
)
from training.fit import fit

UNSEEN = "\0"  # a text that no training has


def with_fit_and_engagement(
    model: ReadinessModel, past: Dataset, settings: AnySettings, seed: int
) -> ReadinessModel:
    """The model with its axes, learnt from the training snapshots as a regression of these settings
    is. No feature is looked at that the model has not."""
    both, horizon = specs_of(model.specs), model.horizon_days
    fit_axis, engagement = (_axis(past, both[name], horizon, settings, seed) for name in RANKS)
    return replace(model, fit_engagement=FitEngagement(fit_axis, engagement))


def specs_of(specs: Sequence[Spec]) -> dict[str, tuple[Spec, ...]]:
    """The features of each axis; what is made of both, or of the lead's age, is in neither.

    >>> from features.spec.kinds import Attribute, Count, Ratio
    >>> both = specs_of([Age(), Count(), Attribute("size", False), Ratio(Count(), Age())])
    >>> [spec.name for spec in both["fit"]], [spec.name for spec in both["engagement"]]
    (['attribute(size)'], ['count_all'])
    """
    leaves = {spec: compile_specs([spec]).leaves for spec in specs}

    def known_without_watching(leaf: Leaf) -> bool:
        return isinstance(leaf, OfLead) and not isinstance(leaf, Age)

    return {
        FIT: tuple(s for s in specs if all(map(known_without_watching, leaves[s]))),
        ENGAGEMENT: tuple(s for s in specs if all(isinstance(f, OfEvents) for f in leaves[s])),
    }


def _axis(
    past: Dataset,
    specs: Sequence[Spec],
    horizon_days: int,
    settings: AnySettings,
    seed: int,
) -> Axis | None:
    """None where the features tell no leads apart. The edges are quartiles at the latest cutoffs,
    which calibrated the regression and did not teach it (but for trainings of few wins)."""
    try:
        fitted = fit(past, specs, settings, horizon_days, seed)
    except Refused:
        return None
    assert isinstance(fitted.classifier, ReadinessClassifier)
    axis, late = as_axis(fitted.classifier), latest(past.frame["cutoff"], past.won)
    probability = axis.probability(past.frame.loc[late])
    return replace(axis, edges=rank_edges(probability)) if np.ptp(probability) else None


def as_axis(classifier: ReadinessClassifier) -> Axis:
    """A fitted and calibrated regression, written down, of one rank: `probability` is that of its
    predict_proba, but for the last bits."""
    learner, line = classifier.learner_, classifier.line_
    encode, scaler, regression = (
        learner.named_steps[name] for name in ("encode", "scale", "logistic")
    )
    weight = line.slope * regression.coef_[0] / scaler.scale_
    intercept = line.slope * regression.intercept_[0] + line.intercept - weight @ scaler.mean_
    numbers: dict[str, OfNumber] = {}
    texts: dict[str, OfText] = {}
    for step, fitted, columns in encode.transformers_:
        weights = weight[encode.output_indices_[step]]
        if step.startswith("text"):
            texts[columns[0]] = _of_text(fitted, weights)
        elif step == "numbers" and len(columns):
            clip, mean = fitted["clip"], fitted["fill"].statistics_
            parts = zip(clip.scale_, clip.min_, weights, weights * mean, strict=True)
            numbers = {
                name: OfNumber(*map(float, part)) for name, part in zip(columns, parts, strict=True)
            }
        elif step == "missing" and len(columns):
            for at, further in zip(fitted.features_, weights, strict=True):
                number = numbers[columns[at]]
                numbers[columns[at]] = replace(number, missing=number.missing + float(further))
    return Axis(float(intercept), numbers, texts, ())


def _of_text(encoder: Any, weights: npt.NDArray[np.float64]) -> OfText:
    known = list(encoder.categories_[0])
    probes = pd.DataFrame({encoder.feature_names_in_[0]: pd.Series([*known, UNSEEN], dtype=object)})
    added = dict(zip([*known, UNSEEN], (encoder.transform(probes) @ weights).tolist(), strict=True))
    unseen = added.pop(UNSEEN)
    missing = next((added[text] for text in known if pd.isna(text)), unseen)
    return OfText({t: each for t, each in added.items() if not pd.isna(t)}, unseen, missing)
