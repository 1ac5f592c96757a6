"""What the model promises: probabilities, alone or in company, from frozen trees and a sigmoid."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from features.spec.kinds import Age, Attribute, Count, DaysSince, First
from models.classifier import readiness
from models.classifier.readiness import calibrated, fit_learner, usable
from tests.models.small_model import SETTINGS, SPECS, fitted, snapshots


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
    told = (Age(), DaysSince("chat"), Attribute("size", False))
    mute = (Count(), DaysSince(), First("source"), First("action"))
    assert usable(frame, (*told, *mute)) == (
        told,
        {
            "count_all": "always 4.0",
            "days_since": "all missing",
            "first_source": "all missing",
            "first_action": "always visit",
        },
    )


def test_a_column_all_missing_does_not_break_the_fit():
    """As it stands scikit-learn fails on one ("window shape cannot be larger")."""
    frame, won = snapshots(300)
    frame["count_all(chat)"] = np.nan
    with pytest.raises(ValueError, match="window shape"):
        HistGradientBoostingClassifier().fit(frame[["count_all(chat)"]], won)
    encode = fit_learner(frame, won, SPECS, SETTINGS, 0).named_steps["encode"]
    assert set(encode.get_feature_names_out()) == {s.name for s in SPECS} - {"count_all(chat)"}


def test_readiness_is_a_probability_and_knows_what_matters(model):
    frame, won = snapshots(2_000, seed=1)
    ready = model.rank(frame)
    assert ((ready > 0) & (ready < 1)).all()
    assert ready.mean() == pytest.approx(won.mean(), abs=0.05)
    visitors, referred = frame["count_7d(visit)"] > 1, frame["first_source"] == "referral"
    assert ready[visitors & referred].mean() > ready.mean() > ready[~visitors & ~referred].mean()


def test_readiness_is_the_sigmoid_of_the_trees_log_odds(model):
    frame, _ = snapshots(500, seed=1)
    slope, intercept = model.sigmoid
    log_odds = model.pipeline.decision_function(frame[[spec.name for spec in model.specs]])
    assert slope > 0
    assert model.rank(frame) == pytest.approx(expit(slope * log_odds + intercept), abs=1e-15)


def test_calibration_leaves_the_trees_as_they_were():
    frame, won = snapshots(900)
    trees = fit_learner(frame[:600], won[:600], SPECS, SETTINGS, 0)
    before = trees.decision_function(frame)
    calibrated(trees, frame[600:], won[600:])
    assert np.array_equal(trees.decision_function(frame), before)


def test_the_sigmoid_is_that_of_platt():
    """Slope and intercept minimise the log loss against Platt's softened targets."""
    frame, won = snapshots(900)
    trees = fit_learner(frame[:600], won[:600], SPECS, SETTINGS, 0)
    late, outcome = frame[600:], won[600:]
    wins, losses = outcome.sum(), (1 - outcome).sum()
    target = np.where(outcome == 1, (wins + 1) / (wins + 2), 1 / (losses + 2))
    log_odds = trees.decision_function(late)

    def loss(sigmoid):
        p = expit(sigmoid[0] * log_odds + sigmoid[1])
        return -(target * np.log(p) + (1 - target) * np.log1p(-p)).sum()

    best = minimize(loss, [1.0, 0.0], tol=1e-10).x
    found = logit(calibrated(trees, late, outcome).predict_proba(late)[:, 1])
    assert found == pytest.approx(best[0] * log_odds + best[1], abs=1e-3)


def test_an_unknown_category_counts_as_missing(model):
    frame, _ = snapshots(200, seed=1)
    unknown = frame.assign(first_source="a new channel")
    missing = frame.assign(first_source=pd.Series(np.nan, frame.index, dtype=object))
    assert np.array_equal(model.rank(unknown), model.rank(missing))
    assert not np.array_equal(model.rank(frame), model.rank(missing))


def test_batches_and_company_do_not_change_a_bit(model, monkeypatch):
    frame, _ = snapshots(500, seed=1)
    together = model.rank(frame)
    monkeypatch.setattr(readiness, "BATCH", 7)
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
        fit_learner(frame, won, SPECS, settings, seed).predict_proba(frame)[:, 1]
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_threads_do_not_change_the_sigmoid():
    """Of a sum over so many snapshots, BLAS would add up the halves apart."""
    frame, won = snapshots(25_000)
    trees = fit_learner(frame[:2_000], won[:2_000], SPECS, SETTINGS | {"max_iter": 5}, 0)
    found = set()
    for threads in (1, 2, 3):
        with threadpool_limits(threads):
            sigmoid = calibrated(trees, frame, won).calibrated_classifiers_[0].calibrators[0]
        found.add((sigmoid.a_, sigmoid.b_))
    assert len(found) == 1


def test_a_column_that_boosting_would_miss_is_dropped_and_named():
    """Of 400,000 snapshots boosting looks at some 50,000: two values may all lie outside them."""
    rows = 400_000
    few, enough = np.full(rows, np.nan), np.full(rows, np.nan)
    few[[5, 399_000]] = [1.0, 2.0]
    enough[:200] = np.arange(200)
    columns = {DaysSince("fax").name: few, DaysSince("chat").name: enough, Age().name: range(rows)}
    kept, dropped = usable(pd.DataFrame(columns), [DaysSince("fax"), DaysSince("chat"), Age()])
    assert kept == (DaysSince("chat"), Age())
    assert dropped == {"days_since(fax)": "known of 2 of 400,000 snapshots only"}
