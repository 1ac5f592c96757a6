"""The columns of a frame of features: which teach a learner anything, and what the trees see.

The trees see what the fitted encoder would give, to the last bit, but faster.

Each different text is encoded once, however many rows say it; and a column's values lie side by
side in memory, as trees look at few columns of many rows: boosting predicts six times as fast so.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

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


def _by_text(codes: OrdinalEncoder, frame: pd.DataFrame) -> list[Floats]:
    """Each column's codes: its different texts are looked up, and the rows take theirs."""
    columns: list[Floats] = []
    for name, table in zip(frame, _tables(codes), strict=True):
        rows, texts = pd.factorize(frame[name].to_numpy(object))
        # What is missing is -1 to factorize, and takes the last, which is NaN.
        columns.append(np.array([*(table.get(text, np.nan) for text in texts), np.nan])[rows])
    return columns


class _Known(NamedTuple):
    categories: list[Any]  # the encoder's own, by which it is known that it was not fitted anew
    tables: list[dict[Any, float]]


_KNOWN: WeakKeyDictionary[OrdinalEncoder, _Known] = WeakKeyDictionary()


def _tables(codes: OrdinalEncoder) -> list[dict[Any, float]]:
    """Of each column the code of each text that the fitted encoder knows: what it gave for it."""
    known = _KNOWN.get(codes)
    if known is None or known.categories is not codes.categories_:
        most = max(map(len, codes.categories_))
        padded = [
            np.append(texts.astype(object), [np.nan] * (most - len(texts)))
            for texts in codes.categories_
        ]
        given = codes.transform(
            pd.DataFrame(dict(zip(codes.feature_names_in_, padded, strict=True)), dtype=object)
        ).astype(np.float64)
        tables = [dict(zip(texts, given[:, i], strict=True)) for i, texts in enumerate(padded)]
        known = _KNOWN[codes] = _Known(codes.categories_, tables)
    return known.tables
