"""Segments: named filters over the leads, read from segments.toml and evaluated at a cutoff.

    [[segment]]
    name = "asked for a price"
    any = [{action = "form_submitted"}, {action = "visited_pricing", at_least = 3}]
    none = [{action = "unsubscribed"}]

Each of `all` holds, one of `any`, none of `none`; features/conditions/conditions.py lists what a
condition may say. A lead may be in many segments, or in none. No file, no segments.

A segment that readiness.toml lists under `features.segments` is also a 0/1 feature of the model.
The feature carries its definition, so that a stored model goes by the one it was trained with,
whatever segments.toml says by now.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field, model_validator

from features.conditions.conditions import Conditions
from features.config import Config
from features.errors import BadInput, Refused
from features.spec.spec import Derived, Floats, Spec, distinct
from features.spec.wording import Words
from features.toml import Strict, parse_toml, read_text

JOINED_BY = "; "
_MANY = 60  # letters of a name: it heads a column


def _plain(name: str) -> str:
    if name != name.strip() or not name.isprintable() or ";" in name or not name:
        raise ValueError(
            f"the name {name!r} must be one line of text without a semicolon (names are joined by "
            "it) and without blanks at its ends"
        )
    if len(name) > _MANY:
        raise ValueError(f"the name {name!r} is longer than {_MANY} letters")
    return name


class Segment(Conditions):
    """Conditions with a name."""

    name: Annotated[str, AfterValidator(_plain)]

    @property
    def feature(self) -> InSegment:
        """Whether a lead is in it, as a feature that carries its definition."""
        given = self.model_dump(by_alias=True, exclude_defaults=True, exclude={"name"})
        return InSegment(self.name, json.dumps(given, ensure_ascii=False, sort_keys=True))


class SegmentsFile(Strict):
    """The whole of segments.toml."""

    segment: list[Segment] = Field(default_factory=list)

    @model_validator(mode="after")
    def _named_once(self) -> SegmentsFile:
        counts = Counter(each.name for each in self.segment)
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise ValueError(f"two segments are called {twice[0]!r}")
        return self


@dataclass(frozen=True)
class InSegment(Derived):
    """1 where the lead is in a segment, else 0. `definition` is the segment's conditions as JSON: a
    stored model goes by those it was trained with."""

    segment: str
    definition: str

    @property
    def name(self) -> str:
        return f"segment({self.segment})"

    @property
    def topic(self) -> str:
        return self.name

    @property
    def conditions(self) -> Conditions:
        """The definition. Raises BadInput where this version cannot read it."""
        try:
            return Conditions.model_validate(json.loads(self.definition))
        except (ValueError, TypeError) as error:
            reason = re.sub(r"\s+", " ", str(error))
            raise BadInput(
                f"The model's segment {self.segment!r} is defined in a way that this version does "
                f"not know: {reason}. Train a new model."
            ) from None

    @property
    def parts(self) -> tuple[Spec, ...]:
        return self.conditions.specs

    def values(self, columns: Mapping[str, Any]) -> Floats:
        conditions = self.conditions
        frame = pd.DataFrame({spec.name: columns[spec.name] for spec in conditions.specs})
        return conditions.holds(frame).astype(np.float64)

    def meaning(self, words: Words) -> str:
        return f'in the segment "{self.segment}" (1) or not (0)'

    def fact(self, value: float, words: Words) -> str:
        return f'{"" if value else "not "}in the segment "{self.segment}"'


@dataclass(frozen=True)
class Segments:
    """The segments of a segments.toml, in its order."""

    segments: tuple[Segment, ...] = ()

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.segments]

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The features that the frame must hold."""
        return distinct(spec for each in self.segments for spec in each.specs)

    def members(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Whether each snapshot is in each segment: a column of bools per segment, by its name."""
        held = {each.name: each.holds(frame) for each in self.segments}
        return pd.DataFrame(held, index=frame.index, dtype=bool)

    def joined(self, frame: pd.DataFrame) -> list[str]:
        """For each snapshot the names of its segments, joined by "; "; "" where there is none."""
        held = np.array([each.holds(frame) for each in self.segments], bool)
        members = held.reshape(len(self.segments), len(frame)).T
        keys = [row.tobytes() for row in np.packbits(members, axis=1)]
        names = np.array(self.names, dtype=object)
        rows = {key: row for row, key in enumerate(keys)}  # any row of those that are alike
        texts = {key: JOINED_BY.join(names[members[row]]) for key, row in rows.items()}
        return [texts[key] for key in keys]

    def named(self, name: str) -> Segment:
        """The segment of a name. Raises BadInput where there is none, with the nearest name."""
        for each in self.segments:
            if each.name == name:
                return each
        near = difflib.get_close_matches(name, self.names, n=1)
        known = f"did you mean {near[0]!r}?" if near else f"known: {JOINED_BY.join(self.names)}."
        raise BadInput(
            f"There is no segment {name!r}; {known if self.names else 'segments.toml has none.'}"
        )


def load_segments(config: Config) -> Segments:
    """Read the segments.toml that readiness.toml names; none where it names none and there is no
    file of the usual name. Raises BadInput for a faulty one, and where the one named is missing."""
    path = config.optional_file("segments")
    if path is None:
        return Segments()
    advice = "; readiness.toml names it under `segments`. Correct the path, or delete that line."
    return parse_segments(read_text(path, advice), path)


def parse_segments(text: str, path: Path) -> Segments:
    """Read the text of a segments.toml; `path` is for the message. Raises BadInput."""
    return Segments(tuple(parse_toml(text, path, SegmentsFile).segment))


def opted_in(config: Config) -> tuple[InSegment, ...]:
    """The segments that readiness.toml wants as features. Raises BadInput for an unknown one."""
    if not config.features.segments:
        return ()
    segments = load_segments(config)
    try:
        return tuple(segments.named(name).feature for name in config.features.segments)
    except BadInput as error:
        raise BadInput(f"features.segments in {config.path}: {error}") from None


def require_segments(config: Config) -> Segments:
    """The segments of segments.toml. Raises Refused where there is none, with how to write one."""
    segments = load_segments(config)
    if not segments.segments:
        raise Refused(
            f"There are no segments: write some into {config.folder / config.segments}, such as\n"
            '[[segment]]\nname = "quiet for 14 days"\nall = [{quiet_days = 14}]'
        )
    return segments
