"""The interval of the effect holds the truth as often as it says, on draws whose truth is known."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from models.effects.effect import Effect, effect, effect_by_thirds, order_by_effect
from models.effects.power import leads_needed, weeks_needed
from models.statistics.intervals import newcombe, wilson

START = datetime(2026, 1, 5)


def draws(rng, leads, share, base, gain, weeks=16, later_share=None) -> pd.DataFrame:
    """Leads of weekly lists, of a readiness of their own around `base`, each held back with a
    chance of `share` (`later_share` in the second half); a call adds `gain` to the chance."""
    week = rng.integers(0, weeks, leads)
    back = np.where(week < weeks / 2, share, share if later_share is None else later_share)
    held = rng.random(leads) < back
    readiness = rng.beta(4, 4 / base - 4, leads)
    season = np.where(week < weeks / 2, 1.0, 0.5 if later_share else 1.0)
    won = rng.random(leads) < readiness * season + gain * ~held
    cutoff = np.datetime64(START, "us") + week * np.timedelta64(7, "D")
    return pd.DataFrame(
        {"holdout": held, "won": won.astype(int), "readiness": readiness, "cutoff": cutoff}
    )


def replications(count, seed, **how) -> list[Effect]:
    rng = np.random.default_rng(seed)
    return [effect(draws(rng, **how)) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("leads", "share", "base", "gain"),
    [(1000, 0.1, 0.15, 0.05), (600, 0.2, 0.1, 0.0), (3000, 0.05, 0.05, 0.03)],
)
def test_the_interval_holds_the_true_effect_95_times_in_100(leads, share, base, gain) -> None:
    results = replications(500, 11, leads=leads, share=share, base=base, gain=gain)
    assert all(each.difference.known for each in results)
    inside = [each.difference.low <= gain <= each.difference.high for each in results]
    assert 0.93 <= np.mean(inside) <= 0.975
    points = np.array([each.difference.point for each in results])
    assert points.mean() == pytest.approx(gain, abs=4 * points.std() / np.sqrt(500))


@pytest.mark.slow
def test_without_an_effect_one_is_seen_5_times_in_100() -> None:
    results = replications(500, 5, leads=1500, share=0.15, base=0.12, gain=0.0)
    assert np.mean([each.difference.significant for each in results]) <= 0.07


@pytest.mark.slow
def test_a_share_that_was_raised_in_a_weak_season_is_no_effect() -> None:
    """From 5% to 50% when half as many are won: the plain difference of the shares is far off."""
    how = {"leads": 2000, "share": 0.05, "base": 0.2, "gain": 0.0, "later_share": 0.5}
    results = replications(500, 3, **how)
    inside = [each.difference.low <= 0 <= each.difference.high for each in results]
    assert 0.93 <= np.mean(inside) <= 0.98
    plain = [
        newcombe(
            wilson(each.called.won, each.called.leads),
            wilson(each.held_back.won, each.held_back.leads),
        )
        for each in results
    ]
    assert np.mean([each.low <= 0 <= each.high for each in plain]) < 0.5


def test_of_one_month_it_is_newcombes_interval_of_the_plain_shares() -> None:
    """His first example: 56 of 70 against 48 of 80."""
    rows = [(False, n < 56) for n in range(70)] + [(True, n < 48) for n in range(80)]
    frame = pd.DataFrame(rows, columns=["holdout", "won"]).assign(cutoff=START)
    result = effect(frame)
    assert (result.called.leads, result.called.won) == (70, 56)
    assert (result.held_back.leads, result.held_back.won) == (80, 48)
    assert result.difference == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(("held", "won"), [(30, 19), (29, 20), (200, 0)])
def test_of_few_wins_or_leads_no_interval_is_known(held: int, won: int) -> None:
    rows = pd.DataFrame({"holdout": [True] * held + [False] * 300, "cutoff": START})
    result = effect(rows.assign(won=[int(n < won) for n in range(held + 300)]))
    assert not result.difference.known
    assert result.difference.point == pytest.approx(0 / 300 - won / held)


def test_of_no_draw_nothing_is_known() -> None:
    empty = draws(np.random.default_rng(1), 0, 0.1, 0.1, 0.0)
    result = effect(empty)
    assert (result.called.leads, result.held_back.leads) == (0, 0)
    assert np.isnan(result.difference.point)
    assert list(effect_by_thirds(empty)) == []


@pytest.mark.parametrize(
    ("readiness", "thirds"),
    [
        ([0.3, 0.3, 0.4, 0.5], [1, 1, 2]),
        ([0.1] * 40 + [0.2] * 58 + [0.3] * 2, [2, 58, 40]),
        ([0.1] * 98 + [0.2, 0.3], []),
        ([0.1, 0.2, 0.3, 0.4], [1, 1, 2]),
    ],
)
def test_equal_readiness_is_in_one_third(readiness: list[float], thirds: list[int]) -> None:
    count = len(readiness)
    draws = pd.DataFrame(
        {
            "readiness": readiness,
            "holdout": np.arange(count) % 2 == 0,
            "won": np.arange(count) % 3 == 0,
            "cutoff": pd.Timestamp("2026-01-05"),
        }
    )
    parts = [each.called.leads + each.held_back.leads for each in effect_by_thirds(draws)]
    assert parts == thirds


def test_thirds_part_the_leads_and_each_finds_its_own_effect() -> None:
    """The effect is in the readiest third alone."""
    rng = np.random.default_rng(4)
    frame = draws(rng, 30_000, 0.3, 0.2, 0.0)
    upper = frame["readiness"] > frame["readiness"].quantile(2 / 3)
    lifted = upper & ~frame["holdout"] & (rng.random(len(frame)) < 0.2)
    frame["won"] = np.maximum(frame["won"], lifted)
    thirds = list(effect_by_thirds(frame))
    assert sum(each.called.leads + each.held_back.leads for each in thirds) == len(frame)
    assert sum(each.called.won + each.held_back.won for each in thirds) == frame["won"].sum()
    assert [each.difference.significant for each in thirds] == [True, False, False]
    expected = 0.2 * (1 - frame.loc[upper, "readiness"].mean())
    assert thirds[0].difference.low < expected < thirds[0].difference.high
    assert list(effect_by_thirds(frame.assign(readiness=np.nan))) == []


def test_an_order_by_effect_only_where_a_third_gains_more_than_the_readiest_beyond_chance() -> None:
    """Of 40 companies in which a call adds as much everywhere some 2 are taken for others by
    chance; nearly all are where it adds 0.3 to the last alone."""
    rng = np.random.default_rng(6)
    taken = {0.0: 0, 0.3: 0}
    for more in taken:
        for _ in range(40):
            frame = draws(rng, 3_000, 0.3, 0.2, 0.0)
            last = frame["readiness"] < frame["readiness"].quantile(1 / 3)
            lifted = last & ~frame["holdout"] & (rng.random(len(frame)) < more)
            frame["won"] = np.maximum(frame["won"], lifted)
            thirds = list(effect_by_thirds(frame))
            order = order_by_effect(thirds)
            taken[more] += bool(order)
            assert not order or order[0] is not thirds[0]
            points = [each.difference.point for each in order]
            assert points == sorted(points, reverse=True)
    assert taken[0.0] <= 6
    assert taken[0.3] >= 38
    assert order_by_effect([]) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "gain", "share"), [(0.2, 0.05, 0.1), (0.15, 0.1, 0.2), (0.1, 0.05, 0.5)]
)
def test_with_the_leads_needed_the_effect_is_seen_80_times_in_100(rate, gain, share) -> None:
    leads = leads_needed(rate, gain, share)
    how = {"leads": leads, "share": share, "base": rate - gain, "gain": gain, "weeks": 1}
    results = replications(400, 7, **how)
    assert 0.73 <= np.mean([each.difference.low > 0 for each in results]) <= 0.87


def test_a_smaller_effect_and_a_smaller_holdout_take_longer() -> None:
    by_effect = [leads_needed(0.2, effect, 0.1) for effect in (0.02, 0.05, 0.1)]
    assert by_effect == sorted(by_effect, reverse=True)
    by_share = [leads_needed(0.2, 0.05, share) for share in (0.05, 0.1, 0.5)]
    assert by_share == sorted(by_share, reverse=True)
    assert leads_needed(0.04, 0.05, 0.1) is None
    assert weeks_needed(100, 50, 28) == 6
