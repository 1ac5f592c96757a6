"""What a challenger's training found of simpler ways to rank: is one as good, or better?"""

import json
from dataclasses import dataclass

from models.readiness import ReadinessModel
from models.registry import Registry


@dataclass(frozen=True)
class SimplerWays:
    """better: one is surely better than the model by the metric that promotes; said: how the best
    of them does, "" where none is as good."""

    better: bool
    said: str


def simpler_ways(registry: Registry, model: ReadinessModel) -> SimplerWays:
    """As kept with the model's run; nothing is said of a version trained before it was asked.

    They are not registered, so that none can be crowned: one that is surely better asks for a
    person's word, one within noise is told.
    """
    text = registry.text(model.run_id, "baselines.json")
    found = {} if text is None else json.loads(text)
    name = found.get("simplest_within_noise")
    if name is None:
        return SimplerWays(False, "")
    difference = found["difference"][name][found["metric"]]
    better = bool(difference) and difference["high"] is not None and difference["high"] < 0
    return SimplerWays(better, f" {found['verdict']}")
