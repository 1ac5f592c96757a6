"""The final test is looked at once, when all is chosen: its outcomes turned, the model stays."""

import shutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.config import load
from features.open_database import open_database
from models.classifier.artefact import describe
from models.rules.rules import load_rules
from tests.conftest import edit
from training.train import learn

pytestmark = pytest.mark.slow


def learned(folder):
    config = load(folder)
    rules = load_rules(config.folder / config.rules)
    with open_database(config, rules.specs) as database:
        return learn(config, database, rules)


def learner_parameters(model):
    """All numbers of the fitted learner."""
    step = model.classifier.learner_[-1]
    if model.is_linear:
        return [step.coef_, step.intercept_]
    return [tree.nodes for trees in step._predictors for tree in trees] + [
        step._baseline_prediction
    ]


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
