"""Points equal their plain-Python reading over the raw events, for rules of every kind.

By hand, for the table below at the cutoff 2026-03-02 00:00. A lead from the software industry,
created on 2026-01-05,

    opened /pricing/teams     on 2026-02-10 09:00 and 17:00, and on 2026-02-11 10:00
    opened /blog              on 2026-02-11 11:00
    ordered for 120           on 2026-01-31 00:00, 30 days before the cutoff

    1. opened /pricing/*      2 points per day, on 2 days: 4
    2. opened                 1 point each, 4 of them, at most 3: 3
    3. ordered                16 points, halved every 30 days: 8
    4. ordered from 100 on    12 points, gone after 40 days, 30 are over: 3
    5. industry               10 for software
    6. quiet                  its last event is 18.54 days old: -2 beyond 14 days, again beyond 16
                              and 18, so 3 times: -6
    cap of engagement         1 and 2 are 7, at most 6: -1
    total cap                 6 + 8 + 3 + 10 - 6 = 21, at most 20: -1
"""

from datetime import timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.engine.duckdb_engine import feature_frame
from models.rules.file import RulesFile
from models.rules.rules import RuleScore, parse_rules
from tests.features import oracle
from tests.features.adversarial import ACTIONS, ATTRIBUTES, databases
from tests.features.conditions.test_conditions import EVENT, SOME_CONDITION, holds_by_hand, maybe
from tests.features.engine.test_features_equal_oracle import register, snapshots_of
from tests.features.lead_databases import at, event, opened

pytestmark = pytest.mark.slow  # the compiled pass
CUTOFF = at("2026-03-02")
TABLE = """
name = "worked by hand"
bands = { warm = 10, hot = 20 }
total = { cap = 20, floor = -5 }
[groups.engagement]
cap = 6
[groups.fit]
[[rule]]
action = "opened"
content = "/pricing/*"
points = 2
per = "day"
group = "engagement"
[[rule]]
action = "opened"
points = 1
cap = 3
group = "engagement"
[[rule]]
action = "ordered"
points = 16
half_life_days = 30
[[rule]]
action = "ordered"
value_from = 100
points = 12
per = "once"
fades_out_days = 40
[[rule]]
attribute = "industry"
is = ["software", "media"]
points = 10
group = "fit"
[[rule]]
quiet_days = 14
repeat_days = 2
points = -2
[[disqualify]]
name = "competitor"
any = [{ attribute = "industry", is = "rival" }, { action = "threatened" }]
[[disqualify]]
name = "asleep"
all = [{ quiet_days = 18 }]
"""
LEAD = {"lead_id": 1, "created_at": at("2026-01-05"), "industry": "software"}
EVENTS = [
    event(1, at("2026-02-10 09:00"), "opened", content="/pricing/teams"),
    event(1, at("2026-02-10 17:00"), "opened", content="/pricing/teams"),
    event(1, at("2026-02-11 10:00"), "opened", content="/pricing/teams"),
    event(1, at("2026-02-11 11:00"), "opened", content="/blog"),
    event(1, at("2026-01-31 00:00"), "ordered", value=120.0),
]


def frame_of(rules, lead, events, cutoff=CUTOFF):
    types = {"industry": pa.string()}
    listed = {"attributes": ["industry"]}
    with opened([lead], events, attributes=types, features=listed) as database:
        return feature_frame(register(database, [(lead, cutoff)]), rules.specs)


def test_the_worked_example():
    rules = parse_rules(TABLE, Path("rules.toml"))
    frame = frame_of(rules, LEAD, EVENTS)
    assert rules.lines(frame).iloc[0].to_dict() == {
        "1. opened (content /pricing/*)": 4,
        "2. opened": 3,
        "3. ordered": 8,
        "4. ordered (value from 100)": 3,
        "5. industry is software or media": 10,
        '6. no activity for 14 days': -6,
        "cap of engagement": -1,
        "total cap": -1,
        "total floor": 0,
    }  # fmt: skip
    assert rules.rank(frame).tolist() == [20]
    assert rules.band(rules.rank(frame)) == ["hot"]
    assert rules.disqualified(frame) == ["asleep: no activity for 18 days"]


def test_who_is_disqualified_and_why():
    rules = parse_rules(TABLE, Path("rules.toml"))
    awake = [*EVENTS, event(1, at("2026-03-01"), "opened")]
    rival = frame_of(rules, LEAD | {"industry": "rival"}, awake)
    message = "competitor: trade is rival or threatened us at least once so far"
    assert rules.disqualified(rival, {"industry": "trade", "threatened": "threatened us"}) == [
        message
    ]
    assert rules.disqualified(frame_of(rules, LEAD | {"industry": None}, awake)) == [None]
    both = frame_of(rules, LEAD | {"industry": "rival"}, EVENTS)
    assert rules.disqualified(both)[0].startswith("competitor: ")  # the first of the file


def test_the_floor_bounds_what_bad_signs_take():
    rules = parse_rules(TABLE, Path("rules.toml"))
    frame = frame_of(rules, LEAD | {"industry": "other"}, [])  # quiet since 2026-01-05, 56 days
    assert rules.lines(frame).iloc[0]["6. no activity for 14 days"] == -2 * (56 - 14) / 2
    assert rules.lines(frame).iloc[0]["total floor"] == 42 - 5
    assert rules.rank(frame).tolist() == [-5]


def test_a_lead_just_created_is_not_quiet():
    rules = parse_rules(TABLE, Path("rules.toml"))
    frame = frame_of(rules, LEAD | {"created_at": at("2026-02-20"), "industry": None}, [])
    assert rules.rank(frame).tolist() == [0]


