"""Scoring without a model: where there is no champion yet, the points alone rank the leads.

Readiness stays null, for points are no probability. The ledger names the model version "none", so
that the day a model is there, its run of the same cutoff is another run beside this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from features.check.gate import Lack, lacks
from features.conditions.segments import Segments, load_segments
from features.config import Config
from features.contract.database import LeadDatabase
from features.spec.spec import Spec, distinct
from features.spec.wording import Words
from models.fit_engagement import axes
from models.rules.rules import RuleScore, load_rules
from models.timing import time_to_close
from serve.scoring.scored import NO_MODEL
from serve.scoring.scorer import COLUMNS, TOP_REASONS, Scorer, points_columns

if TYPE_CHECKING:
    from models.registry import Registry


@dataclass(frozen=True)
class PointsOnly:
    """A points table that scores by itself. `why` there is no model, in words."""

    rules: RuleScore
    words: Words
    segments: Segments = field(default_factory=Segments)
    why: str = "no model yet"
    model_version = NO_MODEL

    @property
    def specs(self) -> tuple[Spec, ...]:
        """Every feature that rules and segments need."""
        return distinct((*self.rules.specs, *self.segments.specs))

    def staged(self, config: Config) -> Config:
        """The settings under which the lead database is read: as they are."""
        return config

    def with_reason(self, config: Config, database: LeadDatabase) -> PointsOnly:
        """The same, with the reason for which there is no model."""
        from models.registry import Registry  # a night with a model needs no MLflow

        return replace(self, why=why_no_model(Registry(config), lacks(config, database)))

    def score_frames(self, frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """`score_frame` of each."""
        return (self.score_frame(frame) for frame in frames if len(frame))

    def score_frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """As `Scorer.score_frame`, readiness, time to close, fit and engagement null; the reasons
        are the lines of the points table that weigh most."""
        columns = points_columns(frame, self.rules, self.words, self.segments)
        scored = pd.DataFrame(columns, index=frame.index).reset_index(drop=True)
        for name in ("readiness", *time_to_close.COLUMNS):
            scored[name] = float("nan")
        scored["follow_up_on"] = scored["follow_up_on"].astype("datetime64[us]")
        scored = scored.assign(**axes.NEITHER.ranks(scored))
        scored["reasons"] = _reasons(
            self.rules.lines(frame).rename(columns=self.rules.line_words(self.words))
        )
        return scored[COLUMNS]


def scorer_of(config: Config, which: str) -> Scorer | PointsOnly:
    """The model asked for; the points alone where that is the champion and there is none. Raises
    BadInput where any other version is asked for that is not there."""
    from models.registry import CHAMPION, Registry

    if which != CHAMPION or Registry(config).has(CHAMPION):
        return Scorer.of(config, which)
    rules = load_rules(config.folder / config.rules)
    return PointsOnly(rules, config.words, load_segments(config))


def why_no_model(registry: Registry, missing: tuple[Lack, ...]) -> str:
    """Why there is no champion, and what to do; `found` are the reasons not to train."""
    from models.registry import CHALLENGER

    challenger = registry.find(CHALLENGER)
    if challenger is not None:
        return f"no champion yet (version {challenger} waits: readiness promote)"
    briefly = "; ".join(lack.brief for lack in missing)
    return f"no model yet ({briefly or 'there is enough for one: readiness train'})"


def _reasons(lines: pd.DataFrame) -> list[str]:
    """The lines that gave or took most points of each snapshot."""
    texts = []
    for _, given in lines.iterrows():
        weighty = given[given != 0].sort_values(key=abs, ascending=False, kind="stable")
        texts.append("; ".join(f"{line} ({v:+g})" for line, v in weighty[:TOP_REASONS].items()))
    return texts
