"""The review of a points table on its page, from figures written down by hand."""

import re
from pathlib import Path

from models.rules.rules import parse_rules
from serve.reports.points.page import render, reviewed, verdict

TEXT = """
name = "ours"
[bands]
warm = 20
hot = 50
[[rule]]
action = "opened_mail"
points = 12
[[rule]]
action = "visited"
points = 3
[[rule]]
quiet_days = 7
points = -5
"""
RULES = parse_rules(TEXT, Path("rules.toml"))
WORDS = {"opened_mail": "opened a mail"}


def review(points, fair, finding):
    return {
        "points": points,
        "fair": dict(zip(("point", "low", "high"), fair, strict=True)),
        "lift": None,
        "verdict": finding,
    }


STORED = {
    "hand_written": {
        "version": RULES.version,
        "rules": [
            review(12.0, (1.6, 0.0, 4.0), "overpaid"),
            review(3.0, (20.4, 11.0, 29.0), "underpaid"),
            review(-5.0, (-6.0, -9.0, -3.0), "about right"),
        ],
    },
    "rules": {"rule": [{"in_words": "visited once", "points": 20.0}]},
    "verdict": "No clear winner: by chance.",
    "model_version": None,
    "snapshots": 2783,
    "wins": 121,
}


def test_the_verdict_counts_and_names_the_rules_with_their_points():
    result = verdict(reviewed(RULES, WORDS, STORED))
    assert re.findall(r"(\d+) (overpaid|underpaid)", result.headline) == [
        ("1", "overpaid"),
        ("1", "underpaid"),
    ]
    over, under = result.detail.split("Most underpaid")
    assert "opened a mail" in over
    assert "+12 points, by outcomes +2" in over
    assert "+3 points, by outcomes +20" in under
    assert "opened_mail" not in result.detail


def test_the_page_has_whole_points_of_every_rule():
    page = render(RULES, WORDS, STORED)
    cells = re.findall('<td data-label="By outcomes">(.*?)</td>', page)
    assert cells == [
        "+2<small>0 to +4</small>",
        "+20<small>+11 to +29</small>",
        "\u22126<small>\u22129 to \u22123</small>",
    ]
    assert re.findall('data-label="Points">(.*?)</td>', page)[:3] == ["+12", "+3", "\u22125"]


def test_a_review_of_other_rules_says_nothing_of_these():
    other = STORED | {"hand_written": STORED["hand_written"] | {"version": "0" * 10}}
    assert [each.verdict for each in reviewed(RULES, WORDS, other)] == ["", "", ""]
    assert [each.points for each in reviewed(RULES, WORDS, {})] == [12, 3, -5]
