"""Every kind of feature: its name, its words, its SQL, and its cells in the compiled pass.

Every spec sees only events known before the cutoff. Windows are in days: `window=7` is the interval
[cutoff - 7 d, cutoff); `window=None` is all time before the cutoff. `action=None` stands for events
of any action; `where` narrows them further.

To add a kind:

1. Write a frozen dataclass here, of `OfEvents`, `OfLead` or `Derived` (features/spec/spec.py). Its
   fields are its stored form: text, numbers, a Where, other specs. Put it into KINDS.
2. Give it a `name` that holds every field, a `meaning`, and a `fact` and an `absence` where the
   general ones do not read well.
3. Give it an `aggregate`, and say `is_null_without` where NULL does not become 0. If what the
   compiled pass keeps (features/spec/cells.py) is enough, give it `cells`, too; else the SQL alone
   measures it.
4. Define it in plain Python in tests/features/oracle.py, and list some in EVERY_SPEC and
   EVERY_KIND: the tests hold SQL, cells, words and stored form against that.
5. Name it in features/catalog.py, or in a rule or condition that asks for it.

>>> Count("visited_pricing", 7).name
'count_7d(visited_pricing)'
>>> Count("visited_pricing", 7, Where(content="/pricing/*")).name
'count_7d(visited_pricing)[content="/pricing/*"]'
>>> Count("price_list", 7).phrase(1, {"price_list": "opened the price list"})
'opened the price list once in the last 7 days'
>>> DaysSince("chat_started").phrase(None, {})
'no "chat started" so far'
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from features.spec.cells import DAY, FIXED_POINT, Cells, Latest, Number, Read, Sum, Text
from features.spec.spec import Derived, Floats, OfEvents, OfLead, Spec, action_of, where_of
from features.spec.where import Where
from features.spec.wording import (
    Words,
    activity,
    days,
    during,
    none_of,
    number,
    plural,
    say,
    times,
)
from features.sql import quoted


@dataclass(frozen=True)
class Age(OfLead):
    """Elapsed days (a fraction, > 0) from the lead's creation to the cutoff."""

    is_countable = True
    in_days = True
    name = "age_days"
    topic = "age"

    @property
    def sql(self) -> str:
        return _days_since("l.created_at")

    def meaning(self, words: Words) -> str:
        return "age of the lead in days"

    def fact(self, value: float, words: Words) -> str:
        return f"lead is {days(value)} old"


@dataclass(frozen=True)
class Attribute(OfLead):
    """An explicit attribute of the lead as known at its creation; text, or else a number."""

    is_countable = True

    column: str
    text: bool

    @property
    def name(self) -> str:
        return f"attribute({self.column})"

    @property
    def is_text(self) -> bool:
        return self.text

    @property
    def sql(self) -> str:
        return f"TRY_CAST(l.{quoted(self.column)} AS {'VARCHAR' if self.text else 'DOUBLE'})"

    def meaning(self, words: Words) -> str:
        return say(self.column, words)


@dataclass(frozen=True)
class DaysSinceDate(OfLead):
    """Elapsed days (a fraction) from a date among the lead's attributes to the cutoff; negative
    where the date is still to come; null where there is none."""

    is_countable = True
    in_days = True

    column: str

    @property
    def name(self) -> str:
        return f"days_since_date({self.column})"

    @property
    def sql(self) -> str:
        return _days_since(f"TRY_CAST(l.{quoted(self.column)} AS TIMESTAMP)")

    def meaning(self, words: Words) -> str:
        return f"days since {say(self.column, words)}"

    def fact(self, value: float, words: Words) -> str:
        date = say(self.column, words)
        return f"{date} {days(value)} ago" if value >= 0 else f"{date} in {days(-value)}"


@dataclass(frozen=True)
class PastDeals(OfLead):
    """Deals of the lead that were won, or lost, before the cutoff."""

    is_countable = True
    topic = "past deals"

    outcome: Literal["won", "lost"]

    @property
    def name(self) -> str:
        return f"deals_{self.outcome}"

    @property
    def sql(self) -> str:
        return f"(SELECT count(*)::DOUBLE {_past(self.outcome)})"

    def meaning(self, words: Words) -> str:
        return f"deals {self.outcome} so far"

    def fact(self, value: float, words: Words) -> str:
        return f"{plural(value, 'deal')} {self.outcome} so far"


