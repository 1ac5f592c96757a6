"""The final test is looked at once, when all is chosen: its outcomes turned, the model stays."""

import shutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from features.config import load
from features.open_database import open_database
from models.classifier.artefact import describe
from models.registry import Registry
from models.rules.rules import load_rules
from tests.conftest import edit
from training.train import WorseThanBaseRate, learn, register

pytestmark = pytest.mark.slow


def learned(folder):
    config = load(folder)
    rules = load_rules(config.folder / config.rules)
    with open_database(config, rules.specs) as database:
        return learn(config, database, rules)


def learner_parameters(model):
    """All numbers of the fitted learner."""
    numbers = []
    for part in model.classifier.parts:
        step = part.pipeline[-1]
        if part.is_linear:
            numbers += [step.coef_, step.intercept_]
        else:
            numbers += [tree.nodes for trees in step._predictors for tree in trees]
            numbers += [step._baseline_prediction]
    return numbers


@pytest.fixture(scope="module")
def both(demo_folder, tmp_path_factory):
    """A training that may choose all there is to choose, and one whose test is upside down: from
    the first test cutoff on, what was won is lost and what was lost is won."""
    results = []
    for name in ("straight", "turned"):
        folder = tmp_path_factory.mktemp(name)
        for path in demo_folder.iterdir():
            if path.is_file():
                shutil.copy(path, folder)
        edit(folder, learner='"simplest"')
        if name == "turned":
            begin = pd.Timestamp(min(results[0].trained.split.judge))
            path = folder / "deals.parquet"
            deals = pd.read_parquet(path)
            turned = deals["outcome"].map({"won": "lost", "lost": "won"})
            later = deals["closed_at"] >= begin
            assert later.sum() > 100
            deals["outcome"] = deals["outcome"].mask(later, turned)
            deals.to_parquet(path)
        results.append(learned(folder))
    return results


@pytest.fixture(scope="module")
def turned_folder(both, tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "turned0"


def test_the_tests_differ_and_have_both_outcomes(both):
    straight, turned = (each.test for each in both)
    assert straight.has_both
    assert turned.has_both
    assert straight.frame.equals(turned.frame)
    assert np.mean(straight.won != turned.won) > 0.2
    areas = [each.trained.comparison.judgement.estimates["model"]["roc_auc"] for each in both]
    assert areas[0].low > 0.6 > areas[1].point


def test_what_is_trained_on_ends_before_the_test(both):
    for each in both:
        split, horizon = each.trained.split, timedelta(days=each.trained.model.horizon_days)
        assert max(split.fit) + horizon <= min(split.judge)
    assert np.array_equal(both[0].past.won, both[1].past.won)


def test_learner_settings_and_calibrator_are_the_same(both):
    straight, turned = (each.trained for each in both)
    assert straight.model.way == turned.model.way
    assert straight.chosen.settings == turned.chosen.settings
    assert straight.model.calibrator == turned.model.calibrator
    assert straight.model.line == turned.model.line
    assert straight.notes[0] == turned.notes[0]  # why the learner was chosen


def test_every_number_of_the_model_is_the_same(both):
    straight, turned = (replace(each.trained.model, version="1") for each in both)
    assert describe(straight) == describe(turned)
    pairs = zip(learner_parameters(straight), learner_parameters(turned), strict=True)
    assert all(np.array_equal(first, second) for first, second in pairs)
    for rows in (both[0].past, both[0].test):
        assert np.array_equal(straight.rank(rows.frame), turned.rank(rows.frame))


def test_a_model_worse_than_the_base_rate_is_registered_for_a_reason_only(both, turned_folder):
    """The outcomes of its test are turned: it promises most to those who are lost."""
    config = load(turned_folder)
    rules = load_rules(config.folder / config.rules)
    registry = Registry(config).prepared()
    assert not both[0].trained.simpler.side_by_side.worse_than_base_rate
    judged = both[1].test.won, both[1].trained.comparison.model
    base_rate = np.full(len(judged[0]), both[1].past.won.mean())
    with open_database(config, rules.specs) as database:
        with pytest.raises(WorseThanBaseRate, match="worse than the base rate") as refused:
            register(config, database, rules, registry, both[1])
        assert not registry.has("challenger")
        for loss in (log_loss(*judged), log_loss(judged[0], base_rate)):
            assert f"{loss:.4f}" in str(refused.value)
        reason = "the season turned; a campaign needs the order"
        done = register(config, database, rules, registry, both[1], reason=reason)
    tags = registry.client.get_run(done.model.run_id).data.tags
    assert tags["accepted_worse_than_base_rate"] == reason
    assert "worse than the base rate" in registry.text(done.model.run_id, "baselines.json")
    assert reason in registry.text(done.model.run_id, "card.md")
