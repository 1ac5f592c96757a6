"""Lines undo what was done to the log-odds on purpose, and are chosen for cause."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import rankdata

from features.result_json import to_json
from models.classifier.calibration_line import (
    ENOUGH_WINS,
    KINDS,
    anchor,
    choose_kind,
    fit_line,
    halves,
)
from models.explanations.explain import explain
from tests.models.small_model import fitted, snapshots


def world(n, slope, shift, seed=0, cutoffs=4, base=-1.0):
    """Log-odds f of n leads at so many cutoffs each, won with the chance expit(slope f + shift)."""
    rng = np.random.default_rng(seed)
    f = np.repeat(rng.normal(base, 1.2, n), cutoffs)
    won = np.repeat(rng.random(n), cutoffs) < expit(slope * f + shift)
    frame = pd.DataFrame({"lead_id": np.repeat(np.arange(n), cutoffs)})
    frame["cutoff"] = np.tile(pd.date_range("2026-03-02", periods=cutoffs, freq="7D"), n)
    return f, won.astype(float), frame


@pytest.mark.parametrize(
    ("slope", "shift", "kind"),
    [(1.0, 0.0, "none"), (1.0, -1.0, "shift"), (1.0, 0.8, "shift"), (0.4, -0.5, "sigmoid")],
)
def test_a_known_distortion_is_undone_by_the_kind_that_can(slope, shift, kind):
    f, won, _ = world(40_000, slope, shift, cutoffs=1)
    line = fit_line(kind, f, won)
    assert line == pytest.approx((slope, shift), abs=0.06)


def test_none_does_nothing_and_shift_meets_the_win_rate():
    f, won, _ = world(500, 1.0, 0.7)
    assert fit_line("none", f, won) == (1.0, 0.0)
    shifted = fit_line("shift", f, won)
    assert shifted.slope == 1.0
    assert shifted.probability(f).mean() == pytest.approx(won.mean(), abs=1e-9)


def test_alike_log_odds_are_anchored_as_king_and_zeng_correct():
    old, new = 0.05, 0.12
    assert anchor(np.full(10, logit(old)), new) == pytest.approx(logit(new) - logit(old))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_keeps_the_ranking_ties_included_and_never_says_0_or_1(kind):
    f, won, _ = world(300, 0.6, 0.3)
    result = fit_line(kind, f, won).probability(f)
    assert np.array_equal(rankdata(result), rankdata(f))
    assert ((result > 0) & (result < 1)).all()


def test_few_wins_get_the_fewest_parameters_that_will_do():
    for seed in range(5):
        f, won, frame = world(150, 1.0, 0.0, seed, cutoffs=2)
        assert won.sum() < ENOUGH_WINS
        result = choose_kind(f, won, frame["lead_id"], frame["cutoff"])
        assert result.kind in ("none", "shift")
    f, won, frame = world(150, 1.0, -2.5, base=2.0, cutoffs=2)  # far too hopeful
    assert won.sum() < ENOUGH_WINS
    assert choose_kind(f, won, frame["lead_id"], frame["cutoff"]).kind == "shift"


def test_many_wins_get_a_sigmoid_unless_it_is_surely_worse():
    f, won, frame = world(3_000, 0.4, -0.5)
    result = choose_kind(f, won, frame["lead_id"], frame["cutoff"])
    assert result.kind == "sigmoid"
    assert result.log_loss["sigmoid"] < min(result.log_loss["shift"], result.log_loss["none"])
    assert result.behind["sigmoid"] == (0.0, 0.0)
    f, won, frame = world(3_000, 0.9, 0.0)
    assert choose_kind(f, won, frame["lead_id"], frame["cutoff"]).kind == "sigmoid"


def test_a_side_without_wins_leaves_the_trees_as_they_are():
    f, _, frame = world(50, 1.0, 0.0)
    result = choose_kind(f, np.zeros(len(f)), frame["lead_id"], frame["cutoff"])
    assert (result.kind, result.log_loss) == ("none", {})
    assert to_json(result) == {"kind": "none", "cross_fitted": {}}


def test_the_cross_fit_is_by_lead_and_forward_in_time():
    """A lead whose fate is told only by its own earlier snapshots helps nobody: with outcomes
    at random, what was learnt of some leads cannot be better than the base rate on others."""
    rng = np.random.default_rng(0)
    f = np.repeat(rng.normal(size=200) * 3, 4)
    won = np.repeat(rng.random(200) < 0.5, 4).astype(float)
    frame = pd.DataFrame(
        {
            "lead_id": np.repeat(np.arange(200), 4),
            "cutoff": np.tile(pd.date_range("2026-03-02", periods=4), 200),
        }
    )
    result = choose_kind(f, won, frame["lead_id"], frame["cutoff"])
    assert result.log_loss["sigmoid"] >= np.log(2) - 0.005


@given(st.lists(st.sampled_from("abcdef"), min_size=1))
def test_halves_part_the_cutoffs_and_late_is_no_fewer(cutoffs):
    early, late = halves(cutoffs)
    first, second = set(np.array(cutoffs)[early]), set(np.array(cutoffs)[late])
    assert first | second == set(cutoffs)
    if len(set(cutoffs)) > 1:
        assert max(first) < min(second)
        assert len(first) in (len(second), len(second) - 1)
    else:
        assert first == second


@pytest.mark.parametrize("kind", KINDS)
def test_reasons_add_up_to_the_log_odds_whatever_the_kind(kind):
    model, (frame, _) = fitted(900, calibration=kind), snapshots(900)
    explained = explain(model, frame)
    whole = explained.by_feature.sum(axis=1) + explained.base
    assert whole == pytest.approx(logit(model.rank(frame)), abs=1e-9)
    assert (model.line.slope == 1.0) == (kind != "sigmoid")
