"""All actions renamed, and a column that runs empty: `score` says so before it writes."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.copied_company import copied_company
from tests.readiness.conftest import Company
from tests.readiness.running import readiness


def changed(company: Company, folder: Path, part: Callable[[pd.DataFrame], pd.Series]) -> Path:
    """The company with other names for the actions of these events, not yet scored."""
    copied_company(company.folder, folder)
    shutil.rmtree(folder / "out" / "ledger")
    events = pd.read_parquet(folder / "events.parquet")
    action = events["action"].astype(str)
    events["action"] = action.where(~part(events), "web." + action)
    events.to_parquet(folder / "events.parquet")
    return folder


def rows_in_ledger(folder: Path) -> int:
    files = list((folder / "out" / "ledger").glob("*.parquet"))
    return sum(len(pd.read_parquet(file)) for file in files)


@pytest.mark.parametrize("since", ["2000-01-01", "2025-05-01"])
def test_all_actions_renamed(company: Company, tmp_path: Path, since: str) -> None:
    folder = changed(company, tmp_path, lambda events: events["occurred_at"] >= since)
    ran = readiness("score", folder, "--json")
    assert ran.code == 1
    assert ran.result["unknown_share"] == pytest.approx(1.0)
    assert "web.visited_homepage" in ran.result["unknown_actions"]
    assert "--accept" in ran.result["error"]
    assert rows_in_ledger(folder) == 0
    assert readiness("score", folder).code == 1
    ran = readiness("score", folder, "--accept", "--json")
    assert (ran.code, rows_in_ledger(folder)) == (0, ran.result["added"])
    assert any("100%" in note and "web." in note for note in ran.result["notes"])


def test_one_action_renamed_is_a_note_if_it_is_a_tenth_of_the_events(
    company: Company, tmp_path: Path
) -> None:
    assert company.result("score")["notes"] == []
    frequent = pd.read_parquet(company.folder / "events.parquet")["action"].mode()[0]
    folder = changed(company, tmp_path, lambda events: events["action"] == frequent)
    ran = readiness("score", folder, "--json")
    assert ran.code == 0
    assert [f"web.{frequent}" in note for note in ran.result["notes"]] == [True]


def test_a_rarer_action_renamed_is_a_note_with_both_names(company: Company, tmp_path: Path) -> None:
    actions = pd.read_parquet(company.folder / "events.parquet")["action"].value_counts(
        normalize=True
    )
    rarer = actions[actions < 0.1].index[0]
    folder = changed(company, tmp_path, lambda events: events["action"] == rarer)
    (note,) = readiness("score", folder, "--json").result["notes"]
    assert f"'{rarer}'" in note
    assert f"'web.{rarer}'" in note


def test_a_column_that_runs_empty_is_named_by_check_and_score(
    company: Company, tmp_path: Path
) -> None:
    folder = changed(company, tmp_path, lambda events: events["action"] == "nothing")
    leads = pd.read_parquet(folder / "leads.parquet")
    newest = leads["created_at"].nlargest(100).index  # of the 200 that are looked at
    leads["source"] = leads["source"].astype(object)
    leads.loc[newest, "source"] = None
    leads.to_parquet(folder / "leads.parquet")
    for verb in ("check", "score"):
        notes = readiness(verb, folder, "--json").result["notes"]
        texts = [note if isinstance(note, str) else note["text"] for note in notes]
        (text,) = [text for text in texts if "200 newest leads have none" in text]
        assert re.search(r"source: (4|5)\d%", text)
    assert not any("have none" in note["text"] for note in company.result("check")["notes"])