@dataclass(frozen=True)
class DaysSinceDeal(OfLead):
    """Elapsed days (a fraction, > 0) from the lead's latest deal that was won, or lost, before the
    cutoff; null where there is none."""

    is_countable = True
    in_days = True
    topic = "past deals"

    outcome: Literal["won", "lost"]

    @property
    def name(self) -> str:
        return f"days_since_{self.outcome}"

    @property
    def sql(self) -> str:
        return _days_since(f"(SELECT max(c.closed_at) {_past(self.outcome)})")

    def meaning(self, words: Words) -> str:
        return f"days since the last deal was {self.outcome}"

    def fact(self, value: float, words: Words) -> str:
        return f"last deal {self.outcome} {days(value)} ago"

    def absence(self, words: Words) -> str:
        return f"no deal {self.outcome} so far"


def _days_since(time: str) -> str:
    return f"(epoch_us(s.cutoff) - epoch_us({time})) / {DAY}::DOUBLE"


def _past(outcome: str) -> str:
    return (
        f"FROM closings c WHERE c.lead_id = s.lead_id AND c.outcome = '{outcome}' "
        "AND c.closed_at < s.cutoff"
    )


AttributeType = Literal["text", "number", "date"]


def attribute_feature(column: str, kind: AttributeType) -> Attribute | DaysSinceDate:
    """The feature of an attribute of the lead, by what it is."""
    return DaysSinceDate(column) if kind == "date" else Attribute(column, text=kind == "text")


@dataclass(frozen=True)
class _InWindow(OfEvents):
    """Of the events of an action (None: any) in the window, such as `where` says."""

    action: str | None = None
    window: int | None = None
    where: Where | None = None

    @property
    def _inside(self) -> str:
        return within(self.window, where=self.where)

    @property
    def _suffix(self) -> str:
        return f"{span(self.window)}{_of(self.action, self.where)}"


@dataclass(frozen=True)
class Count(_InWindow):
    """Events in the window. 0 where there are none."""

    is_countable = True

    @property
    def name(self) -> str:
        return f"count_{self._suffix}"

    @property
    def aggregate(self) -> str:
        return f"count(*){self._inside}"

    @property
    def cells(self) -> Cells:
        return Read("number", Sum("events", self.action, self.window))

    def meaning(self, words: Words) -> str:
        return f"number of times: {say(self.action, words, self.where)}, {during(self.window)}"

    def fact(self, value: float, words: Words) -> str:
        if not value:
            return self.absence(words)
        if self.action is None and self.where is None:
            return f"{plural(value, 'event')} {during(self.window)}"
        return f"{say(self.action, words, self.where)} {times(value)} {during(self.window)}"


@dataclass(frozen=True)
class DaysSince(OfEvents):
    """Elapsed days (a fraction, > 0) from the latest such event to the cutoff; null if never."""

    is_countable = True
    in_days = True

    action: str | None = None
    where: Where | None = None

    @property
    def name(self) -> str:
        return f"days_since{_of(self.action, self.where)}"

    @property
    def aggregate(self) -> str:
        return f"min(age_us){within(None, where=self.where)}"

    @property
    def cells(self) -> Cells:
        return Read("days_since", Latest(self.action))

    def meaning(self, words: Words) -> str:
        return f"days since the last: {say(self.action, words, self.where)}"

    def fact(self, value: float, words: Words) -> str:
        return f"last {activity(self.action, words, self.where)} {days(value)} ago"


@dataclass(frozen=True)
class ActiveDays(OfEvents):
    """Distinct UTC calendar days with an event in the window."""

    is_countable = True

    window: int | None = None
    action: str | None = None
    where: Where | None = None

    @property
    def name(self) -> str:
        return f"active_days_{span(self.window)}{_of(self.action, self.where)}"

    @property
    def _is_plain(self) -> bool:
        return self.action is None and self.where is None

    @property
    def once(self) -> str | None:
        return "occurred_at::DATE" if self._is_plain else None

    @property
    def aggregate(self) -> str:
        counted = "*" if self._is_plain else "DISTINCT occurred_at::DATE"
        return f"count({counted}){within(self.window, where=self.where)}"

    @property
    def cells(self) -> Cells | None:
        return Read("number", Number("days", self.window)) if self._is_plain else None

    def meaning(self, words: Words) -> str:
        return f"days with {say(self.action, words, self.where)} {during(self.window)}"

    def fact(self, value: float, words: Words) -> str:
        if not self._is_plain:
            return super().fact(value, words)
        return f"active on {plural(value, 'day')} {during(self.window)}"


