"""Roles of simulated people, beside the true ones that nobody sees."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.roles import BUYS, buyers_named, most_active, people_of_company

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder: Path = tmp_path_factory.mktemp("company")
    return people_of_company(7, 1_000, folder, days=200, accounts=70)


def test_roles_are_recognised_from_title_and_behaviour(people: pd.DataFrame) -> None:
    """A third of the people are buyers, less than half of whom have the title; so who is named by
    the title alone is one in two of three cases, and most of the clear researchers are."""
    buyer = people["truth"] == "buyer"
    right, reached = buyers_named(people, people["role"].isin(BUYS))
    assert right > buyer.mean() + 0.2
    assert 0.35 < reached < 0.6
    researches = people["role"] == "researches"
    assert (people["truth"][researches] == "researcher").mean() > 0.5
    evaluates = people["role"] == "evaluates"
    assert (people["truth"][evaluates] == "user").mean() > 0.5


def test_whoever_does_most_is_not_thereby_the_buyer(people: pd.DataFrame) -> None:
    top = people[most_active(people)]
    assert (top["truth"] == "buyer").mean() < (people["truth"] == "buyer").mean()
    researchers = top[top["truth"] == "researcher"]
    assert len(researchers) > 15
    assert researchers["role"].isin(BUYS).mean() < 0.3  # the share with a buyer's title
    assert (researchers["role"] == "researches").mean() > 0.5
    by_behaviour = researchers["role"].where(~researchers["by_title"].isin(BUYS))
    assert not by_behaviour.isin(BUYS).any()
