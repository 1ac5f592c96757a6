"""Scores a frame of features; and, for Python users, events in pandas frames.

>>> from serve.scoring.scorer import Scorer                                     # doctest: +SKIP
>>> scorer = Scorer.champion("readiness.toml")                          # doctest: +SKIP
>>> scorer.score(events, leads, cutoff=datetime(2026, 3, 1))            # doctest: +SKIP
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.conditions.segments import Segments, load_segments
from features.config import Config, Engine, Features, load
from features.contract.breaches import find_breaches
from features.contract.database import open_frames
from features.contract.reading import Reading
from features.engine.ahead import one_ahead
from features.engine.duckdb_engine import feature_frame
from features.engine.plain_frames import plain_frame
from features.errors import BadInput
from features.open_database import open_database
from features.questions import MAIN
from features.spec.spec import Spec, distinct
from features.spec.wording import Words, plural
from models.classifier.classifier import BATCH, Floats
from models.classifier.model import ReadinessModel
from models.explanations.explain import Explained, explain
from models.fit_engagement import axes
from models.rules.rules import RuleScore, load_rules
from models.timing import time_to_close
from serve.scoring.lead_rows import open_leads
from serve.scoring.prior_shift import shifted

TOP_REASONS = 3
COLUMNS = ["lead_id", "cutoff", "readiness", "rule_score", "band", "reasons", "disqualified"]
COLUMNS += ["segments"]
COLUMNS += time_to_close.COLUMNS + axes.COLUMNS

OF_ACCOUNTS = (
    "This model scores accounts, each by all that its people did, and single leads are given. Take "
    "the newest list of accounts: readiness score, or GET /v1/leads."
)


@dataclass(frozen=True, repr=False)
class Scorer:
    """A model and a points table, ready to score; segments to name. config: the settings it was
    read by, whose lead database tells `score` of a win rate that has moved; None to ask nothing."""

    model: ReadinessModel
    rules: RuleScore
    words: Words = field(default_factory=dict)
    segments: Segments = field(default_factory=Segments)
    config: Config | None = None

    def __repr__(self) -> str:
        segments = f", {len(self.segments.names)} segments" if self.segments.names else ""
        return f"Scorer({self.model!r}, {self.rules!r}{segments})"

    @classmethod
    def champion(cls, path: str | Path, question: str = MAIN) -> Scorer:
        """The champion of the registry that a readiness.toml names, of one of its questions."""
        config = load(Path(path), question)
        return cls.of(config, "champion")

    @classmethod
    def of(cls, config: Config, which: str) -> Scorer:
        """The registered model of an alias or version beside the rules of today."""
        from models.registry import Registry  # workers of Spark score without MLflow: 4 s each

        return cls.of_model(config, Registry(config).load(which))

    @classmethod
    def of_model(cls, config: Config, model: ReadinessModel) -> Scorer:
        """A model beside the rules of today."""
        rules = load_rules(config.folder / config.rules)
        segments = load_segments(config)
        return cls(model, rules, config.words, segments, config)

    @property
    def model_version(self) -> str:
        """The registered version of the model."""
        return self.model.version

    def staged(self, config: Config) -> Config:
        """The settings under which the lead database looks as it did at the model's training."""
        return self.model.staged(config)

    @cached_property
    def specs(self) -> tuple[Spec, ...]:
        """Every feature that model, rules and segments need: one pass computes them all."""
        return distinct((*self.model.specs, *self.rules.specs, *self.segments.specs))

    def score_frames(self, frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """`score_frame` of all, in parts; the model works on the next one while one is worded."""
        for part, readiness, explained in one_ahead(self._seen, _parts(frames)):
            yield self._scored(part, readiness, explained.lines(TOP_REASONS))

    def score_frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Score snapshots of one cutoff whose features are at hand: COLUMNS, one row per row of the
        frame.

        readiness in [0, 1]; rule_score in points; reasons the three strongest, in log-odds;
        disqualified is why sales are not to call the lead, null for most; segments are the names
        of those that it is in, joined by "; ", null where there is none; when it may close, and
        when to come back to it, as models/timing/time_to_close.py has it; fit (A to D) and
        engagement (1 to 4) as models/fit_engagement/axes.py has them.
        """
        return self._scored(frame, *self.judged(frame))

    def _scored(self, frame: pd.DataFrame, readiness: Floats, reasons: list[str]) -> pd.DataFrame:
        scored = points_columns(frame, self.rules, self.words, self.segments)
        scored |= {"readiness": readiness, "reasons": reasons, **self._close(frame, readiness)}
        scored |= (self.model.fit_engagement or axes.NEITHER).ranks(frame)
        return pd.DataFrame(scored, columns=COLUMNS, index=frame.index)

    def _close(self, frame: pd.DataFrame, readiness: Floats) -> dict[str, Any]:
        """The columns of the time to close; null under a model stored before there was one."""
        curves = self.model.time_to_close
        if curves is not None and len(frame):
            cutoff = frame["cutoff"].iloc[0].to_pydatetime()
            estimate = curves.estimate(frame, readiness, cutoff)
            return {name: estimate[name] for name in time_to_close.COLUMNS}
        nothing = pd.Series(np.nan, frame.index)
        empty: dict[str, Any] = dict.fromkeys(time_to_close.COLUMNS, nothing)
        return empty | {"follow_up_on": nothing.astype("datetime64[us]")}

    def judged(self, frame: pd.DataFrame) -> tuple[Floats, list[str]]:
        """Readiness and reasons of each row; what the learner sees of it is worked out once."""
        readiness: list[Floats] = [np.empty(0)]
        texts: list[str] = []
        ahead = one_ahead if len(frame) > BATCH else map  # one lead is scored without threads
        for _, ready, explained in ahead(self._seen, _parts([frame])):
            readiness.append(ready)
            texts += explained.lines(TOP_REASONS)
        return np.concatenate(readiness), texts

    def _seen(self, part: pd.DataFrame) -> tuple[pd.DataFrame, Floats, Explained]:
        encoded = self.model.encoded(part)
        explained = explain(self.model, part, self.words, encoded)
        return part, self.model.rank_encoded(encoded), explained

    def score(
        self,
        events: Any,
        leads: Any,
        cutoff: datetime,
        deals: Any = None,
    ) -> pd.DataFrame:
        """Score every lead that is open at the cutoff (UTC, or with its offset), by what was known
        before it.

        Where `[training] prior_shift` is set, the log-odds are moved as in the nightly list of that
        cutoff: by the outcomes in the lead database of readiness.toml, for the frames may hold a
        few leads only and no outcomes.

        The frames (pandas, polars or Arrow) have the columns of the contract (docs/glossary.md).
        Without deals every lead counts as open, closed ones too: a UserWarning says so; where none
        is closed, pass deals without rows. Raises BadInput for a model of accounts, for missing
        columns, and for rows and leads that breach the contract, with the first of them. Open leads
        that are outside the cohort, excluded or objected are not in the result: a UserWarning says
        so. Events may be None. The colleagues of a lead are those among the leads, if the model
        looks at them: give all of an account.
        """
        if deals is None:
            warnings.warn(
                "Scored without deals: every lead counts as open, so closed leads are in the "
                "result. Pass deals=, without rows if no lead is closed yet.",
                UserWarning,
                stacklevel=2,
            )
        scored, others = self.scored_and_others(events, leads, cutoff, deals)
        if len(others):
            first = others.iloc[0]
            warnings.warn(
                f"Not scored: {plural(len(others), 'open lead')}; first: lead "
                f"{first['lead_id']}: {first['state_reason']}.",
                UserWarning,
                stacklevel=2,
            )
        return scored

    def scored_and_others(
        self, events: Any, leads: Any, cutoff: datetime, deals: Any = None
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What `score` returns, and the open leads that it leaves out: their lead_id as a text, and
        state_reason. Raises as `score`."""
        if self.model.account is not None:
            raise BadInput(OF_ACCOUNTS)
        moment = pd.Timestamp(cutoff)
        cutoff = (moment.tz_convert(UTC).tz_localize(None) if moment.tz else moment).to_pydatetime()
        frames = {"leads": leads} if events is None else {"events": events, "leads": leads}
        frames |= {} if deals is None else {"deals": deals}
        features = self.model.as_trained(Features())
        reading = replace(Reading.of(self.config), features=features) if self.config else None
        reading = reading or Reading(features)
        plain = plain_frame(frames, reading, self.specs, cutoff)
        if plain is not None:
            scorer = replace(self, model=self._shifted(cutoff))
            return scorer.score_frame(plain), pd.DataFrame(columns=["lead_id", "state_reason"])
        with open_frames(frames, reading, Engine(), self.specs) as database:
            breaches = find_breaches(database.connection, database.columns, datetime.max)
            if breaches:
                raise BadInput(
                    "\n  ".join(["The frames breach the contract:", *map(str, breaches)])
                )
            faults = database.query(
                "SELECT lead_id, reason FROM left_out WHERE kind = 'fault' ORDER BY lead_id"
            )
            if len(faults):
                lead, reason = faults.iloc[0]
                raise BadInput(
                    f"Leads that breach the contract cannot be scored: {len(faults):,}; first: "
                    f"lead {lead}: {reason}. Mend them or leave them out of the frames."
                )
            scorable, others = open_leads(database, cutoff, self.words)
            frame = feature_frame(scorable, self.specs)
        return replace(self, model=self._shifted(cutoff)).score_frame(frame), others

    def _shifted(self, cutoff: datetime) -> ReadinessModel:
        if self.config is None or not self.config.training.prior_shift:
            return self.model
        with open_database(self.staged(self.config), self.specs) as database:
            return shifted(self.config, database, self.model, cutoff)[0]


def _parts(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for frame in frames:
        for start in range(0, len(frame), BATCH):
            yield frame.iloc[start : start + BATCH]


def points_columns(
    frame: pd.DataFrame, rules: RuleScore, words: Words, segments: Segments
) -> dict[str, Any]:
    """Of COLUMNS those that need no model, of the points and the segments, by name."""
    points = rules.rank(frame)
    return {
        "lead_id": frame["lead_id"],
        "cutoff": frame["cutoff"],
        "rule_score": points,
        "band": rules.band(points),
        "disqualified": pd.array(rules.disqualified(frame, words), dtype="str"),
        "segments": pd.array([names or None for names in segments.joined(frame)], dtype="str"),
    }
