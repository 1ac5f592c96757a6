"""The list of features: the settings and the observed actions in, specs out.

Adding a feature is one line here. What the rules need is put on the same list (`distinct`), so that
one pass over the events serves the model, the rules and the reasons.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from features.conditions.segments import InSegment, opted_in
from features.config import Config, Features
from features.contract.database import LeadDatabase
from features.errors import BadInput
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
    AttributeType,
    Count,
    Custom,
    DaysSince,
    DaysSinceDeal,
    Decayed,
    DistinctContent,
    First,
    Last,
    MeanValue,
    PastDeals,
    Ratio,
    Sessions,
    Share,
    SumValue,
    Trend,
    attribute_feature,
)
from features.spec.spec import OfAccount, Spec, distinct
from features.spec.titles import OfTitle, OpenPeopleOfTitle, load_titles
from features.spec.where import fits

# The most frequent actions get features of their own; rarer ones count as "any activity" only.
MOST_ACTIONS = 60

# A data scientist's own aggregates, for instance
#   Custom("longest_gap_days", "...", "longest pause between two events in days")
CUSTOM: tuple[Custom, ...] = ()


def catalog(
    settings: Features,
    actions: Sequence[str],
    attributes: Mapping[str, AttributeType],
    segments: Iterable[InSegment] = (),
    past_deals: bool = False,
    of_title: Sequence[OfTitle] = (),
    of_accounts: bool = False,
) -> tuple[Spec, ...]:
    """The features of a training: `actions` most frequent first, `attributes` by what they are,
    `segments` those that settings.segments names, with their definitions. `past_deals`: whether a
    lead may be open with closed deals behind it. `of_title`: what is read from settings.title.
    `of_accounts`: whether each lead is an account (features/contract/whole_accounts.py)."""
    specs: list[Spec] = [Age()]
    specs += _of_behaviour(settings, actions) if actions else []
    specs += [attribute_feature(name, kind) for name, kind in attributes.items()]
    specs += of_title
    if past_deals:
        specs += [PastDeals("won"), PastDeals("lost"), DaysSinceDeal("won"), DaysSinceDeal("lost")]
    if of_accounts:
        specs += _of_people(settings, actions)
        specs += [OpenPeopleOfTitle(each, value) for each in of_title for value in each.values]
    elif settings.account is not None:
        specs += _of_account(settings, settings.account, actions, past_deals)
    specs += [*segments, *CUSTOM]
    return tuple(
        spec
        for spec in distinct(specs)
        if not any(fits(pattern, spec.name) for pattern in settings.leave_out)
    )


def _of_behaviour(settings: Features, actions: Sequence[str]) -> list[Spec]:
    windows = [*settings.windows_days, None]
    long = max(settings.windows_days)
    specs: list[Spec] = [Count(None, window) for window in windows]
    specs += [DaysSince(None), Decayed(None, settings.half_life_days)]
    specs += [ActiveDays(window) for window in windows]
    specs += [Sessions(window) for window in windows]
    specs += [Trend(None, window) for window in settings.windows_days if window > 1]
    specs += [Share("night", long), Share("weekend", long)]
    specs += [DistinctContent(long), DistinctContent(None)]
    specs += [SumValue(None, long), SumValue(None, None)]
    specs += [First("source"), Last("source"), First("action"), Last("action")]
    specs += [Ratio(Count(), Age()), Ratio(ActiveDays(), Age()), Ratio(Count(), Sessions())]
    for action in list(actions)[:MOST_ACTIONS]:
        specs += [Count(action, window) for window in windows]
        specs += [DaysSince(action), Decayed(action, settings.half_life_days)]
    for action in settings.measured_actions:
        specs += [MeanValue(action, window) for window in windows]
    return specs


def _of_account(
    settings: Features, account: str, actions: Sequence[str], past_deals: bool
) -> list[Spec]:
    long = max(settings.windows_days)
    windows = [*settings.windows_days, None]
    half_life = settings.half_life_days
    others: list[Spec] = [People()]
    everyone: list[Spec] = [PastDeals("won"), PastDeals("lost")]
    everyone += [DaysSinceDeal("won"), DaysSinceDeal("lost")]
    if past_deals:  # else the lead has none, and all are its colleagues'
        others += [PastDeals("won"), PastDeals("lost")]
    if actions:
        others += [ActivePeople(window) for window in windows]
        others += [Count(None, window) for window in windows]
        others += [Decayed(None, half_life)]
        everyone += [ActivePeople(window) for window in windows]
        everyone += [Count(None, window) for window in windows]
        everyone += [DistinctActions(long), DistinctActions()]
        everyone += [DaysSince(None), DaysSinceFirst()]
    for action in list(actions)[:MOST_ACTIONS]:
        others += [Count(action, long), Decayed(action, half_life)]
        everyone += [ActivePeople(long, action), DaysSince(action)]
    of_account: list[Spec] = [OfAccount(spec, account) for spec in everyone]
    return [*of_account, *(Colleagues(spec, account) for spec in others)]


def _of_people(settings: Features, actions: Sequence[str]) -> list[Spec]:
    """What an account has that a lead has not: people."""
    long = max(settings.windows_days)
    specs: list[Spec] = [People(), OpenPeople()]
    if actions:
        specs += [ActivePeople(window) for window in (*settings.windows_days, None)]
        specs += [DistinctActions(long), DistinctActions(), DaysSinceFirst()]
    specs += [ActivePeople(long, action) for action in list(actions)[:MOST_ACTIONS]]
    return specs


def catalog_of(config: Config, database: LeadDatabase) -> tuple[Spec, ...]:
    """The features that `readiness train` computes over an open lead database. Raises BadInput
    where features.leave_out has a name that none of them has."""
    title = config.features.title
    of_title = () if title is None else load_titles(config).features(title)
    past_deals = config.outcomes.open_again
    of_accounts = config.account is not None
    known = database.actions, database.attributes, opted_in(config)
    further = (*known, past_deals, of_title, of_accounts)
    whole = config.features.model_copy(update={"leave_out": []})
    names = [spec.name for spec in catalog(whole, *further)]
    unknown = [
        pattern
        for pattern in config.features.leave_out
        if not any(fits(pattern, name) for name in names)
    ]
    if unknown:
        near = {each: difflib.get_close_matches(each, names, n=1) for each in unknown}
        hints = [f"{each} (is it {near[each][0]}?)" if near[each] else each for each in unknown]
        raise BadInput(
            f"features.leave_out in {config.path.name} has {len(unknown)} "
            f"name{'s' * (len(unknown) != 1)} that no feature has: {', '.join(hints)}. "
            "`readiness features` lists them; * stands for any text."
        )
    return catalog(config.features, *further)


def describe_features(database: LeadDatabase, config: Config) -> list[dict[str, str]]:
    """Every feature of the catalog: its name, its meaning in words and its kind."""
    return [
        {"name": spec.name, "meaning": spec.meaning(config.words), "kind": type(spec).__name__}
        for spec in catalog_of(config, database)
    ]
