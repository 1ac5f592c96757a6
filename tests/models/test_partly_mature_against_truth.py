"""The correction in the simulated company, whose true chances are known; their log-odds stand for
those of the trees, so that no other error is in play. Luck is evened out over eight instants, a
horizon apart, each looking back on cutoffs of 7, 14, 21 and 28 days ago. Half of the wins come late
there: they have to become ready first."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from features.simulator.simulate import simulate
from models.partly_mature import Seen, learn_line, learn_pace

LEADS, SEED, HORIZON, AGES = 20_000, 7, 30, (7, 14, 21, 28)
WAYS = ("corrected", "naive")


@pytest.fixture(scope="module")
def world():
    return simulate(LEADS, SEED)


def snapshots(world, cutoffs):
    """Each open lead at each cutoff, how it ends, and its true chance, by brute force."""
    leads = world.leads[["lead_id", "created_at"]].merge(
        world.deals[["lead_id", "closed_at", "outcome"]], on="lead_id", how="left"
    )
    parts = []
    for cutoff in cutoffs:
        is_open = (leads["created_at"] < cutoff) & ~(leads["closed_at"] < cutoff)
        parts.append(leads[is_open].assign(cutoff=cutoff))
    found = pd.concat(parts, ignore_index=True)
    return found.assign(truth=world.true_probability(found[["lead_id", "cutoff"]], HORIZON))


def endings(frame, until):
    closed = frame["closed_at"] < until
    when = frame["closed_at"].where(closed, until)
    return pd.DataFrame(
        {
            "days": (when - frame["cutoff"]) / pd.Timedelta(days=1),
            "ending": frame["outcome"].astype(object).where(closed, "open"),
        }
    )


@pytest.fixture(scope="module")
def off(world):
    """In points, the means over the instants of: labels less truth by age, readiness less truth."""
    first = pd.Timestamp("2024-10-07")
    past = snapshots(world, [first - timedelta(weeks=week) for week in range(5, 20)])
    pace = learn_pace(past["truth"].to_numpy(), endings(past, first), HORIZON)
    rows = []
    for number in range(8):
        until = first + timedelta(days=HORIZON * number)
        late = snapshots(world, [until - timedelta(days=age) for age in AGES])
        truth, known = late["truth"].to_numpy(), endings(late, until)["ending"].to_numpy()
        age = (until - late["cutoff"]).dt.days.to_numpy()
        won = (known == "won").astype(float)
        for way, seen in zip(WAYS, (pace.seen(truth, age, known), Seen(won, 1 - won)), strict=True):
            said = learn_line(logit(truth), seen, with_slope=True).probability(logit(truth))
            label = seen.won(said)
            row = {days: (label - truth)[age == days].mean() for days in AGES}
            rows.append({"way": way, "readiness": (said - truth).mean()} | row)
    return 100 * pd.DataFrame(rows).groupby("way").mean()


def test_corrected_labels_are_unbiased_where_those_as_they_stand_are_not(off):
    print(f"\n{off.round(2).to_string()}")
    corrected, naive = off.loc["corrected", list(AGES)], off.loc["naive", list(AGES)]
    assert (naive < [-2.5, -1.2, -0.6, -0.1]).all()
    assert np.abs(corrected).max() < 0.5
    assert np.abs(corrected).mean() < np.abs(naive).mean() / 5


def test_so_is_the_readiness(off):
    assert off.at["naive", "readiness"] < -1
    assert abs(off.at["corrected", "readiness"]) < 0.3
