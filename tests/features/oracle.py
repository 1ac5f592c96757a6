"""Features, cohort and labels the long way: lists, loops and datetime arithmetic, no SQL.

Written from the docstrings of features/spec/spec.py, snapshots.py and labels.py before the queries
were read. A lead is {"lead_id", "created_at", ...attributes}; an event {"lead_id", "occurred_at",
"action"} with, where they are known, "source", "content", "value" and "recorded_at"; a deal
{"lead_id", "closed_at", "outcome"} with, where they are known, "opened_at" and "recorded_at".
Missing is None; NaN is missing too.
"""

import json
import unicodedata
from datetime import timedelta
from math import isfinite

from features.spec.accounts import (
    ActivePeople,
    Colleagues,
    DaysSinceFirst,
    DistinctActions,
    People,
)
from features.spec.kinds import (
    ActiveDays,
    Age,
    Attribute,
    Count,
    Custom,
    DaysSince,
    DaysSinceDate,
    DaysSinceDeal,
    Decayed,
    DistinctContent,
    Faded,
    First,
    Last,
    MeanValue,
    PastDeals,
    Ratio,
    Sessions,
    Share,
    SumValue,
    Trend,
)
from features.spec.titles import OfTitle

DAY = timedelta(days=1)
PAUSE = timedelta(minutes=30)
SATURDAY = 5


def known_at(event):
    """When we knew of it: never before it happened."""
    recorded = event.get("recorded_at")
    return event["occurred_at"] if recorded is None else max(event["occurred_at"], recorded)


def known(events, cutoff):
    """What had been done, and was known of, before the cutoff. Without an action it is no event."""
    return [e for e in events if e["action"] is not None and known_at(e) < cutoff]


def within(events, cutoff, window):
    """Those of the known events that happened in [cutoff - window, cutoff)."""
    if window is None:
        return events
    return [event for event in events if event["occurred_at"] >= cutoff - window * DAY]


def of(events, action):
    return [event for event in events if action is None or event["action"] == action]


def is_meant(text, pattern):
    """Letter by letter; a * is any run of letters, also none."""
    if text is None:
        return False
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(is_meant(text[skipped:], pattern[1:]) for skipped in range(len(text) + 1))
    return text[:1] == pattern[0] and is_meant(text[1:], pattern[1:])


def having(events, where):
    """Those of the events with the properties that are asked for."""
    if where is None:
        return events
    for name in ("content", "source"):
        pattern = getattr(where, name)
        if pattern is not None:
            events = [event for event in events if is_meant(event.get(name), pattern)]
    valued = [(event, number(event.get("value"))) for event in events]
    if where.value_from is not None:
        valued = [
            (e, value) for e, value in valued if value is not None and value >= where.value_from
        ]
    if where.value_below is not None:
        valued = [
            (e, value) for e, value in valued if value is not None and value < where.value_below
        ]
    return [event for event, _ in valued]


def days_ago(event, cutoff):
    return (cutoff - event["occurred_at"]) / DAY


def session_starts(events):
    """The instants at which a session begins."""
    instants = sorted({event["occurred_at"] for event in events})
    return [
        instant
        for instant in instants
        if not any(instant - PAUSE <= other < instant for other in instants)
    ]


def is_in(part, instant):
    if part == "night":
        return instant.hour >= 22 or instant.hour < 6
    return instant.weekday() >= SATURDAY


def decayed(events, cutoff, half_life):
    """In units of 2**-32, as the docstring promises."""
    units = sum(round(0.5 ** (days_ago(event, cutoff) / half_life) * 2**32) for event in events)
    return units / 2**32


def faded(events, cutoff, days):
    """In units of 2**-32, as the docstring promises."""
    left = [1 - days_ago(event, cutoff) / days for event in events]
    return sum(round(max(0, each) * 2**32) for each in left) / 2**32


def seen(events, column, pick):
    """The earliest (pick=min) or latest (pick=max) non-null text, ties by the alphabet."""
    texts = [
        (event["occurred_at"], event[column]) for event in events if event.get(column) is not None
    ]
    return pick(texts)[1] if texts else None


def number(value):
    return value if value is not None and isfinite(value) else None


def as_text(value):
    return str(value).lower() if isinstance(value, bool) else value


def words_of(title):
    """The words of a title, without case, accents and all but letters and digits."""
    spelled = unicodedata.normalize("NFD", title.lower().replace("ß", "ss"))
    letters = [letter for letter in spelled if not unicodedata.combining(letter)]
    return "".join(letter if letter.isalnum() else " " for letter in letters).split()


def of_title(spec, title):
    """The value of the first row one of whose phrases stands in the title, word by word."""
    words = words_of(title or "")
    for value, phrases in json.loads(spec.table):
        for phrase in map(str.split, phrases):
            for start in range(len(words) - len(phrase) + 1):
                if all(map(is_meant, words[start:], phrase)):
                    return value
    return None


def feature(spec, lead, events, cutoff, custom, deals=()):
    """The value of a feature at the snapshot (lead, cutoff). `events` are the lead's own, whenever
    they happened; `custom` maps the name of a Custom to a function of (known events, cutoff)."""
    past = [(when, outcome) for when, outcome in closings(lead, deals) if when < cutoff]
    match spec:
        case PastDeals(outcome):
            return sum(each == outcome for _, each in past)
        case DaysSinceDeal(outcome):
            return min(((cutoff - when) / DAY for when, o in past if o == outcome), default=None)
        case DaysSinceDate(column):
            return None if lead[column] is None else (cutoff - lead[column]) / DAY
        case Age():
            return (cutoff - lead["created_at"]) / DAY
        case Attribute(column, text):
            return as_text(lead[column]) if text else number(lead[column])
        case OfTitle(_, column):
            return of_title(spec, as_text(lead[column]))
        case Ratio(over, under):
            above = feature(over, lead, events, cutoff, custom, deals)
            below = feature(under, lead, events, cutoff, custom, deals)
            return None if above is None or not below else above / below
        case Custom(name):
            return custom[name](known(events, cutoff), cutoff)
    return behaviour(spec, known(events, cutoff), cutoff)


