"""Whether a simpler way to rank did as well at the challenger's training, or better."""

import json
import math
from dataclasses import dataclass

from models.classifier.model import ReadinessModel
from models.registry import Registry
from models.simpler import KEPT_AS, Simpler, does_as_well


@dataclass(frozen=True)
class SimplerWays:
    """preferred: one is to be preferred to the model, so that promoting that takes an approval;
    summary: how the simplest that does as well does, "" where none does."""

    preferred: bool
    summary: str


def simpler_ways(registry: Registry, model: ReadinessModel) -> SimplerWays:
    """As logged at the training; nothing of a version trained before simpler ways were compared.

    Preferred is one that gives a probability, as the model does, and is not surely behind it; and
    any that is surely better by the metric that promotes. Points that merely rank as well are
    reported: they give no probability that could stand in its place.
    """
    text = registry.text(model.run_id, KEPT_AS)
    if text is None:
        return SimplerWays(False, "")
    simpler = Simpler.from_json(json.loads(text))
    preferred = [name for name in simpler.beside.simpler if _preferred(simpler, name)]
    summary = f" {simpler.verdict}" if simpler.simplest else ""
    if preferred:
        names = ", ".join(preferred)
        summary = f" Preferred is what is simpler and does as well: {names}.{summary}"
    return SimplerWays(bool(preferred), summary)


def _preferred(simpler: Simpler, name: str) -> bool:
    if not does_as_well(simpler.beside, name, simpler.metric):
        return False
    is_probability = not math.isnan(simpler.beside.figures[name]["log_loss"].point)
    return is_probability or simpler.beside.behind(name, simpler.metric).high < 0
