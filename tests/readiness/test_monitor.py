"""`readiness monitor`, as a scheduler runs it."""

from pathlib import Path

import pandas as pd
import pytest

from tests.copied_company import copied_company
from tests.readiness.conftest import Company
from tests.readiness.running import readiness


@pytest.fixture(scope="module")
def folder(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company after its first scoring, to be changed."""
    folder = tmp_path_factory.mktemp("monitored")
    copied_company(company.folder, folder)
    return folder


def test_green_or_amber_exits_0_and_red_1(folder: Path) -> None:
    ran = readiness("monitor", folder)
    assert (ran.code, "Of 15 none is more" in " ".join(ran.out.split())) == (0, 1)
    assert max(map(len, ran.out.splitlines()[:-2])) <= 80
    result = readiness("monitor", folder, "--json", "--strict")
    statuses = {check["key"]: check["light"] for check in result.result["checks"]}
    assert "red" not in statuses.values()
    assert result.code == int("amber" in statuses.values())
    assert Path(result.result["page"]) == folder / "out" / "monitor.html"
    assert len(result.result["run_id"]) == 32
    assert statuses["calibration"] == "grey"  # nothing scored has matured
    events = pd.read_parquet(folder / "events.parquet")
    old = events["occurred_at"] < "2025-05-01"
    events[old | (events["action"] != "visited_homepage")].to_parquet(folder / "events.parquet")
    ran = readiness("monitor", folder, "--json")
    assert (ran.code, ran.result["light"]) == (1, "red")
    (actions,) = [check for check in ran.result["checks"] if check["key"] == "actions"]
    assert "visited_homepage vanished" in actions["said"]


def test_before_anything_new_it_is_refused(folder: Path) -> None:
    ran = readiness("monitor", folder, "--cutoff", "2025-01-06", "--json")
    assert ran.code == 1
    assert "there is nothing new to watch" in ran.result["error"]


def test_without_a_champion_the_way_is_shown(untrained: Path) -> None:
    ran = readiness("monitor", untrained)
    assert (ran.code, ran.out) == (2, "")
    assert "then `readiness promote " in ran.err
