"""The page of champions against a history written down by hand."""

import re

from markupsafe import Markup

from models.decisions.champion_changes import ChampionChange
from models.decisions.champion_history import ChampionHistory
from serve.reports.history.page import render
from serve.reports.page import served

EVIDENCE = {
    "metric": "average_precision",
    "difference": {
        "rules": {"point": 0.104, "low": -0.02, "high": 0.21},
        "champion": {"point": 0.05, "low": None, "high": None},
    },
    "cutoffs": ["2026-01-05", "2026-01-19"],
    "snapshots": 2783,
    "leads": 856,
    "wins": 121,
    "rules_version": "0f8fea281a",
}


def change(number, kind, old, new, by, reason, day, evidence, forced=False):
    return ChampionChange(
        kind, old, new, by, reason, forced, f"Sentence {number}.", evidence, day, "done", number
    )


CHANGES = [
    change(1, "promote", None, "1", "ann", "", "2026-03-02T09:30:00", EVIDENCE),
    change(2, "promote", "1", "2", "bob", "a <b>trial</b>", "2026-06-01T10:00:00", {}, True),
    change(3, "rollback", "2", "1", "cyd", "it calls nobody", "2026-06-03T11:00:00", {}),
]


def text_of(html):
    return " ".join(Markup(re.sub("<[^>]*>", " ", html)).unescape().split())


def rows_of(page):
    return [text_of(row) for row in re.findall("<tr>(.*?)</tr>", page, re.DOTALL)][1:]


def test_every_change_is_a_row_the_newest_first():
    page = render(ChampionHistory(CHANGES, "1", "", ("A change was abandoned.",)))
    newest, forced, first = rows_of(page)
    for part in ("Version 1", "2026-06-03 11:00 now", "cyd", "rolled back", "from version 2"):
        assert part in newest
    assert "it calls nobody" in newest
    for part in ("Version 2", "2026-06-01 10:00 2026-06-03 11:00", "bob", "against the figures"):
        assert part in forced
    assert "a &lt;b&gt;trial" in page
    for part in ("2026-03-02 09:30 2026-06-01 10:00", "ann", "Sentence 1."):
        assert part in first
    assert "A change was abandoned." in page


def test_the_figures_of_a_decision_are_with_it():
    first = rows_of(render(ChampionHistory(CHANGES, "1", "", ())))[-1]
    assert "rules: +0.104 (95% interval \u22120.020 to +0.210)" in first
    assert "champion: +0.050." in first  # without an interval
    for part in ("2,783 snapshots", "856 leads", "121 won", "2026-01-05 to 2026-01-19"):
        assert part in first
    assert "0f8fea281a" in first


def test_the_first_screen_says_who_is_champion_by_whom_and_why():
    page = render(ChampionHistory(CHANGES[:2], "2", "", ()))
    header = text_of(re.search("<header>(.*?)</header>", page, re.DOTALL)[1])
    for part in ("Version 2", "2026-06-01", "bob", "trial", "Sentence 2."):
        assert part in header


def test_gaps_are_shown_as_gaps():
    """Version 9 was set as champion by hand, after the two changes."""
    page = render(ChampionHistory(CHANGES[:2], "9", "change 3 is missing", ()))
    assert "unknown" in rows_of(page)[0]
    assert "change 3 is missing" in page
    assert "no version is champion" in text_of(render(ChampionHistory([], None, "", ()))).lower()


def test_the_compare_page_links_to_it_when_served():
    marked = '<body><data class="page" value="history.html">Who and why</data></body>'
    assert '<a href="/pages/history.html">Who and why</a>' in served(marked)