@dataclass(frozen=True)
class Sessions(OfEvents):
    """Sessions begun in the window. An event begins a session when no other event known before
    the cutoff lies in the 30 minutes up to it; events at one instant count as one."""

    is_countable = True
    # When it became known that the event does not begin a session: the first event in the 30
    # minutes up to it. Of events at one instant, those known later follow the first one at once.
    event_columns: ClassVar[Mapping[str, str]] = {
        "follows_from": """CASE WHEN occurred_at = lag(occurred_at) OVER (PARTITION BY lead_id
        ORDER BY occurred_at, known_at) THEN known_at
      ELSE min(known_at) OVER (PARTITION BY lead_id ORDER BY occurred_at
        RANGE BETWEEN INTERVAL 30 MINUTE PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING) END"""
    }

    window: int | None = None

    @property
    def name(self) -> str:
        return f"sessions_{span(self.window)}"

    @property
    def aggregate(self) -> str:
        begins = "(follows_from IS NULL OR follows_from >= cutoff)"
        return f"count(*){within(self.window, begins)}"

    @property
    def cells(self) -> Cells:
        return Read("number", Number("sessions", self.window))

    def meaning(self, words: Words) -> str:
        return f"sessions begun {during(self.window)} (a pause over 30 minutes ends one)"

    def fact(self, value: float, words: Words) -> str:
        return f"{plural(value, 'session')} {during(self.window)}"


@dataclass(frozen=True)
class DistinctContent(OfEvents):
    """Different non-null contents (pages, mails, files) seen in the window."""

    is_countable = True
    once = "content"

    window: int | None = None

    @property
    def name(self) -> str:
        return f"contents_{span(self.window)}"

    @property
    def aggregate(self) -> str:
        return f"count(*){within(self.window)}"

    @property
    def cells(self) -> Cells:
        return Read("number", Number("contents", self.window))

    def meaning(self, words: Words) -> str:
        return f"different contents seen {during(self.window)}"

    def fact(self, value: float, words: Words) -> str:
        return f"{plural(value, 'different content')} {during(self.window)}"


@dataclass(frozen=True)
class _FirstOrLast(OfEvents):
    which: ClassVar[Literal["first", "last"]]
    is_countable = True
    is_text = True
    absence = Spec.absence

    column: Literal["source", "action"]

    @property
    def name(self) -> str:
        return f"{self.which}_{self.column}"

    @property
    def aggregate(self) -> str:
        dated = f"struct_pack(moment := occurred_at, text := {self.column})"
        pick = "min" if self.which == "first" else "max"
        return f"{pick}({dated}) FILTER (WHERE {self.column} IS NOT NULL)"

    def result(self, measured: str) -> str:
        return f"{measured}.text"

    @property
    def cells(self) -> Cells:
        return Text(self.which, self.column)

    def meaning(self, words: Words) -> str:
        return f"{self.which} {self.column} seen"


class First(_FirstOrLast):
    """The earliest non-null source (or action); at one instant the alphabetically first. Null if
    none."""

    which = "first"


class Last(_FirstOrLast):
    """The latest non-null source (or action); at one instant the alphabetically last. Null if
    none."""

    which = "last"


@dataclass(frozen=True)
class Trend(OfEvents):
    """Recent against earlier: events in [cutoff - w, cutoff) over events in [cutoff - 2 w, cutoff).
    In [0, 1]: 0.5 is steady, above rises, below fades. Null where there is no event in 2 w."""

    is_null_without = True

    action: str | None
    window: int

    @property
    def name(self) -> str:
        return f"trend_{self.window}d{_of(self.action)}"

    @property
    def aggregate(self) -> str:
        earlier = f"nullif(count(*){within(2 * self.window)}, 0)::DOUBLE"
        return f"count(*){within(self.window)} / {earlier}"

    @property
    def cells(self) -> Cells:
        recent, both = self.window, 2 * self.window
        return Read(
            "quotient", Sum("events", self.action, recent), Sum("events", self.action, both)
        )

    def meaning(self, words: Words) -> str:
        what = f"share of the last {2 * self.window} days' {activity(self.action, words)}"
        return f"{what} that came {during(self.window)}"

    def fact(self, value: float, words: Words) -> str:
        way = "rising" if value > 0.55 else "fading" if value < 0.45 else "steady"
        part = f"{value:.0%} of the last {2 * self.window} days' came {during(self.window)}"
        return f"{activity(self.action, words)} {way} ({part})"

    def absence(self, words: Words) -> str:
        return none_of(self.action, during(2 * self.window), words)


