"""A source's quality changes on a known day: the truth stays exact, and nothing else moves.

Example: from day 60 on, newsletter leads have the quality 3.0 instead of 0.5. Leads that arrived
before day 60 end as they would have; later ones are won far more often, as often as stated.
"""

import hashlib

import numpy as np
import pandas as pd
import pytest

from features.errors import BadInput
from features.simulator.simulate import World, simulate
from features.simulator.world import SOURCES, QualityChange

CHANGES = (QualityChange("newsletter", 60, 3.0), QualityChange("partner", 90, 0.4))


@pytest.fixture(scope="module")
def changed() -> World:
    return simulate(leads=20_000, seed=3, days=200, changes=CHANGES)


def test_without_changes_the_world_is_what_it_always_was() -> None:
    """The digest was taken before there were any changes."""
    digest = hashlib.sha256()
    world = simulate(leads=1_000, seed=1, days=120)
    for table in (world.events, world.leads, world.deals, world.contacts):
        digest.update(pd.util.hash_pandas_object(table, index=True).to_numpy().tobytes())
    assert digest.hexdigest()[:32] == "47b856df3e53a76cf2a68864d6be7e92"


def test_who_arrives_when_does_not_change(changed: World) -> None:
    before = simulate(leads=20_000, seed=3, days=200).leads
    pd.testing.assert_frame_equal(before, changed.leads)


def test_a_change_on_a_day_that_never_comes_changes_nothing() -> None:
    """But for rounding: the law has more classes, so its sums are taken in another order."""
    plain = simulate(leads=1_000, seed=1, days=120)
    same = simulate(leads=1_000, seed=1, days=120, changes=[QualityChange("social", 120, 5.0)])
    pd.testing.assert_frame_equal(plain.deals, same.deals)
    pd.testing.assert_frame_equal(plain.events, same.events)


@pytest.mark.parametrize("horizon", [1, 30])
def test_conversion_is_as_often_as_stated(changed: World, horizon: int) -> None:
    """By source and period: wins within 4 standard deviations of those expected."""
    truth = changed.true_conversion(horizon)
    assert list(truth.columns) == list(SOURCES)
    leads = changed.leads.merge(changed.deals, how="left", on="lead_id")
    length = pd.Timedelta(days=horizon)
    leads = leads[leads.created_at + length <= changed.data_end]
    won = (leads.outcome == "won") & (leads.closed_at < leads.created_at + length)
    day = leads.created_at.dt.normalize()
    chance = truth.stack()[list(zip(day, leads.source, strict=True))].to_numpy()
    since = (day - changed.leads.created_at.min().normalize()).dt.days
    period = np.digitize(since, [60, 90])
    grouped = pd.DataFrame({"won": won, "p": chance, "var": chance * (1 - chance)}).groupby(
        [leads.source.astype(str), period]
    )
    total = grouped.sum()
    assert len(total) == 3 * len(SOURCES)
    assert ((total.won - total.p).abs() <= 4 * total["var"] ** 0.5).all(), total


def test_the_truth_leaps_on_the_day_and_only_for_the_source(changed: World) -> None:
    truth = changed.true_conversion(30)
    leap = truth.iloc[60] / truth.iloc[59]
    assert leap["newsletter"] > 4
    assert leap.drop("newsletter").between(0.8, 1.25).all()
    assert truth["partner"].iloc[90] < truth["partner"].iloc[89] / 3


def test_changed_leads_have_their_own_probability(changed: World) -> None:
    """The chance at the next midnight, over all leads of a day, is that of their source and day."""
    at = pd.Timestamp("2024-01-01") + pd.Timedelta(days=101)
    new = changed.leads[changed.leads.created_at.dt.normalize() == at - pd.Timedelta(days=1)]
    snapshots = new.assign(cutoff=at)
    chance = pd.Series(changed.true_probability(snapshots, 30), index=new.index)
    mean = chance.groupby(new.source.astype(str)).mean()
    assert mean["newsletter"] > 3 * mean["partner"]


@pytest.mark.parametrize(
    "given", [("nobody", 5, 1.0), ("social", -1, 1.0), ("social", 5, 0.0), ("social", 5, 5.1)]
)
def test_a_change_that_cannot_be_is_refused(given: tuple[str, int, float]) -> None:
    with pytest.raises(BadInput):
        QualityChange(*given)
