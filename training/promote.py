"""`readiness promote`: the champion changes only for a better one, on cutoffs fair to both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from features.catalog import distinct
from features.config import Config
from features.database import open_database
from features.dataset import Dataset, labelled
from features.progress import Progress, silent
from models.comparison import capacity_of, fair_cutoffs
from models.judge import Contender, Estimate, judge
from models.readiness import ReadinessModel
from models.registry import CHALLENGER, CHAMPION, Registry
from models.rules import RuleScore, load_rules

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
    datasets = [_fair(config, model, models, rules, progress) for model in models]
    rows = [dataset.frame[["lead_id", "cutoff"]] for dataset in datasets]
    if not all(rows[0].equals(other) for other in rows):
        raise RuntimeError("challenger and champion were not asked about the same snapshots")
    ours = Contender("challenger", challenger.rank(datasets[0].frame), True)
    opponents = [Contender("rules", rules.rank(datasets[0].frame), False)]
    if champion is not None:
        opponents.append(Contender("champion", champion.rank(datasets[1].frame), True))
    base_rate = challenger.base_rate
    found = {
        theirs.name: _difference(config, datasets[0], ours, theirs, base_rate)
        for theirs in opponents
    }
    short = {name: difference for name, difference in found.items() if not difference.point > 0}
    if not short:
        registry.crown(challenger.version)
    return Promotion(challenger.version, not short, found, _sentence(challenger, found, short))


def _fair(
    config: Config,
    model: ReadinessModel,
    models: Sequence[ReadinessModel],
    rules: RuleScore,
    progress: Progress,
) -> Dataset:
    """The snapshots that are fair to all of the models, with the features that this one and the
    rules need, from a database staged as this one knows it. Same rows, same order, for each."""
    with open_database(model.staged(config), rules.specs) as database:
        cutoffs = fair_cutoffs(config, models, database.data_end)
        specs = distinct([*model.specs, *rules.specs])
        memory_gb = config.engine.memory_gb
        return labelled(database, specs, cutoffs, models[0].horizon_days, memory_gb, progress)


def _difference(
    config: Config, dataset: Dataset, ours: Contender, theirs: Contender, base_rate: float
) -> Estimate:
    capacity = capacity_of(config)
    snapshots = dataset.frame[["lead_id", "cutoff"]]
    judged = judge(snapshots, dataset.won, [ours, theirs], capacity, base_rate, seed=config.seed)
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
