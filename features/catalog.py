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
from features.spec.kinds import (
    ActiveDays,
    Age,
    Attribute,
    Count,
    Custom,
    DaysSince,
    Decayed,
    DistinctContent,
    First,
    Last,
    Ratio,
    Sessions,
    Share,
    SumValue,
    Trend,
)
from features.spec.spec import Spec, distinct
from features.spec.where import fits

# The most frequent actions get features of their own; rarer ones count as "any activity" only.
MOST_ACTIONS = 60

# A data scientist's own aggregates, for instance
#   Custom("longest_gap_days", "...", "longest pause between two events in days")
CUSTOM: tuple[Custom, ...] = ()


def catalog(
    settings: Features,
    actions: Sequence[str],
    attributes: Mapping[str, bool],
    segments: Iterable[InSegment] = (),
) -> tuple[Spec, ...]:
    """The features of a training: `actions` most frequent first, `attributes` name -> is text,
    `segments` those that settings.segments names, with their definitions."""
    windows = [*settings.windows_days, None]
    long = max(settings.windows_days)
    specs: list[Spec] = [Age()]
    specs += [Count(None, window) for window in windows]
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
    specs += [Attribute(name, text) for name, text in attributes.items()]
    specs += [*segments, *CUSTOM]
    return tuple(
        spec
        for spec in distinct(specs)
        if not any(fits(pattern, spec.name) for pattern in settings.leave_out)
    )


def configured_catalog(database: LeadDatabase, config: Config) -> tuple[Spec, ...]:
    """The features that the settings and the data make. Raises BadInput where features.leave_out
    has a name that none of them has."""
    segments = opted_in(config)
    whole = config.features.model_copy(update={"leave_out": []})
    names = [spec.name for spec in catalog(whole, database.actions, database.attributes, segments)]
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
    return catalog(config.features, database.actions, database.attributes, segments)


def describe_features(database: LeadDatabase, config: Config) -> list[dict[str, str]]:
    """Every feature of the catalog: its name, its meaning in words and its kind."""
    specs = configured_catalog(database, config)
    return [
        {"name": spec.name, "meaning": spec.meaning(config.words), "kind": type(spec).__name__}
        for spec in specs
    ]
