"""The readiness model: a fitted classifier and what must be remembered to use it rightly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from features.check.inputs import Inputs
from features.config import Config, Features
from features.errors import BadInput
from features.spec.compiled import accounts_of, compile_specs
from features.spec.spec import Spec
from features.spec.titles import titles_of
from models.classifier.by_segment import AnyClassifier
from models.classifier.calibration_line import CalibrationLine, Choice
from models.classifier.classifier import NAMES, Floats
from models.fit_engagement.axes import FitEngagement
from models.timing.time_to_close import TimeToClose


@dataclass(frozen=True, repr=False)
class ReadinessModel:
    """A fitted classifier and what it must remember to be used rightly.

    `specs` are its features in order; `dropped` the columns left out at fit and why;
    `leave_out_actions` the actions that it never saw;
    `trained_until` its last training cutoff, so that cutoffs from `trained_until + horizon_days`
    on are fair tests of it; `base_rate` the share of training snapshots won; `time_to_close`,
    `inputs`, what the database of its training held, and `fit_engagement` None in models stored
    before there were any. `account`: what names the accounts that it scores; None if it scores
    leads.
    """

    classifier: AnyClassifier
    specs: tuple[Spec, ...]
    dropped: Mapping[str, str]
    horizon_days: int
    trained_until: datetime
    base_rate: float
    leave_out_actions: tuple[str, ...] = ()
    version: str = "unregistered"
    run_id: str = ""
    time_to_close: TimeToClose | None = None
    inputs: Inputs | None = None
    fit_engagement: FitEngagement | None = None
    account: str | None = None
    name = "model"

    def __repr__(self) -> str:
        return (
            f"ReadinessModel(version {self.version}: {self.way}, {len(self.specs)} features, "
            f"{self.horizon_days} days, trained until {self.trained_until:%Y-%m-%d})"
        )

    def rank(self, frame: pd.DataFrame) -> Floats:
        """P(won within the horizon) for each snapshot, in (0, 1)."""
        return self.line.probability(self.classifier.learner_log_odds(frame))

    def encoded(self, frame: pd.DataFrame) -> Any:
        """What the learner sees of each snapshot: what its classifier's `encoded` gives, for
        `rank_encoded` and `explain`."""
        return self.classifier.encoded(frame)

    def rank_encoded(self, encoded: Any) -> Floats:
        """`rank` of snapshots that are encoded already, to the last bit: at most BATCH at once, or
        it takes twice as long."""
        return self.line.probability(self.classifier.log_odds(encoded))

    def staged(self, config: Config) -> Config:
        """The settings under which the lead database looks as it did at this model's training:
        its own attributes, accounts and left-out actions, whatever readiness.toml lists by now.
        Raises BadInput where the settings ask about leads, and it scores accounts, or otherwise."""
        unit = "lead" if self.account is None else "account"
        if unit != config.unit:
            raise BadInput(
                f"Version {self.version} of the model {config.mlflow.model} scores each {unit}, "
                f'and {config.path.name} has unit = "{config.unit}" for the question '
                f"{config.question}. Train a model of that unit: "
                f"readiness train{config.question_option}; or set unit back."
            )
        return config.model_copy(update={"features": self.as_trained(config.features)})

    def as_trained(self, features: Features) -> Features:
        """The same for the settings of the features alone."""
        mine = compile_specs(self.specs).columns
        account = self.account or next(iter(accounts_of(self.specs)), features.account)
        return features.model_copy(
            update={
                "account": account,
                "title": next(iter(titles_of(self.specs)), features.title),
                "attributes": list(dict.fromkeys([*features.attributes, *mine])),
                "leave_out_actions": list(self.leave_out_actions),
            }
        )

    @property
    def horizon(self) -> timedelta:
        """How long after a cutoff its outcomes are counted, and so are complete."""
        return timedelta(days=self.horizon_days)

    @property
    def fair_from(self) -> datetime:
        """The first cutoff that is a fair test of it: no outcome that it learnt from is later."""
        return self.trained_until + self.horizon

    @property
    def line(self) -> CalibrationLine:
        """(slope, intercept): calibrated log-odds = slope * log-odds of the learner + intercept."""
        return self.classifier.line_

    @property
    def calibrator(self) -> Choice | None:
        """How the line was chosen; None where it was not, and in a model read from the registry."""
        return self.classifier.choice_

    def moved(self, log_odds: float) -> ReadinessModel:
        """The same model with so much added to every log-odds (models/prior_shift.py)."""
        slope, intercept = self.line
        line = CalibrationLine(slope, intercept + log_odds)
        return replace(self, classifier=self.classifier.with_line(line))

    @property
    def is_linear(self) -> bool:
        """Whether the learner is the logistic regression alone, the simplest of them."""
        return self.classifier.is_linear

    @property
    def way(self) -> str:
        """What people call the learner: TREES, LOGISTIC or AVERAGE."""
        return NAMES[self.classifier.learner]