@dataclass(frozen=True)
class Share(OfEvents):
    """Share of the window's events at night (22:00-06:00 UTC) or at the weekend (Saturday and
    Sunday, UTC). In [0, 1]. Null where the window holds no event."""

    is_null_without = True

    part: Literal["night", "weekend"]
    window: int | None = None

    @property
    def name(self) -> str:
        return f"{self.part}_share_{span(self.window)}"

    @property
    def topic(self) -> str:
        return self.part

    @property
    def aggregate(self) -> str:
        is_in_part = {
            "night": "(hour(occurred_at) >= 22 OR hour(occurred_at) < 6)",
            "weekend": "isodow(occurred_at) >= 6",
        }[self.part]
        everything = f"nullif(count(*){within(self.window)}, 0)::DOUBLE"
        return f"count(*){within(self.window, is_in_part)} / {everything}"

    @property
    def cells(self) -> Cells:
        everything = Sum("events", None, self.window)
        return Read("quotient", Sum(self.part, None, self.window), everything)

    def meaning(self, words: Words) -> str:
        when = {"night": "22:00-06:00 UTC", "weekend": "Saturday and Sunday, UTC"}[self.part]
        return f"share of activity {self._at} ({when}) {during(self.window)}"

    def fact(self, value: float, words: Words) -> str:
        return f"{value:.0%} of activity {self._at} {during(self.window)}"

    @property
    def _at(self) -> str:
        return {"night": "at night", "weekend": "at the weekend"}[self.part]


class _Fading(OfEvents):
    def fact(self, value: float, words: Words) -> str:
        if not value:
            return self.absence(words)
        what = activity(action_of(self), words, where_of(self))
        return f"recent {what} (faded count {number(value)})"


@dataclass(frozen=True)
class Decayed(_Fading):
    """Sum over the window's events of 0.5 ** (days ago / half_life), half_life in days. Summed in
    fixed point of 2**-32 per event, so that the order of the rows cannot change the last bit."""

    action: str | None
    half_life: float
    window: int | None = None
    where: Where | None = None

    @property
    def name(self) -> str:
        inside = "" if self.window is None else f"_within_{self.window}d"
        return f"decayed_{self.half_life:g}d{inside}{_of(self.action, self.where)}"

    @property
    def aggregate(self) -> str:
        weight = f"pow(0.5::DOUBLE, age_us / {float(self.half_life * DAY)!r}::DOUBLE)"
        return _fixed_sum(weight, self.window, self.where)

    @property
    def cells(self) -> Cells:
        return Read("fixed_point", Sum("decayed", self.action, self.window, self.half_life))

    def meaning(self, words: Words) -> str:
        counted = f"number of times: {say(self.action, words, self.where)}, {during(self.window)}"
        return f"{counted}, each fading by half every {self.half_life:g} days"


@dataclass(frozen=True)
class Faded(_Fading):
    """Sum over the events of 1 - days ago / days, of those less than so many days old: an event
    counts half when half of them are over, and no more when all are. Summed as Decayed is."""

    action: str | None
    days: int
    where: Where | None = None

    @property
    def name(self) -> str:
        return f"faded_{self.days}d{_of(self.action, self.where)}"

    @property
    def aggregate(self) -> str:
        weight = f"(1 - age_us / {float(self.days * DAY)!r}::DOUBLE)"
        return _fixed_sum(weight, self.days, self.where)

    def meaning(self, words: Words) -> str:
        counted = f"number of times: {say(self.action, words, self.where)}"
        return f"{counted}, each fading out evenly over {self.days} days"

    def absence(self, words: Words) -> str:
        return none_of(self.action, during(self.days), words, self.where)


