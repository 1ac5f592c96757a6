"""A training, whole: what it says, that it says the same twice, and what it refuses."""

import json
import math

import numpy as np
import pytest

from features.config import load
from features.errors import BadInput, Refused
from features.result_json import to_json
from models.registry import Registry
from tests.features.lead_databases import at, config_for, event, write_database
from training.train import train

FIGURES = ["roc_auc", "average_precision", "log_loss", "brier", "ece"]
LISTED = ["share", "precision", "gain", "lift"]


def test_what_is_printed_has_its_shape(trained):
    printed = to_json(trained)
    assert json.loads(json.dumps(printed, allow_nan=False)) == printed
    assert printed["run_id"] == trained.model.run_id
    assert printed["model_version"] == "1"
    test = printed["test"]
    for name in ("model", "rules", "base_rate"):
        assert list(test[name]) == [*FIGURES, "at_capacity"]
        assert list(test[name]["at_capacity"]) == LISTED
    for name, figure in ((n, f) for n in ("model", "rules", "base_rate") for f in FIGURES):
        makes_sense = name != "rules" or figure in ("roc_auc", "average_precision")
        assert (test[name][figure] is not None) == makes_sense
    assert set(test["difference"]) == {*FIGURES, "precision", "gain", "lift"}
    for figure in ("roc_auc", "average_precision", "precision", "gain", "lift"):
        difference = test["difference"][figure]
        assert difference["low"] <= difference["point"] <= difference["high"]
    known = test["difference"]["average_precision"]["point"]
    by_hand = test["model"]["average_precision"] - test["rules"]["average_precision"]
    assert known == pytest.approx(by_hand)


def test_trained_and_tested_on_what_the_grid_says(trained, judged):
    printed = to_json(trained)
    assert printed["training_cutoffs"][0] == "2024-04-01"
    assert printed["training_cutoffs"][-1] == "2025-03-03"
    assert list(printed["test"]["cutoffs"]) == ["2025-04-14", "2025-04-28", "2025-05-12"]
    assert printed["test"]["snapshots"] == len(judged.won)
    assert printed["test"]["wins"] == judged.won.sum()
    assert not math.isnan(trained.chosen.log_loss)
    assert printed["settings"] == trained.chosen.settings
    assert printed["features"] + len(printed["dropped_features"]) > 90
    (note,) = printed["notes"]
    assert note.startswith("At the training cutoffs: Of ")
    assert "leads sales never contacted" in note


@pytest.mark.long
def test_a_second_training_gives_the_same_bits(trained, twin, judged):
    """In another process, with other threads and jobs: same data, settings and seed."""
    again = twin.registry.load("challenger")
    assert again.run_id != trained.model.run_id
    assert again.specs == trained.model.specs
    assert np.array_equal(again.rank(judged.frame), trained.model.rank(judged.frame))
    assert twin.printed["test"] == to_json(trained)["test"]
    assert twin.printed["settings"] == to_json(trained)["settings"]


@pytest.mark.long
def test_a_rule_for_what_nobody_does_is_noted(twin):
    message = "The rules give points for actions that are not in the data: faxed."
    assert message in twin.printed["notes"]


RULES = 'name = "r"\n[bands]\nwarm = 1\nhot = 2\n[[rule]]\naction = "visit"\npoints = 1\n'
TIMES = {"first_cutoff": at("2026-01-12"), "horizon_days": 14, "test_cutoffs": 1}
CREATED = [{"lead_id": lead, "created_at": at("2026-01-05")} for lead in range(4)]
VISITS = [event(lead, at("2026-01-06")) for lead in range(4)]
LATEST = event(0, at("2026-04-01"))


def train_on(folder, deals, **sections):
    write_database(folder, CREATED, [*VISITS, LATEST], deals)
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    return train(config_for(folder, time=TIMES, **sections))


def won(lead, day):
    return {"lead_id": lead, "closed_at": at(f"2026-{day}"), "outcome": "won"}


def test_a_breach_of_the_contract_is_refused_with_all_that_is_wrong(tmp_path):
    deals = [won(0, "01-20"), won(1, "01-21") | {"outcome": "maybe"}, won(2, "01-01")]
    with pytest.raises(BadInput) as refused:
        train_on(tmp_path, deals)
    first, *breaches = str(refused.value).splitlines()
    assert first == "The lead database breaches its contract:"
    assert any("maybe" in breach for breach in breaches)
    assert any("closed" in breach and "created" in breach for breach in breaches)


def test_a_history_without_wins_is_refused_and_nothing_is_registered(tmp_path):
    with pytest.raises(Refused, match=r"of its 4 snapshots 0 are won within the horizon"):
        train_on(tmp_path, [])
    registry = Registry(config_for(tmp_path))
    assert not registry.has("challenger")
    assert registry.client.search_runs([registry.experiment]) == []


def test_the_rules_file_is_read_before_the_work_begins(tmp_path):
    write_database(tmp_path, CREATED, VISITS)
    with pytest.raises(BadInput, match=r"There is no file .*rules\.toml"):
        train(config_for(tmp_path, time=TIMES))


def test_what_is_simpler_and_the_groups_are_told_and_kept(trained, demo_folder):
    printed = to_json(trained)
    report, groups = printed["baselines"], printed["feature_groups"]
    # The learner that was not registered stands beside the one that was.
    other = "boosted_trees" if trained.model.is_linear else "logistic_regression"
    names = ["base_rate", "rules", "rules_calibrated", "learned_points", other]
    assert list(report["difference"]) == names
    assert list(groups["difference"]) == ["explicit_only", "implicit_only"]
    for result in (report, groups):
        for figure in FIGURES:
            assert result["figures"]["model"][figure]["point"] == printed["test"]["model"][figure]
    against_rules = printed["test"]["difference"]["average_precision"]
    assert report["difference"]["rules"]["average_precision"] == against_rules
    registry = Registry(load(demo_folder))
    assert json.loads(registry.text(trained.model.run_id, "baselines.json")) == report
    stored = registry.client.get_run(trained.model.run_id).data.metrics
    assert stored[f"baseline/{other}/roc_auc"] == report["figures"][other]["roc_auc"]["point"]
    assert "features/implicit_only/log_loss" in stored
