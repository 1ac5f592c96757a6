"""The regression scores what it never saw, what is bent or missing as documented, and its reasons
are exact: shap's LinearExplainer and plain arithmetic are the oracles."""

import numpy as np
import pandas as pd
import pytest
import shap
from scipy.special import expit, logit
from sklearn.metrics import log_loss

from features.spec.kinds import Attribute, Count
from models.classifier.classifier import BATCH
from models.classifier.logistic import (
    LogisticSettings,
    encoded,
    linear_contributions,
    linear_log_odds,
    owners,
)
from models.explanations.explain import contributions_of, explain
from models.explanations.importance import importance
from tests.models.small_model import SPECS, fitted_logistic, learner, names, snapshots

STRENGTH = LogisticSettings(strength=0.01)
RATE = Attribute("rate", False)


@pytest.fixture(scope="module")
def fitted():
    frame, won = snapshots(1_500)
    return learner(frame, won, settings=STRENGTH).learner_, frame


@pytest.fixture(scope="module")
def served():
    """A calibrated model, and snapshots that it never saw."""
    return fitted_logistic(), snapshots(800, seed=1)[0]


def test_the_unseen_and_the_missing_are_scored(fitted):
    pipeline, frame = fitted
    strange = frame.head(2).assign(first_source=["never seen", None])
    strange["age_days"] = np.nan
    assert np.isfinite(pipeline.decision_function(strange)).all()


def test_the_third_visit_adds_less_than_the_first(fitted):
    pipeline, frame = fitted
    assert frame["count_7d(visit)"].max() >= 3  # beyond that it is clipped
    visits = frame.head(1).loc[[0] * 4].assign(**{"count_7d(visit)": [0.0, 1.0, 2.0, 3.0]})
    none, first, second, third = pipeline.decision_function(visits)
    assert first - none > third - second > 0


def test_inputs_are_those_of_the_pipeline_of_scikit_learn(fitted):
    """Bit by bit, of one row and of many, with texts and numbers never seen, and missing ones."""
    pipeline, _ = fitted
    frame = snapshots(300, seed=2)[0]
    frame.loc[:4, "first_source"] = "never seen"
    frame.loc[5:9, "age_days"] = [-1e9, 1e9, np.nan, 0.0, 7.5]
    turned = frame[frame.columns[::-1]].assign(points=1.0)  # columns are taken by name
    expected = pipeline[:-1].transform(frame)
    assert np.array_equal(encoded(pipeline, turned), expected)
    assert np.array_equal(encoded(pipeline, frame.iloc[[3]]), expected[[3]])
    assert encoded(pipeline, frame[:0]).shape == (0, expected.shape[1])
    none = frame.assign(first_source=None)
    nan = frame.assign(first_source=pd.Series(np.nan, frame.index, dtype=object))
    assert np.array_equal(encoded(pipeline, none), pipeline[:-1].transform(nan))


def test_inputs_are_centred(fitted):
    pipeline, frame = fitted
    inputs = pipeline[:-1].transform(frame)
    assert inputs.mean(axis=0) == pytest.approx(np.zeros(inputs.shape[1]), abs=1e-9)


def test_contributions_are_those_of_shap(fitted):
    """Inputs taken for independent, the background all that it was fitted on."""
    pipeline, frame = fitted
    inputs = encoded(pipeline, frame)
    names = [spec.name for spec in SPECS]
    result, base = linear_contributions(pipeline, inputs, names)
    background = shap.maskers.Independent(inputs, max_samples=len(inputs))
    oracle = shap.LinearExplainer(pipeline[-1], background)
    values = pd.DataFrame(oracle.shap_values(inputs), columns=list(owners(pipeline["encode"])))
    expected = values.T.groupby(level=0).sum().T[names].to_numpy()
    assert np.abs(result - expected).max() < 1e-8
    assert base == pytest.approx(oracle.expected_value, abs=1e-8)


def test_every_input_belongs_to_the_feature_that_moves_it(fitted):
    """Each feature is changed in turn; the inputs that change with it are those it owns."""
    pipeline, frame = fitted
    owned = np.array(list(owners(pipeline["encode"])))
    before = pipeline[:-1].transform(frame)
    assert len(owned) == before.shape[1] > len(SPECS)  # texts and missing values have more than one
    for spec in SPECS:
        changed = frame.assign(**{spec.name: frame[spec.name].to_numpy()[::-1]})
        moved = (pipeline[:-1].transform(changed) != before).any(axis=0)
        assert set(owned[moved]) == {spec.name}
        assert moved.sum() == (owned == spec.name).sum()


def test_reasons_add_up_to_the_readiness(served):
    model, frame = served
    result = explain(model, frame)
    readiness, decide = model.rank(frame), model.classifier.learner_.decision_function
    assert np.abs(result.by_feature.sum(axis=1) + result.base - logit(readiness)).max() < 1e-9
    assert readiness == pytest.approx(
        expit(model.line.log_odds(decide(frame[[spec.name for spec in model.specs]]))), abs=1e-12
    )


