"""Beliefs about a source and the moves they lead to, held against integration and brute force.

Literal example (levels 20, 10 and 5%, margin 0.1, 50 leads at least, 97.5% sure): a source alone
in active-2 is believed at 15% beforehand, worth 50 leads. 120 of 400 leads won: up to active-1. 12
of 400: down to passive-1, never further at once. 60 of 400: it stays. 30 of 49: too few leads.
"""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import comb
from scipy.stats import betabinom

from models.sources.measures import median_days_to_win, trend
from models.sources.moves import Belief, Counted, MatureLeads, fit_prior, judge_sources
from models.sources.sources import BASKETS, MoveSettings

LEVELS = (0.20, 0.10, 0.05)
DAY = date(2026, 7, 1)


def counted(leads, won, basket="active-2", later=None, moved_on=None):
    return Counted(basket, MatureLeads(leads, won), later or MatureLeads(0, 0), moved_on)


def verdict(count, moves=MoveSettings(), on=DAY):  # noqa: B008
    return judge_sources({"it": count}, LEVELS, moves, on)["it"]


@pytest.mark.parametrize(
    ("leads", "won", "to"),
    [(400, 120, "active-1"), (400, 12, "passive-1"), (400, 60, None), (49, 30, None)],
)
def test_the_literal_example(leads: int, won: int, to: str | None) -> None:
    result = verdict(counted(leads, won))
    assert result.to == to
    assert result.belief == Belief(7.5 + won, 42.5 + leads - won)
    assert ("too few mature leads: 49 of 50" in result.why) == (leads == 49)


def test_the_outer_baskets_have_one_neighbour() -> None:
    assert verdict(counted(500, 490, "active-1")).to is None
    assert verdict(counted(500, 0, "passive-2")).to is None
    assert verdict(counted(500, 0, "active-1")).to == "active-2"
    assert verdict(counted(500, 490, "passive-2")).to == "passive-1"


def test_the_later_half_alone_may_tell() -> None:
    """Over the whole window 50 of 400 (12.5%) are no reason to fall; 2 of 200 lately are."""
    assert verdict(counted(400, 50)).to is None
    result = verdict(counted(400, 50, later=MatureLeads(200, 2)))
    assert (result.to, result.seen) == ("passive-1", MatureLeads(200, 2))
    assert result.belief.mean == pytest.approx(57.5 / 450)


def test_a_source_rests_after_a_move() -> None:
    for days, to in ((27, None), (28, "active-1")):
        result = verdict(counted(400, 120, moved_on=DAY - timedelta(days=days)))
        assert result.to == to
        assert ("rests until 2026-07-02" in result.why) == (to is None)


@settings(max_examples=50, deadline=None)
@given(
    st.floats(0.5, 30),
    st.floats(0.5, 30),
    st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    st.floats(0.02, 0.98),
)
def test_the_posterior_equals_the_integral(alpha, beta, tally, level) -> None:
    """Prior density times likelihood, integrated above the level and in all."""
    leads, won = tally

    def weight(p: float) -> float:
        likelihood = comb(leads, won) * p**won * (1 - p) ** (leads - won)
        return p ** (alpha - 1) * (1 - p) ** (beta - 1) * likelihood

    above, below = quad(weight, level, 1, limit=200)[0], quad(weight, 0, level, limit=200)[0]
    belief = Belief(alpha, beta).after(leads, won)
    assert belief.above(level) == pytest.approx(above / (above + below), abs=2e-4)
    assert belief.above(level) + belief.below(level) == pytest.approx(1)


tallies = st.integers(1, 300).flatmap(
    lambda n: st.builds(MatureLeads, st.just(n), st.integers(0, n))
)


TWO_PEAKS = [MatureLeads(1, 0), MatureLeads(61, 59), MatureLeads(61, 59)]