_FIXED_VALUE = "TRY_CAST(round(value * 10000) AS BIGINT)"


@dataclass(frozen=True)
class SumValue(_InWindow):
    """Sum of the value of the window's events, each rounded to 4 decimals. 0 where none has one;
    values beyond 9e14 either way are no values."""

    @property
    def name(self) -> str:
        return f"value_{self._suffix}"

    @property
    def aggregate(self) -> str:
        return f"sum({_FIXED_VALUE}){self._inside} / 10000::DOUBLE"

    @property
    def cells(self) -> Cells:
        high = Sum("value_high", self.action, self.window)
        return Read("value", high, Sum("value_low", self.action, self.window))

    def meaning(self, words: Words) -> str:
        return f"sum of the value of {say(self.action, words, self.where)}, {during(self.window)}"


@dataclass(frozen=True)
class MeanValue(_InWindow):
    """Mean of the value of the window's events that have one, each rounded to 4 decimals; null
    where none has. With values of 0 and 1 it is a share. SumValue says which are no values."""

    is_null_without = True

    @property
    def name(self) -> str:
        return f"mean_value_{self._suffix}"

    @property
    def aggregate(self) -> str:
        inside = self._inside
        return f"sum({_FIXED_VALUE}){inside} / (10000 * count({_FIXED_VALUE}){inside})::DOUBLE"

    def meaning(self, words: Words) -> str:
        return f"mean value of {say(self.action, words, self.where)}, {during(self.window)}"


@dataclass(frozen=True)
class Custom(OfEvents):
    """A data scientist's own aggregate over the known events: one SQL expression, and in words what
    it measures.

    Columns at hand: action, source, content, value, occurred_at, age_us (microseconds from the
    event to the cutoff, > 0). The SQL is never read back from a stored model (that would run
    foreign SQL): it is looked up by name in features/catalog.py.
    """

    is_null_without = True
    absence = Spec.absence

    name: str
    sql: str
    description: str

    @property
    def topic(self) -> str:
        return self.name

    @property
    def aggregate(self) -> str:
        return self.sql

    def meaning(self, words: Words) -> str:
        return self.description


@dataclass(frozen=True)
class Ratio(Derived):
    """One feature over another; null where the second is 0 or null."""

    over: Spec
    under: Spec

    @property
    def name(self) -> str:
        return f"{self.over.name}/{self.under.name}"

    @property
    def topic(self) -> str:
        return self.over.topic

    @property
    def parts(self) -> tuple[Spec, ...]:
        return self.over, self.under

    def values(self, columns: Mapping[str, Any]) -> Floats:
        over, under = columns[self.over.name], columns[self.under.name]
        quotient: Floats = np.divide(over, under, out=np.full(len(over), np.nan), where=under != 0)
        return quotient

    def meaning(self, words: Words) -> str:
        return f"({self.over.meaning(words)}) per ({self.under.meaning(words)})"


KINDS: tuple[type[Spec], ...] = (
    Age,
    Attribute,
    DaysSinceDate,
    PastDeals,
    DaysSinceDeal,
    Count,
    DaysSince,
    ActiveDays,
    Sessions,
    DistinctContent,
    First,
    Last,
    Trend,
    Share,
    Decayed,
    Faded,
    SumValue,
    MeanValue,
    Custom,
    Ratio,
)


def span(window: int | None) -> str:
    """The window in a feature's name."""
    return "all" if window is None else f"{window}d"


def _of(action: str | None, where: Where | None = None) -> str:
    of_action = "" if action is None else f"({action})"
    return of_action if where is None else of_action + where.name


def within(window: int | None, *more: str, where: Where | None = None) -> str:
    """FILTER clause for the window [cutoff - w, cutoff): an event exactly w days before the cutoff
    is inside. (That it is before the cutoff is settled where the events are chosen.)"""
    terms = [] if window is None else [f"age_us <= {window * DAY}"]
    terms += [*more, *(where.sql if where else ())]
    return f" FILTER (WHERE {' AND '.join(terms)})" if terms else ""


def _fixed_sum(weight: str, window: int | None, where: Where | None) -> str:
    units = f"{FIXED_POINT:.0f}"
    return f"sum(round({weight} * {units})::BIGINT){within(window, where=where)} / {units}::DOUBLE"
