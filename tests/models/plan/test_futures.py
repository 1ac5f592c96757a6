"""Chances of a win equal a walk day by day in plain Python; what cannot be won is not expected."""

from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from models.plan.futures import futures, open_chances, usual_course, weekly_arrivals, win_curves
from models.plan.stays import AGES, OPEN, chances, count, stays
from tests.models.plan.test_stays import random_ways, sources
from tests.serve.reports.funnel.funnel_entries import UNTIL, funnel, made

DAY = timedelta(days=1)


def walker(moves):
    """A function: the chance of a lead in a stage, so many days old in it, to be won within so many
    days; by the chances to leave, (stages - 1, ages, stages + 1)."""
    stages = moves.shape[0] + 1

    @cache
    def win(stage, age, left):
        if left == 0:
            return 0.0
        if stage == stages - 1:
            return 1.0
        leaving = moves[stage, max(n for n, begin in enumerate(AGES) if begin <= age)]
        onward = sum(leaving[aim] * win(aim, 0, left) for aim in range(stage + 1, stages))
        return onward + (1 - leaving.sum()) * win(stage, age + 1, left - 1)

    return win


@pytest.fixture(scope="module")
def seen():
    entries = random_ways(300, seed=11)
    return stays(entries, sources(entries, "ads", "web"))


@pytest.fixture(scope="module")
def walk(moves):
    """By source."""
    return [walker(moves[0, source]) for source in (0, 1)]


@pytest.fixture(scope="module")
def moves(seen):
    counts = count(seen, 200, seed=0)
    return chances(counts, np.ones((1, len(counts.exposed))))


def test_a_lead_that_enters_a_stage(moves, walk):
    curves = win_curves(moves, np.ones((1, 2, 3)), 40)
    for source in (0, 1):
        for stage in range(3):
            for days in (0, 1, 2, 17, 40):
                expected = walk[source](stage, 0, days)
                assert curves[0, source, stage, days] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("begin", [0, 12])
def test_an_open_lead_goes_on_from_its_stage_and_its_days_in_it(seen, moves, walk, begin):
    plain = np.ones((1, 2, 3))
    kinds, number, win = open_chances(seen, moves, plain, win_curves(moves, plain, 40), begin, 40)
    assert number.sum() == (seen.to == OPEN).sum()
    counted = dict(zip(zip(*kinds, win[0].round(9), strict=True), number, strict=True))
    expected = {}
    for row in np.flatnonzero(seen.to == OPEN):
        win_in, place = walk[seen.source[row]], (int(seen.stage[row]), -int(seen.entered[row]))
        chance = win_in(*place, 40) - win_in(*place, begin)
        key = (seen.source[row], seen.stage[row], round(chance, 9))
        expected[key] = expected.get(key, 0) + 1
    assert sum(expected.values()) == sum(counted.values())
    total = sum(key[2] * times for key, times in expected.items())
    assert (number * win[0]).sum() == pytest.approx(total, abs=1e-6)


def test_the_first_draw_is_the_past_as_it_is(seen, walk):
    """Expected of the open leads and of weeks like those of the past, by the walk."""
    result = futures(seen, 0, 21, seed=4, window=200)
    weeks = weekly_arrivals(seen, 200)
    rate = weeks.mean(axis=0)
    new = sum(
        rate[source, stage] / 7 * sum(walk[source](stage, 0, 21 - day) for day in range(21))
        for source in (0, 1)
        for stage in range(3)
    )
    assert result.of_new[0].sum() == pytest.approx(new, abs=1e-6)
    assert result.new[0].sum() == pytest.approx(3 * rate.sum())
    spread = result.expected[1:].std()
    assert abs(result.expected[1:].mean() - result.expected[0]) < 4 * spread / 20 + 0.5
    wins = result.wins[1:].sum(axis=1)
    assert wins.var() > result.expected[1:].var()  # the chance of what comes is on top


def test_weeks_are_counted_back_from_the_cutoff():
    rows = [(UNTIL - days * DAY, None, None) for days in (1, 7, 7.5, 14, 29)]
    entries = made(rows, funnel("lead", "customer"), ["web", "ads", "web", "web", "web"])
    weeks = weekly_arrivals(stays(entries, sources(entries, "ads", "web")), 100)
    assert weeks[:, :, 0].tolist() == [[1, 1], [0, 2], [0, 0], [0, 0]]


def test_without_open_leads_and_arrivals_nothing_is_expected():
    """All came more than 182 days before, and were won or lost since."""
    start = UNTIL - 200 * DAY
    rows = [(start, start + (30 + n) * DAY, None) for n in range(30)]
    rows += [(start, None, start + 40 * DAY) for _ in range(30)]
    result = futures(
        stays(made(rows, funnel("lead", "customer")), np.zeros(60, int)), 0, 90, seed=1
    )
    assert result.expected.max() == 0
    assert result.wins.max() == 0
    assert result.of_source[0, 0] > 0.2  # though leads that came would be won


def test_more_conversions_mean_more_wins():
    """Of leads that were lost, ever more are won instead."""
    expected = []
    for won in (30, 60, 90):
        rows = [
            (
                start := UNTIL - (200 - n) * DAY,
                *((start + 9 * DAY, None) if n % 100 < won else (None, start + 9 * DAY)),
            )
            for n in range(190)
        ]
        seen = stays(made(rows, funnel("lead", "customer")), np.zeros(190, int))
        expected.append(futures(seen, 0, 60, seed=1).expected[0])
    assert expected == sorted(expected)
    assert expected[0] < 0.5 * expected[2]


def test_a_tenth_more_of_the_only_stage_is_a_tenth_more_wins(seen):
    rows = [
        (start := UNTIL - n * DAY, start + 5 * DAY if n % 4 == 0 and n > 5 else None, None)
        for n in range(1, 150)
    ]
    only = stays(made(rows, funnel("lead", "customer")), np.zeros(149, int))
    result = futures(only, 0, 30, seed=2, lift=0.1)
    np.testing.assert_allclose(result.lifted[:, 0], 0.1 * result.expected)
    every = futures(seen, 0, 30, seed=2, lift=0.1)
    assert every.lifted.min() > 0
    assert (every.lifted <= 0.1 * every.expected[:, None] + 1e-9).all()  # some wins skip the stage


def test_the_same_seed_draws_the_same(seen):
    one, two, other = (futures(seen, 0, 30, seed=s) for s in (5, 5, 6))
    np.testing.assert_array_equal(one.wins, two.wins)
    assert (one.wins != other.wins).any()


def test_the_course_of_a_stage_is_that_of_its_usual_mix(seen, moves):
    course = usual_course(seen, 30, seed=0, window=200)
    curves = win_curves(moves, np.ones((1, 2, 3)), 30)[0]
    for stage in range(3):
        mix = np.bincount(seen.source[seen.stage == stage], minlength=2)
        np.testing.assert_allclose(course[stage], mix / mix.sum() @ curves[:, stage])


def test_a_period_that_is_none(seen):
    for begin, end in ((0, 0), (5, 5), (-1, 5)):
        with pytest.raises(ValueError, match="no days"):
            futures(seen, begin, end, seed=1)
