"""What the classifier promises: probabilities, alone or in company, from trees and a line."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from threadpoolctl import threadpool_limits

from features.spec.kinds import Age, DaysSince
from models.classifier import classifier as module
from models.classifier.classifier import ReadinessClassifier
from models.classifier.encoding import uninformative
from models.classifier.logistic import LogisticSettings
from tests.models.small_model import SETTINGS, fitted, learner, names, snapshots


@pytest.fixture(scope="module")
def model():
    return fitted()


def test_columns_that_cannot_tell_are_dropped_and_named():
    frame = pd.DataFrame(
        {
            "age_days": [1.0, 2.0, 3.0],
            "count_all": [4.0, 4.0, 4.0],
            "days_since": [np.nan, np.nan, np.nan],
            "days_since(chat)": [5.0, np.nan, 5.0],  # whether it is missing tells
            "first_source": pd.Series([np.nan, np.nan, np.nan], dtype=object),
            "first_action": pd.Series(["visit", "visit", "visit"], dtype=object),
            "attribute(size)": [1.0, 1.0, 2.0],
        }
    )
    assert uninformative(frame) == {
        "count_all": "always 4.0",
        "days_since": "all missing",
        "first_source": "all missing",
        "first_action": "always visit",
    }


def test_a_column_all_missing_does_not_break_the_fit():
    """As it stands scikit-learn fails on one ("window shape cannot be larger")."""
    frame, won = snapshots(300)
    frame["count_all(chat)"] = np.nan
    with pytest.raises(ValueError, match="window shape"):
        HistGradientBoostingClassifier().fit(frame[["count_all(chat)"]], won)
    classifier = learner(frame, won)
    assert classifier.dropped_ == {"count_all(chat)": "all missing"}
    assert set(classifier.learner_[0].get_feature_names_out()) == {*names()} - {"count_all(chat)"}
    assert classifier.feature_names_in_.tolist() == names()


def test_readiness_is_a_probability_and_knows_what_matters(model):
    frame, won = snapshots(2_000, seed=1)
    ready = model.rank(frame)
    assert ((ready > 0) & (ready < 1)).all()
    assert ready.mean() == pytest.approx(won.mean(), abs=0.05)
    visitors, referred = frame["count_7d(visit)"] > 1, frame["first_source"] == "referral"
    assert ready[visitors & referred].mean() > ready.mean() > ready[~visitors & ~referred].mean()


def test_readiness_is_the_sigmoid_of_the_trees_log_odds(model):
    frame, _ = snapshots(500, seed=1)
    slope, intercept = model.line
    log_odds = model.classifier.learner_.decision_function(frame[names()])
    assert slope > 0
    assert model.rank(frame) == pytest.approx(expit(slope * log_odds + intercept), abs=1e-15)


def halves(n=900, calibration="sigmoid"):
    """A classifier fitted on the first 600 rows and calibrated on the others, and these."""
    frame, won = snapshots(n)
    late = np.arange(n) >= 600
    classifier = ReadinessClassifier.of(SETTINGS, 0, calibration)
    return classifier.fit(frame[names()], won, cutoffs=late), frame[late], won[late]


def test_the_learner_is_that_of_the_earlier_rows_alone():
    classifier, late, _ = halves()
    frame, won = snapshots(900)
    alone = learner(frame[:600], won[:600])
    assert np.array_equal(classifier.learner_log_odds(late), alone.learner_log_odds(late))


def test_the_sigmoid_is_that_of_platt_as_scikit_learn_fits_it():
    classifier, late, won = halves()
    platt = CalibratedClassifierCV(FrozenEstimator(classifier.learner_), method="sigmoid")
    expected = platt.fit(late[names()], won).predict_proba(late[names()])[:, 1]
    assert classifier.predict_proba(late[names()])[:, 1] == pytest.approx(expected, abs=1e-7)


def test_where_all_are_ranked_right_the_sigmoid_is_finite():
    x = np.linspace(0.5, 1, 200)
    frame = pd.DataFrame({"x": np.concatenate([-x, x])})
    won = frame["x"] > 0
    order = np.random.default_rng(0).permutation(400)
    classifier = ReadinessClassifier("logistic", strength=1e9, calibration="sigmoid")
    classifier.fit(frame.iloc[order], won.iloc[order])
    chance = classifier.predict_proba(frame)[:, 1]
    assert np.array_equal(chance > 0.5, won)
    assert 0 < chance.min() < chance.max() < 1


def test_labels_are_given_back_as_they_came():
    frame, won = snapshots(300)
    outcome = np.where(won == 1, "won", "lost")
    classifier = ReadinessClassifier.of(SETTINGS, 0).fit(frame[names()], outcome)
    assert classifier.classes_.tolist() == ["lost", "won"]
    chance = classifier.predict_proba(frame[names()])
    assert np.array_equal(classifier.predict(frame[names()]) == "won", chance[:, 1] > 0.5)
    assert chance.sum(axis=1) == pytest.approx(np.ones(300))
    assert expit(classifier.decision_function(frame[names()])) == pytest.approx(chance[:, 1])


def test_rows_are_taken_to_be_in_order_of_time_and_their_own_leads():
    frame, won = snapshots(900)
    X, order = frame[names()], np.arange(900)
    by_row = ReadinessClassifier.of(SETTINGS, 0).fit(X, won)
    given = ReadinessClassifier.of(SETTINGS, 0).fit(X, won, cutoffs=order, leads=order)
    assert np.array_equal(by_row.predict_proba(X), given.predict_proba(X))
    backwards = ReadinessClassifier.of(SETTINGS, 0).fit(X, won, cutoffs=-order)
    assert not np.array_equal(by_row.predict_proba(X), backwards.predict_proba(X))


def test_an_outcome_missing_on_one_side_leaves_the_learner_uncalibrated():
    frame, won = snapshots(300)
    late = np.arange(300) >= 200
    won[late] = 0
    classifier = ReadinessClassifier.of(SETTINGS, 0, "sigmoid")
    classifier.fit(frame[names()], won, cutoffs=late)
    assert classifier.line_ == (1.0, 0.0)
    assert np.array_equal(
        classifier.learner_log_odds(frame), learner(frame, won).learner_log_odds(frame)
    )


@pytest.mark.parametrize("settings", [SETTINGS, LogisticSettings(strength=0.01)])
def test_it_clones_searches_and_fits_in_a_pipeline(settings):
    frame, won = snapshots(300)
    classifier = ReadinessClassifier.of(settings, 3)
    assert clone(classifier).get_params() == classifier.get_params()
    assert not classifier.is_linear or classifier.strength == 0.01
    search = GridSearchCV(classifier, {"calibration": ["none", "shift"]}, cv=TimeSeriesSplit(2))
    best = search.fit(frame[names()], won).best_estimator_
    assert best.calibration in ("none", "shift")
    assert best.random_state == 3


@pytest.mark.parametrize(
    "wrong", [{"learner": "forest"}, {"calibration": "isotonic"}], ids=["learner", "calibration"]
)
def test_a_parameter_that_is_none_of_the_choices_is_named(wrong):
    frame, won = snapshots(300)
    with pytest.raises(ValueError, match=next(iter(wrong.values()))):
        ReadinessClassifier(**wrong).fit(frame[names()], won)


def test_columns_that_tell_nothing_at_all_are_refused():
    with pytest.raises(ValueError, match="always 1"):
        ReadinessClassifier().fit(pd.DataFrame({"x": np.ones(10)}), [0, 1] * 5)


def test_reprs_are_short(model):
    for shown in (repr(model), repr(model.classifier)):
        assert len(shown) < 300
        assert len(shown.splitlines()) <= 4


def test_an_unknown_category_counts_as_missing(model):
    frame, _ = snapshots(200, seed=1)
    unknown = frame.assign(first_source="a new channel")
    missing = frame.assign(first_source=pd.Series(np.nan, frame.index, dtype=object))
    assert np.array_equal(model.rank(unknown), model.rank(missing))
    assert not np.array_equal(model.rank(frame), model.rank(missing))


def test_batches_and_company_do_not_change_a_bit(model, monkeypatch):
    frame, _ = snapshots(500, seed=1)
    together = model.rank(frame)
    monkeypatch.setattr(module, "BATCH", 7)
    assert np.array_equal(model.rank(frame), together)
    shuffled = np.random.default_rng(0).permutation(500)
    assert np.array_equal(model.rank(frame.iloc[shuffled]), together[shuffled])
    assert model.rank(frame.iloc[[3]])[0] == together[3]


def test_columns_are_taken_by_name_and_further_ones_ignored(model):
    frame, _ = snapshots(50, seed=1)
    turned = frame[frame.columns[::-1]].assign(points=1.0)
    assert np.array_equal(model.rank(turned), model.rank(frame))


def test_no_snapshots_have_no_readiness(model):
    frame, _ = snapshots(5)
    assert model.rank(frame[:0]).shape == (0,)


def test_the_seed_decides():
    frame, won = snapshots(600)
    settings = SETTINGS | {"max_features": 0.4}
    one, same, other = (
        learner(frame, won, settings=settings, seed=seed).predict_proba(frame[names()])[:, 1]
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_threads_do_not_change_the_line():
    """Of a sum over so many snapshots, BLAS would add up the halves apart."""
    frame, won = snapshots(30_000)
    late = np.arange(30_000) >= 2_000
    lines = set()
    for threads in (1, 2, 3):
        with threadpool_limits(threads):
            classifier = ReadinessClassifier.of(SETTINGS | {"max_iter": 5}, 0, "sigmoid")
            lines.add(classifier.fit(frame[names()], won, cutoffs=late).line_)
    assert len(lines) == 1


def test_a_column_that_boosting_would_miss_is_dropped_and_named():
    """Of 400,000 snapshots boosting looks at some 50,000: two values may all lie outside them."""
    rows = 400_000
    few, enough = np.full(rows, np.nan), np.full(rows, np.nan)
    few[[5, 399_000]] = [1.0, 2.0]
    enough[:200] = np.arange(200)
    columns = {DaysSince("fax").name: few, DaysSince("chat").name: enough, Age().name: range(rows)}
    assert uninformative(pd.DataFrame(columns)) == {
        "days_since(fax)": "known of 2 of 400,000 snapshots only"
    }
