"""Points worked by hand, then the same rules through the engine against a table kept in Python.

The frames of the first half are written directly: one column per feature that a rule asks for.
"""

from math import fsum
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.dataset import labelled
from models.rules.file import Rule
from models.rules.rules import parse_rules
from tests.features.lead_databases import MICROSECOND, at, event, opened
from tests.features.oracle import days_ago, known, of, within

HEAD = """
name = "table"
[bands]
warm = 20
hot = 50
"""


def table(rules, head=HEAD):
    return parse_rules(head + rules, Path("rules.toml"))


def points(rule, **columns):
    return Rule(action="chat", **rule).give(pd.DataFrame(columns)).tolist()


def test_per_occurrence_and_once():
    counts = {"count_all(chat)": [0.0, 1.0, 3.0]}
    assert points({"points": 10}, **counts) == [0, 10, 30]
    assert points({"points": 10, "per": "once"}, **counts) == [0, 10, 10]
    assert points({"points": 1.5}, **counts) == [0, 1.5, 4.5]


def test_a_cap_bounds_what_a_rule_gives_and_takes():
    counts = {"count_all(chat)": [1.0, 2.0, 3.0, 9.0]}
    assert points({"points": 10, "cap": 25}, **counts) == [10, 20, 25, 25]
    assert points({"points": -10, "cap": 25}, **counts) == [-10, -20, -25, -25]
    assert points({"points": 10, "per": "once", "cap": 4}, **counts) == [4, 4, 4, 4]


def test_points_halve_with_every_half_life():
    rule = {"points": 16, "per": "once", "half_life_days": 30}
    days = [0.0, 30.0, 60.0, 90.0, np.nan]
    frame = {"count_all(chat)": [1.0, 5.0, 1.0, 1.0, 0.0], "days_since(chat)": days}
    assert points(rule, **frame) == [16, 8, 4, 2, 0]
    # per occurrence each event fades by its own age: here one of today, two of 30 days ago
    assert points({"points": 16, "half_life_days": 30}, **{"decayed_30d(chat)": [2.0]}) == [32]
    within = {"points": 16, "half_life_days": 30, "window_days": 90}
    assert points(within, **{"decayed_30d_within_90d(chat)": [0.25]}) == [4]


def test_once_within_a_window_needs_a_event_within_it():
    rule = {"points": 8, "per": "once", "half_life_days": 10, "window_days": 20}
    frame = {"count_20d(chat)": [1.0, 0.0], "days_since(chat)": [10.0, 30.0]}
    assert points(rule, **frame) == [4, 0]


ENGAGED = """
[groups.engagement]
cap = 12
[[rule]]
action = "opened"
points = 1
group = "engagement"
[[rule]]
action = "clicked"
points = 5
cap = 10
group = "engagement"
[[rule]]
action = "complained"
points = -20
per = "once"
"""


def test_the_log_of_one_lead_by_hand():
    """7 opened: 7. 3 clicked: 15, capped at 10. Group: 17, capped at 12. Complained: -20."""
    frame = pd.DataFrame(
        {"count_all(opened)": [7.0], "count_all(clicked)": [3.0], "count_all(complained)": [2.0]}
    )
    assert table(ENGAGED).lines(frame).iloc[0].to_dict() == {
        "1. opened": 7,
        "2. clicked": 10,
        "3. complained": -20,
        "cap of engagement": -5,
    }
    assert table(ENGAGED).rank(frame).tolist() == [-8]


def test_two_rules_for_one_action_add_up():
    twice = table(
        '[[rule]]\naction = "chat"\npoints = 2\n'
        '[[rule]]\naction = "chat"\npoints = 10\nper = "once"\nwindow_days = 7\n'
    )
    frame = pd.DataFrame({"count_all(chat)": [3.0, 3.0], "count_7d(chat)": [1.0, 0.0]})
    assert twice.rank(frame).tolist() == [16, 6]
    assert [spec.name for spec in twice.specs] == ["count_all(chat)", "count_7d(chat)"]


def test_a_band_begins_at_its_own_points():
    below_hot = np.nextafter(50, 0)
    bands = table(ENGAGED).band(np.array([-8, 0, 19.99, 20, below_hot, 50, 1000]))
    assert bands == ["cold", "cold", "cold", "warm", "warm", "hot", "hot"]


def test_points_that_should_be_20_are_not_a_hair_below_it():
    """15.2 + 0.9 + 3.9 is 19.999999999999996 in binary."""
    parts = zip("abc", (15.2, 0.9, 3.9), strict=True)
    rules = table("".join(f'[[rule]]\naction = "{a}"\npoints = {p}\n' for a, p in parts))
    frame = pd.DataFrame({f"count_all({action})": [1.0] for action in "abc"})
    assert 15.2 + 0.9 + 3.9 < 20
    assert rules.band(rules.rank(frame)) == ["warm"]


