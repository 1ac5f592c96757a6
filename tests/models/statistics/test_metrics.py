"""Oracles: literal sums, scikit-learn on rows repeated, every order of every tie.

One cutoff, four open leads, two tied at the edge of a list of two:

    score    9  5  5  1      list: the 9, and one of the two 5
    outcome  1  1  0  0      expected wins 1 + 1/2, of 2 calls: precision 0.75
                             of 2 wins: gain 0.75; base rate 0.5: lift 1.5
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn import metrics as sk

from features.config import Capacity
from models.statistics import metrics
from models.statistics.metrics import Ranking, capacity_curve

SCORES = [0.0, 0.05, 0.25, 0.5, 0.75, 1.0]


@st.composite
def rankings(draw, most=40, cutoffs=3):
    """(outcome, score, cutoff, weight) of a few snapshots, with many ties."""
    n = draw(st.integers(2, most))
    several = {"min_size": n, "max_size": n}
    outcome = np.array(draw(st.lists(st.integers(0, 1), **several)))
    weight = np.array(draw(st.lists(st.integers(0, 3), **several)))
    outcome[:2], weight[:2] = (0, 1), np.maximum(weight[:2], 1)  # both classes, both present
    score = np.array(draw(st.lists(st.sampled_from(SCORES), **several)))
    cutoff = np.array(draw(st.lists(st.integers(1, cutoffs), **several)))
    return outcome, score, cutoff, weight


capacities = st.one_of(
    st.sampled_from([0.1, 0.25, 0.5, 1.0]).map(lambda s: Capacity(share=s)),
    st.integers(1, 5).map(lambda k: Capacity(leads=k)),
)


def wins_of_list(outcome, score, slots):
    """Wins of the best `slots`, averaged over all orders that the scores allow."""
    orders = [
        order
        for order in itertools.permutations(range(len(score)))
        if all(score[a] >= score[b] for a, b in itertools.pairwise(order))
    ]
    whole, part = int(slots), slots - int(slots)
    filled = np.r_[np.ones(whole), part, np.zeros(len(score))][: len(score)]
    return np.mean([filled @ outcome[list(order)] for order in orders])


def test_the_example_above():
    result = Ranking([1, 1, 0, 0], [9, 5, 5, 1], ["a"] * 4).at_capacity(Capacity(leads=2))
    assert result == metrics.AtCapacity(share=0.5, precision=0.75, gain=0.75, lift=1.5)


def test_the_list_is_made_per_cutoff():
    """All of cutoff b scores above all of a, yet each cutoff calls its own best."""
    outcome, score = [1, 0, 0, 0], [2, 1, 4, 3]
    result = Ranking(outcome, score, ["a", "a", "b", "b"]).at_capacity(Capacity(share=0.5))
    assert (result.precision, result.gain, result.lift) == (0.5, 1.0, 2.0)


def test_a_small_cohort_is_called_whole():
    result = Ranking([1, 0, 1], [3, 2, 1], ["a", "a", "b"]).at_capacity(Capacity(leads=2))
    assert (result.share, result.gain) == (1.0, 1.0)


@settings(max_examples=60, deadline=None)
@given(rankings())
def test_weights_are_repeated_rows_to_sklearn(data):
    outcome, score, _, weight = data
    y, p = np.repeat(outcome, weight), np.repeat(score, weight)
    same = {
        "roc_auc": sk.roc_auc_score,
        "average_precision": sk.average_precision_score,
        "log_loss": sk.log_loss,
        "brier": sk.brier_score_loss,
    }
    for tally in (Ranking(outcome, score).tally(weight), Ranking(y, p).tally()):
        for ours, theirs in same.items():
            assert getattr(tally, ours)() == pytest.approx(theirs(y, p), rel=1e-12), ours


@settings(max_examples=60, deadline=None)
@given(rankings(), capacities)
def test_weights_are_repeated_rows_to_ece_and_lists(data, capacity):
    outcome, score, cutoff, weight = data
    y, p, c = (np.repeat(a, weight) for a in (outcome, score, cutoff))
    assert Ranking(outcome, score).tally(weight).ece() == pytest.approx(
        Ranking(y, p).tally().ece(), abs=1e-12
    )
    weighted, repeated = (
        Ranking(outcome, score, cutoff).at_capacity(capacity, weight),
        Ranking(y, p, c).at_capacity(capacity),
    )
    for name, value in vars(repeated).items():
        assert getattr(weighted, name) == pytest.approx(value, abs=1e-12), name


@settings(max_examples=40, deadline=None)
@given(rankings(most=6, cutoffs=2), capacities)
def test_ties_and_part_slots_are_averaged_over_every_order(data, capacity):
    outcome, score, cutoff, _ = data
    wins = slots = 0.0
    for period in np.unique(cutoff):
        here = cutoff == period
        share, leads = capacity.share, capacity.leads
        length = share * here.sum() if share else min(leads, here.sum())
        wins += wins_of_list(outcome[here], score[here], length)
        slots += length
    result = Ranking(outcome, score, cutoff).at_capacity(capacity)
    assert result.precision == pytest.approx(wins / slots)
    assert result.gain == pytest.approx(wins / outcome.sum())
    assert result.lift == pytest.approx(wins / slots / outcome.mean())
    assert result.share == pytest.approx(slots / len(outcome))


@settings(max_examples=60, deadline=None)
@given(rankings(), st.floats(0.01, 1))
def test_a_random_list_has_lift_one(data, share):
    outcome, _, cutoff, _ = data
    result = Ranking(outcome, np.zeros(len(outcome)), cutoff).at_capacity(Capacity(share=share))
    assert result.lift == pytest.approx(1)
    assert result.gain == pytest.approx(share)


@settings(max_examples=60, deadline=None)
@given(rankings(), capacities)
def test_ranking_measures_see_only_the_order(data, capacity):
    outcome, score, cutoff, weight = data
    points = np.exp(3 * score) - 20
    a, b = Ranking(outcome, score, cutoff), Ranking(outcome, points, cutoff)
    assert a.tally(weight).roc_auc() == b.tally(weight).roc_auc()
    assert a.tally(weight).average_precision() == b.tally(weight).average_precision()
    assert a.at_capacity(capacity, weight) == b.at_capacity(capacity, weight)


@settings(max_examples=60, deadline=None)
@given(rankings())
def test_the_gain_curve_rises_to_one(data):
    curve = capacity_curve(*data[:3])
    assert curve["gain"].is_monotonic_increasing or np.diff(curve["gain"]).min() > -1e-12
    assert curve["gain"].iloc[-1] == pytest.approx(1)
    assert curve["precision"].iloc[-1] == pytest.approx(data[0].mean())


def test_ece_of_distinct_scores_is_that_of_equal_parts():
    rng = np.random.default_rng(0)
    p = np.sort(rng.random(1000))
    y = (rng.random(1000) < p**2).astype(int)
    parts = zip(np.array_split(p, 10), np.array_split(y, 10), strict=True)
    assert Ranking(y, p).tally().ece() == pytest.approx(
        np.mean([abs(a.mean() - b.mean()) for a, b in parts])
    )
    assert np.array_equal(Ranking(y, p).bins(10), np.repeat(range(9, -1, -1), 100))


def test_ece_of_one_constant_is_its_distance_from_the_win_rate():
    assert Ranking([1, 0, 0, 0], [0.4] * 4).tally().ece() == pytest.approx(0.15)
    assert set(Ranking([1, 0, 0, 0], [0.4] * 4).bins(10)) == {5}  # one tie is one bin


@given(st.lists(st.sampled_from(SCORES) | st.floats(0, 1), min_size=1, max_size=60))
def test_a_tie_is_in_the_bin_of_its_middle(scores):
    """By ranks, the best first, from 1: those of a tie are each its mean."""
    p = np.array(scores)
    middle = rankdata(-p) - 0.5
    expected = np.minimum((10 * middle / len(p)).astype(int), 9)
    assert np.array_equal(Ranking(np.zeros(len(p)), p).bins(10), expected)


@pytest.mark.parametrize("outcome", [[0, 0], [1, 1]])
def test_one_class_only_has_no_roc_auc(outcome):
    assert np.isnan(Ranking(outcome, [0.1, 0.9]).tally().roc_auc())


def test_without_wins_there_is_nothing_to_gain():
    result = Ranking([0, 0], [0.1, 0.9], ["a", "a"]).at_capacity(Capacity(share=0.5))
    assert result.precision == 0
    assert np.isnan(
        [result.gain, result.lift, Ranking([0, 0], [0, 1]).tally().average_precision()]
    ).all()


@pytest.mark.parametrize(
    ("outcome", "score", "cutoff"),
    [
        ([0, 1], [0.5], None),
        ([], [], None),
        ([0, 2], [0.5, 0.5], None),
        ([0, 1], [0.5, float("nan")], None),
        ([0, 1], [0.5, 0.5], ["a"]),
        ([0, 1], [0.5, 0.5], ["a", None]),
    ],
)
def test_what_cannot_be_ranked_is_refused(outcome, score, cutoff):
    with pytest.raises(ValueError, match=r"."):
        Ranking(outcome, score, cutoff)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"share": 0.1, "leads": 5},
        {"share": 0},
        {"share": 1.1},
        {"leads": 0},
    ],
)
def test_a_capacity_is_one_of_two_things(wrong):
    with pytest.raises(ValueError, match=r"share|leads"):
        Capacity(**wrong)
