"""Wilson's and Newcombe's intervals against scipy, against printed examples, and by how often they
hold the truth."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binom

from features.result_json import to_json
from models.statistics.intervals import UNKNOWN, Estimate, newcombe, ratio, score_interval, wilson


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilson_is_scipy_s(level):
    for count in (1, 2, 7, 40, 5_000):
        for hits in {0, 1, count // 3, count - 1, count}:
            expected = stats.binomtest(hits, count).proportion_ci(level, method="wilson")
            result = wilson(hits, count, level)
            assert result.point == hits / count
            assert result[1:] == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_none_and_all_reach_the_ends_exactly():
    assert [wilson(0, count).low for count in range(1, 60)] == [0.0] * 59
    assert [wilson(count, count).high for count in range(1, 60)] == [1.0] * 59


def test_a_share_of_nothing_is_unknown():
    assert np.isnan(wilson(0, 0)).all()


@pytest.mark.parametrize("of", [5, 40])
def test_wilson_covers_about_as_often_as_it_says(of):
    """Exact coverage, summed over all outcomes and averaged over shares, is near 95%."""
    shares = np.linspace(0.02, 0.98, 97)
    covered = np.zeros(97)
    for hits in range(of + 1):
        result = wilson(hits, of)
        covered += binom.pmf(hits, of, shares) * ((result.low <= shares) & (shares <= result.high))
    assert covered.mean() == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(("share", "size"), [(0.3, 12.5), (0.02, 400.0), (0.9, 3.1)])
def test_the_interval_s_ends_are_where_the_score_test_just_rejects(share, size):
    """Wilson's idea: a true share is outside once |share - true| is 2 of its own errors."""
    result = score_interval(share, size, 2.0)
    for true in result[1:]:
        assert abs(share - true) == pytest.approx(2 * math.sqrt(true * (1 - true) / size))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_as_printed(first, second, low, high):
    """Table II of the paper, method 10."""
    result = newcombe(wilson(*first), wilson(*second))
    assert result.point == pytest.approx(first[0] / first[1] - second[0] / second[1])
    assert result[1:] == pytest.approx((low, high), abs=5e-5)
    assert newcombe(wilson(*second), wilson(*first)) == pytest.approx(result.negated())


def test_a_difference_is_significant_where_its_interval_leaves_out_0():
    assert Estimate(0.2, 0.1, 0.3).significant
    assert Estimate(-0.2, -0.3, -0.1).significant
    assert not Estimate(0.2, 0.0, 0.3).significant
    assert not UNKNOWN.significant


def test_json_is_null_where_a_figure_is_unknown():
    bare = Estimate(0.5, math.nan, math.nan)
    assert (bare.interval_json(), UNKNOWN.or_none) == (None, None)
    assert to_json(bare.or_none) == {"point": 0.5, "low": None, "high": None}
    assert Estimate(0.5, 0.4, 0.6).interval_json() == {"low": 0.4, "high": 0.6}


def test_the_ratio_is_nearly_that_of_katz_where_counts_are_large():
    """scipy has his interval on the same scale of logarithms (Biometrics 1978)."""
    for first, second in (((300, 2_000), (900, 3_000)), ((950, 1_000), (400, 800))):
        expected = stats.contingency.relative_risk(*first, *second)
        result = ratio(wilson(*first), wilson(*second))
        assert result.point == pytest.approx(expected.relative_risk)
        assert result[1:] == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=0.01)


def test_the_ratio_covers_about_as_often_as_it_says():
    """Exact coverage of small groups: 8% of 60 listed against 15% of 200."""
    few, many, truth = binom(60, 0.08), binom(200, 0.15), 0.08 / 0.15
    covered = sum(
        few.pmf(hits) * many.pmf(others)
        for hits in range(30)
        for others in range(1, 80)
        for _, low, high in [ratio(wilson(hits, 60), wilson(others, 200))]
        if low <= truth <= high
    )
    assert 0.94 < covered < 0.98


def test_the_ratio_of_none_begins_at_0_and_that_to_none_is_unknown():
    none, some = wilson(0, 50), wilson(20, 50)
    point, low, high = ratio(none, some)
    assert (point, low) == (0, 0)
    assert none.high / some.point < high < 1
    assert np.isnan(ratio(some, none)).all()
    assert np.isnan(ratio(some, UNKNOWN)).all()
    for share in (0.0, 0.2):
        bare = ratio(UNKNOWN._replace(point=share), some)
        assert bare.point == share / some.point
        assert not bare.known
        assert np.isnan(bare[1:]).all()
