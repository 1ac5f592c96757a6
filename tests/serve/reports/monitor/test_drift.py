"""Drift is told where it is both large and beyond chance, leads of one age with each other.

Literal example: half and half became 80 and 20 of 100. The index is (0.8 - 0.5) ln(0.8 / 0.5) +
(0.2 - 0.5) ln(0.2 / 0.5) = 0.3 (0.4700 + 0.9163) = 0.4159.
"""

import math

import numpy as np
import pandas as pd
import pytest

from serve.reports.monitor.drift import (
    PSI_AMBER,
    PSI_RED,
    Matched,
    drift,
    fewest_expected,
    match_ages,
    psi,
    psi_by_chance,
    rate_change,
)


def alike(before: int, after: int) -> Matched:
    """Everyone of one age."""
    return Matched(np.full(before, after / before), np.ones(after, bool), np.arange(before))


def of(before, after, **more):
    before, after = pd.Series(before), pd.Series(after)
    return drift("f", before, after, alike(len(before), len(after)), **more)


def test_the_literal_example() -> None:
    assert psi([50, 50], [80, 20]) == pytest.approx(0.3 * (math.log(1.6) - math.log(0.4)))
    assert psi([50, 50], [80, 20]) == psi([80, 20], [50, 50])
    assert psi([3, 7], [30, 70]) == 0


def test_bins_are_of_equal_count_and_missing_ones_apart() -> None:
    """0 to 99, ten to a bin; now only the upper half, and a fifth missing."""
    result = of(np.arange(100.0), [*np.arange(50.0, 90.0), *[math.nan] * 10])
    now = np.array([0, 0, 0, 0, 0, 10, 10, 10, 10, 0, 10])
    assert result.psi == pytest.approx(psi([5] * 10 + [0], now))  # weighted to the 50
    assert result.status == "red"


def test_counts_that_are_mostly_zero_have_fewer_bins() -> None:
    assert of([0.0] * 90 + [1.0] * 10, [0.0] * 90 + [1.0] * 10).psi == 0
    assert of([0.0] * 100, [0.0] * 100).psi == 0
    assert of([0.0] * 300, [0.0] * 150 + [1.0] * 150).status == "red"


def test_texts_go_by_name_and_rare_ones_together() -> None:
    before = ["ads"] * 60 + ["web"] * 30 + [np.nan] * 10
    assert of(before, before[::-1]).psi == 0
    assert of(before * 5, (["ads"] * 30 + ["web"] * 60 + [np.nan] * 10) * 5).status == "red"
    many = [f"s{n}" for n in range(30)] * 20
    assert of(many, [f"t{n}" for n in range(600)]).status == "red"  # others only, now


@pytest.mark.parametrize("leads", [300, 3_000])
def test_what_chance_makes_is_known(leads: int) -> None:
    rng = np.random.default_rng(3)
    draws = rng.multinomial(leads, [0.1] * 10, size=(2000, 2))
    result = np.quantile([psi(one, other) for one, other in draws], 0.99)
    assert result == pytest.approx(psi_by_chance(10, leads, leads, 0.01), rel=0.1)


def test_neither_cries_at_a_million_nor_sleeps_at_three_hundred() -> None:
    rng = np.random.default_rng(4)
    many = of(rng.normal(size=1_000_000), rng.normal(0.1, 1, size=1_000_000))
    assert many.psi > many.by_chance  # beyond chance, and a trifle
    assert (many.psi < PSI_AMBER, many.status) == (True, "green")
    assert of(rng.normal(size=300), rng.normal(1, 1, size=300)).status == "red"
    statuses = [
        of(rng.normal(size=300), rng.normal(size=300), tests=100).status for _ in range(300)
    ]
    assert set(statuses) == {"green"}
    few = of(rng.normal(size=40), rng.normal(size=40), tests=100)
    assert few.by_chance > PSI_RED  # with so few nothing but a landslide is sure


