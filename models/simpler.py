"""Simpler ways to rank, held against the model on the same snapshots: does one do as well?

Of two that do equally well, the simpler is preferred: it is easier to read, check and repair. So
the verdict names the simplest that is not surely worse, and by how much it is behind.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.classifier.classifier import AVERAGE, LOGISTIC, TREES
from models.statistics.intervals import FEW_LEADS, Estimate
from models.statistics.judge import METRICS, Judgement
from models.statistics.verdict import too_few_leads

STORED_AS = "baselines.json"  # with the MLflow run of the training
MODEL, BASE_RATE, RULES = "model", "base rate", "rules"
ONE_MODEL = "one model for all"
CALIBRATED_RULES, LEARNED_POINTS = "rules calibrated", "learned points"
PHRASES = {
    BASE_RATE: "the same probability for everyone",
    RULES: "the ranking by the rules",
    CALIBRATED_RULES: "the rules' points as a probability",
    LEARNED_POINTS: "a points table learned from outcomes",
    LOGISTIC: "a logistic regression",
}  # for sentences; any other is "the <name>"
LOWER_IS_BETTER = ("log_loss", "brier", "ece")
Estimates = dict[str, Estimate]


@dataclass(frozen=True)
class SideBySide:
    """The model and others on the same snapshots.

    figures: by name, the model's own first, then by metric. difference: the model's minus each of
    the others'; for log_loss, brier and ece lower is better. NaN where a figure makes no sense.
    """

    leads: int
    figures: dict[str, Estimates]
    difference: dict[str, Estimates]

    @classmethod
    def of(cls, judged: Judgement) -> "SideBySide":
        """From a judgement whose first contender is the model."""
        return cls(judged.leads, judged.estimates, judged.differences)

    @property
    def others(self) -> list[str]:
        """All but the model, in the order they were judged in."""
        return list(self.difference)

    @property
    def simpler(self) -> list[str]:
        """The others that are simpler than the model: all but the trees."""
        return [name for name in self.others if name != TREES]

    def behind(self, name: str, metric: str) -> Estimate:
        """How much worse than the model it is: above 0 is worse, whatever the metric."""
        difference = self.difference[name][metric]
        return difference.negated() if metric in LOWER_IS_BETTER else difference

    @property
    def worse_than_base_rate(self) -> bool:
        """Whether the model's log loss is surely higher than that of the same probability for
        everyone: its interval lies above 0. False where there are too few leads or wins to tell."""
        if self.leads < FEW_LEADS or BASE_RATE not in self.others:
            return False
        return self.difference[BASE_RATE]["log_loss"].low > 0

    def sure(self, metric: str) -> bool:
        """Whether the differences have intervals: not where there are too few wins."""
        return any(estimates[metric].known for estimates in self.difference.values())

    def metrics(self) -> dict[str, float]:
        """Every figure that makes sense, as `<name>/<metric>`, the model's own left out."""
        return {
            f"{slug(name)}/{metric}": estimate.point
            for name in self.others
            for metric, estimate in self.figures[name].items()
            if not math.isnan(estimate.point)
        }

    def json_fields(self) -> dict[str, Any]:
        """By keys without spaces; null without a figure. `from_json` reads it back."""
        return {
            "leads": self.leads,
            "figures": _by_key(self.figures),
            "difference": _by_key(self.difference),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "SideBySide":
        """What `to_json` wrote, as it was but for the names' spaces."""
        read = {part: _read(stored[part]) for part in ("figures", "difference")}
        return cls(leads=int(stored["leads"]), **read)


def slug(name: str) -> str:
    """The name as a key.

    >>> slug("logistic regression")
    'logistic_regression'
    """
    return name.replace(" ", "_")


def spoken(key: str) -> str:
    """The name behind a key: the other way round."""
    return key.replace("_", " ")


def _by_key(estimates: Mapping[str, Estimates]) -> dict[str, dict[str, Estimate | None]]:
    return {slug(name): {m: e.or_none for m, e in each.items()} for name, each in estimates.items()}


def _read(stored: Mapping[str, Any]) -> dict[str, Estimates]:
    return {
        spoken(name): {m: Estimate.from_json(estimates[m]) for m in METRICS}
        for name, estimates in stored.items()
    }


@dataclass(frozen=True)
class Simpler:
    """What is simpler than the model, held against it. simplest: the simplest that the model does
    not surely beat in the metric, None where it beats all; verdict: that in one sentence."""

    side_by_side: SideBySide
    metric: str
    simplest: str | None
    verdict: str

    def json_fields(self) -> dict[str, Any]:
        """What `train --json` prints as `baselines`, and what is stored with the run."""
        return {
            "metric": self.metric,
            "simplest_within_noise": self.simplest and slug(self.simplest),
            "verdict": self.verdict,
            **self.side_by_side.json_fields(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Simpler":
        """What `to_json` wrote."""
        simplest = stored["simplest_within_noise"]
        return cls(
            side_by_side=SideBySide.from_json(stored),
            metric=str(stored["metric"]),
            simplest=simplest and spoken(simplest),
            verdict=str(stored["verdict"]),
        )


def weigh(ways: SideBySide, metric: str, unit: str = "lead") -> Simpler:
    """The verdict on a model beside what is simpler, the simplest first; the trees may be last.
    unit: what is judged."""
    simplest = simplest_within_noise(ways, metric)
    sentences = (worse_text(ways), _verdict(ways, metric, simplest, unit), _on_trees(ways, metric))
    return Simpler(ways, metric, simplest, " ".join(filter(None, sentences)))


def worse_text(ways: SideBySide) -> str:
    """That the model is worse than the base rate, with the figures; "" where it surely is not."""
    if not ways.worse_than_base_rate:
        return ""
    figures = difference_text(ways, BASE_RATE, "log_loss")
    return f"The model is worse than the base rate, {PHRASES[BASE_RATE]}: that has {figures}."


def simplest_within_noise(ways: SideBySide, metric: str) -> str | None:
    """The first of the others that the model does not surely beat (95% interval) in the metric
    nor, if it is a probability, in log loss; None where it beats all, and where there are too few
    leads to tell. What has no figure in the metric is passed over."""
    return next((name for name in ways.simpler if does_as_well(ways, name, metric)), None)


def does_as_well(ways: SideBySide, name: str, metric: str) -> bool:
    """Whether the model does not surely beat it, as of `simplest_within_noise`."""
    ranked, sure = ways.behind(name, metric), ways.behind(name, "log_loss")
    surely_behind = math.isnan(ranked.point) or ranked.low > 0 or sure.low > 0
    return ways.leads >= FEW_LEADS and ways.sure(metric) and not surely_behind


def _verdict(ways: SideBySide, metric: str, simplest: str | None, unit: str) -> str:
    if ways.leads < FEW_LEADS:
        return f"No verdict on simpler ways: {too_few_leads(ways.leads, unit)} to judge by."
    behind = {name: ways.behind(name, metric) for name in ways.simpler}
    known = {name: gap for name, gap in behind.items() if not math.isnan(gap.point)}
    if not known:
        return f"No verdict on simpler ways: nothing has a {metric.replace('_', ' ')}."
    if not ways.sure(metric):
        return "No verdict on simpler ways: too few wins for an interval."
    best = simplest or min(known, key=lambda name: known[name].point)
    figures = difference_text(ways, best, metric)
    if simplest is None:
        if known[best].low <= 0:  # then it is its log loss that is surely behind
            figures += f", and {difference_text(ways, best, 'log_loss')}"
        rank = "best in rank" if known[best].point < 0 else "next best"
        return f"Nothing simpler does as well: the {rank}, {_phrase(best)}, has {figures}."
    if known[best].high < 0:
        return f"Simpler is better: {_phrase(best)} has {figures}."
    return f"Simpler does as well: {_phrase(best)} has {figures}, which may be chance."


def _on_trees(ways: SideBySide, metric: str) -> str:
    """The figures of the trees, where the model is not they: a regression, or the average."""
    if TREES not in ways.others or not ways.behind(TREES, metric).known:
        return ""
    chance = "" if ways.behind(TREES, metric).significant else ", which may be chance"
    figures = f"{difference_text(ways, TREES, metric)}{chance}."
    if LOGISTIC in ways.others:
        return f"The model is the {AVERAGE}; the boosted trees alone have {figures}"
    return (
        "The model is a logistic regression, simpler than the boosted trees, which have " + figures
    )


def _phrase(name: str) -> str:
    return PHRASES.get(name, f"the {name}")


def difference_text(ways: SideBySide, name: str, metric: str, of: str = "the model") -> str:
    """The figures of another way and of the model in a metric, with their difference. of: what the
    model is called."""
    point, low, high = ways.difference[name][metric]
    digits = 4 if metric in LOWER_IS_BETTER else 3
    theirs, ours = (f"{ways.figures[each][metric].point:.{digits}f}" for each in (name, MODEL))
    interval = f" (95% interval {low:+.{digits}f} to {high:+.{digits}f})"
    return f"{metric.replace('_', ' ')} {theirs} against {ours} of {of}: {point:+.{digits}f}" + (
        interval if ways.difference[name][metric].known else ""
    )