DAY = timedelta(days=1)


def times_by_hand(rule, lead, events, cutoff):
    """How many times a rule's points are given, read from the docstring of models/rules/file.py."""
    past = oracle.known(events, cutoff)
    matching = oracle.having(oracle.of(past, rule.action), rule)
    latest = max((each["occurred_at"] for each in matching), default=None)
    fade = {
        "half_life_days": lambda age: 0.5 ** (age / rule.half_life_days),
        "fades_out_days": lambda age: max(0, 1 - age / rule.fades_out_days),
    }
    left = next((fade[key] for key in fade if getattr(rule, key)), lambda age: 1)
    if rule.quiet_days is not None and rule.repeat_days is not None:
        silent = cutoff - max(lead["created_at"], latest or lead["created_at"])
        beyond = (silent - rule.quiet_days * DAY) / (rule.repeat_days * DAY)
        return max(0, ceil(beyond))
    if rule.about != "an event" or rule.per == "once":
        held = holds_by_hand(rule, lead, events, cutoff)
        return held * (left((cutoff - latest) / DAY) if held and latest else 1)
    matching = oracle.within(matching, cutoff, rule.window_days)
    if rule.per == "day":
        return len({each["occurred_at"].date() for each in matching})
    return sum(left((cutoff - each["occurred_at"]) / DAY) for each in matching)


def points_by_hand(file, lead, events, cutoff):
    groups = {None: 0.0} | dict.fromkeys(file.groups, 0.0)
    for rule in file.rule:
        given = rule.points * times_by_hand(rule, lead, events, cutoff)
        cap = rule.cap or 1e400
        groups[rule.group] += max(-cap, min(cap, given))
    return bounded(
        sum(bounded(result, file.groups.get(name)) for name, result in groups.items()), file.total
    )


def bounded(points, limits):
    cap = None if limits is None else limits.cap
    floor = None if limits is None else limits.floor
    points = points if cap is None else min(points, cap)
    return points if floor is None else max(points, floor)


POINTS = {
    "points": st.sampled_from([-7.0, -0.1, 0.3, 1.0, 10.0]),
    "cap": maybe(st.sampled_from([0.7, 5.0, 12.0])),
    "group": maybe(st.sampled_from(["engagement", "fit"])),
}
QUIET = {
    "action": maybe(st.sampled_from(ACTIONS[:3])),
    "quiet_days": st.integers(1, 7),
    "repeat_days": st.integers(1, 9),
}
EVENT_POINTS = EVENT | {"action": st.sampled_from([*ACTIONS[:3], ACTIONS[4]])} | POINTS
WINDOW = {"window_days": maybe(st.sampled_from([1, 3, 7]))}
SOME_RULE = st.one_of(
    st.fixed_dictionaries(EVENT_POINTS | WINDOW),
    st.fixed_dictionaries(EVENT_POINTS | WINDOW | {"per": st.sampled_from(["day", "once"])}),
    st.fixed_dictionaries(
        EVENT_POINTS | WINDOW
        | {"per": st.sampled_from(["occurrence", "once"]), "half_life_days": st.integers(1, 9)}),
    st.fixed_dictionaries(
        EVENT_POINTS
        | {"per": st.sampled_from(["occurrence", "once"]), "fades_out_days": st.integers(1, 30)}),
    st.fixed_dictionaries(EVENT | QUIET | POINTS),
    st.builds(lambda one, more: one | more | {"per": "once"}, SOME_CONDITION, st.fixed_dictionaries(
        POINTS)).filter(lambda rule: rule.get("action") != ""),
)  # fmt: skip
LIMITS = st.fixed_dictionaries(
    {"cap": maybe(st.sampled_from([1.5, 11.0])), "floor": maybe(st.sampled_from([-3.0, 0.0]))}
)
SOME_FILE = st.builds(
    lambda rules, engagement, fit, total: RulesFile.model_validate({
        "name": "drawn",
        "bands": {"warm": 1.0, "hot": 2.0},
        "rule": rules,
        "groups": {"engagement": engagement, "fit": fit},
        "total": total,
    }),
    st.lists(SOME_RULE, min_size=1, max_size=8),
    LIMITS, LIMITS, LIMITS,
)  # fmt: skip


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(databases(), st.lists(SOME_FILE, min_size=6, max_size=6))
def test_points_equal_the_loops_and_their_lines_add_up(rows, files):
    tables = [RuleScore(file) for file in files]
    snapshots = sorted(snapshots_of(rows), key=lambda pair: (pair[1], pair[0]["lead_id"]))
    listed = {"attributes": list(ATTRIBUTES)}
    with opened(rows.leads, rows.events, attributes=ATTRIBUTES, features=listed) as database:
        requested = register(database, snapshots)
        specs = {spec.name: spec for table in tables for spec in table.specs}
        frame = feature_frame(requested, list(specs.values()))
    own = {lead["lead_id"]: [] for lead in rows.leads}
    for each in rows.events:
        own[each["lead_id"]].append(each)
    for table in tables:
        expected = [
            points_by_hand(table.file, lead, own[lead["lead_id"]], cutoff)
            for lead, cutoff in snapshots
        ]
        ranked = table.rank(frame)
        assert ranked == pytest.approx(expected, abs=1e-6), table.file
        for points, (_, log) in zip(ranked, table.lines(frame).iterrows(), strict=True):
            assert sum(Decimal(repr(float(line))) for line in log) == Decimal(repr(float(points)))
