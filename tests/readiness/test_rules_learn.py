"""readiness rules learn, as a user runs it."""

import pytest

from models.rules.rules import load_rules
from tests.readiness.conftest import Company
from tests.readiness.running import readiness
from tests.readiness.test_help import flowing
from tests.readiness.test_words import fits


def test_learns_writes_and_judges(company: Company, tmp_path):
    path = tmp_path / "deeper" / "points.toml"
    ran = readiness("rules", "learn", company.folder, "--to", path)
    assert ran.code == 0
    fits(ran.out)
    assert "overpay and underpay" in flowing(ran.out)
    assert "Against the model: " in flowing(ran.out)
    rules = load_rules(path)
    assert rules.text.startswith("# A points table learned from outcomes")

    closed = readiness("rules", "learn", company.folder, "--to", path)
    assert closed.code == 2
    assert "exists already" in flowing(closed.err)
    message = readiness("rules", "learn", company.folder, "--to", path, "--force", "--json").result
    assert message["rules"]["version"] == rules.version  # the same again
    assert len(message["worth"]) == len(rules.file.rule)
    assert message["hand_written"]["rules"][0].keys() >= {"fair", "verdict", "lift", "points"}
    assert message["model_verdict"]
    assert message["file"] == str(path)

    diff = readiness("rules", "diff", "current", path, company.folder, "--json").result
    assert diff["new"]["version"] == rules.version


@pytest.mark.parametrize("name", ["points.json", "points"])
def test_only_toml_is_written(company: Company, tmp_path, name):
    assert readiness("rules", "learn", company.folder, "--to", tmp_path / name).code == 2
