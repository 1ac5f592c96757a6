"""[cohort] of readiness.toml: which of the open leads are trained on, judged and scored.

    [cohort]
    where = [{age_from_days = 3}, {attribute = "country", is = ["DE", "AT"]}]
    not_segments = ["job seekers"]

The conditions are of features/conditions/conditions.py, and are looked at as of each cutoff: a lead
may be in the cohort of one cutoff and not in that of the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from features.conditions.conditions import AllOrConditions, Conditions, Flags, combined
from features.conditions.segments import Segment, load_segments
from features.config import Config
from features.errors import BadInput
from features.spec.spec import Spec, distinct
from features.spec.wording import Words
from features.toml import Strict, validate_toml


class _CohortConditions(Strict):
    where: AllOrConditions


class _CohortTable(Strict):
    cohort: _CohortConditions


@dataclass(frozen=True)
class Membership:
    """Who is in the cohort: leads that meet the conditions `where` (None: any), are in one of
    `segments` (if there are some) and in none of `not_segments`."""

    where: Conditions | None
    segments: tuple[Segment, ...]
    not_segments: tuple[Segment, ...]

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The features that the frame must hold."""
        every = (self.where, *self.segments, *self.not_segments)
        return distinct(spec for each in every if each is not None for spec in each.specs)

    def holds(self, frame: pd.DataFrame) -> Flags:
        """Whether each snapshot is in the cohort."""
        where = [] if self.where is None else [self.where]
        return combined(frame, where, self.segments, self.not_segments)

    def words(self, words: Words | None = None) -> str:
        """Who is in the cohort, as people say it."""
        parts = [self.where.words(words)] if self.where is not None else []
        if self.segments:
            parts.append("in the segment " + " or ".join(each.name for each in self.segments))
        parts += [f"not in the segment {each.name}" for each in self.not_segments]
        return ", and ".join(parts)


def load_membership(config: Config) -> Membership | None:
    """The conditions of [cohort]; None where it names none.

    Raises BadInput for a condition or segment that does not fit or is not known.
    """
    cohort = config.cohort
    if not (cohort.where or cohort.segments or cohort.not_segments):
        return None
    where = None
    if cohort.where:
        content = {"cohort": {"where": cohort.where}}
        where = validate_toml(content, config.path, _CohortTable).cohort.where
    segments = load_segments(config)
    named = []
    for names in (cohort.segments, cohort.not_segments):
        try:
            named.append(tuple(segments.named(name) for name in names))
        except BadInput as error:
            raise BadInput(f"[cohort] in {Path(config.path)}: {error}") from None
    return Membership(where, *named)
