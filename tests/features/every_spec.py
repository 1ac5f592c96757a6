"""One list of specs of every kind, with and without an action and a window."""

from itertools import product

from features.conditions.segments import InSegment
from features.spec.accounts import (
    ActivePeople,
    Colleagues,
    DaysSinceFirst,
    DistinctActions,
    OpenPeople,
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
from features.spec.spec import OfAccount
from features.spec.titles import OfTitle, OpenPeopleOfTitle
from features.spec.where import Where
from tests.features.adversarial import ACTIONS

SPANS = [1, 7, 30, 365, None]
ANY_OR_ONE = [None, *ACTIONS]

WHERES = [
    Where(content="/pricing"),
    Where(content="/Pricing"),
    Where(content="*"),
    Where(content=""),
    Where(content="/pri*ng"),
    Where(content="/pricing?a_b=10%25*"),
    Where(source="o'clock", content="*'*"),
    Where(source="Ads"),
    Where(value_from=0),
    Where(value_below=1.5),
    Where("*", "*a*", -2.25, 1e9),
]
FOLLOWED = [(None, WHERES[0]), *((action, where) for action in ACTIONS[:2] for where in WHERES)]

GAP = Custom("longest_gap", "max(age_us)", "longest pause in days")
OF_PEOPLE = [
    *(People(), OpenPeople(), DaysSinceFirst(), DistinctActions(), DistinctActions(7)),
    *(ActivePeople(span, action) for action, span in product(ANY_OR_ONE[:3], SPANS)),
]
MORE_OF_ACCOUNTS = [
    *(kind(action, 7) for kind, action in product((Count, SumValue), ANY_OR_ONE[:3])),
    *(DaysSince(), PastDeals("won"), DaysSinceDeal("lost"), Decayed(None, 7)),
]
EVERY_SPEC = [
    Age(),
    DaysSinceDate("renewed_at"),
    *(kind(outcome) for kind in (PastDeals, DaysSinceDeal) for outcome in ("won", "lost")),
    *(kind(action, span) for kind, action, span in product((Count, SumValue), ANY_OR_ONE, SPANS)),
    *(MeanValue(action, span) for action, span in product(ANY_OR_ONE, SPANS)),
    *(DaysSince(action) for action in ANY_OR_ONE),
    *(Trend(action, span) for action, span in product(ANY_OR_ONE, SPANS[:-1])),
    *(Decayed(*chosen) for chosen in product(ANY_OR_ONE, (0.5, 7, 14, 30.25), SPANS)),
    *(Faded(action, days) for action, days in product(ANY_OR_ONE, SPANS[:-1])),
    *(ActiveDays(span, action) for action, span in product(ACTIONS, SPANS)),
    *(kind(action, 7, where) for kind, (action, where) in product((Count, SumValue), FOLLOWED)),
    *(
        kind(action, 7, where=where)
        for kind, (action, where) in product((Decayed, Faded), FOLLOWED)
    ),
    *(DaysSince(action, where) for action, where in FOLLOWED),
    *(ActiveDays(7, action, where) for action, where in FOLLOWED),
    *(MeanValue(action, 7, where) for action, where in FOLLOWED),
    *(kind(span) for kind, span in product((ActiveDays, Sessions, DistinctContent), SPANS)),
    *(Share(part, span) for part, span in product(("night", "weekend"), SPANS)),
    *(kind(column) for kind, column in product((First, Last), ("source", "action"))),
    *(Attribute(name, text=True) for name in ("source", "region", "Region", "count_all")),
    Attribute("staff", text=False),
    OfTitle("seniority", "region", '[["a", ["o clock", "arzt*"]], ["b\'s", ["*0"]]]'),
    OfTitle("department", "region", "[]"),
    OpenPeopleOfTitle(OfTitle("seniority", "region", "[]"), "a"),
    Ratio(Count("visit", 7), Count()),
    Ratio(Count(), Count("visit", 7)),
    Ratio(Ratio(Count(), Age()), GAP),
    GAP,
    *OF_PEOPLE,
    *(OfAccount(spec, "account_id") for spec in (*OF_PEOPLE, *MORE_OF_ACCOUNTS)),
    *(Colleagues(spec, "account_id") for spec in (*OF_PEOPLE, *MORE_OF_ACCOUNTS)),
    *(InSegment(name, "{}") for name in ("a", "it's", "[b]")),
]