def test_growing_older_is_no_drift() -> None:
    """Ten events per day of age, three months on: twice as many each, and nothing has changed."""
    rng = np.random.default_rng(5)
    ages = [rng.uniform(0, most, 3000) for most in (120, 200)]
    events = [pd.Series(rng.poisson(10 * age).astype(float)) for age in ages]
    assert of(*events).status == "red"
    matched = match_ages(pd.Series(ages[0]), pd.Series(np.arange(3000)), ages[1])
    assert drift("f", *events, matched).status == "green"
    assert matched.share == pytest.approx(np.mean(ages[1] < 120), abs=0.06)
    assert matched.weight.sum() == matched.now.sum()


def test_weights_by_hand() -> None:
    """Forty young leads in the reference, twenty old ones; of now ten young and ten old: a young
    one weighs 10 / 40, an old one 10 / 20."""
    before = pd.Series([1.0] * 40 + [100.0] * 20)
    matched = match_ages(before, pd.Series(range(60)), np.array([1.0] * 10 + [100.0] * 10))
    assert matched.weight.tolist() == [0.25] * 40 + [0.5] * 20
    assert matched.share == 1
    older = match_ages(before, pd.Series(range(60)), np.array([1.0] * 10 + [900.0] * 10))
    assert (older.share, older.weight.sum()) == (0.5, 10)


def test_a_lead_seen_at_four_cutoffs_is_one_lead() -> None:
    rng = np.random.default_rng(6)
    before, after = rng.poisson(2, 200).astype(float), rng.poisson(2.6, 200).astype(float)
    once = rate_change(before, after, alike(200, 200))
    repeated = Matched(np.full(800, 0.25), np.ones(200, bool), np.tile(np.arange(200), 4))
    again = rate_change(np.tile(before, 4), after, repeated)
    assert (again.ratio, again.z) == (pytest.approx(once.ratio), pytest.approx(once.z))
    assert repeated.effective == pytest.approx(200)


def test_pace_tells_doubled_vanished_and_too_few() -> None:
    rng = np.random.default_rng(7)
    events = rng.poisson(2, 1000).astype(float)
    same, twice = rng.poisson(2, 500).astype(float), 2 * rng.poisson(2, 500).astype(float)
    matched = alike(1000, 500)
    assert rate_change(events, same, matched).status(20) == "green"
    assert rate_change(events, twice, matched).status(20) == "red"
    assert rate_change(events, np.zeros(500), matched).status(20) == "red"
    rare = (np.arange(1000) < 10).astype(float)  # 5 leads expected, none seen: it may be chance
    assert rate_change(rare, np.zeros(500), matched).expected == 5
    assert fewest_expected(20) > 5
    assert rate_change(rare, np.zeros(500), matched).status(20) == "grey"
    lively = rng.lognormal(0, 1.5, (200, 2, 500))
    statuses = [rate_change(one, other, alike(500, 500)).status(20) for one, other in lively]
    assert statuses.count("red") == 0
    assert statuses.count("amber") <= 1


def test_the_bins_are_shares_then_and_now_that_give_the_index():
    rng = np.random.default_rng(5)
    before = pd.Series(rng.exponential(2.0, 600)).mask(rng.random(600) < 0.1)
    after = pd.Series(rng.exponential(3.0, 400)).mask(rng.random(400) < 0.2)
    matched = Matched(np.ones(600), np.ones(400, bool), np.arange(600))
    result = drift("x", before, after, matched)
    assert sum(each.then for each in result.bins) == pytest.approx(1)
    assert sum(each.now for each in result.bins) == pytest.approx(1)
    by_hand = sum((b.now - b.then) * np.log(b.now / b.then) for b in result.bins)
    assert result.psi == pytest.approx(by_hand)
    first, *_, last = result.bins
    assert first.then == pytest.approx((before <= float(first.values.split()[0])).mean(), abs=0.02)
    assert (last.values, last.now) == ("unknown", after.isna().mean())
