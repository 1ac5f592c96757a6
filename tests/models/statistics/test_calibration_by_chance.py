"""What chance alone shows of a calibration error, in worlds whose true chances are known by their
making: 600 leads, half of them at two cutoffs, whose outcome is drawn once for both."""

import numpy as np
import pytest
from scipy.special import expit, logit

from models.statistics.bootstrap import bootstrap
from models.statistics.calibration_report import Gaps
from models.statistics.metrics import Ranking

LEAD = np.concatenate([np.arange(600), np.arange(300)])


def company(rng, odds):
    """A readiness whose odds are so many times the true ones, and outcomes."""
    true = rng.beta(1, 9, 600)[LEAD]
    won = (rng.random(600)[LEAD] < true).astype(float)
    return expit(logit(true) + np.log(odds)), won


def by_chance(won, given, lead=LEAD, replicates=200):
    gaps = Gaps(won, given)
    return gaps.by_chance(bootstrap(gaps.measured, lead, replicates, seed=0))


def share_under(odds, companies, lead=LEAD):
    rng, under = np.random.default_rng(1), 0
    for _ in range(companies):
        given, won = company(rng, odds)
        under += Ranking(won, given).tally().ece() <= by_chance(won, given, lead)
    return under / companies


def test_the_gaps_add_up_to_the_error():
    given, won = company(np.random.default_rng(0), 1.5)
    gaps = Gaps(won, given).measured(np.ones(len(won)))
    assert np.abs(gaps).sum() == pytest.approx(Ranking(won, given).tally().ece(), abs=1e-12)
    assert gaps.sum() == pytest.approx((given - won).mean())


@pytest.mark.slow
def test_where_every_promise_holds_chance_stays_under_it_19_times_of_20():
    """And not always, as a bound too generous would. Were snapshots taken for independent, two of
    one lead would tell more than they know, and fewer companies would stay under it."""
    held = share_under(odds=1.0, companies=150)
    assert 0.9 <= held <= 0.99
    assert share_under(odds=1.0, companies=150, lead=np.arange(900)) < held


def test_a_great_error_is_more_than_chance():
    assert share_under(odds=2.5, companies=20) == 0


def test_it_is_what_drawing_the_outcomes_anew_shows():
    """The same readiness, its outcomes drawn 2,000 times: what 95% of the errors stay under."""
    rng = np.random.default_rng(2)
    given, won = company(rng, 1.0)
    anew = [Ranking(rng.random(600)[LEAD] < given, given).tally().ece() for _ in range(2_000)]
    assert by_chance(won, given, replicates=1_000) == pytest.approx(
        np.quantile(anew, 0.95), rel=0.2
    )


def test_a_bin_without_wins_is_no_surer_than_what_it_promised():
    """None of 900 is won, 0.2% promised: once in six times that is chance. What is resampled
    hardly varies at all, and would call it more."""
    won, given = np.zeros(900), np.linspace(0.0019, 0.0021, 900)
    gaps = Gaps(won, given)
    resampled = np.abs(bootstrap(gaps.measured, LEAD, 200, seed=0) - gaps.measured(np.ones(900)))
    assert (
        np.quantile(resampled.sum(axis=1), 0.95)
        < Ranking(won, given).tally().ece()
        < by_chance(won, given)
    )
