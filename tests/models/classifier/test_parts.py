"""An average of learners: its log-odds, and what each feature adds to them, are the weighted sums
of its parts'. The parts fitted alone, shap and shuffling by hand are the oracles."""

import numpy as np
import pandas as pd
import pytest
import shap
from scipy.special import logit
from sklearn.metrics import log_loss

from models.classifier.artefact import from_bytes, to_bytes
from models.classifier.calibration_line import CalibrationLine
from models.classifier.classifier import AVERAGE, BATCH, ReadinessClassifier
from models.classifier.logistic import LogisticSettings, owners
from models.classifier.parts import Part, weighted
from models.explanations.explain import contributions_of, explain
from models.explanations.importance import importance
from tests.models import small_model
from tests.models.small_model import SETTINGS, fitted_average, learner, names, snapshots


@pytest.fixture(scope="module")
def model():
    return fitted_average()


@pytest.fixture(scope="module")
def frame():
    """Snapshots that the model never saw, with values that it never saw."""
    unseen = snapshots(800, seed=1)[0]
    unseen.loc[:4, "first_source"] = "never seen"
    return unseen


def alone():
    """Either part fitted by itself, on the rows that the model's learner saw."""
    seen, won = snapshots(1_500)
    strength = LogisticSettings(strength=small_model.AVERAGE["strength"])
    return [learner(seen[:1_000], won[:1_000], settings=each) for each in (SETTINGS, strength)]


def test_the_log_odds_are_the_mean_of_those_of_either_part_alone(model, frame):
    trees, regression = (part.learner_log_odds(frame) for part in alone())
    assert model.way == AVERAGE
    assert np.abs(trees - regression).max() > 0.5
    expected = model.line.log_odds((trees + regression) / 2)
    assert logit(model.rank(frame)) == pytest.approx(expected, abs=1e-12)


def test_contributions_are_the_mean_of_those_of_shap(model, frame):
    """Of each part by itself: one for each feature, that add up to the log-odds."""
    trees, line = (each.learner_ for each in alone())
    expected = pd.DataFrame(0.0, frame.index, names())
    walk = shap.TreeExplainer(trees[-1], feature_perturbation="tree_path_dependent")
    matrix = trees[0].transform(frame[names()]).astype(np.float64)
    expected[trees[0].get_feature_names_out()] += walk.shap_values(matrix) / 2
    background = line[:-1].transform(snapshots(1_500)[0][:1_000])
    straight = shap.LinearExplainer(line[-1], shap.maskers.Independent(background, 1_000))
    inputs = straight.shap_values(line[:-1].transform(frame))
    for place, feature in enumerate(owners(line["encode"])):
        expected[feature] += inputs[:, place] / 2
    result, base = contributions_of(model, model.encoded(frame))
    assert np.abs(result - expected.to_numpy()).max() < 1e-8
    assert base == pytest.approx((walk.expected_value + straight.expected_value) / 2, abs=1e-8)


def test_reasons_add_up_to_the_readiness(model, frame):
    result = explain(model, frame)
    assert np.abs(result.by_feature.sum(axis=1) + result.base - logit(model.rank(frame))).max() < (
        1e-12
    )


def test_a_row_has_the_same_bits_whoever_is_beside_it(model, frame):
    many = pd.concat([frame] * (BATCH // len(frame) + 1), ignore_index=True)
    whole, alone = model.rank(many), [model.rank(frame.iloc[[n]])[0] for n in range(50)]
    assert np.array_equal(whole[:50], alone)
    assert np.array_equal(model.rank_encoded(model.encoded(frame)), model.rank(frame))
    by_feature = explain(model, frame).by_feature
    assert np.array_equal(by_feature[7:9], explain(model, frame.iloc[7:9]).by_feature)


def test_other_weights_are_stored_and_summed(model, frame):
    """A third and two thirds are not to be written in binary; what is stored has the same bits."""
    trees, regression = model.classifier.parts
    learnt = weighted({"a": Part(trees.pipeline, 1 / 3), "b": Part(regression.pipeline, 2 / 3)})
    classifier = ReadinessClassifier.fitted(learnt, CalibrationLine(0.7, 0.1))
    each = [part.log_odds(part.encoded(frame)) for part in (trees, regression)]
    result = classifier.decision_function(frame[names()])
    assert result == pytest.approx(0.7 * np.average(each, 0, [1, 2]) + 0.1, abs=1e-12)
    assert np.array_equal(
        from_bytes(to_bytes(classifier)).decision_function(frame[names()]), result
    )


def test_importance_is_the_rise_of_the_log_loss(model, frame):
    """By hand: a column is shuffled, and the whole model ranks again."""
    won = snapshots(800, seed=1)[1]
    costs = importance(model, frame, won, seed=7).set_index("feature")
    rng = np.random.default_rng(0)
    for feature in ("age_days", "first_source"):
        rises = []
        for _ in range(12):
            shuffled = frame.assign(**{feature: frame[feature].to_numpy()[rng.permutation(800)]})
            rises.append(log_loss(won, model.rank(shuffled)) - log_loss(won, model.rank(frame)))
        within = 4 * max(np.std(rises), costs.loc[feature, "spread"]) / np.sqrt(3)
        assert costs.loc[feature, "cost"] == pytest.approx(np.mean(rises), abs=within)
