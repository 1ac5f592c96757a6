"""Pieces of which features, conditions and rules are worded."""

import math
from collections.abc import Mapping
from datetime import datetime, time, timedelta

from features.spec.where import Where

Words = Mapping[str, str]  # action or attribute -> how people say it


def during(window: int | None) -> str:
    """The window in words.

    >>> during(7), during(None)
    ('in the last 7 days', 'so far')
    """
    if window is None:
        return "so far"
    return "in the last day" if window == 1 else f"in the last {window} days"


def say(action: str | None, words: Words, where: Where | None = None) -> str:
    """An action as people say it: by the configured words, else its name without underscores."""
    if action is None:
        return _where("any activity", where)
    return _where(words.get(action, action.replace("_", " ")), where)


def activity(action: str | None, words: Words, where: Where | None = None) -> str:
    """The same within a sentence.

    >>> activity(None, {}), activity("price_list", {"price_list": "opened the price list"})
    ('activity', 'opened the price list')
    """
    return _where("activity", where) if action is None else say(action, words, where)


def none_of(action: str | None, when: str, words: Words, where: Where | None = None) -> str:
    """That something was not done.

    >>> none_of("visited_pricing", "for 14 days", {})
    'no "visited pricing" for 14 days'
    """
    what = "activity" if action is None else f'"{say(action, words)}"'
    return f"no {_where(what, where)} {when}"


def _where(what: str, where: Where | None) -> str:
    return what if where is None else f"{what} ({where.words})"


def movement(then: str, now: str) -> str:
    """Two states of one fact; what both begin with is said once.

    >>> movement("last visited pricing 3 days ago", "last visited pricing 34 days ago")
    'last visited pricing 3 days ago -> 34 days ago'
    >>> movement("lead is 30 days old", "lead is 30 days old")
    'lead is 30 days old, as before'
    >>> movement("seen (faded count 1.6)", "seen (faded count 3.59)")
    'seen (faded count 1.6 -> 3.59)'
    """
    if then == now:
        return f"{now}, as before"
    old, new = then.split(" "), now.split(" ")
    apart = (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    shared = next(apart, min(len(old), len(new)))
    changed = " ".join(new[shared:]) or now
    if changed.count(")") > changed.count("("):  # a bracket that both begin with closes once
        then = then.removesuffix(")")
    return f"{then} -> {changed}"


def plural(count: float, word: str) -> str:
    """A whole number of things: "1 event", "12,345 events"."""
    return f"{count:,.0f} {word}{'' if count == 1 else 's'}"


def people(count: float) -> str:
    """So many people: "1 person", "2.5 people"."""
    return "1 person" if count == 1 else f"{number(count)} people"


def times(count: float) -> str:
    """How often something was done: "once", "12 times"."""
    return "once" if count == 1 else f"{count:,.0f} times"


def days(count: float) -> str:
    """A time span, given in days: "12 days", "36 hours", "less than an hour"."""
    if count >= 2:
        return f"{count:,.0f} days"
    hours = round(count * 24)
    return "less than an hour" if hours < 1 else plural(hours, "hour")


def due(moment: datetime, day: str = "%a %Y-%m-%d") -> str:
    """A time to call by, on a day as strftime has it. A day's midnight is the end of the day
    before: who reads "by Wednesday 00:00" calls on Wednesday, a day late.

    >>> due(datetime(2026, 3, 4)), due(datetime(2026, 3, 4, 4))
    ('Tue 2026-03-03, end of day', 'Wed 2026-03-04, 04:00')
    """
    if moment.time() == time():
        return f"{moment - timedelta(days=1):{day}}, end of day"
    return f"{moment:{day}, %H:%M}"


def percent(share: float) -> str:
    """A share as it is read, on pages and in the terminal.

    >>> percent(0.7444), percent(float("nan"))
    ('74.4%', 'unknown')
    """
    return "unknown" if math.isnan(share) else f"{share:.1%}"


def number(value: float) -> str:
    """A number with two decimals at most; near 0 with two digits that count."""
    if 0 < abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")
