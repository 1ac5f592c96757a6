"""A model on its way to another process, such as a worker of Spark: its estimator as skops bytes,
never pickled, and taken in only if every type in it is one that we trust
(models/classifier/artefact.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from skops.io import dumps, get_untrusted_types, loads

from features.errors import Refused
from models.classifier.artefact import TRUSTED
from models.classifier.readiness import ReadinessModel


@dataclass(frozen=True)
class Sent:
    """A model, ready to go."""

    estimator: bytes
    remembered: Mapping[str, Any]

    @classmethod
    def of(cls, model: ReadinessModel) -> Sent:
        """The model as it is, registered or not."""
        remembered = {key: value for key, value in vars(model).items() if key != "estimator"}
        return cls(dumps(model.estimator), remembered)

    def arrived(self) -> ReadinessModel:
        """The model, to the last bit. Raises Refused for types that are not trusted."""
        return ReadinessModel(_estimator(self.estimator), **self.remembered)


@lru_cache(maxsize=1)  # a worker scores bucket after bucket with one model
def _estimator(stored: bytes) -> Any:
    foreign = sorted(set(get_untrusted_types(data=stored)) - set(TRUSTED))
    if foreign:
        raise Refused(f"The model that was sent holds types we do not trust: {', '.join(foreign)}.")
    return loads(stored, trusted=list(TRUSTED))
