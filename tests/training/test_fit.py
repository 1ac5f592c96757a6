"""Where the trees end and the sigmoid begins, by hand; then what a fit remembers."""

from datetime import datetime

import numpy as np
import pytest
from scipy.special import logit

from features.dataset import Dataset
from features.errors import Refused
from tests.models.small_model import SETTINGS, SPECS, learner, names
from tests.training.few_cutoffs import counted, sampled, week, weeks
from training.fit import SMALL, SMALL_LOGISTIC, calibration_split, fit
from training.splits import Split


def test_the_latest_cutoffs_with_200_wins_calibrate():
    # from the last on: 90 wins, 180, 270: enough, and a third of nine
    split = calibration_split(counted(*[(90, 10)] * 9))
    assert split == Split(weeks(0, 1, 2, 3, 4, 5), weeks(6, 7, 8))
    assert calibration_split(counted(*[(100, 10)] * 9)).judge == weeks(7, 8)
    assert calibration_split(counted(*[(500, 10)] * 9)).judge == weeks(8)
    # what counts are the wins of the latest, not of all
    assert calibration_split(counted((500, 10), *[(10, 10)] * 7, (200, 10))).judge == weeks(8)


def test_a_third_of_the_cutoffs_at_most_and_one_at_least():
    assert calibration_split(counted(*[(2, 10)] * 9)).judge == weeks(6, 7, 8)
    assert calibration_split(counted(*[(2, 10)] * 8)).judge == weeks(6, 7)
    assert calibration_split(counted(*[(2, 10)] * 5)).judge == weeks(4)
    assert calibration_split(counted(*[(2, 10)] * 2)) == Split(weeks(0), weeks(1))


@pytest.mark.parametrize(
    "history",
    [
        [(5, 10)],  # a single cutoff
        [(0, 10), (0, 10), (5, 10)],  # no wins for the trees
        [(5, 10), (5, 10), (0, 10)],  # none for the calibration
        [(5, 0), (5, 0), (5, 10)],  # nothing but wins for the trees
        [(5, 10), (5, 10), (5, 0)],
    ],
)
def test_a_side_with_one_outcome_only_is_refused(history):
    with pytest.raises(
        Refused, match=r"2026-01-05 to .* are too few: the trees need won and other"
    ):
        calibration_split(counted(*history))


def test_the_refusal_counts_what_there_is():
    with pytest.raises(Refused) as refused:
        fit(counted((5, 10), (5, 10), (0, 10)), SPECS, SETTINGS, 30, 0)
    assert str(refused.value).startswith(
        "3 training cutoffs from 2026-01-05 to 2026-01-19 with 10 won snapshots are too few: the "
        "trees need won and other snapshots at the first 2, the calibration at the last 1."
    )


@pytest.fixture(scope="module")
def changing():
    """Six weeks of 200 snapshots; in the last two, which hold some 150 wins, a new source appears
    and half of the wins are lost."""
    drawn_weeks = sampled(6)
    frame, won = drawn_weeks.frame.copy(), drawn_weeks.won.copy()
    late = (frame["cutoff"] >= week(4)).to_numpy()
    frame.loc[late, "first_source"] = "a new channel"
    won[np.flatnonzero(late & (won == 1))[::2]] = 0
    return Dataset(frame, won)


def test_trees_see_the_early_cutoffs_only_and_the_sigmoid_follows_the_late_ones(changing):
    assert calibration_split(changing) == Split(weeks(0, 1, 2, 3), weeks(4, 5))
    model = fit(changing, SPECS, SETTINGS, 30, seed=0)
    encode = model.classifier.learner_.named_steps["encode"]
    known = encode.named_transformers_["texts"].categories_[0]
    assert "a new channel" not in set(known)
    early, late = changing.at(weeks(0, 1, 2, 3)), changing.at(weeks(4, 5))
    log_odds = learner(early.frame, early.won).learner_log_odds(late.frame)
    slope, intercept = model.line
    assert logit(model.rank(late.frame)) == pytest.approx(slope * log_odds + intercept, abs=1e-9)
    assert model.rank(late.frame).mean() == pytest.approx(late.won.mean(), abs=0.01)
    assert early.won.mean() > late.won.mean() + 0.1


def test_a_model_remembers_its_past(changing):
    model = fit(changing, SPECS, SETTINGS, 14, seed=0)
    assert model.trained_until == datetime(2026, 2, 9) == week(5)
    assert model.horizon_days == 14
    assert model.base_rate == changing.won.mean()
    assert model.specs == SPECS
    assert model.dropped == {}


def test_what_is_constant_for_the_trees_is_dropped(changing):
    """The late cutoffs do not bring a column back: the trees have never seen it move."""
    early = (changing.frame["cutoff"] < week(4)).to_numpy()
    frame = changing.frame.assign(
        **{"count_all(chat)": np.where(early, 0.0, changing.frame["count_all(chat)"])}
    )
    model = fit(Dataset(frame, changing.won), SPECS, SETTINGS, 30, seed=0)
    assert model.dropped == {"count_all(chat)": "always 0.0"}
    assert [s.name for s in model.specs] == [s.name for s in SPECS if s.name != "count_all(chat)"]


@pytest.mark.parametrize(
    "settings", [SETTINGS, SMALL, SMALL_LOGISTIC], ids=["trees", "few", "line"]
)
def test_where_all_leads_are_alike_the_training_is_refused(settings):
    data = sampled(4)
    alike = data.frame.assign(**dict.fromkeys(names(), 1.0))
    with pytest.raises(Refused, match="tells the training's leads apart"):
        fit(Dataset(alike, data.won), SPECS, settings, 30, seed=0)
