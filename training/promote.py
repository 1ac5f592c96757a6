"""`readiness promote`: the champion changes only for a better one, on cutoffs fair to both."""

from dataclasses import dataclass
from typing import Any

from features.catalog import distinct
from features.config import Config
from features.database import open_database
from features.dataset import Dataset, labelled
from features.progress import Progress, silent
from models.comparison import fair_cutoffs
from models.judge import Contender, Estimate, judge
from models.metrics import Capacity
from models.readiness import ReadinessModel
from models.registry import CHALLENGER, CHAMPION, Registry
from models.rules import load_rules

# Set beforehand and the same for everyone who can be ranked, points included; it looks at the top
# of the list, where sales calls, and is steadier than precision at one capacity.
METRIC = "average_precision"


@dataclass(frozen=True)
class Promotion:
    """What was decided. `differences`: challenger minus each opponent in METRIC, with interval."""

    version: str
    promoted: bool
    differences: dict[str, Estimate]
    said: str

    def to_json(self) -> dict[str, Any]:
        """What `promote --json` prints."""
        return {
            "model_version": self.version,
            "promoted": self.promoted,
            "metric": METRIC,
            "difference": {
                name: {"point": found.point, "low": found.low, "high": found.high}
                for name, found in self.differences.items()
            },
            "said": self.said,
        }


def promote(config: Config, progress: Progress = silent) -> Promotion:
    """Judge the challenger against the champion and the rules; crown it if it beats both.

    Raises BadInput where there is no challenger, Refused where no cutoff is a fair test yet.
    """
    registry = Registry(config)
    rules = load_rules(config.folder / config.rules)
    challenger = registry.load(CHALLENGER)
    champion = registry.load(CHAMPION) if registry.has(CHAMPION) else None
    if champion is not None and champion.version == challenger.version:
        said = f"Version {challenger.version} is the champion already; nothing to do."
        return Promotion(challenger.version, True, {}, said)
    models = [model for model in (challenger, champion) if model is not None]
    with open_database(config) as database:
        cutoffs = fair_cutoffs(config, models, database.data_end)
        asked = [spec for model in models for spec in model.specs]
        specs = distinct([*asked, *rules.specs])  # one pass over the events for all of them
        horizon, memory_gb = challenger.horizon_days, config.engine.memory_gb
        dataset = labelled(database, specs, cutoffs, horizon, memory_gb, progress)
    opponents = {"rules": Contender("rules", rules.rank(dataset.frame), False)}
    if champion is not None:
        opponents["champion"] = Contender("champion", champion.rank(dataset.frame), True)
    found = {
        name: _difference(config, dataset, challenger, opponent)
        for name, opponent in opponents.items()
    }
    short = {name: difference for name, difference in found.items() if not difference.point > 0}
    if not short:
        registry.crown(challenger.version)
    return Promotion(challenger.version, not short, found, _sentence(challenger, found, short))


def _difference(
    config: Config, dataset: Dataset, challenger: ReadinessModel, opponent: Contender
) -> Estimate:
    contenders = [Contender("challenger", challenger.rank(dataset.frame), True), opponent]
    capacity = Capacity(config.capacity.share, config.capacity.leads)
    snapshots = dataset.frame[["lead_id", "cutoff"]]
    base_rate = challenger.base_rate
    judged = judge(snapshots, dataset.won, contenders, capacity, base_rate, seed=config.seed)
    return judged.difference[METRIC]


def _sentence(
    challenger: ReadinessModel, found: dict[str, Estimate], short: dict[str, Estimate]
) -> str:
    metric = METRIC.replace("_", " ")
    figures = "; ".join(_against(name, told) for name, told in (short or found).items())
    verdict = "is not promoted: it falls short in" if short else "is champion: better in"
    return f"Version {challenger.version} {verdict} {metric}: {figures}."


def _against(name: str, found: Estimate) -> str:
    chance = ", so it may be chance" if found.low <= 0 < found.point else ""
    interval = f"95 % interval {found.low:+.3f} to {found.high:+.3f}{chance}"
    return f"{found.point:+.3f} against the {name} ({interval})"
