"""Which rules.toml is read, which is refused in what words, and how its content is versioned."""

import re
from pathlib import Path

import pytest

from features.errors import BadInput
from models.rules.rules import load_rules
from tests.models.rules.test_rules import ENGAGED, HEAD, table


def test_the_version_follows_the_content_only():
    commented = ENGAGED.replace("cap = 10", "cap   =   10.0  # not more").replace(
        "points", "\npoints"
    )
    assert table(commented).version == table(ENGAGED).version
    changes = [("cap = 12", "cap = 13"), ("points = 5", "points = 6"), ('"clicked"', '"chat"')]
    changed = {table(ENGAGED.replace(old, new)).version for old, new in changes}
    changed |= {table(ENGAGED, HEAD.replace("20", "21")).version, table(ENGAGED).version}
    assert len(changed) == 5
    assert all(re.fullmatch("[0-9a-f]{10}", version) for version in changed)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cap = 10", "capp = 10", r"rule.1.capp: unknown key; did you mean cap\?"),
        (
            "cap = 12",
            "cap = 12\nbound = 1",
            r"groups.engagement.bound: unknown key; known here: cap, floor",
        ),
        ("warm = 20", "worm = 20", r"bands.worm: unknown key; did you mean warm\?"),
        ("warm = 20", "warm = 50", r"bands: warm \(50\) must lie below hot \(50\)"),
        (
            'group = "engagement"',
            'group = "talk"',
            r"the unknown group talk; write \[groups.NAME\]",
        ),
        ("points = 5", 'points = "5"', "rule.1.points: should be a valid number; it is '5'"),
        ("points = 5", "points = nan", "rule.1.points: should be a finite number; it is nan"),
        ("cap = 10", "cap = inf", "rule.1.cap: should be a finite number; it is inf"),
        ("cap = 10", "cap = 0", "rule.1.cap: should be greater than 0; it is 0"),
        (
            "points = 1",
            'points = 1\nper = "each"',
            "rule.0.per: should be 'occurrence', 'day' or 'once'",
        ),
        ('action = "opened"', 'action = ""', "rule.0.action"),
        ("points = 1", "", "rule.0.points: is required"),
        ("[bands]", "[bands", "rules.toml is not valid TOML"),
        ("points = 5", "points = 5\nat_least = 3", 'on_days_at_least: per = "once"'),
        ("points = 5", 'points = 5\nper = "day"\nhalf_life_days = 3', 'per = "day" does not fade'),
        ("points = 5", "points = 5\nhalf_life_days = 3\nfades_out_days = 3", ": name one"),
        ("points = 5", "points = 5\nwindow_days = 3\nfades_out_days = 3", "leave out window_days"),
        ("points = 5", "points = 5\nrepeat_days = 3", "repeat_days goes with quiet_days"),
        ('action = "clicked"', 'quiet_days = 9\nper = "day"', 'only events have per = "day"'),
        ('action = "clicked"', 'first_source = "x"\nhalf_life_days = 3', "only events fade"),
        ('action = "clicked"', "inactive_days = 14", r"unknown key; did you mean quiet_days\?"),
        ('action = "clicked"', 'attribute = "x"', r"what of the attribute x\? Say is, from"),
        ('action = "clicked"', "", "rule.1: asks for nothing; name an action"),
        (
            "cap = 12",
            "cap = 12\nfloor = 3",
            "groups.engagement.floor: should be less than or equal",
        ),
    ],
)
def test_a_faulty_table_is_refused_in_one_message(old, new, message):
    faulty = (HEAD + ENGAGED).replace(old, new, 1)
    assert faulty != HEAD + ENGAGED
    with pytest.raises(BadInput, match=message) as refused:
        table(faulty, head="")
    assert str(refused.value).startswith("rules.toml ")


def test_defaults_spelled_out_are_the_same_rules():
    report = ENGAGED.replace('action = "opened"', 'action = "opened"\nper = "occurrence"')
    assert report != ENGAGED
    assert table(report).version == table(ENGAGED).version


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"There is no file .*points\.toml"):
        load_rules(tmp_path / "points.toml")


def test_the_examples_and_the_docs_are_read():
    root = Path(__file__).resolve().parents[3]
    texts = [path.read_text("utf-8") for path in root.glob("examples/*/rules*.toml")]
    texts += re.findall(r"```toml\n(.*?)```", (root / "docs/points.md").read_text("utf-8"), re.S)
    assert len(texts) >= 3
    for text in texts:
        assert table(text, head="").version
