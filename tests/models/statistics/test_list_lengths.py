"""Deals by the length of the list: counted by brute force, and those of the judgement at the
capacity."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.config import Capacity
from models.statistics.intervals import Estimate
from models.statistics.judge import Contender, judge
from models.statistics.list_lengths import by_length, capacities, significant_lengths

CAPACITIES = [Capacity(share=0.1), Capacity(leads=7), Capacity(share=1.0), Capacity(leads=500)]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    sizes = (90, 40, 70)
    snapshots = pd.DataFrame(
        {
            "lead_id": np.concatenate([rng.permutation(100)[:size] for size in sizes]),
            "cutoff": np.repeat(pd.date_range("2026-01-05", periods=3, freq="7D"), sizes),
        }
    )
    won = (rng.random(200) < 0.3).astype(float)
    model = np.clip(won * 0.3 + rng.random(200) * 0.6, 0, 1)
    return snapshots, won, {"model": model, "rules": np.round(4 * rng.random(200) + won)}


def deals_of(snapshots, won, score, length):
    """The mean over many random orders of the ties, with a fractional last place."""
    rng, result = np.random.default_rng(0), []
    for _ in range(100):
        total = 0.0
        for at in snapshots.groupby("cutoff").groups.values():
            rows = rng.permutation(at)
            rows = rows[np.argsort(-score[rows], kind="stable")]
            places = np.clip(length(len(rows)) - np.arange(len(rows)), 0, 1)
            total += (won[rows] * places).sum()
        result.append(total / 3)
    return np.mean(result), 4 * np.std(result) / math.sqrt(100) + 1e-9


@pytest.mark.parametrize("capacity", CAPACITIES[:2], ids=str)
def test_every_length_counts_as_by_hand(data, capacity):
    snapshots, won, scores = data
    sizes = snapshots.groupby("cutoff").size().to_numpy()
    for each in by_length(snapshots, won, scores, capacity, replicates=2)[::12]:
        fits = [n for n in range(1, 91) if np.isclose(np.minimum(n, sizes).mean(), each.leads)]

        def length(open_leads, share=each.share, leads=fits):
            return min(leads[0], open_leads) if capacity.leads else share * open_leads

        for name, score in scores.items():
            expected, error = deals_of(snapshots, won, score, length)
            assert each.deals[name].point == pytest.approx(expected, abs=error)


@pytest.mark.parametrize("capacity", CAPACITIES, ids=str)
def test_at_the_capacity_it_is_the_judgement_with_its_intervals(data, capacity):
    snapshots, won, scores = data
    contenders = [Contender(name, s, name == "model") for name, s in scores.items()]
    judged = judge(snapshots, won, contenders, capacity, 0.3, replicates=30, seed=3)
    lengths = by_length(snapshots, won, scores, capacity, replicates=30, seed=3)
    (own,) = (each for each in lengths if each.at_capacity)
    slots = sum(each["slots"] for each in judged.cutoffs.values()) / 3
    assert own.leads == pytest.approx(slots)
    for name in scores:
        expected = np.array(judged.estimates[name]["precision"]) * slots
        assert tuple(own.deals[name]) == pytest.approx(tuple(expected))
    assert tuple(own.difference) == pytest.approx(
        tuple(np.array(judged.difference["precision"]) * slots), abs=1e-9
    )
    assert own.deals["chance"].point == pytest.approx(
        judged.baselines["random"]["precision"] * slots
    )


@pytest.mark.parametrize("capacity", CAPACITIES, ids=str)
def test_the_lists_rise_from_one_lead_to_all_where_all_rankers_are_the_same(data, capacity):
    snapshots, won, scores = data
    lengths = by_length(snapshots, won, scores, capacity, replicates=20)
    leads = [each.leads for each in lengths]
    assert leads[0] == pytest.approx(1)
    assert leads == sorted(set(leads))
    assert lengths[-1].share == 1
    assert {each.point for each in lengths[-1].deals.values()} == {won.sum() / 3}
    assert lengths[-1].difference.point == 0
    assert len(lengths) <= 62


def test_a_share_of_many_leads_has_about_sixty_steps():
    assert 40 <= len(capacities(Capacity(share=0.05), np.array([4000.0, 5000.0]))) <= 62


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([1, 1, 0], [(1, 2, True)]),
        ([0, 1, 1, 0, 1, 0], [(2, 3, True), (5, 5, True)]),
        ([-1, -1, 1], [(1, 2, False), (3, 3, True)]),
        ([0, 0], []),
    ],
)
def test_where_one_list_surely_holds_more(data, gaps, expected):
    lengths = [
        replace(by_length(*data, CAPACITIES[0], replicates=1)[0], leads=at, difference=gap)
        for at, gap in enumerate((Estimate(g, g - 0.5, g + 0.5) for g in gaps), start=1)
    ]
    result = significant_lengths(lengths)
    assert [
        (each.first.leads, each.last.leads, each.first_is_better) for each in result
    ] == expected


def test_at_lists_of_all_leads_nobody_is_better(data):
    lengths = by_length(*data, CAPACITIES[1], replicates=50)
    assert all(each.last.share < 1 for each in significant_lengths(lengths))


def test_too_few_wins_say_nothing_of_it(data):
    snapshots, _, scores = data
    won = np.zeros(200)
    won[:5] = 1
    assert significant_lengths(by_length(snapshots, won, scores, CAPACITIES[0], 5)) == []
