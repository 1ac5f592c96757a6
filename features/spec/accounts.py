"""Features of a lead's account: what its people did, measured as if the account was one lead.

`OfAccount(spec, account)` is a feature of leads, measured over all events and deals of the people
of the account (features/contract/accounts.py); `Colleagues` is that without the lead itself, where
it can be had exactly. A person is a lead. `account` says what an account is: a column of leads, or
"domain(column)" for the domain of the e-mail addresses in it.

>>> OfAccount(Count("price_list", 7), "account_id").name
'account_id:count_7d(price_list)'
>>> Colleagues(Count("price_list", 7), "account_id").phrase(2, {})
'colleagues: price list 2 times in the last 7 days'
>>> Colleagues(People(), "account_id").phrase(0, {})
'colleagues: 0 people known'
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from features.spec.cells import DAY
from features.spec.kinds import Count, whole_days
from features.spec.spec import Derived, Floats, OfAccount, OfEvents, OfLead, Spec
from features.spec.wording import Words, days, during, number, plural, say


def account_column(account: str) -> tuple[str, bool]:
    """The column of leads that an account is read from, and whether by the domain of its address.

    >>> account_column("account_id"), account_column("domain(email)")
    (('account_id', False), ('email', True))
    """
    by_domain = re.fullmatch(r"domain\((.+)\)", account)
    return (by_domain[1], True) if by_domain else (account, False)


@dataclass(frozen=True)
class People(OfLead):
    """People of an account that were known: created before the cutoff, and not merged into another
    one before it."""

    is_countable = True
    name = "people"
    topic = "people"

    @property
    def sql(self) -> str:
        return (
            "(SELECT count(*)::DOUBLE FROM people p WHERE p.account_id = s.lead_id "
            "AND p.created_at < s.cutoff AND coalesce(p.merged_at >= s.cutoff, true))"
        )

    def meaning(self, words: Words) -> str:
        return "people known"

    def fact(self, value: float, words: Words) -> str:
        return f"{_people(value)} known"


@dataclass(frozen=True)
class OpenPeople(OfLead):
    """People of an account whose own lead is open at the cutoff; only where accounts are what is
    scored (features/contract/whole_accounts.py)."""

    is_countable = True
    name = "people_open"
    topic = "people"

    @property
    def sql(self) -> str:
        return (
            "(SELECT count(*)::DOUBLE FROM open_people p WHERE p.lead_id = s.lead_id "
            "AND p.opens_at < s.cutoff AND p.closes_at >= s.cutoff)"
        )

    def meaning(self, words: Words) -> str:
        return "people whose lead is open"

    def fact(self, value: float, words: Words) -> str:
        return f"{_people(value)} open"


@dataclass(frozen=True)
class ActivePeople(OfEvents):
    """People of an account with an event in the window, or one of an action."""

    is_countable = True
    # Who did it: after a merge it is the other lead.
    _WHO: ClassVar[str] = "CASE WHEN merged_at < cutoff THEN into_lead_id ELSE person END"
    event_columns: ClassVar[Mapping[str, str]] = {
        name: name for name in ("person", "merged_at", "into_lead_id")
    }

    window: int | None = None
    action: str | None = None

    @property
    def name(self) -> str:
        span = "all" if self.window is None else f"{self.window}d"
        return f"people_{span}" + (f"({self.action})" if self.action is not None else "")

    @property
    def topic(self) -> str:
        return self.action or "people"

    @property
    def once(self) -> str | None:
        return self._WHO if self.action is None else None

    @property
    def aggregate(self) -> str:
        counted = "*" if self.action is None else f"DISTINCT {self._WHO}"
        within = "" if self.window is None else f" FILTER (WHERE age_us <= {self.window * DAY})"
        return f"count({counted}){within}"

    def meaning(self, words: Words) -> str:
        return f"people with {say(self.action, words)} {during(self.window)}"

    def fact(self, value: float, words: Words) -> str:
        what = "active" if self.action is None else f"with {say(self.action, words)}"
        return f"{_people(value)} {what} {during(self.window)}"


@dataclass(frozen=True)
class DistinctActions(OfEvents):
    """Different actions in the window."""

    is_countable = True
    once = "action"

    window: int | None = None

    @property
    def name(self) -> str:
        return f"actions_{'all' if self.window is None else f'{self.window}d'}"

    @property
    def aggregate(self) -> str:
        within = "" if self.window is None else f" FILTER (WHERE age_us <= {self.window * DAY})"
        return f"count(*){within}"

    def meaning(self, words: Words) -> str:
        return f"different actions {during(self.window)}"

    def fact(self, value: float, words: Words) -> str:
        return f"{plural(value, 'different action')} {during(self.window)}"


@dataclass(frozen=True)
class DaysSinceFirst(OfEvents):
    """Elapsed days (a fraction, > 0) from the earliest known event to the cutoff; null if never."""

    is_countable = True
    name = "days_since_first"

    @property
    def aggregate(self) -> str:
        return "max(age_us)"

    def result(self, measured: str) -> str:
        return f"{measured} / {DAY}::DOUBLE"

    def meaning(self, words: Words) -> str:
        return "days since the first activity"

    def as_worded(self, values: Floats) -> Floats:
        return whole_days(values)

    def fact(self, value: float, words: Words) -> str:
        return f"first activity {days(value)} ago"

    def absence(self, words: Words) -> str:
        return "no activity so far"


@dataclass(frozen=True)
class Colleagues(Derived):
    """A feature of the account that adds up over its people, without the lead itself: 0 for a lead
    that is alone."""

    of: Spec
    account: str

    @property
    def is_countable(self) -> bool:  # type: ignore[override]  # as that of the feature
        return self.of.is_countable

    @property
    def name(self) -> str:
        return f"{self.account}:others:{self.of.name}"

    @property
    def topic(self) -> str:
        return f"account: {self.of.topic}"

    @property
    def _own(self) -> Spec | None:
        """The same of the lead, or what it shows in; None where the lead itself is the one."""
        match self.of:
            case People():
                return None
            case ActivePeople(window, action):
                return Count(action, window)
        return self.of

    @property
    def parts(self) -> tuple[Spec, ...]:
        of_account = OfAccount(self.of, self.account)
        return (of_account,) if self._own is None else (of_account, self._own)

    def values(self, columns: Mapping[str, Any]) -> Floats:
        everyone = columns[OfAccount(self.of, self.account).name]
        own = 1.0 if self._own is None else columns[self._own.name]
        if isinstance(self.of, ActivePeople):
            own = own > 0
        others: Floats = everyone - own
        return others

    def meaning(self, words: Words) -> str:
        return f"of colleagues: {self.of.meaning(words)}"

    def as_worded(self, values: Floats) -> Floats:
        return self.of.as_worded(values)

    def fact(self, value: float, words: Words) -> str:
        return f"colleagues: {self.of.fact(value, words)}"


def _people(count: float) -> str:
    return "1 person" if count == 1 else f"{number(count)} people"


KINDS: tuple[type[Spec], ...] = (
    *(OfAccount, Colleagues, People, OpenPeople, ActivePeople),
    *(DistinctActions, DaysSinceFirst),
)
