"""Points are replaced in the text of a rules.toml, and nothing else is."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import BadInput
from models.rules.edit import with_points
from models.rules.rules import parse_rules

TEXT = """# by hand
name = "ours"   # points = 99

[bands]
warm = 20
hot = 50

[[rule]]  # the first
# points = 3
points = 10     # minor
action = "opened"

[groups.web]
cap = 40

[[ rule ]]
action = "visited"
per = "day"
  points=-2_0.5 # bad
group = "web"

[[disqualify]]
name = "own staff"
all = [{ attribute = "staff", is = ["yes"] }]

[[rule]]
quiet_days = 7
points = +1e1
"""
RULES = parse_rules(TEXT, Path("rules.toml"))
POINTS = st.lists(st.integers(-100_000, 100_000).map(lambda n: n / 100), min_size=3, max_size=3)


@given(POINTS)
def test_the_numbers_alone_change(points):
    edited = with_points(RULES, points)
    before, after = tomllib.loads(TEXT), tomllib.loads(edited.text)
    assert [rule.pop("points") for rule in after["rule"]] == points
    for rule in before["rule"]:
        rule.pop("points")
    assert before == after
    lines = zip(TEXT.split("\n"), edited.text.split("\n"), strict=True)
    changed = [(old, new) for old, new in lines if old != new]
    assert len(changed) <= 3
    for old, new in changed:
        assert old.partition("#")[2] == new.partition("#")[2]
        assert old.partition("=")[0] == new.partition("=")[0]


def test_the_same_points_are_the_same_text():
    assert with_points(RULES, [10, -20.5, 10]).text == TEXT


@pytest.mark.parametrize("points", [[1, 2], [1, 2, 3, 4], [1, 2, float("nan")], [1, 2, 1e7]])
def test_points_that_cannot_be_are_refused(points):
    with pytest.raises(BadInput):
        with_points(RULES, points)


def test_another_form_is_refused_rather_than_written_wrong():
    inline = 'name = "x"\nrule = [{action = "opened", points = 3}]\n[bands]\nwarm = 1\nhot = 2\n'
    rules = parse_rules(inline, Path("rules.toml"))
    assert with_points(rules, [3]).text == inline
    with pytest.raises(BadInput, match="by hand"):
        with_points(rules, [4])
