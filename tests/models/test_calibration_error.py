"""The interval of the calibration error, against worlds whose true error is known by their making:
600 leads, half of them at two cutoffs, whose outcome is drawn once for both."""

import numpy as np
import pytest
from scipy.special import expit, logit

from models.bootstrap import FEW_WINS, bootstrap, interval
from models.calibration_error import Gaps
from models.metrics import ece

LEAD = np.concatenate([np.arange(600), np.arange(300)])


def company(rng, odds):
    """True chances, a readiness whose odds are so many times the true ones, outcomes."""
    true = rng.beta(1, 9, 600)[LEAD]
    won = (rng.random(600)[LEAD] < true).astype(float)
    return true, expit(logit(true) + np.log(odds)), won


def found(won, given, wins=60, replicates=200):
    gaps = Gaps(won, given)
    replicated = bootstrap(gaps.measured, LEAD, replicates, seed=0)
    return gaps.interval(replicated, wins), replicated


def test_the_gaps_add_up_to_the_error():
    _, given, won = company(np.random.default_rng(0), 1.5)
    gaps = Gaps(won, given).measured(np.ones(len(won)))
    assert np.abs(gaps).sum() == pytest.approx(ece(won, given), abs=1e-12)
    assert gaps.sum() == pytest.approx((given - won).mean())


@pytest.mark.parametrize("odds", [1.0, 2.0])
def test_the_truth_is_held_where_percentiles_miss_it(odds):
    """The true error is the mean of what was promised beyond the true chance: all one way."""
    rng, held, plain = np.random.default_rng(1), 0, 0
    for _ in range(60):
        true, given, won = company(rng, odds)
        error = abs((given - true).mean())
        (low, high), replicated = found(won, given)
        held += low - 1e-12 <= error <= high
        above = interval(np.abs(replicated).sum(axis=1), wins=60)
        plain += above.low <= error <= above.high
    assert held >= 51
    assert plain < held
    if odds == 1.0:
        assert plain == 0  # resampled noise is never as small as no error at all


def test_a_great_error_is_surely_one():
    _, given, won = company(np.random.default_rng(2), 4.0)
    (low, high), _ = found(won, given)
    assert 0.05 < low < ece(won, given) < high


def test_a_bin_without_wins_is_no_surer_than_what_it_promised():
    """None of 900 is won, 0.2 % promised: once in six times that is chance, so 0 may be true. What
    is resampled hardly varies at all, and would be sure that it is not."""
    (low, _), replicated = found(np.zeros(900), np.linspace(0.0019, 0.0021, 900))
    assert np.abs(replicated).sum(axis=1).min() > 0.0019
    assert low == 0


def test_too_few_wins_have_no_interval():
    _, given, won = company(np.random.default_rng(3), 1.0)
    assert np.isnan(found(won, given, wins=FEW_WINS - 1)[0]).all()
