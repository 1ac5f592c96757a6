"""What stands in rules.toml, read strictly.

[[rule]]                    # an event
action = "visited_pricing"  # with content, source, value_from, value_below: only such events
points = 10                 # minor events 1-2, important ones 10-20, negative allowed
per = "occurrence"          # or "day" (UTC), or "once"
cap = 30                    # the most that this rule can give (or, if negative, take)
group = "engagement"        # its [groups.engagement] may bound the sum of its rules
window_days = 90            # only events in [cutoff - 90 d, cutoff); default: all time
half_life_days = 30         # an event gives half its points 30 days later; default: no fading
# fades_out_days = 60       # or: half its points 30 days later, and none from 60 days on

[[rule]]                    # once or not at all: any other condition of features/conditions
attribute = "industry"
is = ["software", "media"]
points = 15
group = "fit"

[[rule]]                    # no event for 14 days, and again after each further 7
quiet_days = 14
repeat_days = 7
points = -5
cap = 20

[[disqualify]]              # who is not to be called, whatever the points
name = "competitor"
any = [{attribute = "industry", is = "competitor"}, {action = "asked_to_be_left_alone"}]

[total]                     # bounds the sum of all
cap = 100
floor = 0
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from features.conditions.conditions import Condition, Conditions, Text, Window
from features.spec.kinds import ActiveDays, Count, DaysSince, Decayed, Faded
from features.spec.spec import Spec
from features.spec.wording import Words, during, say
from features.toml import Strict, toml_value

Floats = npt.NDArray[np.float64]
Above0 = Annotated[float, Field(gt=0)]


class Bands(Strict):
    """The points at which a lead becomes warm, and hot; below warm it is cold."""

    warm: float
    hot: float

    @model_validator(mode="after")
    def _rising(self) -> Bands:
        if self.warm >= self.hot:
            raise ValueError(f"warm ({self.warm:g}) must lie below hot ({self.hot:g})")
        return self


class Limits(Strict):
    """Bounds of a sum of rules: of a group's, or of all."""

    cap: Above0 | None = None
    floor: Annotated[float, Field(le=0)] | None = None

    @property
    def words(self) -> str:
        """The bounds in words; empty where there is none."""
        cap = [] if self.cap is None else [f"at most {self.cap:g} points"]
        return " and ".join(cap + ([] if self.floor is None else [f"at least {self.floor:g}"]))

    def lines(self, total: Floats) -> dict[str, Floats]:
        """What the bounds add to the total, by their names."""
        lines = {}
        if self.cap is not None:
            lines["cap"] = np.minimum(self.cap - total, 0.0)
        if self.floor is not None:
            lines["floor"] = np.maximum(self.floor - total, 0.0)
        return lines


