"""What is stored of a registered model, and how it is read back.

The estimator is stored as skops, never pickle, and read back only if every type in it is one that
we trust. The list of trusted types is this file's, not the artefact's own.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from skops.io import get_untrusted_types
from skops.io import load as load_skops

from features.catalog import CUSTOM
from features.errors import Refused
from features.stored import from_dict, to_dict
from models.classifier.readiness import ReadinessModel
from models.timing import time_to_close

# Exactly what a calibrated pipeline of sklearn 1.9 holds beyond what skops trusts by itself.
TRUSTED = (
    "numpy.dtype",  # of the numbers that the imputer of the logistic regression was fitted on
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
UNREADABLE = (OSError, KeyError, TypeError, ValueError, BadZipFile)  # of what was damaged


def load_trusted(path: Path) -> Any:
    """Read a skops file whose types are all trusted. Raises Refused, naming the others."""
    foreign = sorted(set(get_untrusted_types(file=path)) - set(TRUSTED))
    if foreign:
        raise Refused(
            f"{path.name} holds types that this project does not trust: {', '.join(foreign)}. It "
            "was not loaded. Has somebody changed the artefact? Train again to get a sound one."
        )
    return load_skops(path, trusted=list(TRUSTED))


def describe(model: ReadinessModel) -> dict[str, Any]:
    """What a model remembers beside its estimator, for the metadata of its version."""
    return {
        "specs": json.dumps([to_dict(spec) for spec in model.specs]),
        "dropped": dict(model.dropped),
        "horizon_days": model.horizon_days,
        "trained_until": model.trained_until.isoformat(),
        "base_rate": model.base_rate,
        "leave_out_actions": list(model.leave_out_actions),
        "time_to_close": json.dumps(model.time_to_close and model.time_to_close.to_dict()),
    }


def remember(info: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ReadinessModel that `describe` wrote."""
    custom = {spec.name: spec for spec in CUSTOM}
    curves = json.loads(info.get("time_to_close", "null"))
    return {
        "specs": tuple(from_dict(given, custom) for given in json.loads(info["specs"])),
        "dropped": dict(info["dropped"]),
        "horizon_days": int(info["horizon_days"]),
        "trained_until": datetime.fromisoformat(info["trained_until"]),
        "base_rate": float(info["base_rate"]),
        "leave_out_actions": tuple(info["leave_out_actions"]),
        "time_to_close": None if curves is None else time_to_close.from_dict(curves),
    }