def test_a_row_has_the_same_bits_whoever_is_beside_it(served):
    model, frame = served
    many = pd.concat([frame] * (BATCH // len(frame) + 1), ignore_index=True)
    whole, alone = model.rank(many), [model.rank(frame.iloc[[n]])[0] for n in range(50)]
    assert np.array_equal(whole[:50], alone)
    by_feature = explain(model, frame).by_feature
    assert np.array_equal(by_feature[7:9], explain(model, frame.iloc[7:9]).by_feature)


def test_so_too_without_a_text():
    """scikit-learn then lays the inputs out by column, and numpy would add them in another order
    than those of a row alone."""
    frame, won = snapshots(1_500)
    more = [Count(f"event {number}", 7) for number in range(30)]
    rng = np.random.default_rng(0)
    sampled = pd.DataFrame({spec.name: rng.poisson(1.0, len(frame)) for spec in more}, dtype=float)
    frame = pd.concat([frame.reset_index(drop=True), sampled], axis=1)
    numbers = [spec for spec in (*SPECS, *more) if not spec.is_text]
    pipeline = learner(frame, won, numbers, STRENGTH).learner_
    inputs = frame[[spec.name for spec in numbers]]
    whole = linear_log_odds(pipeline[-1], pipeline[:-1].transform(inputs))
    each = [pipeline[:-1].transform(inputs.iloc[[row]]) for row in range(50)]
    assert whole[:50].tolist() == [linear_log_odds(pipeline[-1], row)[0] for row in each]


def test_texts_alone_have_reasons():
    frame, won = snapshots(1_500)
    texts = [spec for spec in SPECS if spec.is_text]
    pipeline = learner(frame, won, texts, STRENGTH).learner_
    inputs = encoded(pipeline, frame)
    assert np.array_equal(inputs, pipeline[:-1].transform(frame))
    result, base = linear_contributions(pipeline, inputs, [spec.name for spec in texts])
    assert result.sum(axis=1) + base == pytest.approx(linear_log_odds(pipeline[-1], inputs))


def test_a_moved_prior_moves_the_base_alone(served):
    model, frame = served
    moved = model.moved(0.7)
    assert logit(moved.rank(frame)) == pytest.approx(logit(model.rank(frame)) + 0.7)
    assert np.array_equal(explain(moved, frame).by_feature, explain(model, frame).by_feature)


@pytest.mark.slow
def test_importance_is_the_rise_of_the_log_loss(served):
    """By hand: the contributions of one feature go to other snapshots."""
    model, frame = served
    won = snapshots(800, seed=1)[1]
    table = importance(model, frame, won, seed=7)
    assert set(table["feature"]) == {spec.name for spec in model.specs}
    assert set(table["feature"][:3]) == {"age_days", "count_7d(visit)", "first_source"}
    by_feature, base = contributions_of(model, model.encoded(frame))
    slope, intercept = model.line
    place = [spec.name for spec in model.specs].index("age_days")
    rng, rises = np.random.default_rng(0), []
    for _ in range(100):
        shuffled = by_feature.copy()
        shuffled[:, place] = rng.permutation(shuffled[:, place])
        chance = expit(slope * (shuffled.sum(axis=1) + base) + intercept)
        rises.append(log_loss(won, chance) - log_loss(won, model.rank(frame)))
    cost = table.set_index("feature").loc["age_days", "cost"]
    assert cost == pytest.approx(np.mean(rises), abs=4 * np.std(rises) / np.sqrt(3))


def stepping(level, won_share, rng, each=300):
    """Snapshots at which a rate of interest has this level, the same for all leads of a day."""
    frame = snapshots(each, seed=int(1000 * level))[0][names()]
    return frame.assign(**{RATE.name: level}), (rng.random(each) < won_share).astype(float)


def test_a_column_that_steps_in_time_is_clipped_to_what_training_saw():
    """The central bank raises its rate from 1.0 to 1.1 while wins rise a little; then to 6."""
    rng = np.random.default_rng(0)
    parts = [stepping(1.0 + step / 60, 0.03 + step / 60, rng) for step in range(7)]
    frame = pd.concat([part for part, _ in parts], ignore_index=True)
    won = np.concatenate([outcome for _, outcome in parts])
    model = learner(frame, won, [*SPECS, RATE], LogisticSettings(strength=0.03))
    later, outcome = stepping(6.0, 0.08, rng)
    chance = model.predict_proba(later)[:, 1]
    at_most = model.predict_proba(later.assign(**{RATE.name: frame[RATE.name].max()}))[:, 1]
    assert np.array_equal(chance, at_most)
    least = later.assign(**{RATE.name: -1e9})
    at_least = later.assign(**{RATE.name: frame[RATE.name].min()})
    assert np.array_equal(model.predict_proba(least), model.predict_proba(at_least))
    assert log_loss(outcome, chance) < log_loss(outcome, np.full(len(outcome), won.mean())) + 0.1
