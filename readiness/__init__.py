"""Sales readiness in Python: `import readiness as rd`. docs/python.md is the guide.

    leads = rd.open_leads("DIR")                       # a folder with readiness.toml, or
    leads = rd.open_leads(events=..., leads=..., deals=...)  # pandas, polars or Arrow frames
    X = rd.snapshots(leads, leads.mature_cutoffs())    # who was open at which cutoff
    y = rd.labels(leads, X)["won"]
    rd.features(leads, X)                              # or rd.LeadFeatures(leads) in a Pipeline
    trained = rd.train(leads)                          # the same training as `readiness train`
    rd.compare(trained, rules, leads)                  # model against points table
    rd.init(DIR), rd.check(leads), rd.promote(leads), rd.score(leads), rd.monitor(leads)

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
    from readiness.daily_path import check, feedback, init, monitor, promote, score
    from readiness.leads import Leads, example, open_leads
    from readiness.modelling import compare, load_rules, train
    from readiness.plot_style import plot_style
    from readiness.snapshot_frames import describe, features, labels, points, snapshots
    from readiness.transformer import LeadFeatures
    from serve.scoring.scorer import Scorer

_NAMES = {
    "features.errors": ["BadInput", "Refused"],
    "features.result_json": ["to_json"],
    "features.simulator.simulate": ["simulate"],
    "models.rules.rules": ["RuleScore"],
    "readiness.cross_validation": ["RollingCutoffs"],
    "readiness.daily_path": ["check", "feedback", "init", "monitor", "promote", "score"],
    "readiness.leads": ["Leads", "example", "open_leads"],
    "readiness.modelling": ["compare", "load_rules", "train"],
    "readiness.plot_style": ["plot_style"],
    "readiness.snapshot_frames": ["describe", "features", "labels", "points", "snapshots"],
    "readiness.transformer": ["LeadFeatures"],
    "serve.scoring.scorer": ["Scorer"],
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
    "check",
    "compare",
    "describe",
    "example",
    "features",
    "feedback",
    "init",
    "labels",
    "load_rules",
    "monitor",
    "open_leads",
    "plot_style",
    "points",
    "promote",
    "score",
    "simulate",
    "snapshots",
    "to_json",
    "train",
]


def __getattr__(name: str) -> Any:
    for module, names in _NAMES.items():
        if name in names:
            globals()[name] = value = getattr(import_module(module), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