def behaviour(spec, past, cutoff):
    """What is measured over the known events."""
    past = having(past, getattr(spec, "where", None))
    inside = within(past, cutoff, getattr(spec, "window", None))
    match spec:
        case Count(action):
            return len(of(inside, action))
        case DaysSince(action):
            return min((days_ago(event, cutoff) for event in of(past, action)), default=None)
        case ActiveDays(_, action):
            return len({event["occurred_at"].date() for event in of(inside, action)})
        case Sessions(window):
            starts = [{"occurred_at": start} for start in session_starts(past)]
            return len(within(starts, cutoff, window))
        case First(column):
            return seen(past, column, min)
        case Last(column):
            return seen(past, column, max)
        case Trend(action, window):
            both = len(of(within(past, cutoff, 2 * window), action))
            return len(of(inside, action)) / both if both else None
        case Share(part):
            hits = [event for event in inside if is_in(part, event["occurred_at"])]
            return len(hits) / len(inside) if inside else None
        case DistinctContent():
            return len({event.get("content") for event in inside} - {None})
        case Decayed(action, half_life):
            return decayed(of(inside, action), cutoff, half_life)
        case Faded(action, days):
            return faded(of(past, action), cutoff, days)
        case SumValue(action):
            return sum(measured(of(inside, action)))
        case MeanValue(action):
            values = measured(of(inside, action))
            return sum(values) / len(values) if values else None
    raise TypeError(f"the oracle does not know {spec!r}")


def measured(events):
    """The values of the events that have one."""
    values = [number(event.get("value")) for event in events]
    return [round(each, 4) for each in values if each is not None and abs(each) < 9e14]


def people_of(lead, leads, account, cutoff):
    """The leads of the same account that were created before the cutoff; a lead without one is
    alone. `account` is the attribute that names it: blanks around it do not count."""
    own = (lead[account] or "").strip()
    same = [each for each in leads if (each[account] or "").strip() == own] if own else [lead]
    return [each for each in same if each["created_at"] < cutoff]


def of_people(spec, people, events, cutoff, deals):
    """A feature of an account with these people, out of the events and deals of all leads."""
    ids = {each["lead_id"] for each in people}
    past = [event for event in known(events, cutoff) if event["lead_id"] in ids]
    match spec:
        case People():
            return len(people)
        case ActivePeople(window, action):
            return len({event["lead_id"] for event in of(within(past, cutoff, window), action)})
        case DistinctActions(window):
            return len({event["action"] for event in within(past, cutoff, window)})
        case DaysSinceFirst():
            return max((days_ago(event, cutoff) for event in past), default=None)
        case PastDeals():
            return sum(feature(spec, each, [], cutoff, {}, deals) for each in people)
        case DaysSinceDeal():
            since = [feature(spec, each, [], cutoff, {}, deals) for each in people]
            return min((each for each in since if each is not None), default=None)
    return behaviour(spec, past, cutoff)


def feature_of_account(spec, lead, leads, events, cutoff, deals):
    """An OfAccount or Colleagues at the snapshot (lead, cutoff), out of the rows of all leads."""
    people = people_of(lead, leads, spec.account, cutoff)
    if isinstance(spec, Colleagues):
        people = [each for each in people if each is not lead]
    return of_people(spec.of, people, events, cutoff, deals)


def closings(lead, deals):
    """When each deal of a lead counts as closed, with its outcome; open deals have none."""
    return [
        (max(deal["closed_at"], deal.get("recorded_at") or deal["closed_at"]), deal["outcome"])
        for deal in deals
        if deal["lead_id"] == lead["lead_id"] and deal["outcome"] in ("won", "lost")
    ]


def is_open(lead, deals, cutoff, events=(), open_again=()):
    """Whether the lead is open: created before the cutoff, and no deal closed before it, or back
    since the last closing. `open_again`: after which outcomes a lead may come back."""
    past = [(when, outcome) for when, outcome in closings(lead, deals) if when < cutoff]
    if lead["created_at"] >= cutoff:
        return False
    if not past:
        return True
    if any(outcome not in open_again for _, outcome in past):
        return False
    last = max(when for when, _ in past)
    own = [deal for deal in deals if deal["lead_id"] == lead["lead_id"]]
    opened = [(deal["opened_at"], deal) for deal in own if deal.get("opened_at") is not None]
    for opened_at, deal in opened:
        if opened_at <= last and all(when > last for when, _ in closings(lead, [deal])):
            return True  # another deal is open at the last closing
    of_lead = [event for event in events if event["lead_id"] == lead["lead_id"]]
    signs = [known_at(event) for event in known(of_lead, cutoff)]
    signs += [opened_at for opened_at, _ in opened]
    return any(last < sign < cutoff for sign in signs)


def label(lead, deals, cutoff, horizon_days, data_end):
    """1, 0, or None where the horizon is not over by the end of the data."""
    end = cutoff + horizon_days * DAY
    if end > data_end:
        return None
    return int(any(o == "won" and cutoff <= when < end for when, o in closings(lead, deals)))
