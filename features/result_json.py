"""Results as JSON: the one encoder of what `--json` prints and of what is stored beside a run."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.masking import without_secrets


def to_json(value: Any) -> Any:
    """What json.dumps takes, of a result.

    A dataclass or a named tuple becomes its fields by name, or what its method `json_fields`
    returns where the public shape is another. Times are ISO 8601 text, NaN and infinity null, keys
    text; a frame is a list of its rows. Secrets in texts are masked. Raises TypeError for what has
    no form in JSON.

    >>> from datetime import datetime
    >>> to_json({"at": datetime(2026, 3, 1), "share": float("nan"), "counts": (1, np.int64(2))})
    {'at': '2026-03-01T00:00:00', 'share': None, 'counts': [1, 2]}
    """
    if hasattr(value, "json_fields"):
        return to_json(value.json_fields())
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(each) for key, each in value.items()}
    if isinstance(value, pd.DataFrame):
        return to_json(value.to_dict("records"))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return to_json(value._asdict())
    if isinstance(value, list | tuple):
        return [to_json(each) for each in value]
    if isinstance(value, np.generic):
        return to_json(value.item())
    if value is pd.NaT or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, str | Path):
        return without_secrets(str(value))
    if value is None or isinstance(value, int | float):
        return value
    raise TypeError(f"{type(value).__name__} has no form in JSON")
