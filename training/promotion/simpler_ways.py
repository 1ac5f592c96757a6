"""What a challenger's training found of simpler ways to rank: is one as good, or better?"""

import json
import math
from dataclasses import dataclass

from models.classifier.model import ReadinessModel
from models.registry import Registry
from models.simpler import KEPT_AS, Simpler, does_as_well


@dataclass(frozen=True)
class SimplerWays:
    """preferred: one is to be preferred to the model, so that it is not crowned by itself; said:
    how the simplest that does as well does, "" where none does."""

    preferred: bool
    said: str


def simpler_ways(registry: Registry, model: ReadinessModel) -> SimplerWays:
    """As kept with the model's run; nothing is said of a version trained before it was asked.

    Preferred is one that gives a probability, as the model does, and is not surely behind it; and
    any that is surely better by the metric that promotes. Points that merely rank as well are told:
    they give no probability that could stand in its place.
    """
    text = registry.text(model.run_id, KEPT_AS)
    if text is None:
        return SimplerWays(False, "")
    found = Simpler.from_json(json.loads(text))
    preferred = [name for name in found.beside.simpler if _preferred(found, name)]
    said = f" {found.verdict}" if found.simplest else ""
    if preferred:
        named = ", ".join(preferred)
        said = f" Preferred is what is simpler and does as well: {named}.{said}"
    return SimplerWays(bool(preferred), said)


def _preferred(found: Simpler, name: str) -> bool:
    if not does_as_well(found.beside, name, found.metric):
        return False
    is_probability = not math.isnan(found.beside.figures[name]["log_loss"].point)
    return is_probability or found.beside.behind(name, found.metric).high < 0
