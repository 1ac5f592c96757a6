"""The classic points table, read from rules.toml: points per action, caps, decay and bands.

The rule score asks for features like the model does, so one pass over the events serves both, and
it ranks the same snapshot frame. Points are never a probability.

    [[rule]]
    action = "visited_pricing"
    points = 10            # minor deeds 1-2, important ones 10-20, negative allowed
    per = "occurrence"     # or "once"
    cap = 30               # the most that this rule can give (or, if negative, take)
    group = "engagement"   # its [groups.engagement] may cap the sum of its rules
    window_days = 90       # only deeds in [cutoff - 90 d, cutoff); default: all time
    half_life_days = 30    # a deed gives half its points 30 days later; default: no fading
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, ValidationError, model_validator

from features.catalog import distinct
from features.config import Strict, explain_toml_errors
from features.errors import BadInput
from features.spec import Count, DaysSince, Decayed, Spec

Band = Literal["cold", "warm", "hot"]
Floats = npt.NDArray[np.float64]


class Bands(Strict):
    """The points at which a lead becomes warm, and hot; below warm it is cold."""

    warm: float
    hot: float

    @model_validator(mode="after")
    def _rising(self) -> Bands:
        if self.warm >= self.hot:
            raise ValueError(f"warm ({self.warm:g}) must lie below hot ({self.hot:g})")
        return self


class Group(Strict):
    """Rules whose sum is capped together."""

    cap: Annotated[float, Field(gt=0)]


class Rule(Strict):
    """Points for one action."""

    action: Annotated[str, Field(min_length=1)]
    points: float
    per: Literal["occurrence", "once"] = "occurrence"
    cap: Annotated[float, Field(gt=0)] | None = None
    group: str | None = None
    window_days: Annotated[int, Field(ge=1)] | None = None
    half_life_days: Annotated[int, Field(ge=1)] | None = None

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The features that the rule is computed from."""
        count = Count(self.action, self.window_days)
        if self.half_life_days is None:
            return (count,)
        if self.per == "once":
            return (count, DaysSince(self.action))
        return (Decayed(self.action, self.half_life_days, self.window_days),)

    def give(self, frame: pd.DataFrame) -> Floats:
        """The points of each snapshot, between -cap and cap."""
        seen = frame[self.specs[0].name].to_numpy(np.float64)
        if self.per == "once":
            seen = (seen > 0).astype(np.float64)
            if self.half_life_days is not None:
                days = frame[DaysSince(self.action).name].to_numpy(np.float64)
                seen *= 0.5 ** (np.nan_to_num(days) / self.half_life_days)
        limit = np.inf if self.cap is None else self.cap
        return np.clip(self.points * seen, -limit, limit)


class RulesFile(Strict):
    """The whole of rules.toml."""

    name: str
    bands: Bands
    groups: dict[str, Group] = Field(default_factory=dict)
    rule: Annotated[list[Rule], Field(min_length=1)]

    @model_validator(mode="after")
    def _known_groups(self) -> RulesFile:
        unknown = {r.group for r in self.rule if r.group is not None} - set(self.groups)
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ValueError(f"rules name the unknown group {names}; write [groups.NAME] cap = ...")
        return self


@dataclass(frozen=True)
class RuleScore:
    """The points table as a ranker of snapshots."""

    file: RulesFile
    name = "rules"

    @cached_property
    def version(self) -> str:
        """Ten hex digits of the content: the same rules have the same version."""
        content = json.dumps(self.file.model_dump(), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:10]

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The features that the frame must hold."""
        return distinct(spec for rule in self.file.rule for spec in rule.specs)

    def lines(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One column per log line: each rule, and what each group's cap takes away. A row's lines
        sum to its points."""
        lines: dict[str, Floats] = {}
        for number, rule in enumerate(self.file.rule, start=1):
            lines[f"{number}. {rule.action}"] = rule.give(frame)
        for group, settings in self.file.groups.items():
            members = [n for n, rule in enumerate(self.file.rule) if rule.group == group]
            total = np.sum([list(lines.values())[n] for n in members], axis=0)
            lines[f"cap of {group}"] = np.minimum(settings.cap - total, 0.0)
        return pd.DataFrame(lines, index=frame.index)

    def rank(self, frame: pd.DataFrame) -> Floats:
        """The points of each snapshot. Rounded to 9 decimals: what the bands and ties compare."""
        return self.lines(frame).sum(axis=1).round(9).to_numpy(np.float64)

    def band(self, points: Floats) -> list[Band]:
        """The band of each number of points; a band begins at its own points."""
        bands = self.file.bands
        return ["hot" if p >= bands.hot else "warm" if p >= bands.warm else "cold" for p in points]


def load_rules(path: Path) -> RuleScore:
    """Read rules.toml. Raises BadInput for a missing or faulty file."""
    if not path.is_file():
        raise BadInput(f"There is no rules file {path}; readiness.toml names it under `rules`.")
    try:
        return parse_rules(path.read_text(encoding="utf-8"), path)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text: {error}") from None


def parse_rules(text: str, path: Path) -> RuleScore:
    """Read the text of a rules.toml; `path` is for the message. Raises BadInput."""
    try:
        return RuleScore(RulesFile.model_validate(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not valid TOML: {error}") from None
    except ValidationError as error:
        raise BadInput(explain_toml_errors(path, error, RulesFile)) from None
