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

from features.spec.kinds import Count, span, within
from features.spec.spec import Derived, Floats, OfAccount, OfEvents, OfLead, OfOthers, Spec
from features.spec.wording import Words, days, during, people, plural, say


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
        return f"{people(value)} known"


# Whether a row of open_people is of a person of the snapshot's account whose own lead is open.
IS_OPEN = "p.lead_id = s.lead_id AND p.opens_at < s.cutoff AND p.closes_at >= s.cutoff"


@dataclass(frozen=True)
class OpenPeople(OfLead):
    """People of an account whose own lead is open at the cutoff; only where accounts are what is
    scored (features/contract/whole_accounts.py)."""

    is_countable = True
    name = "people_open"
    topic = "people"

    @property
    def sql(self) -> str:
        return f"(SELECT count(*)::DOUBLE FROM open_people p WHERE {IS_OPEN})"

    def meaning(self, words: Words) -> str:
        return "people whose lead is open"

    def fact(self, value: float, words: Words) -> str:
        return f"{people(value)} open"


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
        return f"people_{span(self.window)}" + ("" if self.action is None else f"({self.action})")

    @property
    def topic(self) -> str:
        return self.action or "people"

    @property
    def once(self) -> str | None:
        return self._WHO if self.action is None else None

    @property
    def aggregate(self) -> str:
        counted = "*" if self.action is None else f"DISTINCT {self._WHO}"
        return f"count({counted}){within(self.window)}"

    def meaning(self, words: Words) -> str:
        return f"people with {say(self.action, words)} {during(self.window)}"

    def fact(self, value: float, words: Words) -> str:
        what = "active" if self.action is None else f"with {say(self.action, words)}"
        return f"{people(value)} {what} {during(self.window)}"


@dataclass(frozen=True)
class DistinctActions(OfEvents):
    """Different actions in the window."""

    is_countable = True
    once = "action"

    window: int | None = None

    @property
    def name(self) -> str:
        return f"actions_{span(self.window)}"

    @property
    def aggregate(self) -> str:
        return f"count(*){within(self.window)}"

    def meaning(self, words: Words) -> str:
        return f"different actions {during(self.window)}"

    def fact(self, value: float, words: Words) -> str:
        return f"{plural(value, 'different action')} {during(self.window)}"


@dataclass(frozen=True)
class DaysSinceFirst(OfEvents):
    """Elapsed days (a fraction, > 0) from the earliest known event to the cutoff; null if never."""

    is_countable = True
    in_days = True
    name = "days_since_first"

    @property
    def aggregate(self) -> str:
        return "max(age_us)"

    def meaning(self, words: Words) -> str:
        return "days since the first activity"

    def fact(self, value: float, words: Words) -> str:
        return f"first activity {days(value)} ago"


@dataclass(frozen=True)
class Colleagues(OfOthers, Derived):
    """A feature of the account that adds up over its people, without the lead itself: 0 for a lead
    that is alone."""

    @property
    def name(self) -> str:
        return f"{self.account}:others:{self.of.name}"

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

    def fact(self, value: float, words: Words) -> str:
        return f"colleagues: {self.of.fact(value, words)}"


KINDS: tuple[type[Spec], ...] = (
    *(OfAccount, Colleagues, People, OpenPeople, ActivePeople),
    *(DistinctActions, DaysSinceFirst),
)
