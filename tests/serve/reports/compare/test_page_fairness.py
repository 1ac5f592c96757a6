"""The section of groups: each figure in its row, warnings marked, names escaped, no NaN shown."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.fairness.figures import Fairness, lead_groups
from models.fairness.groups import named_groups
from models.statistics.list_lengths import by_length
from models.statistics.metrics import Ranking
from serve.reports.compare.details import Details
from serve.reports.compare.live import Live
from serve.reports.compare.overlap import one_of, overlap, period
from serve.reports.compare.page import render
from tests.serve.reports.compare.test_page import Page, compared

HEADING = "Does each group of leads get its share of the list?"


@pytest.fixture(scope="module")
def comparison():
    """The model takes no lead of every third country."""
    result = compared(leads=400)
    held_down = result.snapshots["lead_id"].to_numpy() % 3 == 1
    return replace(result, model=result.model * np.where(held_down, 0.01, 1))


@pytest.fixture(scope="module")
def details(comparison):
    snapshots, won = comparison.snapshots, comparison.won
    scores = {"model": comparison.model, "rules": comparison.rules}
    capacity = comparison.judgement.capacity
    lead = snapshots["lead_id"]
    country = pd.Series(np.array(["DE", "<b>FR", "DE"], object)[lead % 3])
    country[lead < 20] = None
    names = pd.DataFrame({"home_country": named_groups(country, lead, 30)})
    on_lists = {
        name: Ranking(won, score, snapshots["cutoff"]).on_list(capacity)
        for name, score in scores.items()
    }
    groups = {"period": one_of(period(snapshots["cutoff"]))}
    return Details(
        by_length(snapshots, won, scores, capacity, replicates=20),
        overlap(snapshots, won, *scores.values(), capacity, groups, replicates=20),
        Live("No list yet."),
        Fairness(30, lead_groups(names, lead, won, on_lists)),
    )


def test_each_group_has_a_row_for_each_list(comparison, details):
    page = Page(render(comparison, details=details))
    assert HEADING in page.words
    for group in details.fairness.groups:
        rows = [row for row in page.rows if row[0].startswith(f"{group.name}home country")]
        for row, shown in zip(rows, group.lists.values(), strict=True):
            assert row[1].startswith(f"{group.leads:,}")
            assert row[3].startswith(f"{shown.listed.point:.1%}")
            assert row[6].startswith(f"{shown.missed.point:.1%}")
            assert ("less" in row[4]) == (shown.selected == "less")
    assert "nan" not in str(page.rows)


def test_what_is_held_down_is_marked_and_its_name_is_no_html(comparison, details):
    page = Page(render(comparison, details=details))
    of_model, of_rules = (row for row in page.rows if row[0].startswith("<b>FR"))
    assert "less" in of_model[4]
    assert "more" in of_model[6]
    assert "less" not in of_rules[4]
    assert "b" not in page.tags


def test_without_named_groups_there_is_no_section(comparison, details):
    assert HEADING not in render(comparison, details=replace(details, fairness=None))
    assert HEADING not in render(comparison)
