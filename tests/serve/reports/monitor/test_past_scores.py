"""Promised against seen: the chance of so many wins is that of independent draws, by brute force.

Literal example: ten leads of 50%. All ten won has the chance 1 / 1024, as has none: 2 / 1024.
"""

from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.reports.monitor import outcomes
from serve.reports.monitor.outcomes import FEWEST_WINS, apart, by_band, past_scores, wins_by_chance


def by_hand(chances: list[float]) -> np.ndarray:
    """P(0 wins), P(1 win), ...: one lead after the other."""
    result = np.array([1.0])
    for p in chances:
        result = np.convolve(result, [1 - p, p])
    return result


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=25), st.data())
def test_the_chance_by_brute_force(chances: list[float], data: st.DataObject) -> None:
    wins = data.draw(st.integers(0, len(chances)))
    low, high, chance = wins_by_chance(np.array(chances), wins)
    mass = by_hand(chances)
    assert chance == pytest.approx(min(1, 2 * min(mass[: wins + 1].sum(), mass[wins:].sum())))
    assert mass[:low].sum() <= 0.025 + 1e-9
    assert mass[high + 1 :].sum() <= 0.025 + 1e-9


def test_many_leads_are_as_exact_as_it_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = np.random.default_rng(1).beta(0.5, 10, 1500)
    expected = round(ready.sum())
    exact = [wins_by_chance(ready, wins) for wins in range(expected - 20, expected + 21, 10)]
    monkeypatch.setattr(outcomes, "EXACT", 0)
    near = [wins_by_chance(ready, wins) for wins in range(expected - 20, expected + 21, 10)]
    for one, other in zip(exact, near, strict=True):
        assert one[:2] == other[:2]
        assert one[2] == pytest.approx(other[2], abs=2e-3)


def test_right_scores_seldom_alarm_and_wrong_ones_do() -> None:
    rng = np.random.default_rng(2)
    right, wrong, alarms = 0, 0, 0
    for _ in range(200):
        ready = rng.beta(0.5, 8, 1000)
        luck = rng.random(1000)
        result = past_scores(ready, (luck < ready).astype(float))
        right += result.low <= result.won <= result.high
        alarms += result.status() != "green"
        wrong += past_scores(ready, (luck < ready / 2).astype(float)).status() == "red"
    assert 0.93 <= right / 200 <= 0.99
    assert alarms <= 4  # 1.25 times off is far for 59 wins, and seldom by chance
    assert wrong >= 190


def test_below_twenty_wins_nothing_is_said() -> None:
    few = past_scores(np.full(199, 0.1), np.zeros(199))
    assert (few.enough, few.status()) == (False, "grey")
    enough = past_scores(np.full(200, 0.1), np.zeros(200))
    assert (enough.expected, enough.status()) == (pytest.approx(FEWEST_WINS), "red")
    assert past_scores(np.empty(0), np.empty(0)).status() == "grey"


def test_a_trifle_is_no_alarm_however_sure() -> None:
    ready = np.full(1_000_000, 0.1)
    won = (np.arange(1_000_000) < 110_000).astype(float)
    result = past_scores(ready, won)
    assert result.chance < 1e-6
    assert result.status() == "green"


def test_bands_add_up_and_tear_no_tie() -> None:
    rng = np.random.default_rng(3)
    ready = rng.choice([0.02, 0.05, 0.1, 0.3, 0.6], 2000)
    won = (rng.random(2000) < ready).astype(float)
    bands = by_band(ready, won)
    assert sum(band.leads for band in bands) == 2000
    assert sum(band.won for band in bands) == won.sum()
    assert all(one.highest < other.lowest for one, other in pairwise(bands))
    assert by_band(np.full(2000, 0.1), won)[0].leads == 2000
    assert by_band(np.full(100, 0.1), np.zeros(100)) == []


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(1, 90))
def test_horizons_do_not_overlap(days: list[int], horizon: int) -> None:
    cutoffs = [datetime(2026, 1, 1) + timedelta(days=day) for day in days]
    chosen = apart(cutoffs, horizon)
    gaps = [later - former for former, later in pairwise(chosen)]
    assert all(gap >= timedelta(days=horizon) for gap in gaps)
    assert not cutoffs or chosen[-1] == max(cutoffs)
    for left_out in set(cutoffs) - set(chosen):
        assert any(abs(left_out - each) < timedelta(days=horizon) for each in chosen)
