"""Stays are counted in whole days, and exposures and moves equal a recount by loops."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from models.plan.stays import AGES, OPEN, chances, count, stays
from tests.serve.reports.funnel.funnel_entries import UNTIL, funnel, made

DAY = timedelta(days=1)
STAGES = ("lead", "MQL", "SQL", "customer")


def sources(entries, *names):
    return np.array([names.index(each) for each in entries.leads["source"]])


def random_ways(leads, seed, until=UNTIL):
    """Random ways: some skip a stage, some are lost, some are open; two sources."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(leads):
        at = until - timedelta(days=float(rng.uniform(0, 300)))
        row, ended = [at], False
        for _stage in STAGES[1:]:
            at = at + timedelta(days=float(rng.exponential(25)))
            ended = ended or at >= until or rng.random() < 0.3
            row.append(None if ended else at)
        for place in (1, 2):  # passed by entering a later one
            row[place] = row[place + 1] if row[place + 1] and rng.random() < 0.2 else row[place]
        last = max(each for each in row if each)
        lost = last + timedelta(days=float(rng.exponential(25)))
        rows.append((*row, lost if row[-1] is None and lost < until else None))
    names = [("ads", "web")[int(each)] for each in rng.integers(0, 2, leads)]
    return made(rows, funnel(*STAGES), names, until)


def test_the_worked_example():
    until = datetime(2026, 3, 1)
    rows = [
        (datetime(2026, 2, 10, 17), datetime(2026, 2, 13, 9), None, None),
        (datetime(2026, 2, 10, 17), None, None, datetime(2026, 2, 10, 18)),
    ]
    seen = stays(made(rows, funnel("MQL", "SQL", "customer"), until=until), np.zeros(2, int))
    assert list(zip(seen.lead, seen.stage, seen.entered, seen.left, seen.to, strict=True)) == [
        (0, 0, -19, -16, 1),
        (1, 0, -19, -19, 3),  # lost
        (0, 1, -16, 0, OPEN),
    ]
    counts = count(seen, 100, seed=0)
    exposed, left = counts.exposed.sum(axis=0)[0], counts.left.sum(axis=0)[0]
    assert exposed[0, :4].tolist() == [2, 1, 2, 0]  # ages 0 (both leads), 1, and 2 to 3
    assert exposed[1].sum() == 16
    assert (left[0, 2, 1], left[0, 0, 3], left.sum()) == (1, 1, 2)


def test_stays_add_up_to_the_whole_way():
    entries = random_ways(300, seed=3)
    seen = stays(entries, sources(entries, "ads", "web"))
    took = np.bincount(seen.lead, (seen.left - seen.entered).astype(float), minlength=300)
    for lead in range(300):
        mine = seen.lead == lead
        assert took[lead] == seen.left[mine].max() - seen.arrived[lead]


@pytest.mark.parametrize("window", [60, 1000])
def test_days_and_moves_equal_a_recount(window):
    """Day by day: a lead that is in a stage at the begin of a day is exposed on it."""
    entries = random_ways(200, seed=5)
    seen = stays(entries, sources(entries, "ads", "web"))
    counts = count(seen, window, seed=1)
    exposed = np.zeros(counts.exposed.shape[1:])
    left = np.zeros(counts.left.shape[1:])
    for source, stage, entered, gone, to in zip(
        seen.source, seen.stage, seen.entered, seen.left, seen.to, strict=True
    ):
        for day in range(max(entered, -window), 0 if to == OPEN else gone + 1):
            band = max(place for place, age in enumerate(AGES) if age <= day - entered)
            exposed[source, stage, band] += 1
            if to != OPEN and day == gone:
                left[source, stage, band, to] += 1
    assert exposed.sum() > 1000
    np.testing.assert_array_equal(counts.exposed.sum(axis=0), exposed)
    np.testing.assert_array_equal(counts.left.sum(axis=0), left)


def test_chances_are_shares_and_sources_differ_as_far_as_they_were_seen():
    entries = random_ways(400, seed=7)
    one = count(stays(entries, np.zeros(400, int)), 1000, seed=1)
    pooled = chances(one, np.ones((1, len(one.exposed))))[0, 0]
    exposed, left = one.exposed.sum(axis=0)[0], one.left.sum(axis=0)[0]
    seen = exposed > 0
    np.testing.assert_allclose(pooled[seen], left[seen] / exposed[seen][:, None])
    assert pooled.sum(axis=-1).max() <= 1
    two = count(stays(entries, sources(entries, "ads", "web")), 1000, seed=1)
    each = chances(two, np.ones((1, len(two.exposed))))[0]
    own = two.left.sum(axis=(0, 3))
    expected = (two.exposed.sum(axis=0)[..., None] * pooled).sum(axis=2)
    factor = (1 + own) / (1 + expected)  # as if one move more had been seen, at the rate of all
    factor *= own.sum(axis=0) / np.maximum((factor * expected).sum(axis=0), 1e-12)  # as all did
    np.testing.assert_allclose(each, pooled * factor[:, :, None], rtol=1e-9)
