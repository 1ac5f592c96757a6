"""Sales readiness in Python: `import readiness as rd`. docs/python.md is the guide.

    leads = rd.open_leads("DIR")                       # a folder with readiness.toml, or
    leads = rd.open_leads(events=..., leads=..., deals=...)  # pandas, polars or Arrow frames
    X = rd.snapshots(leads, leads.mature_cutoffs())    # who was open at which cutoff
    y = rd.labels(leads, X)["won"]
    rd.features(leads, X)                              # or rd.LeadFeatures(leads) in a Pipeline
    trained = rd.train(leads)                          # the same training as `readiness train`
    rd.compare(trained, rules, leads)                  # model against points table

Names are imported when they are first used, so that `readiness --help` answers at once.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from features.errors import BadInput, Refused
    from features.result_json import to_json
    from features.simulator.simulate import simulate
    from models.rules.rules import RuleScore
    from readiness.cross_validation import RollingCutoffs
    from readiness.leads import Leads, example, open_leads
    from readiness.modelling import compare, load_rules, train
    from readiness.snapshot_frames import describe, features, labels, points, snapshots
    from readiness.transformer import LeadFeatures
    from serve.scoring.scorer import Scorer

_HOMES = {
    "BadInput": "features.errors",
    "LeadFeatures": "readiness.transformer",
    "Leads": "readiness.leads",
    "Refused": "features.errors",
    "RollingCutoffs": "readiness.cross_validation",
    "RuleScore": "models.rules.rules",
    "Scorer": "serve.scoring.scorer",
    "compare": "readiness.modelling",
    "describe": "readiness.snapshot_frames",
    "example": "readiness.leads",
    "features": "readiness.snapshot_frames",
    "labels": "readiness.snapshot_frames",
    "load_rules": "readiness.modelling",
    "open_leads": "readiness.leads",
    "points": "readiness.snapshot_frames",
    "simulate": "features.simulator.simulate",
    "snapshots": "readiness.snapshot_frames",
    "to_json": "features.result_json",
    "train": "readiness.modelling",
}

__version__ = version("sales-readiness")
__all__ = [
    "BadInput",
    "LeadFeatures",
    "Leads",
    "Refused",
    "RollingCutoffs",
    "RuleScore",
    "Scorer",
    "__version__",
    "compare",
    "describe",
    "example",
    "features",
    "labels",
    "load_rules",
    "open_leads",
    "points",
    "simulate",
    "snapshots",
    "to_json",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