def mixed(draw_points, caps, group_cap):
    """Three kinds of rule, two of them in one group."""
    cap = [f"cap = {value}\n" if value else "" for value in caps]
    return table(
        f"[groups.g]\ncap = {group_cap}\n"
        f'[[rule]]\naction = "a"\npoints = {draw_points[0]}\ngroup = "g"\n{cap[0]}'
        f'[[rule]]\naction = "b"\npoints = {draw_points[1]}\nper = "once"\ngroup = "g"\n{cap[1]}'
        f'[[rule]]\naction = "c"\npoints = {draw_points[2]}\nhalf_life_days = 30\n{cap[2]}'
    )


def clipped(value, cap):
    return value if cap is None else max(-cap, min(cap, value))


@pytest.mark.slow
@given(
    give=st.tuples(*[st.integers(-20, 20)] * 3),
    caps=st.tuples(*[st.one_of(st.none(), st.integers(1, 40))] * 3),
    group_cap=st.integers(1, 60),
    seen=st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(0, 50)), min_size=1, max_size=8
    ),
)
def test_lines_add_up_to_the_points(give, caps, group_cap, seen):
    rules = mixed(give, caps, group_cap)
    names = ["count_all(a)", "count_all(b)", "decayed_30d(c)"]
    frame = pd.DataFrame(np.array(seen, float), columns=names)
    ranked, lines = rules.rank(frame), rules.lines(frame)
    for row, (a, b, c) in enumerate(seen):
        effects = [give[0] * a, give[1] * (b > 0), give[2] * c]
        in_group = clipped(effects[0], caps[0]) + clipped(effects[1], caps[1])
        assert ranked[row] == pytest.approx(
            min(in_group, group_cap) + clipped(effects[2], caps[2]), abs=1e-9
        )
        assert ranked[row] == pytest.approx(fsum(lines.iloc[row]), abs=1e-9)
        assert rules.rank(frame.iloc[[row]])[0] == ranked[row]


EVERY_KIND = """
[groups.talk]
cap = 9
[[rule]]
action = "chat"
points = 4
cap = 14
group = "talk"
[[rule]]
action = "call"
points = 3
window_days = 30
group = "talk"
[[rule]]
action = "order"
points = 20
per = "once"
half_life_days = 10
[[rule]]
action = "order"
points = 2
half_life_days = 10
window_days = 20
[[rule]]
action = "complain"
points = -7
per = "once"
window_days = 30
"""
CUTOFF = at("2026-03-02")


def by_hand(events):
    """The points of EVERY_KIND for one lead's events, by loops over lists."""
    past = known(events, CUTOFF)
    chats, orders = of(past, "chat"), of(past, "order")
    talk = min(14, 4 * len(chats)) + 3 * len(within(of(past, "call"), CUTOFF, 30))
    latest = min((days_ago(e, CUTOFF) for e in orders), default=None)
    once = 0 if latest is None else 20 * 0.5 ** (latest / 10)
    each = sum(2 * 0.5 ** (days_ago(e, CUTOFF) / 10) for e in within(orders, CUTOFF, 20))
    complained = bool(within(of(past, "complain"), CUTOFF, 30))
    return min(talk, 9) + once + each - 7 * complained


INSTANTS = st.one_of(
    st.sampled_from(
        [CUTOFF, CUTOFF - MICROSECOND, at("2026-01-31"), at("2026-01-31") - MICROSECOND]
    ),
    st.datetimes(at("2026-01-02"), at("2026-03-10")),
)
EVENTS = st.lists(st.tuples(INSTANTS, st.sampled_from(["chat", "call", "order", "complain"])))


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(EVENTS, min_size=1, max_size=6))
def test_the_engine_gives_the_points_kept_by_hand(leads):
    """2026-01-31 is 30 days before the cutoff: inside the window, a microsecond earlier is not."""
    logs = [[event(lead, *each) for each in events] for lead, events in enumerate(leads)]
    rows = [{"lead_id": lead, "created_at": at("2026-01-01")} for lead in range(len(leads))]
    rules = table(EVERY_KIND)
    with opened(rows, [each for log in logs for each in log]) as database:
        frame = labelled(database, rules.specs, [CUTOFF], 30, memory_gb=1).frame
    assert frame["lead_id"].tolist() == list(range(len(leads)))
    assert rules.rank(frame) == pytest.approx([by_hand(log) for log in logs], abs=1e-6)
