"""The cumulative incidence against fractions by hand and against scikit-survival."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator

from models.statistics.survival import cumulative_incidence

LIVES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=40)


def by_hand(lives, cause):
    """{time: chance of the cause by then}, one time after the other, in fractions."""
    staying, chance, curve = Fraction(1), Fraction(0), {}
    for time in sorted({time for time, _ in lives}):
        at_risk = sum(each >= time for each, _ in lives)
        now = [event for each, event in lives if each == time]
        chance += staying * Fraction(now.count(cause), at_risk)
        staying *= 1 - Fraction(len(now) - now.count(0), at_risk)
        curve[time] = float(chance)
    return curve


def at(times, chances, moments):
    """What the step function is at some moments."""
    return chances[:, np.searchsorted(times, moments, side="right") - 1]


@given(LIVES)
def test_it_is_that_of_plain_python(lives):
    times, chances = cumulative_incidence(*zip(*lives, strict=True))
    for cause in (1, 2):
        curve = by_hand(lives, cause)
        result = at(times, chances, list(curve))[cause - 1]
        assert result.tolist() == pytest.approx(list(curve.values()), abs=1e-12)
    assert set(times) == {0, *(time for time, event in lives if event)}


@given(LIVES)
def test_the_sum_is_one_minus_kaplan_meier(lives):
    time, event = (np.array(column, float) for column in zip(*lives, strict=True))
    times, staying = kaplan_meier_estimator(event > 0, time)
    result = at(*cumulative_incidence(time, event), times).sum(axis=0)
    assert result.tolist() == pytest.approx((1 - staying).tolist(), abs=1e-12)


def test_it_is_scikit_survival_s():
    rng = np.random.default_rng(4)
    time, event = rng.integers(0, 90, 3_000).astype(float), rng.integers(0, 3, 3_000)
    times, risks = cumulative_incidence_competing_risks(event, time)
    result = at(*cumulative_incidence(time, event), times)
    np.testing.assert_allclose(result, risks[1:], atol=1e-12)


def test_without_leads_nothing_has_come():
    times, chances = cumulative_incidence([], [])
    assert (times.tolist(), chances.tolist()) == ([0.0], [[0.0], [0.0]])
