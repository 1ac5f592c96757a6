"""The default stands unless another is better beyond doubt. Candidates are written by hand."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from tests.models.small_model import SETTINGS, SPECS, learner, names
from tests.training.few_cutoffs import counted, sampled, weeks
from training.search import CHOICES, DEFAULT, Candidate, Fold, choose, draw, search
from training.splits import Split


def candidate(*folds, leads=None):
    """A candidate by the loss of each snapshot on each fold; every snapshot of its own lead."""
    each = [np.array(losses, float) for losses in folds]
    ids = leads or [np.arange(len(losses)) + 1000 * n for n, losses in enumerate(each)]
    return Candidate(
        DEFAULT, tuple(Fold(np.array(i), x, 0.7) for i, x in zip(ids, each, strict=True))
    )


NOISE = np.random.default_rng(0).normal(0, 0.1, 400)


def test_a_luckier_candidate_does_not_replace_the_default():
    default = candidate(np.full(400, 0.5))
    luckier = candidate(0.499 - NOISE + NOISE.mean())  # a fifth of its standard error better
    assert luckier.log_loss < default.log_loss
    assert choose([default, luckier]) is default


def test_a_clearly_better_one_does():
    default, better = candidate(np.full(400, 0.5)), candidate(0.48 - NOISE + NOISE.mean())
    assert choose([default, better]) is better
    assert choose([default, candidate(np.full(400, 0.6)), better]) is better
    assert choose([better, default]) is better


@pytest.mark.parametrize(("leads", "is_evidence"), [(100, True), (2, False)])
def test_gains_of_one_lead_count_as_one(leads, is_evidence):
    """100 snapshots, each a little better: much for 100 leads, nothing for 2."""
    whose = [np.arange(100) % leads]
    default = candidate(np.full(100, 0.5), leads=whose)
    better = candidate(0.5 - np.linspace(0.01, 0.03, 100), leads=whose)
    assert (choose([default, better]) is better) == is_evidence


def test_a_gain_in_one_fold_may_be_lost_in_another():
    default = candidate([0.5] * 100, [0.5] * 100)
    mixed = candidate([0.3] * 100, [0.9] * 100)
    assert choose([default, mixed]) is default


def test_the_mean_is_over_snapshots_and_of_the_auc_over_folds():
    mixed = candidate([0.2], [0.5, 0.5, 0.8])
    assert mixed.log_loss == 0.5
    assert mixed.roc_auc == 0.7


def test_without_folds_the_default_is_chosen():
    alone = [Candidate(settings, ()) for settings in draw(3, seed=0)]
    assert choose(alone) is alone[0]
    assert np.isnan(alone[0].log_loss)
    assert np.isnan(alone[0].roc_auc)


def test_draws_differ_start_with_the_default_and_come_from_the_choices():
    drawn_settings = draw(200, seed=3)
    assert drawn_settings[0] == DEFAULT
    assert len({frozenset(settings.items()) for settings in drawn_settings}) == 200
    for settings in drawn_settings:
        assert all(value in CHOICES[key] for key, value in settings.items())
        assert settings.keys() == DEFAULT.keys()
    assert draw(1, seed=3) == [DEFAULT]


def test_the_seed_decides_the_draws():
    assert draw(8, seed=3) == draw(8, seed=3) != draw(8, seed=4)
    assert draw(12, seed=3)[:8] == draw(8, seed=3)


FOLDS = [Split(weeks(0, 1), weeks(3)), Split(weeks(0, 1, 2), weeks(4))]
OTHER = SETTINGS | {"max_iter": 10}


@pytest.fixture(scope="module")
def searched():
    stored = []
    result = search(
        sampled(5), SPECS, FOLDS, [SETTINGS, OTHER], 7, 1, lambda *report: stored.append(report)
    )
    return result, stored


def test_every_candidate_is_judged_on_every_fold(searched):
    """Against scikit-learn, fold by fold."""
    result, _ = searched
    assert [c.settings for c in result] == [SETTINGS, OTHER]
    for each in result:
        assert len(each.folds) == 2
        for split, fold in zip(FOLDS, each.folds, strict=True):
            past, later = sampled(5).at(split.fit), sampled(5).at(split.judge)
            trees = learner(past.frame, past.won, settings=each.settings, seed=7)
            probability = trees.predict_proba(later.frame[names()])[:, 1]
            assert fold.losses.mean() == pytest.approx(log_loss(later.won, probability))
            assert fold.roc_auc == pytest.approx(roc_auc_score(later.won, probability))
            assert list(fold.lead_id) == list(later.frame["lead_id"])


def test_progress_counts_the_fits(searched):
    assert searched[1] == [("search", done, 4) for done in (1, 2, 3, 4)]


def test_folds_that_cannot_judge_are_left_out():
    """No win to fit on, none to judge by, nothing but wins."""
    history = sampled(5)
    history.won[history.frame["cutoff"].isin(weeks(0, 3)).to_numpy()] = 0
    history.won[history.frame["cutoff"].isin(weeks(4)).to_numpy()] = 1
    splits = [
        Split(weeks(0), weeks(2)),
        Split(weeks(0, 1), weeks(3)),
        Split(weeks(0, 1), weeks(4)),
        Split(weeks(0, 1), weeks(2)),
    ]
    (only,) = search(history, SPECS, splits, [SETTINGS], 7, 1, lambda *report: None)
    assert [len(fold.losses) for fold in only.folds] == [200]
    (none,) = search(counted((0, 9), (0, 9)), SPECS, splits, [SETTINGS], 7, 1, lambda *r: None)
    assert none.folds == ()
