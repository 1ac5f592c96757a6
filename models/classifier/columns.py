"""The columns of a frame of features: which are text, and which can teach a learner anything."""

import pandas as pd
from pandas.api.types import is_numeric_dtype

from models.classifier.subsample import ALWAYS_ROWS

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