@settings(max_examples=40, deadline=None)
@given(st.lists(tallies, min_size=3, max_size=8))
@example(TWO_PEAKS)
def test_no_prior_on_a_grid_is_likelier_than_the_fitted_one(result) -> None:
    fitted = fit_prior(result, 50)
    assert 2 - 1e-6 <= fitted.alpha + fitted.beta <= 50 + 1e-6

    def likelihood(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return sum(betabinom.logpmf(t.won, t.leads, a, b) for t in result)

    mean, weight = np.meshgrid(np.linspace(0.02, 0.98, 25), (2, 5, 12, 30, 50))
    best = likelihood(fitted.alpha, fitted.beta)
    assert (likelihood(mean * weight, (1 - mean) * weight) <= best + 0.05).all()


@pytest.mark.slow
@settings(max_examples=12, deadline=None)  # of 20 weeks and 4 sources each
@given(st.data())
def test_nothing_flaps(data) -> None:
    """Whatever comes week after week: one basket at a time, never two moves within rest_days, and
    none on fewer than least_leads leads."""
    moves = MoveSettings(rest_days=data.draw(st.sampled_from([0, 10, 28, 60])))
    baskets = dict.fromkeys("abcd", "active-2")
    moved_on: dict[str, date] = {}
    for week in range(20):
        on, counts = DAY + timedelta(days=7 * week), {}
        for name, basket in baskets.items():
            later, earlier = data.draw(tallies), data.draw(tallies)
            whole = MatureLeads(later.leads + earlier.leads, later.won + earlier.won)
            counts[name] = Counted(basket, whole, later, moved_on.get(name))
        for name, result in judge_sources(counts, LEVELS, moves, on).items():
            if result.to is None:
                continue
            assert abs(BASKETS.index(result.to) - BASKETS.index(baskets[name])) == 1
            assert result.seen.leads >= moves.least_leads
            assert result.probability > moves.probability
            assert name not in moved_on or (on - moved_on[name]).days >= moves.rest_days
            baskets[name], moved_on[name] = result.to, on


def test_what_made_a_source_rise_does_not_make_it_fall_again() -> None:
    """Once it has risen, the same counts keep it there: the margin lies on both sides."""
    for won in range(401):
        risen = verdict(counted(400, won))
        if risen.to == "active-1":
            assert verdict(counted(400, won, "active-1")).to is None


def test_days_to_win_by_hand() -> None:
    """100 of 200 leads are won on the days 1 to 100, the others are open on day 400: half of the
    wins have come on day 50. With 50 more lost on day 0, too."""
    days = np.array([*range(1, 101), *[400] * 100], float)
    event = np.array([1] * 100 + [0] * 100)
    assert median_days_to_win(days, event) == 50
    assert median_days_to_win(np.append(days, [0.0] * 50), np.append(event, [2] * 50)) == 50
    assert median_days_to_win(days, event * 2) is None
    assert median_days_to_win(days[:9], event[:9]) is None


def test_open_leads_are_not_counted_as_never_won() -> None:
    """Half of the leads are watched for 10 days only. Naively, half of the 45 wins seen came by day
    8 or so; the curve knows that the late ones were seldom watched."""
    rng = np.random.default_rng(1)
    won_on = rng.uniform(0, 40, 20_000)
    watched = np.where(np.arange(20_000) % 2 == 0, 10.0, 60.0)
    event = (won_on <= watched).astype(int)
    result = median_days_to_win(np.minimum(won_on, watched), event)
    assert result == pytest.approx(20, abs=0.5)
    assert np.median(won_on[event == 1]) < 18


def test_a_trend_needs_both_halves() -> None:
    assert trend(MatureLeads(0, 0), MatureLeads(5, 1)) is None
    rising = trend(MatureLeads(200, 60), MatureLeads(200, 20))
    assert rising is not None
    assert (rising.point, rising.significant) == (pytest.approx(0.2), True)
    assert not trend(MatureLeads(20, 6), MatureLeads(20, 5)).significant  # type: ignore[union-attr]
