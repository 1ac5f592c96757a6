"""The verbs of the daily path in Python: what they return is what the command prints and writes."""

import json
import shutil
from pathlib import Path

import pytest

import readiness as rd
from tests.copied_company import copied_company
from tests.readiness.conftest import Company
from tests.readiness.running import readiness


@pytest.fixture(scope="module")
def folder(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company after its first scoring and with a list of the past, to be scored again."""
    folder = tmp_path_factory.mktemp("daily")
    copied_company(company.folder, folder)
    readiness("score", folder, "--cutoff", "2025-04-07")
    return folder


@pytest.fixture(scope="module")
def leads(folder: Path) -> rd.Leads:
    return rd.open_leads(folder)


def test_check_reports_what_the_command_prints(leads: rd.Leads, folder: Path) -> None:
    printed = readiness("check", folder, "--json").result
    assert printed.pop("other_questions") == {}
    assert rd.to_json(rd.check(leads)) == printed


def test_scores_are_in_the_ledger_the_command_adds_none(leads: rd.Leads, folder: Path) -> None:
    rows = rd.score(leads, "2025-03-03")
    assert (rows["cutoff"] == "2025-03-03").all()
    assert len(rows) == len(rd.snapshots(leads, "2025-03-03"))
    again = readiness("score", folder, "--cutoff", "2025-03-03", "--json").result
    assert (again["added"], again["scored"]) == (0, len(rows))


def test_monitor_finds_what_the_command_finds(leads: rd.Leads, folder: Path) -> None:
    printed = readiness("monitor", folder, "--json").result
    result = rd.to_json(rd.monitor(leads))
    printed = json.loads(json.dumps(printed).replace(f" {folder}", ""))  # of commands to paste
    assert {key: printed[key] for key in result} == result


def test_feedback_is_that_of_the_command(leads: rd.Leads, folder: Path) -> None:
    printed = readiness("feedback", folder, "--json").result
    result = rd.to_json(rd.feedback(leads))
    assert {key: printed[key] for key in result} == result


def test_promote_decides_as_the_command(leads: rd.Leads, folder: Path) -> None:
    printed = readiness("promote", folder, "--json").result
    assert rd.to_json(rd.promote(leads)) == printed


def test_a_future_cutoff_is_refused(leads: rd.Leads) -> None:
    for verb in (rd.score, rd.monitor):
        with pytest.raises(rd.Refused, match="2062-11-29"):
            verb(leads, "2062-11-29")


def test_init_writes_what_the_command_writes(company: Company, tmp_path: Path) -> None:
    by_python, by_command = tmp_path / "python", tmp_path / "command"
    for folder in (by_python, by_command):
        folder.mkdir()
        for table in company.folder.glob("*.parquet"):
            shutil.copy(table, folder)
    readiness("init", by_command)
    for path in rd.init(by_python):
        assert path.read_text() == (by_command / path.name).read_text()


def test_frames_have_no_folder_for_models_and_scores() -> None:
    for verb in (rd.score, rd.monitor, rd.promote, rd.feedback):
        with pytest.raises(rd.BadInput, match="folder"):
            verb(rd.example())
    assert rd.check(rd.example()).lacks
