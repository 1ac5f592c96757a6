"""The worked example, the counts by hand, and delays drawn at random whose truth is known.

Eight mature snapshots, horizon 4 days, all in one band. The three won ones took 0.5, 2.0 and 3.5
days: of so many wins, 0, 1, 1 (2.0 is not within 2 days), 2 and 3 had come within 0, 1, 2, 3 and 4
days. Five were not won within it: lost after 1.5 and 9 days, won after 6 and open, twice.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from models.calibrators import Line
from models.partly_mature import Pace, Seen, learn_line, learn_pace

HAND = pd.DataFrame(
    [(0.5, "won"), (2.0, "won"), (3.5, "won"), (1.5, "lost"), (9.0, "lost"), (6.0, "won")]
    + [(30.0, "open")] * 2,
    columns=["days", "ending"],
)
HORIZON, AGES = 30, (7, 14, 21, 28)


def test_the_worked_example():
    pace = Pace((), np.full((1, 31), 0.6), np.full((1, 31), 0.1))
    seen = pace.seen(np.full(3, 0.1), np.full(3, 12), ["open", "won", "lost"])
    assert np.allclose(seen.if_won, [0.4, 1, 0])
    assert np.allclose(seen.if_not, [0.9, 0, 1])
    assert np.allclose(seen.won(np.full(3, 0.1)), [0.04 / 0.85, 1, 0])


def test_the_shares_counted_by_hand():
    pace = learn_pace(np.full(8, 0.3), HAND, 4)
    assert pace.edges == ()
    assert np.allclose(pace.won, (np.array([[0, 1, 1, 2, 3]]) + 0.5) / 4)
    assert np.allclose(pace.lost, (np.array([[0, 0, 1, 1, 1]]) + 0.5) / 6)


def test_each_band_has_a_pace_of_its_own():
    """Ready leads are won within a day, the others after three; each band counts its own."""
    readiness = np.repeat([0.1, 0.8], 300)
    endings = pd.DataFrame({"days": np.repeat([3.5, 0.5], 300), "ending": "won"})
    pace = learn_pace(readiness, endings, 4)
    quick, age = pace.of(np.array([0.1, 0.8]), np.array([2, 2]))[0], 2
    assert quick == pytest.approx([0, 1], abs=0.01), age


def test_without_a_win_there_is_no_pace_and_no_line():
    with pytest.raises(ValueError, match="no snapshot was won"):
        learn_pace(np.full(8, 0.3), HAND.assign(ending="open"), 4)
    with pytest.raises(ValueError, match="won and other"):
        learn_line(np.zeros(2), Seen(np.full(2, 0.5), np.ones(2)), with_slope=False)


def test_where_all_is_mature_it_is_logistic_regression():
    rng = np.random.default_rng(1)
    log_odds = rng.normal(-1, 1.5, 3_000)
    won = (rng.random(3_000) < expit(0.8 * log_odds + 0.3)).astype(float)
    known = LogisticRegression(C=np.inf).fit(log_odds[:, None], won)
    line = learn_line(log_odds, Seen(won, 1 - won), with_slope=True)
    assert line == pytest.approx((known.coef_[0, 0], known.intercept_[0]), abs=1e-3)
    shift = learn_line(log_odds, Seen(won, 1 - won), with_slope=False)
    assert shift.slope == 1
    assert shift.probability(log_odds).mean() == pytest.approx(won.mean(), abs=1e-5)


def drawn(rng, n, line):
    """Log-odds, the truth, and how each lead ends if one waits: wins come late, as by a Weibull
    law, and sooner for the ready; so do losses, at an even pace."""
    log_odds = rng.normal(-1.5, 1.2, n)
    truth = line.probability(log_odds)
    won = rng.random(n) < truth
    slow = 20 * np.exp(-0.3 * log_odds)
    to_win = HORIZON * (1 - np.exp(-rng.weibull(1.5, n) * 10 / slow))  # in [0, horizon)
    to_loss = rng.exponential(60, n)
    return log_odds, truth, won, np.where(won, to_win, to_loss)


def endings(won, days, until):
    """As known `until` days after the cutoff."""
    ending = np.where(won, "won", "lost").astype(object)
    return pd.DataFrame(
        {"days": np.minimum(days, until), "ending": np.where(days < until, ending, "open")}
    )


@pytest.mark.parametrize("now", [Line(1.0, 0.0), Line(1.0, 0.8), Line(0.7, -0.5)])
def test_corrected_it_is_unbiased_on_simulated_delays_where_naive_it_is_not(now):
    """Over 60 repetitions; `now` is the truth at the late cutoffs, Line(1, 0) at the mature ones.
    Mean predicted less mean true probability, overall and at either end of the log-odds."""
    rng = np.random.default_rng(7)
    off = []
    for _ in range(60):
        log_odds, _, won, days = drawn(rng, 6_000, Line(1.0, 0.0))
        pace = learn_pace(expit(log_odds), endings(won, days, HORIZON), HORIZON)
        log_odds, truth, won, days = drawn(rng, 4_000, now)
        age = np.repeat(AGES, 1_000)
        ending = endings(won, days, age)["ending"].to_numpy()
        seen = pace.seen(expit(log_odds), age, ending)
        naive = (ending == "won").astype(float)
        for way in (seen, Seen(naive, 1 - naive)):
            said = learn_line(log_odds, way, with_slope=True).probability(log_odds)
            high = log_odds > 0
            off += [
                (said - truth).mean(),
                (said - truth)[high].mean(),
                (said - truth)[~high].mean(),
            ]
    corrected, naive = np.array(off).reshape(60, 2, 3).transpose(1, 0, 2)
    error = corrected.std(axis=0) / np.sqrt(60)
    print(f"\n{corrected.mean(axis=0).round(4)} +- {error.round(4)}, naive {naive.mean(axis=0)}")
    assert (np.abs(corrected.mean(axis=0)) < 3 * error + 0.004).all()
    assert (naive.mean(axis=0) < -0.02).all()
    assert (error < 0.004).all()


def test_labels_filled_in_are_right_on_average_whatever_is_known():
    """By age: the mean of q at the true probabilities is the share that will be won."""
    rng = np.random.default_rng(3)
    log_odds, truth, won, days = drawn(rng, 200_000, Line(1.0, 0.0))
    pace = learn_pace(expit(log_odds), endings(won, days, HORIZON), HORIZON)
    for age in AGES:
        ending = endings(won, days, age)["ending"].to_numpy()
        seen = pace.seen(expit(log_odds), np.full(len(won), age), ending)
        assert seen.won(truth).mean() == pytest.approx(won.mean(), abs=0.003)
        assert (ending == "won").mean() < won.mean() - (0.03 if age <= 14 else 0)
