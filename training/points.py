"""`readiness rules learn`: a points table from the outcomes of the training cutoffs, judged on the
final test against the hand-written one and the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from features.catalog import catalog
from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import Dataset, labelled
from features.errors import Refused
from features.progress import Progress, silent
from features.spec.spec import Spec, distinct
from models.classifier.model import ReadinessModel
from models.comparison import capacity_of
from models.rules.learn import learn_points
from models.rules.review import RuleLift, RuleReview, review_rules, rule_lifts
from models.rules.rules import RuleScore, call_order
from models.rules.text import rules_toml
from models.statistics.judge import Contender, Judgement, judge
from models.statistics.verdict import Verdict, verdict
from training.splits import Split, final_split

LEARNED, CURRENT, MODEL = "learned points", "rules", "model"
REPLICATES = 1000


@dataclass(frozen=True)
class Learned:
    """What was learned at `split.fit`, and how it did at `split.judge`.

    `lifts`: each learned rule by itself, at the training cutoffs; `reviews`: each hand-written rule
    there. `hot`: the part of the leads that the learned table calls hot at the test cutoffs.
    `beside_model` is None where no model was given, or `unfair` tells why it cannot be judged.
    """

    rules: RuleScore
    current: RuleScore
    split: Split
    data_end: datetime
    snapshots: int
    wins: int
    lifts: list[RuleLift]
    reviews: list[RuleReview]
    hot: float
    judged: Judgement
    model: ReadinessModel | None
    beside_model: Judgement | None

    @property
    def verdict(self) -> Verdict:
        """Learned against hand-written."""
        return verdict(self.judged)

    @property
    def model_verdict(self) -> Verdict | None:
        """Learned against the model."""
        return None if self.beside_model is None else verdict(self.beside_model)

    @property
    def text(self) -> str:
        """The learned table as the text of a rules.toml."""
        beside = {
            number: [
                f"lift {each.lift.point:.2f} (95 %: {each.lift.low:.2f} to "
                f"{each.lift.high:.2f}), {each.leads:,} leads"
            ]
            for number, each in enumerate(self.lifts)
        }
        return rules_toml(self.rules.file, self._head(), beside)

    def _head(self) -> list[str]:
        first, last = self.split.fit[0], self.split.fit[-1]
        found = self.judged.estimates
        return [
            "A points table learned from outcomes by `readiness rules learn`. Points are no",
            "probability. A deed that is good by itself never takes points.",
            f"Learned from {self.snapshots:,} snapshots, {self.wins:,} won, at "
            f"{len(self.split.fit)} cutoffs, {first:%Y-%m-%d} to {last:%Y-%m-%d};",
            f"data end {self.data_end:%Y-%m-%d}. Of the leads on its lists at the "
            f"{len(self.split.judge)} later test cutoffs",
            f"{found[LEARNED]['precision'].point:.1%} were won; on those of the hand-written table "
            f"({self.current.version}) {found[CURRENT]['precision'].point:.1%}.",
            "Hot is about who fits on the list of the configured capacity, warm three times as",
            "many. Lift: how many times as often as all leads were those won to whom the rule",
            "applied, taken by itself; points: what it adds beside the other rules.",
        ]

    def json_fields(self) -> dict[str, Any]:
        """What `rules learn --json` prints."""
        return {
            "rules": self.rules,
            "worth": self.lifts,
            "hand_written": {"version": self.current.version, "rules": self.reviews},
            "training_cutoffs": [cutoff.date() for cutoff in self.split.fit],
            "test_cutoffs": [cutoff.date() for cutoff in self.split.judge],
            "data_end": self.data_end,
            "snapshots": self.snapshots,
            "wins": self.wins,
            "hot_share": self.hot,
            "verdict": self.verdict,
            "model_version": self.model and self.model.version,
            "model_verdict": self.model_verdict,
            "test": self.judged,
            "beside_model": self.beside_model,
        }


def learn(
    config: Config,
    database: LeadDatabase,
    current: RuleScore,
    model: ReadinessModel | None,
    progress: Progress = silent,
) -> Learned:
    """Learn at the cutoffs that training learns from, judge at those that it judges on.

    A model that saw labels of the test period, or has another horizon, is left out. Raises Refused
    where there are too few cutoffs, no test, or nothing to learn.
    """
    split = _split(config, database.data_end)
    model = model if model and _is_fair(model, split, config.time.horizon_days) else None
    specs = catalog(config.features, database.actions, database.attributes)
    asked = distinct((*specs, *current.specs, *(model.specs if model else ())))
    past, test = _datasets(config, database, split, asked, progress)
    progress("learn", 0, 3)
    rules = learn_points(past, specs, capacity_of(config), current.file.disqualify)
    progress("learn", 1, 3)
    lifts, reviews = rule_lifts(rules, past), review_rules(current, past)
    progress("learn", 2, 3)
    order = {LEARNED: call_order(rules, test.frame), CURRENT: call_order(current, test.frame)}
    judged = _judged(config, past, test, order)
    beside = None
    if model:
        order = {LEARNED: order[LEARNED], MODEL: model.rank(test.frame)}
        beside = _judged(config, past, test, order)
    progress("learn", 3, 3)
    hot = float(np.mean(rules.rank(test.frame) >= rules.file.bands.hot))
    learned_from = (split, database.data_end, len(past.won), past.wins)
    return Learned(rules, current, *learned_from, lifts, reviews, hot, judged, model, beside)


def _split(config: Config, data_end: datetime) -> Split:
    times = config.time
    return final_split(times.mature_cutoffs(data_end), times.test_cutoffs, times.horizon_days)


def _is_fair(model: ReadinessModel, split: Split, horizon_days: int) -> bool:
    """Whether the model's last training label was complete when the first test cutoff began."""
    seen_until = model.trained_until + timedelta(days=model.horizon_days)
    return model.horizon_days == horizon_days and seen_until <= min(split.judge)


def _datasets(
    config: Config, database: LeadDatabase, split: Split, specs: Sequence[Spec], progress: Progress
) -> tuple[Dataset, Dataset]:
    """What is learned from, and the test."""
    every, horizon = [*split.fit, *split.judge], config.time.horizon_days
    dataset = labelled(database, specs, every, horizon, config.engine.memory_gb, progress)
    past, test = dataset.at(split.fit), dataset.at(split.judge)
    if not test.has_both:
        raise Refused(
            f"Of the {len(test.won):,} snapshots of the test {test.wins:,} are won: nothing can be "
            "judged on them."
        )
    return past, test


def _judged(
    config: Config, past: Dataset, test: Dataset, order: dict[str, npt.NDArray[np.float64]]
) -> Judgement:
    return judge(
        test.frame[["lead_id", "cutoff"]],
        test.won,
        [Contender(name, found, is_probability=name == MODEL) for name, found in order.items()],
        capacity_of(config),
        base_rate=float(past.won.mean()),
        replicates=REPLICATES,
        seed=config.seed,
    )
