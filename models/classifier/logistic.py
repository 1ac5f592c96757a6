"""A regularised logistic regression on the model's own features: what boosting must beat, and what
serves in its place where it does as well (docs/adr/0017).

It is a pipeline over the frame, as the trees are, and calibrated as they are. Its reasons are exact
as they stand: what an input adds to the log-odds is its coefficient times its distance from the
mean of the snapshots it was fitted on (the Shapley value of a linear model whose inputs are taken
for independent: Lundberg and Lee 2017, arXiv:1705.07874).
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypedDict
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)

from models.classifier.encoding import texts_and_numbers

RAREST, MOST_TEXTS = 20, 30  # a text seen less often, or beyond so many, shares one column
STEPS = 1_000  # of the solver; it takes some 20 to 100

Floats = npt.NDArray[np.float64]


class LogisticSettings(TypedDict):
    """strength: scikit-learn's C, > 0; the smaller, the more the coefficients shrink."""

    strength: float


def inputs(frame: pd.DataFrame) -> Pipeline:
    """Unfitted: the frame's columns to inputs of mean 0 and deviation 1.

    Numbers bend as asinh does (a logarithm for large ones of either sign, a straight line near 0),
    so that the tenth visit adds less than the second, and are clipped to the range that was fitted
    on: beyond it a straight line promises what nobody has seen. Worked example: a rate of interest
    was 1.0 to 1.1% in training; at 6% a lead is scored as at 1.1%. A missing number gets the
    mean, which adds nothing, beside an input that says it is missing. Texts become one input per
    value.
    """
    texts, numbers = texts_and_numbers(frame)
    bend = FunctionTransformer(np.arcsinh, feature_names_out="one-to-one")
    clip = MinMaxScaler(clip=True)
    each = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=RAREST,
        max_categories=MOST_TEXTS,
        sparse_output=False,
    )
    encode = ColumnTransformer(
        [
            *((f"text {number}", each, [name]) for number, name in enumerate(texts)),
            (
                "numbers",
                Pipeline([("bend", bend), ("clip", clip), ("fill", SimpleImputer())]),
                numbers,
            ),
            ("missing", MissingIndicator(error_on_new=False), numbers),
        ]
    )
    return Pipeline([("encode", encode), ("scale", StandardScaler())])


def encoded(pipeline: Pipeline, frame: pd.DataFrame) -> Floats:
    """What the steps of the fitted `inputs` give, to the last bit, shape (n, inputs), but without
    the checks of each step, which for one lead take ten times as long as its work; and each
    different text is encoded once. Columns are taken by name; a None is missing as NaN is."""
    encode, scale = pipeline.named_steps["encode"], pipeline.named_steps["scale"]
    matrix = np.empty((len(frame), len(scale.mean_)))
    for name, fitted, columns in encode.transformers_:
        place = encode.output_indices_[name]
        if not len(columns):
            continue
        if name.startswith("text"):
            rows, texts = pd.factorize(frame[columns[0]].to_numpy(object))
            table = _table(fitted)
            # What is missing is -1 to factorize, and takes the last.
            each = [table.get(text, table[UNKNOWN]) for text in texts]
            matrix[:, place] = np.array([*each, table[None]])[rows]
        elif name == "numbers":
            numbers = frame[columns].to_numpy(np.float64)
            clip, fill = fitted.named_steps["clip"], fitted.named_steps["fill"]
            bent, absent = np.arcsinh(numbers), np.isnan(numbers)
            bent *= clip.scale_
            bent += clip.min_
            np.clip(bent, *clip.feature_range, out=bent)
            np.copyto(bent, fill.statistics_, where=absent)
            matrix[:, place] = bent
        else:  # which of the numbers, the same as before, are missing
            matrix[:, place] = absent[:, fitted.features_]
    matrix -= scale.mean_
    matrix /= scale.scale_
    return matrix


UNKNOWN = "\0"  # a text that no encoder has seen
_TABLES: WeakKeyDictionary[OneHotEncoder, tuple[Any, dict[Any, Floats]]] = WeakKeyDictionary()


def _table(each: OneHotEncoder) -> dict[Any, Floats]:
    """The inputs of each text that the fitted encoder knows, of UNKNOWN, and of None: missing."""
    known = _TABLES.get(each)
    if known is None or known[0] is not each.categories_:  # it was fitted anew
        (texts,) = each.categories_
        listed = [*texts, UNKNOWN]
        column = pd.DataFrame({each.feature_names_in_[0]: pd.Series(listed, dtype=object)})
        table = dict(zip(listed, each.transform(column), strict=True))
        missing = [table[text] for text in texts if pd.isna(text)]
        table[None] = missing[0] if missing else table[UNKNOWN]
        known = _TABLES[each] = (each.categories_, table)
    return known[1]


def regression(strength: float) -> LogisticRegression:
    """Unfitted."""
    return LogisticRegression(C=strength, max_iter=STEPS)


def linear_log_odds(fitted: LogisticRegression, encoded: Floats) -> Floats:
    """Log-odds of each row. Row by row, without BLAS and whatever the layout, so that a row's bits
    do not depend on the rows beside it. encoded: shape (n, inputs)."""
    by_row = np.ascontiguousarray(encoded)  # columns side by side are added in another order
    log_odds: Floats = (by_row * fitted.coef_[0]).sum(axis=1) + fitted.intercept_[0]
    return log_odds


def linear_contributions(
    pipeline: Pipeline, encoded: Floats, features: Sequence[str]
) -> tuple[Floats, float]:
    """What each feature adds to the log-odds of each row, and the log-odds they are added to, those
    of a snapshot that is average in every input.

    encoded: shape (n, inputs), scaled. Returns shape (n, features) and the base, so that
    `contributions.sum(axis=1) + base` is `linear_log_odds`. A feature's is the sum over its inputs:
    a number and whether it is missing, or one for each value of a text.
    """
    place = {name: number for number, name in enumerate(features)}
    fitted: LogisticRegression = pipeline.named_steps["logistic"]
    by_feature = np.zeros((len(features), len(encoded)))  # a feature's rows side by side
    for number, name in enumerate(owners(pipeline.named_steps["encode"])):
        by_feature[place[name]] += fitted.coef_[0, number] * encoded[:, number]
    return by_feature.T, float(fitted.intercept_[0])


def owners(encode: ColumnTransformer) -> Iterator[str]:
    """The feature that each input of the fitted encoder comes from, in the inputs' order."""
    for name, fitted, columns in encode.transformers_:
        if not len(columns):
            continue  # the encoder leaves it unfitted
        if name == "missing":
            yield from (columns[number] for number in fitted.features_)
        elif name == "numbers":
            yield from columns
        elif name.startswith("text"):
            span = encode.output_indices_[name]
            yield from columns * (span.stop - span.start)
