"""`readiness rules learn`: a points table from the outcomes of the training cutoffs, judged on the
final test against the hand-written one and the model."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from features.catalog import catalog
from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import Dataset
from features.errors import Refused
from features.progress import Progress, silent
from features.spec.spec import distinct
from features.spec.wording import plural
from models.classifier.model import ReadinessModel
from models.comparison import judge_on
from models.rules.file import rules_toml
from models.rules.learn import learn_points
from models.rules.review import RuleLift, RuleReview, review_rules, rule_lifts
from models.rules.rules import RuleScore, call_order
from models.statistics.judge import Contender, Judgement
from models.statistics.verdict import Verdict, verdict
from training.splits import Split, configured_split, labelled_sides

LEARNED, CURRENT, MODEL = "learned points", "rules", "model"


@dataclass(frozen=True)
class LearnedPoints:
    """What was learned at `split.fit`, and how it did at `split.judge`.

    `lifts`: each learned rule by itself, at the training cutoffs; `reviews`: each hand-written rule
    there. `hot`: the part of the leads that the learned table calls hot at the test cutoffs.
    `against_model` is None where no model was given, or none that can be judged fairly.
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
    against_model: Judgement | None

    @property
    def verdict(self) -> Verdict:
        """Learned against hand-written."""
        return verdict(self.judged)

    @property
    def model_verdict(self) -> Verdict | None:
        """Learned against the model."""
        return None if self.against_model is None else verdict(self.against_model)

    @property
    def text(self) -> str:
        """The learned table as the text of a rules.toml."""
        notes = {
            number: [
                f"lift {each.lift.point:.2f} (95%: {each.lift.low:.2f} to "
                f"{each.lift.high:.2f}), {plural(each.leads, 'lead')}"
            ]
            for number, each in enumerate(self.lifts)
        }
        return rules_toml(self.rules.file, self._head(), notes)

    def _head(self) -> list[str]:
        first, last = self.split.fit[0], self.split.fit[-1]
        won = {n: f"{e['precision'].point:.1%}" for n, e in self.judged.estimates.items()}
        return [
            "A points table learned from outcomes by `readiness rules learn`. Points are no",
            "probability. An action that is good by itself never takes points.",
            f"Learned from {plural(self.snapshots, 'snapshot')}, {self.wins:,} won, at "
            f"{plural(len(self.split.fit), 'cutoff')}, {first:%Y-%m-%d} to {last:%Y-%m-%d};",
            f"data end {self.data_end:%Y-%m-%d}. Of the leads on its lists at the "
            f"{len(self.split.judge)} later test cutoffs",
            f"{won[LEARNED]} were won; on those of the hand-written table "
            f"({self.current.version}) {won[CURRENT]}.",
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
            "beside_model": self.against_model,
        }


def learn(
    config: Config,
    database: LeadDatabase,
    current: RuleScore,
    model: ReadinessModel | None,
    progress: Progress = silent,
) -> LearnedPoints:
    """Learn at the cutoffs that training learns from, judge at those that it judges on.

    A model that saw labels of the test period, or has another horizon, is left out. Raises Refused
    where there are too few cutoffs, no test, or nothing to learn.
    """
    split = configured_split(config, database.data_end)
    model = model if model and _is_fair(model, split, config.time.horizon_days) else None
    of_accounts = config.account is not None
    known = (config.features, database.actions, database.attributes)
    specs = catalog(*known, of_accounts=of_accounts)
    needed = distinct((*specs, *current.specs, *(model.specs if model else ())))
    past, test = labelled_sides(config, database, needed, split, progress)
    _refuse_one_outcome(test)
    progress("learn", 0, 3)
    rules = learn_points(past, specs, config.capacity, current.file.disqualify)
    progress("learn", 1, 3)
    lifts, reviews = rule_lifts(rules, past), review_rules(current, past)
    progress("learn", 2, 3)
    base_rate = float(past.won.mean())
    learned = Contender(LEARNED, call_order(rules, test.frame), is_probability=False)
    by_hand = Contender(CURRENT, call_order(current, test.frame), is_probability=False)
    judged = judge_on(test, config, [learned, by_hand], base_rate)
    against_model = None
    if model:
        ranked = Contender(MODEL, model.rank(test.frame), is_probability=True)
        against_model = judge_on(test, config, [learned, ranked], base_rate)
    progress("learn", 3, 3)
    return LearnedPoints(
        rules=rules,
        current=current,
        split=split,
        data_end=database.data_end,
        snapshots=len(past.won),
        wins=past.wins,
        lifts=lifts,
        reviews=reviews,
        hot=float(np.mean(rules.rank(test.frame) >= rules.file.bands.hot)),
        judged=judged,
        model=model,
        against_model=against_model,
    )


def _is_fair(model: ReadinessModel, split: Split, horizon_days: int) -> bool:
    """Whether the model's last training label was complete when the first test cutoff began."""
    seen_until = model.trained_until + timedelta(days=model.horizon_days)
    return model.horizon_days == horizon_days and seen_until <= min(split.judge)


def _refuse_one_outcome(test: Dataset) -> None:
    if not test.has_both:
        raise Refused(
            f"Of {plural(len(test.won), 'snapshot')} of the test {test.wins:,} are won: nothing "
            "can be judged on them."
        )
