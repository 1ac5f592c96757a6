"""Without a model the points rank: through the whole of scoring, against a sort by hand."""

import shutil
from datetime import datetime

import pandas as pd
import pytest

from features.config import load
from models.routing import Router
from models.rules.rules import load_rules
from serve.scoring.points_only import scorer_of
from tests.conftest import edit
from tests.readiness.running import readiness
from tests.serve.ledger.places import stored_scores

BEGINS = "rules only: no model yet (too few wins: "


@pytest.fixture(scope="module")
def young(demo_folder, tmp_path_factory):
    """The demo, where 9,000 won leads are asked for."""
    folder = tmp_path_factory.mktemp("young")
    for path in demo_folder.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    edit(folder, least_wins=9_000)
    return folder


@pytest.fixture(scope="module")
def first(young):
    return readiness("score", young, "--json").result


def ledger(folder, sql):
    return stored_scores(folder / "out", sql)


def test_every_lead_is_scored_by_points_and_says_why(young, first):
    rows = ledger(young, "SELECT * FROM scores")
    assert first["model_version"] == "none"
    assert set(rows["model_version"]) == {"none"}
    assert len(rows) == first["open_leads"] == first["scored"]
    assert set(rows["state"]) == {"scored"}
    assert rows["readiness"].isna().all()
    assert rows["rule_score"].notna().all()
    assert rows["close_days_median"].isna().all()
    assert rows["route_reason"].str.startswith(BEGINS).all()
    assert rows["route_reason"].str.contains("of 9,000").all()
    assert first["notes"][0].startswith("Rules only: no model yet (too few wins: ")


def test_the_list_is_the_capacity_by_points(young, first):
    rows = ledger(young, "SELECT * FROM scores")
    slots = max(1, round(0.1 * len(rows)))
    expected = sorted(rows.itertuples(), key=lambda row: (-row.rule_score, row.lead_id))[:slots]
    listed = rows[rows["route"] == "sales"]
    assert set(listed["lead_id"]) == {row.lead_id for row in expected}
    assert first["routes"]["sales"] == slots
    assert listed["contact_by"].notna().all()


def test_the_reasons_are_lines_of_the_points_table(young, first):
    lead = ledger(young, "SELECT * FROM scores ORDER BY rule_score DESC, lead_id LIMIT 1").iloc[0]
    texts = lead["reasons"].split("; ")
    assert 1 <= len(texts) <= 3
    rules, words = load_rules(young / "rules.toml").file.rule, load(young).words
    spoken = {rule.words(words) for rule in rules}
    assert any(text.rsplit(" (", 1)[0] in spoken for text in texts)


def test_a_second_run_changes_nothing(young, first):
    before = ledger(young, "SELECT * FROM scores ORDER BY lead_id")
    again = readiness("score", young, "--json").result
    assert again["added"] == 0
    assert again["routes"] == first["routes"]
    assert before.equals(ledger(young, "SELECT * FROM scores ORDER BY lead_id"))


def test_train_and_compare_say_what_is_missing_and_check_said_so_before(young):
    refused = readiness("train", young, "--json")
    assert refused.code == 1
    assert [reason["code"] for reason in refused.result["reasons"]] == [
        "too_few_wins",
        "too_few_losses",
    ]
    assert "too_few_wins" in refused.err
    compared = readiness("compare", young)
    assert compared.code == 1
    assert "too_few_wins" in compared.err
    checked = readiness("check", young, "--json")
    assert checked.code == 0
    assert checked.result["training"]["passes"] is False
    assert checked.result["training"]["reasons"] == refused.result["reasons"]


def test_with_enough_data_and_no_champion_the_next_step_is_named(untrained_copy):
    result = readiness("score", untrained_copy, "--json").result
    assert f"readiness train {untrained_copy})" in result["notes"][0]
    assert readiness("score", untrained_copy, "--model", "challenger").code == 2


@pytest.fixture
def untrained_copy(demo_folder, tmp_path):
    for path in demo_folder.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    return tmp_path


def test_with_a_champion_the_model_scores(demo_folder, trained):
    assert scorer_of(load(demo_folder), "champion").model_version == trained.model.version
    assert Router(1, datetime(2026, 1, 1)).without_model == ""


def test_explain_shows_the_points_their_history_and_why_there_is_no_probability(young, first):
    rows = ledger(young, "SELECT * FROM scores ORDER BY rule_score DESC, lead_id")
    lead, points = rows.loc[0, "lead_id"], rows.loc[0, "rule_score"]
    shown = readiness("explain", lead, young, "--page", "--json").result
    assert (shown["readiness"], shown["reasons"], shown["model_version"]) == (
        None,
        None,
        "none",
    )
    assert shown["rule_score"] == points == pytest.approx(sum(shown["lines"].values()))
    assert shown["why_no_readiness"].startswith("no model yet (too few wins: ")
    assert [line["rule_score"] for line in shown["history"]] == [points]
    assert [line["readiness"] for line in shown["history"]] == [None]
    page = (young / "out" / f"explain-{lead}.html").read_text("utf-8")
    assert "There is no probability: no model yet (too few wins: " in page
    assert "ready</span>" not in page
    printed = readiness("explain", lead, young).out
    assert "There is no probability: no model yet (too few wins:" in " ".join(printed.split())
    assert "readiness None" not in printed


def test_explain_since_tells_what_moved_the_points_alone(young, first):
    rows = ledger(young, "SELECT * FROM scores ORDER BY rule_score DESC, lead_id")
    cutoff = rows.loc[0, "cutoff"]
    since = (cutoff - pd.Timedelta(days=30)).strftime("%Y-%m-%d")
    created = pd.read_parquet(young / "leads.parquet").astype({"lead_id": str})
    old = created[created["created_at"] < since]["lead_id"]
    lead = rows[rows["lead_id"].isin(old)]["lead_id"].iloc[0]
    change = readiness("explain", lead, young, "--since", since, "--json").result["change"]
    assert (change["readiness"], change["log_odds"]) == (None, None)
    points = change["points"]
    moved = sum(part["difference"] for part in points["parts"])
    assert points["before"] + moved == pytest.approx(points["after"])
    then = readiness("explain", lead, young, "--cutoff", since, "--json").result["rule_score"]
    assert points["before"] == then
    printed = readiness("explain", lead, young, "--since", since).out
    assert "Points " in printed
    assert "Readiness " not in printed
