"""Few wins: shrunk as far as they are unsure, against figures by hand; never worse than the base
rate on simulated companies (docs/results/small-data.md has 20 of them)."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from benchmarks.small_data import measure
from features.dataset import Dataset
from tests.models.small_model import SPECS, names
from tests.training.few_cutoffs import sampled
from training.fit import FOLDS, SMALL, fit, is_small, shrunk_line, unsupported, won_leads


def test_wins_are_counted_by_lead():
    data = sampled(3)
    assert won_leads(data) == data.wins
    same = Dataset(data.frame.assign(lead_id=data.frame["lead_id"] % 10), data.won)
    assert won_leads(same) <= 10
    assert is_small(same)


def test_a_sure_slope_stays_and_a_doubtful_one_vanishes():
    rng = np.random.default_rng(0)
    log_odds = rng.normal(size=20_000)
    report = (rng.random(20_000) < expit(0.7 * log_odds - 2)).astype(float)
    lead_id = pd.Series(range(20_000))
    slope, intercept = shrunk_line(log_odds, report, lead_id)
    assert slope == pytest.approx(0.7, abs=0.1)
    assert expit(slope * log_odds + intercept).mean() == pytest.approx(report.mean(), abs=1e-6)
    by_chance = (rng.random(20_000) < 0.1).astype(float)
    slope, intercept = shrunk_line(log_odds, by_chance, lead_id)
    assert abs(slope) < 0.05
    assert intercept == pytest.approx(logit(by_chance.mean()), abs=0.01)


def test_a_slope_that_points_backwards_is_none():
    log_odds = np.linspace(-2, 2, 400)
    won = (log_odds < 0).astype(float)
    won[:20], won[-20:] = 0, 1  # not separable
    slope, intercept = shrunk_line(log_odds, won, pd.Series(range(400)))
    assert slope == 0
    assert expit(intercept) == pytest.approx(0.5)


def test_copies_of_a_lead_make_it_no_surer():
    """Eight cutoffs of each lead know no more than one: the shrinkage goes by lead."""
    rng = np.random.default_rng(3)
    log_odds = rng.normal(size=100)
    won = (rng.random(100) < expit(0.6 * log_odds - 1)).astype(float)
    once = shrunk_line(log_odds, won, pd.Series(range(100)))
    copied = np.repeat(log_odds, 8), np.repeat(won, 8), pd.Series(np.repeat(range(100), 8))
    assert shrunk_line(*copied) == pytest.approx(once, rel=1e-3)


def test_a_feature_must_set_30_leads_apart():
    data = sampled(1, each=300)
    rare = data.frame[SPECS[0].name].copy()
    rare[:] = 0.0
    rare[:29] = 1.0
    frame, leads = data.frame[names()], data.frame["lead_id"]
    dropped = unsupported(frame.assign(**{SPECS[0].name: rare}), leads)
    assert dropped[SPECS[0].name] == "sets only 29 leads apart"
    rare[29] = 1.0
    assert SPECS[0].name not in unsupported(frame.assign(**{SPECS[0].name: rare}), leads)


def test_the_same_data_give_the_same_model_whose_reasons_still_add_up():
    data = sampled(4)
    first, second = (fit(data, SPECS, SMALL, 30, 5) for _ in range(2))
    readiness = first.rank(data.frame)
    assert (readiness == second.rank(data.frame)).all()
    slope, intercept = first.line
    trees = first.classifier.learner_.decision_function(data.frame)
    assert logit(readiness) == pytest.approx(slope * trees + intercept)
    assert data.frame["cutoff"].max() == first.trained_until  # nothing was set aside


def test_each_fold_has_winners_even_if_there_are_few():
    data = sampled(2)
    won = np.zeros(len(data.won))
    won[[3, 50, 120, 200, 333, 380]] = 1.0
    assert FOLDS < 6
    model = fit(Dataset(data.frame, won), SPECS, SMALL, 30, 5)
    assert model.rank(data.frame).mean() == pytest.approx(6 / len(won), abs=0.01)


@pytest.mark.long
def test_60_wins_beat_the_base_rate_and_a_lottery_costs_next_to_nothing():
    row = measure(seed=3, leads=1_500)
    assert row.truth < row.small < row.base_rate
    assert row.noise - row.noise_base_rate < 0.002
