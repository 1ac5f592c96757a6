"""With --json, one object and nothing else is on standard output, with the promised fields."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.readiness.conftest import Company
from tests.readiness.running import readiness

SCRIPT = Path(sys.executable).with_name("readiness")
METRICS = {"roc_auc", "average_precision", "log_loss", "brier", "ece"}
AT_CAPACITY = {"share", "precision", "gain", "lift"}


def test_simulate_init_check(tmp_path: Path) -> None:
    made = readiness("simulate", tmp_path, "--leads", 1000, "--days", 200, "--json")
    assert (made.code, made.result["leads"]) == (0, 1000)
    tables = {f"{name}.parquet" for name in ("events", "leads", "deals", "contacts")}
    assert {Path(path).name for path in made.result["written"]} == tables
    assert "simulate" in made.err
    begun = readiness("init", tmp_path, "--json")
    assert begun.code == 0
    names = ("readiness", "rules", "sources", "funnel", "segments")
    assert begun.result == {"written": [str(tmp_path / f"{name}.toml") for name in names]}
    checked = readiness("check", tmp_path, "--json")
    assert checked.code == 0
    assert (checked.result["ok"], checked.result["breaches"]) == (True, [])
    assert checked.result["findings"] == []


def test_every_verb_is_done(company: Company) -> None:
    assert {verb: ran.code for verb, ran in company.ran.items()} == dict.fromkeys(company.ran, 0)
    for verb in ("train", "promote", "score", "compare"):
        assert "features" in company.ran[verb].err  # the bar


def test_features_have_names_and_meanings(company: Company) -> None:
    features = company.result("features")["features"]
    assert {"name": "age_days", "meaning": "age of the lead in days", "kind": "Age"} in features
    assert len({feature["name"] for feature in features}) == len(features)


@pytest.mark.parametrize("verb", ["train", "compare"])
def test_the_figures_of_model_rules_and_base_rate(company: Company, verb: str) -> None:
    result = company.result(verb)
    assert len(result["run_id"]) == 32
    assert result["model_version"] == "1"
    test = result["test"]
    for name in ("model", "rules", "base_rate"):
        assert set(test[name]) == METRICS | {"at_capacity"}
        assert set(test[name]["at_capacity"]) == AT_CAPACITY
    figures = [*test["model"].values(), *test["model"]["at_capacity"].values()]
    assert None not in figures
    assert {name for name, figure in test["rules"].items() if figure is None} == {
        "log_loss",
        "brier",
        "ece",
    }
    assert test["base_rate"]["roc_auc"] == 0.5
    assert test["base_rate"]["at_capacity"]["lift"] == pytest.approx(1)
    difference = test["difference"]
    assert set(difference) == METRICS | {"precision", "gain", "lift"}
    for metric in ("roc_auc", "average_precision"):
        assert set(difference[metric]) == {"point", "low", "high"}
        assert difference[metric]["low"] <= difference[metric]["high"]
        gap = test["model"][metric] - test["rules"][metric]
        assert difference[metric]["point"] == pytest.approx(gap)
    assert difference["log_loss"] is None


def test_compare_says_what_training_said(company: Company) -> None:
    assert company.result("compare")["test"] == company.result("train")["test"]
    page = Path(company.result("compare")["page"])
    assert page == company.folder / "out" / "compare.html"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_promote_says_by_how_much(company: Company) -> None:
    result = company.result("promote")
    assert (result["model_version"], result["promoted"]) == ("1", True)
    assert result["metric"] == "average_precision"
    assert result["difference"] == {
        "rules": company.result("train")["test"]["difference"]["average_precision"]
    }


def test_score_counts_what_is_in_the_ledger(company: Company) -> None:
    result = company.result("score")
    with duckdb.connect() as ledger:
        ledger.execute(f"CREATE VIEW scores AS FROM '{result['ledger']}/*.parquet'")
        rows = ledger.execute(
            "SELECT count(*), count(DISTINCT lead_id), count(*) FILTER (route = 'sales'), "
            "count(*) FILTER (state = 'scored') FROM scores WHERE cutoff = $cutoff",
            {"cutoff": result["cutoff"]},
        ).fetchone()
    assert rows is not None
    assert rows[0] == rows[1] == result["open_leads"] == result["added"]
    assert rows[2:] == (result["routes"]["sales"], result["scored"])
    assert (result["not_scored"], result["breaches"], result["export"]) == (0, [], None)
    assert sum(result["bands"].values()) == result["scored"]


def test_explain_agrees_with_score(company: Company) -> None:
    result = company.result("explain")
    with duckdb.connect() as ledger:
        ledger.execute(
            f"CREATE VIEW scores AS FROM '{company.result('score')['ledger']}/*.parquet'"
        )
        row = ledger.execute(
            "SELECT readiness, rule_score, band FROM scores WHERE lead_id = '1999'"
        ).fetchone()
    assert row == (result["readiness"], result["rule_score"], result["band"])
    reasons = sum(reason["log_odds"] for reason in result["reasons"])
    assert result["base"] + reasons == pytest.approx(result["log_odds"])


def test_the_script_itself_prints_the_object_and_nothing_else(
    company: Company, tmp_path: Path
) -> None:
    """In a process of its own nothing that a library writes can hide. It is the second run of the
    night: nothing is added."""
    export = tmp_path / "scores.csv"
    ran = subprocess.run(
        [SCRIPT, "score", company.folder, "--json", "--export", export],
        capture_output=True,
        text=True,
        check=True,
    )
    first = company.result("score")
    assert json.loads(ran.stdout) == first | {"added": 0, "export": str(export)}
    assert ran.stdout.count("\n") == 1
    assert "seconds" in ran.stderr
    assert len(export.read_text().splitlines()) == 1 + first["open_leads"]


def test_an_error_is_an_object_too(tmp_path: Path) -> None:
    ran = readiness("train", tmp_path, "--json")
    assert ran.code == 2
    assert list(ran.result) == ["error"]
    assert ran.result["error"].startswith("There is no readiness.toml in")
    assert "There is no readiness.toml in" in ran.err