class Rule(Condition):
    """Points for events, or for whatever else a condition can say."""

    action: Text | None = None
    points: Annotated[float, Field(ge=-1e6, le=1e6)]  # sums stay exact (rules.DECIMALS)
    per: Literal["occurrence", "day", "once"] = "occurrence"
    cap: Above0 | None = None
    group: str | None = None
    half_life_days: Window | None = None
    fades_out_days: Window | None = None
    repeat_days: Window | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Rule:
        fades = self.half_life_days or self.fades_out_days
        often = self.at_least or self.at_most is not None or self.on_days_at_least
        faults = (
            (
                self.half_life_days and self.fades_out_days,
                "half_life_days and fades_out_days: name one",
            ),
            (
                self.window_days and self.fades_out_days,
                "fades_out_days is a window of its own: leave out window_days",
            ),
            (fades and self.per == "day", 'per = "day" does not fade'),
            (fades and self.about != "an event", "only events fade"),
            (self.per == "day" and self.about != "an event", 'only events have per = "day"'),
            (often and self.per != "once", 'at_least, at_most, on_days_at_least: per = "once"'),
            (
                self.repeat_days and self.about != "quiet_days",
                "repeat_days goes with quiet_days",
            ),
        )
        for is_at_fault, fault in faults:
            if is_at_fault:
                raise ValueError(fault)
        return self

    @property
    def _fades(self) -> bool:
        return self.half_life_days is not None or self.fades_out_days is not None

    @property
    def _is_once(self) -> bool:
        return self.about != "an event" or self.per == "once"

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The features that the rule is computed from."""
        if self._is_once:
            latest = (DaysSince(self.action, self.where),) if self._fades else ()
            return (*super().specs, *latest)
        if self.per == "day":
            return (ActiveDays(self.window_days, self.action, self.where),)
        if self.half_life_days is not None:
            return (Decayed(self.action, self.half_life_days, self.window_days, self.where),)
        if self.fades_out_days is not None:
            return (Faded(self.action, self.fades_out_days, self.where),)
        return (Count(self.action, self.window_days, self.where),)

    def give(self, frame: pd.DataFrame) -> Floats:
        """The points of each snapshot, between -cap and cap."""
        limit = np.inf if self.cap is None else self.cap
        return np.clip(self.points * self.times(frame), -limit, limit)

    def times(self, frame: pd.DataFrame) -> Floats:
        """How many times each snapshot is given the points; a fraction where they fade."""
        if not self._is_once:
            return frame[self.specs[0].name].to_numpy(np.float64)
        times = self.holds(frame).astype(np.float64)
        if self.repeat_days is not None:
            # quiet for 14 days, again every 7: once from 14 days on, twice from 21 on, at neither
            # exactly, like the condition itself
            beyond = self.quiet(frame) - (self.quiet_days or 0)
            times *= np.ceil(beyond / self.repeat_days)
        if self._fades:
            times *= self._left(frame[DaysSince(self.action, self.where).name].to_numpy(np.float64))
        return times

    def _left(self, days: Floats) -> Floats:
        """What is left of an event's points so many days later."""
        days = np.nan_to_num(days)
        if self.half_life_days is not None:
            return np.asarray(0.5 ** (days / self.half_life_days), np.float64)
        return np.maximum(0.0, 1 - days / (self.fades_out_days or 1))

    def words(self, words: Words | None = None) -> str:
        """For what the points are given, as people say it.

        >>> Rule(action="opened", points=1, per="day", window_days=30).words()
        'opened: each day with it in the last 30 days'
        """
        if self._is_once:
            more = f", again every {self.repeat_days} days" if self.repeat_days else ""
            return super().words(words) + more + self._fading
        each = "each day with it" if self.per == "day" else "each time"
        event = say(self.action, words or {}, self.where)
        return f"{event}: {each} {during(self.window_days)}{self._fading}"

    @property
    def _fading(self) -> str:
        if self.half_life_days is not None:
            return f", halved every {self.half_life_days} days"
        return f", none after {self.fades_out_days} days" if self.fades_out_days else ""

    @property
    def label(self) -> str:
        """The rule's name in the log of a lead's points."""
        if self.about != "an event":
            return super().words()
        event = "any activity" if self.action is None else self.action
        return event if self.where is None else f"{event} ({self.where.words})"


class Disqualifier(Conditions):
    """Leads that sales are not to call, whatever their points."""

    name: Text


class RulesFile(Strict):
    """The whole of rules.toml."""

    name: str
    bands: Bands
    groups: dict[str, Limits] = Field(default_factory=dict)
    total: Limits = Limits()
    rule: Annotated[list[Rule], Field(min_length=1)]
    disqualify: list[Disqualifier] = Field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """What it says, defaults left out, by the keys of the file."""
        return self.model_dump(exclude_defaults=True, by_alias=True)

    @model_validator(mode="after")
    def _known_groups(self) -> RulesFile:
        unknown = {r.group for r in self.rule if r.group is not None} - set(self.groups)
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ValueError(f"rules name the unknown group {names}; write [groups.NAME] cap = ...")
        return self


def rules_toml(file: RulesFile, head: Sequence[str], notes: Mapping[int, Sequence[str]]) -> str:
    """The text of a rules.toml that `load_rules` reads as `file`.

    head: comment lines above all; beside: comment lines above a rule, by its number from 0.
    """
    content = file.content()
    lines = [*_comments(head), f"name = {toml_value(file.name)}"]
    lines += [
        f"{key} = {toml_value(content[key])}" for key in ("bands", "total") if content.get(key)
    ]
    for name, limits in content.get("groups", {}).items():
        lines += ["", f"[groups.{toml_value(name)}]"]
        lines += [f"{key} = {toml_value(value)}" for key, value in limits.items()]
    for number, rule in enumerate(content["rule"]):
        lines += ["", *_comments(notes.get(number, ())), "[[rule]]"]
        lines += [f"{key} = {toml_value(value)}" for key, value in rule.items()]
    for each in content.get("disqualify", []):
        lines += ["", "[[disqualify]]"]
        lines += [f"{key} = {toml_value(value)}" for key, value in each.items()]
    return "\n".join(lines) + "\n"


def _comments(lines: Sequence[str]) -> list[str]:
    return [f"# {line}".rstrip() for line in lines]
