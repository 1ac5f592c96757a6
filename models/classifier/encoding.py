"""The columns of a frame of features: which teach a learner anything, and what the trees see.

The trees see what the fitted encoder would give, to the last bit, but faster.

Each different text is encoded once, however many rows say it; and a column's values lie side by
side in memory, as trees look at few columns of many rows: boosting predicts six times as fast so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OrdinalEncoder

from models.classifier.subsample import ALWAYS_ROWS

Floats = npt.NDArray[np.float64]
LOOKED_AT = 40_000  # of more than ALWAYS_ROWS snapshots, boosting looks at no fewer than so many


def texts_and_numbers(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The names of the columns that hold text, by their type, and of those that hold numbers."""
    texts = [str(name) for name in frame if not is_numeric_dtype(frame[name])]
    return texts, [str(name) for name in frame if name not in texts]


def uninformative(frame: pd.DataFrame) -> dict[str, str]:
    """The columns that cannot tell rows apart, each with the reason: boosting fails on all missing
    ("window shape cannot be larger") and learns nothing from constants.

    Of a large training boosting looks at a part (models/classifier/subsample.py, and at 200,000
    rows of that to place its bins), so a column must have enough values for some to be among them:
    20 expected, which fails once in 10^8 times.
    """
    reasons: dict[str, str] = {}
    fewest = 20 * len(frame) / LOOKED_AT if len(frame) > ALWAYS_ROWS else 1
    for name in map(str, frame):
        column = frame[name]
        known = int(column.notna().sum())
        if known == 0:
            reasons[name] = "all missing"
        elif known < fewest:
            reasons[name] = f"known of {known:,} of {len(frame):,} snapshots only"
        elif known == len(frame) and column.nunique() == 1:
            reasons[name] = f"always {column.iloc[0]}"
    return reasons


def ordinal(frame: pd.DataFrame) -> ColumnTransformer:
    """Unfitted: texts become ordinal codes (unknown and missing ones NaN), numbers pass, NaN stays
    missing."""
    texts, numbers = texts_and_numbers(frame)
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=100,
    )
    return ColumnTransformer(
        [("texts", codes, texts), ("numbers", "passthrough", numbers)],
        verbose_feature_names_out=False,
    )


def encoded(encode: ColumnTransformer, frame: pd.DataFrame) -> Floats:
    """`encode.transform(frame)` as float64, shape (n, k), in Fortran order.

    encode: fitted, as `ordinal` makes it. Texts are objects or strings, NaN where missing.
    """
    (_, codes, texts), (_, _, numbers) = encode.transformers_[:2]
    matrix = np.empty((len(frame), len(texts) + len(numbers)), order="F")
    if texts:
        for place, column in enumerate(_by_text(codes, frame[texts])):
            matrix[:, place] = column
    matrix[:, len(texts) :] = frame[numbers].to_numpy(np.float64)
    return matrix


def _by_text(codes: Any, frame: pd.DataFrame) -> list[Floats]:
    """Each column's codes: its different texts go through the encoder, the rows look theirs up."""
    seen = [pd.factorize(frame[name].to_numpy(object)) for name in frame]
    most = max(len(texts) for _, texts in seen)
    padded = {
        name: np.append(texts, [np.nan] * (most + 1 - len(texts)))
        for name, (_, texts) in zip(frame, seen, strict=True)
    }
    table = codes.transform(pd.DataFrame(padded, dtype=object)).astype(np.float64)
    # What is missing is -1 to factorize, and finds the last row, which is NaN in every column.
    return [table[rows, place] for place, (rows, _) in enumerate(seen)]
