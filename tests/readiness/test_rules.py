"""readiness rules: show, diff and test, as a user runs them, on the demo before its training."""

import re
import shutil
from pathlib import Path

import pytest

from tests.readiness.conftest import Company
from tests.readiness.running import readiness
from tests.readiness.test_help import flowing
from tests.readiness.test_words import fits

MILD = '\n[[rule]]\nattribute = "industry"\nis = ["health", "public"]\npoints = 15\n'


@pytest.fixture(scope="module")
def folder(untrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The untrained demo with a mild draft, and one that turns every sign."""
    folder = tmp_path_factory.mktemp("rules")
    shutil.copytree(untrained, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("out"))
    text = (folder / "rules.toml").read_text(encoding="utf-8")
    turned = re.sub(r"points = (-?\d+)", lambda match: f"points = {-int(match[1])}", text)
    (folder / "draft.toml").write_text(text + MILD, encoding="utf-8")
    (folder / "turned.toml").write_text(turned, encoding="utf-8")
    return folder


def test_show(folder: Path) -> None:
    ran = readiness("rules", "show", folder)
    fits(ran.out)
    assert "visited pricing: each time in the last 90 days" in flowing(ran.out)
    assert "Group engagement: at most 40 points." in ran.out
    message = readiness("rules", "show", folder, "--rules", folder / "draft.toml", "--json").result
    assert message["rule"][-1] == {
        "attribute": "industry",
        "is": ["health", "public"],
        "points": 15,
        "in_words": "industry is health or public",
    }
    assert message["version"] not in ran.out


def test_diff_counts_who_the_new_rule_moves(folder: Path, tmp_path: Path) -> None:
    """15 points more for two industries, whatever a lead did: nobody goes down."""
    words = ("rules", "diff", "current", folder / "draft.toml", folder)
    message = readiness(*words, "--json", "--export", tmp_path / "all.csv").result
    assert 0 < message["other_points"] < message["open_leads"]
    assert message["bands"]["hot"]["cold"] == message["bands"]["warm"]["cold"] == 0
    moved = message["bands"]["cold"]["warm"] + message["bands"]["cold"]["hot"]
    assert moved + message["bands"]["warm"]["hot"] == message["other_band"] > 0
    assert {row["difference"] for row in message["leads"]} == {15}
    assert {row["moved_by"] for row in message["leads"]} == {"industry is health or public (+15)"}
    assert (tmp_path / "all.csv").read_text().count("\n") == message["open_leads"] + 1
    ran = readiness(*words)
    fits(ran.out)
    assert f"{message['other_band']:,} change band" in flowing(ran.out)


def test_the_gate_closes_for_what_is_worse_only(folder: Path) -> None:
    words = ("rules", "test", folder / "turned.toml", folder)
    ran = readiness(*words)
    assert ran.code == 0
    fits(ran.out)
    assert "The current rules had it right" in flowing(ran.out)
    assert "log loss" not in ran.out  # points are no probability
    page = folder / "out" / "rules.html"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert not (folder / "out" / "mlflow.db").exists()
    closed = readiness(*words, "--gate", "--json")
    assert (closed.code, closed.result["worse"]) == (1, True)
    mild = readiness("rules", "test", folder / "draft.toml", folder, "--gate", "--json")
    assert (mild.code, mild.result["model_version"]) == (0, None)


def test_scoring_keeps_the_rules_by_their_version(company: Company) -> None:
    version = company.result("score")["rules_version"]
    rows = company.folder / "out" / "rules" / f"{version}.toml"
    assert rows.read_text("utf-8") == (company.folder / "rules.toml").read_text("utf-8")
    message = readiness("rules", "diff", version[:6], rows, company.folder, "--json").result
    assert (message["old"], message["other_points"], message["leads"]) == (message["new"], 0, [])


def test_nobody_open_is_no_failure(folder: Path) -> None:
    words = ("rules", "diff", "current", folder / "draft.toml", folder, "--cutoff", "2001-01-01")
    assert readiness(*words).code == 0
    message = readiness(*words, "--json").result
    assert (message["open_leads"], message["mean_difference"], message["leads"]) == (0, None, [])


def test_what_is_not_there_is_said(folder: Path) -> None:
    ran = readiness("rules", "diff", "current", "zz", folder)
    assert ran.code == 2
    assert "There are no rules 'zz'" in flowing(ran.err)
    attribute = '\n[[rule]]\nattribute = "land"\nis = "AT"\npoints = 1\n'
    text = (folder / "rules.toml").read_text(encoding="utf-8")
    (folder / "land.toml").write_text(text + attribute, encoding="utf-8")
    ran = readiness("rules", "test", folder / "land.toml", folder)
    assert ran.code == 2
    assert "asks for land, which the table leads does not have" in flowing(ran.err)
