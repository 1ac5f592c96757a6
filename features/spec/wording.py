"""How features are said: what each means, and how one seen value reads as a reason.

>>> phrase(Count("visited_pricing", 7), 4)
'visited pricing 4 times in the last 7 days'
>>> phrase(Count("price_list", 7), 1, {"price_list": "opened the price list"})
'opened the price list once in the last 7 days'
>>> phrase(DaysSince("chat_started"), None)
'no "chat started" so far'
"""

from collections.abc import Mapping

from features.spec.spec import (
    ActiveDays,
    Age,
    Attribute,
    Count,
    Custom,
    DaysSince,
    Decayed,
    DistinctContent,
    Faded,
    First,
    InSegment,
    Last,
    Ratio,
    Sessions,
    Share,
    Spec,
    SumValue,
    Trend,
)
from features.spec.where import Where

Words = Mapping[str, str]  # action or attribute -> how people say it
Value = float | str | None


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
    said = "any activity" if action is None else words.get(action, action.replace("_", " "))
    return said if where is None else f"{said} ({where.words})"


def none_of(action: str | None, when: str, words: Words, where: Where | None = None) -> str:
    """That something was not done.

    >>> none_of("visited_pricing", "for 14 days", {})
    'no "visited pricing" for 14 days'
    """
    said = "activity" if action is None else f'"{say(action, words)}"'
    return f"no {said}{'' if where is None else f' ({where.words})'} {when}"


def meaning(spec: Spec, words: Words | None = None) -> str:
    """What the feature measures, for lists and reports."""
    words = words or {}
    match spec:
        case Count(action, window, where):
            return f"number of times: {say(action, words, where)}, {during(window)}"
        case DaysSince(action, where):
            return f"days since the last: {say(action, words, where)}"
        case Trend(action, window):
            said = _deed(action, words)
            return f"share of the last {2 * window} days' {said} that came {during(window)}"
        case Decayed(action, half_life, window, where):
            fading = f"each fading by half every {half_life:g} days"
            return f"number of times: {say(action, words, where)}, {during(window)}, {fading}"
        case Faded(action, days, where):
            fading = f"each fading out over {days} days"
            return f"number of times: {say(action, words, where)}, {fading}"
        case SumValue(action, window, where):
            return f"sum of the value of {say(action, words, where)}, {during(window)}"
        case ActiveDays(window, action, where):
            return f"days with {say(action, words, where)} {during(window)}"
        case Ratio(over, under):
            return f"({meaning(over, words)}) per ({meaning(under, words)})"
        case Attribute(column, _):
            return say(column, words)
        case InSegment(segment, _):
            return f'in the segment "{segment}" (1) or not (0)'
        case Custom():
            return spec.meaning
    return _general_meaning(spec)


def _general_meaning(spec: Spec) -> str:
    match spec:
        case Sessions(window):
            return f"sessions begun {during(window)} (a pause over 30 minutes ends one)"
        case First(column):
            return f"first {column} seen"
        case Last(column):
            return f"last {column} seen"
        case Share(part, window):
            return f"share of activity at {_PART[part]} {during(window)}"
        case DistinctContent(window):
            return f"different contents seen {during(window)}"
        case Age():
            return "age of the lead in days"
    raise TypeError(f"no meaning written for {spec!r}")


_PART = {"night": "night", "weekend": "the weekend"}


def phrase(spec: Spec, value: Value, words: Words | None = None) -> str:
    """One seen value as a fact about the lead, for the reasons beside a score. A missing value
    (None, or NaN) is worded as what it says: that there was nothing."""
    words = words or {}
    if value is None or value != value:
        return _absence(spec, words)
    if isinstance(value, str):
        is_action = isinstance(spec, First | Last) and spec.column == "action"
        return f"{meaning(spec, words)}: {say(value, words) if is_action else value}"
    match spec:
        case Count(None, window, None) if value:
            return f"{_plural(value, 'event')} {during(window)}"
        case Count(action, window, where) if value:
            times = "once" if value == 1 else f"{value:,.0f} times"
            return f"{say(action, words, where)} {times} {during(window)}"
        case DaysSince(action, where):
            return f"last {_deed(action, words, where)} {_days(value)} ago"
        case ActiveDays(window, None, None):
            return f"active on {_plural(value, 'day')} {during(window)}"
        case Sessions(window):
            return f"{_plural(value, 'session')} {during(window)}"
        case DistinctContent(window):
            return f"{_plural(value, 'different content')} {during(window)}"
        case Trend(action, window):
            way = "rising" if value > 0.55 else "fading" if value < 0.45 else "steady"
            part = f"{value:.0%} of the last {2 * window} days' came {during(window)}"
            return f"{_deed(action, words)} {way} ({part})"
        case Share(part, window):
            return f"{value:.0%} of activity at {_PART[part]} {during(window)}"
        case Decayed(action, _, _, where) | Faded(action, _, where) if value:
            return f"recent {_deed(action, words, where)} (faded count {_number(value)})"
        case Count() | Decayed() | Faded():
            return _absence(spec, words)
    return _general_phrase(spec, value, words)


def _general_phrase(spec: Spec, value: float, words: Words) -> str:
    match spec:
        case Age():
            return f"lead is {_days(value)} old"
        case InSegment(segment, _):
            return f'{"" if value else "not "}in the segment "{segment}"'
    return f"{meaning(spec, words)}: {_number(value)}"


def _absence(spec: Spec, words: Words) -> str:
    match spec:
        case Count(action, window, where) | Decayed(action, _, window, where):
            return none_of(action, during(window), words, where)
        case Faded(action, days, where):
            return none_of(action, during(days), words, where)
        case DaysSince(action, where):
            return none_of(action, during(None), words, where)
        case Trend(action, window):
            return none_of(action, during(2 * window), words)
        case Share(_, window):
            return none_of(None, during(window), words)
    return f"{meaning(spec, words)}: unknown"


def _deed(action: str | None, words: Words, where: Where | None = None) -> str:
    said = "activity" if action is None else say(action, words)
    return said if where is None else f"{said} ({where.words})"


def _plural(count: float, word: str) -> str:
    return f"{count:,.0f} {word}{'' if count == 1 else 's'}"


def _days(days: float) -> str:
    if days >= 2:
        return f"{days:,.0f} days"
    hours = round(days * 24)
    return "less than an hour" if hours < 1 else _plural(hours, "hour")


def _number(value: float) -> str:
    if 0 < abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")
