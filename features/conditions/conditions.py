"""The one language in which rules, disqualifiers and segments say which leads they mean, in TOML.

    {action = "visited_pricing", content = "/pricing/*", window_days = 30, at_least = 5}
    {action = "ordered", value_from = 100, on_days_at_least = 2}   # on two days or more
    {action = "called", window_days = 7, at_most = 0}              # not called for a week
    {quiet_days = 14}                                              # did nothing for 14 days
    {age_from_days = 2, age_below_days = 365}                      # days since its creation
    {attribute = "country", is = ["DE", "AT"]}
    {attribute = "employees", from = 50, below = 250}
    {first_source = "paid_*"}                                      # or last_source

What is unknown never holds: a lead without a country is neither `is = ["DE"]` nor `from = 0`. So it
also passes `none`. Everything is as known strictly before the cutoff.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BeforeValidator, Field, model_validator

from features.spec.kinds import ActiveDays, Age, Attribute, Count, DaysSince, First, Last
from features.spec.spec import Spec, distinct
from features.spec.where import Where, fits
from features.spec.wording import Words, during, none_of, plural, say, times
from features.toml import Strict

Flags = npt.NDArray[np.bool_]
Text = Annotated[str, Field(min_length=1)]
Whole = Annotated[int, Field(ge=1, le=1_000_000_000)]
Window = Annotated[int, Field(ge=1, le=36_500)]  # days

_EVENT = ("action", "content", "source", "value_from", "value_below")
_HOW_OFTEN = ("window_days", "at_least", "at_most", "on_days_at_least")
# What a condition may be about, first to last, and the keys that go with it.
_KEYS = {
    "attribute": ("attribute", "is_", "from_", "below"),
    "first_source": ("first_source",),
    "last_source": ("last_source",),
    "quiet_days": ("quiet_days", *_EVENT),
    "age_from_days": ("age_from_days", "age_below_days"),
    "age_below_days": ("age_below_days",),
    "an event": (*_EVENT, *_HOW_OFTEN),
}


def _listed(given: Any) -> Any:
    """One value as a list of it; true and false as the texts that they are staged as."""
    values = given if isinstance(given, list) else [given]
    if not values or len({isinstance(value, bool | str) for value in values}) > 1:
        raise ValueError("names one text or number, or a list of texts or of numbers")
    return [str(value).lower() if isinstance(value, bool) else value for value in values]


class Condition(Strict):
    """One thing that holds of a lead at a cutoff, or does not.

    Events (of the `action`, or of any where it is left out, with the properties of
    `features.spec.where`) `at_least` so often, `at_most` so often, or on `on_days_at_least` UTC
    days, in [cutoff - window_days, cutoff); without any of these, once or more. `quiet_days = 14`:
    no such event for more than 14 days, by a lead that is older than that. An attribute that `is`
    one of some texts or numbers, or is a number in [from, below). An age in days in [age_from_days,
    age_below_days). A source that fits.
    """

    action: str | None = None
    content: str | None = None
    source: str | None = None
    value_from: float | None = None
    value_below: float | None = None
    window_days: Window | None = None
    at_least: Whole | None = None
    at_most: Annotated[int, Field(ge=0)] | None = None
    on_days_at_least: Whole | None = None
    quiet_days: Window | None = None
    age_from_days: Annotated[float, Field(ge=0)] | None = None
    age_below_days: Annotated[float, Field(gt=0)] | None = None
    attribute: Text | None = None
    is_: Annotated[list[str] | list[float] | None, BeforeValidator(_listed)] = Field(
        default=None, alias="is"
    )
    from_: float | None = Field(default=None, alias="from")
    below: float | None = None
    first_source: str | None = None
    last_source: str | None = None

    @property
    def about(self) -> str:
        """What the condition is about: a key of its own, or an event."""
        return next(k for k in _KEYS if k == "an event" or getattr(self, k) is not None)

    @model_validator(mode="after")
    def _one_thing(self) -> Condition:
        given = [key for key in Condition.model_fields if getattr(self, key) is not None]
        others = [key.strip("_") for key in given if key not in _KEYS[self.about]]
        if others:
            raise ValueError(f"{', '.join(others)} does not go with {self.about}: two conditions?")
        if self.about == "an event" and not set(given) & {*_EVENT, *_HOW_OFTEN}:
            raise ValueError("asks for nothing; name an action, quiet_days, an attribute, ...")
        if self.attribute and len(given) == 1:
            raise ValueError(f"what of the attribute {self.attribute}? Say is, from or below")
        if self.is_ is not None and (self.from_, self.below) != (None, None):
            raise ValueError("say either is, or from and below")
        _rising(self.from_, self.below, "from", "below")
        _rising(self.value_from, self.value_below, "value_from", "value_below")
        _rising(self.age_from_days, self.age_below_days, "age_from_days", "age_below_days")
        if self.at_most is not None and (self.at_least or 0) > self.at_most:
            raise ValueError(f"at_least {self.at_least} is more than at_most {self.at_most}")
        return self

    @property
    def where(self) -> Where | None:
        """The properties that the event must have."""
        where = Where(self.content, self.source, self.value_from, self.value_below)
        return None if where == Where() else where

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The features that the frame must hold."""
        match self.about:
            case "attribute":
                return (self._attribute,)
            case "first_source":
                return (First("source"),)
            case "last_source":
                return (Last("source"),)
            case "quiet_days":
                return (DaysSince(self.action, self.where), Age())
            case "age_from_days" | "age_below_days":
                return (Age(),)
        days = (self._days,) if self.on_days_at_least is not None else ()
        return (*days, self._count) if self._is_counted else days

    @property
    def _days(self) -> ActiveDays:
        return ActiveDays(self.window_days, self.action, self.where)

    @property
    def _count(self) -> Count:
        return Count(self.action, self.window_days, self.where)

    @property
    def _attribute(self) -> Attribute:
        return Attribute(self.attribute or "", text=isinstance((self.is_ or [0.0])[0], str))

    @property
    def _is_counted(self) -> bool:
        return self.on_days_at_least is None or (self.at_least, self.at_most) != (None, None)

    def holds(self, frame: pd.DataFrame) -> Flags:
        """Whether it holds for each snapshot; never where what it is about is unknown."""
        match self.about:
            case "attribute":
                return self._is_so(frame[self._attribute.name])
            case "first_source" | "last_source":
                pattern = self.first_source or self.last_source or ""
                sources = frame[self.specs[0].name]
                return _flags([isinstance(s, str) and fits(pattern, s) for s in sources])
            case "quiet_days":
                return self.quiet(frame) > (self.quiet_days or 0)
            case "age_from_days" | "age_below_days":
                age = frame[Age().name].to_numpy(np.float64)
                below = np.inf if self.age_below_days is None else self.age_below_days
                return _flags((age >= (self.age_from_days or 0)) & (age < below))
        held = np.ones(len(frame), bool)
        if self.on_days_at_least is not None:
            held &= frame[self._days.name].to_numpy(np.float64) >= self.on_days_at_least
        if self._is_counted:
            count = frame[self._count.name].to_numpy(np.float64)
            least = 1 if self.at_least is None and self.at_most is None else self.at_least or 0
            held &= (count >= least) & (count <= (np.inf if self.at_most is None else self.at_most))
        return held

    def quiet(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Days since the latest such event, or since the lead's creation."""
        since = frame[DaysSince(self.action, self.where).name].to_numpy(np.float64)
        quiet: npt.NDArray[np.float64] = np.fmin(since, frame[Age().name].to_numpy(np.float64))
        return quiet

    def _is_so(self, column: pd.Series[Any]) -> Flags:
        """The column may hold text or numbers, whichever the model asks for."""
        if self._attribute.text and not pd.api.types.is_numeric_dtype(column):
            return _flags(column.isin(list(self.is_ or [])))
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
        allowed = pd.to_numeric(pd.Series(list(self.is_ or []), dtype=object), errors="coerce")
        held = np.isfinite(numbers)
        held &= True if self.is_ is None else np.isin(numbers, allowed.to_numpy(np.float64))
        held &= True if self.from_ is None else numbers >= self.from_
        held &= True if self.below is None else numbers < self.below
        return _flags(held)

    def words(self, words: Words | None = None) -> str:
        """The condition as people say it, by the words of readiness.toml.

        >>> Condition(action="visited_pricing", window_days=30, at_least=5).words()
        'visited pricing at least 5 times in the last 30 days'
        """
        words = words or {}
        match self.about:
            case "attribute":
                return f"{say(self.attribute, words)} {self._bounds_in_words()}"
            case "first_source" | "last_source":
                return f"{self.about.replace('_', ' ')} {self.first_source or self.last_source}"
            case "quiet_days":
                return none_of(self.action, f"for {self.quiet_days} days", words, self.where)
            case "age_from_days" | "age_below_days":
                bounds = (("from", self.age_from_days), ("below", self.age_below_days))
                ages = [f"{way} {days:g}" for way, days in bounds if days is not None]
                return f"age {', '.join(ages)} days"
        event = say(self.action, words, self.where)
        return f"{event} {self._often_in_words()} {during(self.window_days)}"

    def _bounds_in_words(self) -> str:
        parts = [] if self.is_ is None else ["is " + " or ".join(map(_plain, self.is_))]
        parts += [] if self.from_ is None else [f"from {_plain(self.from_)}"]
        parts += [] if self.below is None else [f"below {_plain(self.below)}"]
        return ", ".join(parts)

    def _often_in_words(self) -> str:
        parts = []
        if self.at_most == 0:
            parts.append("not once")
        elif self.at_least is not None and self.at_least == self.at_most:
            parts.append(times(self.at_least))
        else:
            parts += [] if self.at_least is None else [f"at least {times(self.at_least)}"]
            parts += [] if self.at_most is None else [f"at most {times(self.at_most)}"]
        if self.on_days_at_least is not None:
            parts.append(f"on at least {plural(self.on_days_at_least, 'day')}")
        return " and ".join(parts) or "at least once"


class Conditions(Strict):
    """Conditions combined: each of `all` holds, one of `any` (if there are some), none of `none`.

    A lead of which something is unknown passes `none`: what is unknown does not hold.
    """

    all: list[Condition] = Field(default_factory=list)
    any: list[Condition] = Field(default_factory=list)
    none: list[Condition] = Field(default_factory=list)

    @model_validator(mode="after")
    def _some(self) -> Conditions:
        if not (self.all or self.any or self.none):
            raise ValueError("asks for nothing; write all = [{...}], any = [...] or none = [...]")
        return self

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The features that the frame must hold."""
        return distinct(s for each in (*self.all, *self.any, *self.none) for s in each.specs)

    def holds(self, frame: pd.DataFrame) -> Flags:
        """Whether the whole holds for each snapshot."""
        return combined(frame, self.all, self.any, self.none)

    def words(self, words: Words | None = None) -> str:
        """The whole as people say it.

        >>> quiet, german = {"quiet_days": 14}, {"attribute": "country", "is": "DE"}
        >>> Conditions.model_validate({"all": [quiet], "none": [german]}).words()
        'no activity for 14 days, and not (country is DE)'
        """
        parts = [_joined(self.all, " and ", words), _joined(self.any, " or ", words)]
        if self.none:
            parts.append(f"not ({_joined(self.none, ' or ', words)})")
        return ", and ".join(part for part in parts if part)


def combined(
    frame: pd.DataFrame,
    all_of: Sequence[Condition | Conditions],
    any_of: Sequence[Condition | Conditions],
    never: Sequence[Condition | Conditions],
) -> Flags:
    """For each snapshot whether all of some conditions hold, one of others (if there are some), and
    none of further ones."""
    held = np.ones(len(frame), bool)
    for each in all_of:
        held &= each.holds(frame)
    if any_of:
        held &= np.logical_or.reduce([each.holds(frame) for each in any_of])
    for each in never:
        held &= ~each.holds(frame)
    return held


# Conditions of another file; a list of them means that all hold.
AllOrConditions = Annotated[
    Conditions, BeforeValidator(lambda given: {"all": given} if isinstance(given, list) else given)
]


def _joined(conditions: Sequence[Condition], by: str, words: Words | None) -> str:
    return by.join(each.words(words) for each in conditions)


def _rising(low: float | None, high: float | None, low_name: str, high_name: str) -> None:
    if low is not None and high is not None and low >= high:
        raise ValueError(f"{low_name} ({low:g}) must lie below {high_name} ({high:g})")


def _flags(values: Any) -> Flags:
    return np.asarray(values, dtype=bool)


def _plain(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,g}"
