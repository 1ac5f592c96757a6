"""The simulated lead database keeps its contract, and its truth is true."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.errors import BadInput
from features.simulator.simulate import World, simulate, write
from features.simulator.world import FITS, INTENTS, LOST, SOURCES, WON, WORKED, Law

HORIZON = 30


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(leads=20_000, seed=7)


@pytest.fixture(scope="module")
def small() -> World:
    return simulate(leads=1_000, seed=1)


@pytest.fixture(scope="module")
def outcomes(world: World) -> pd.DataFrame:
    return world.leads.merge(world.deals, how="left", on="lead_id")


@pytest.fixture(scope="module")
def cohorts(world: World, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Weekly snapshots of open leads, mature at HORIZON, with `probability` and `won`."""
    last = world.data_end - pd.Timedelta(days=HORIZON)
    weekly = []
    for cutoff in pd.date_range("2024-02-01", last, freq="7D"):
        is_open = (outcomes.created_at < cutoff) & ~(outcomes.closed_at < cutoff)
        weekly.append(outcomes[is_open].assign(cutoff=cutoff))
    cohort = pd.concat(weekly, ignore_index=True)
    in_time = cohort.closed_at < cohort.cutoff + pd.Timedelta(days=HORIZON)
    cohort["won"] = (cohort.outcome == "won") & in_time
    cohort["probability"] = world.true_probability(cohort, HORIZON)
    return cohort


def test_the_same_seed_gives_the_same_world(small: World) -> None:
    again, other = simulate(leads=1_000, seed=1), simulate(leads=1_000, seed=2)
    for name in ("events", "leads", "deals", "contacts"):
        pd.testing.assert_frame_equal(getattr(small, name), getattr(again, name))
        assert not getattr(small, name).equals(getattr(other, name))
    still_open = small.leads[~small.leads.lead_id.isin(small.deals.lead_id)]
    snapshots = still_open.assign(cutoff=small.data_end)
    assert np.array_equal(
        small.true_probability(snapshots, 30), again.true_probability(snapshots, 30)
    )


def test_the_contract_holds(world: World) -> None:
    leads = world.leads.set_index("lead_id")
    assert leads.index.is_unique
    assert world.deals.lead_id.is_unique
    assert set(world.deals.outcome) == {"won", "lost"}
    for table, time in (
        (world.events, "occurred_at"),
        (world.deals, "closed_at"),
        (world.contacts, "contacted_at"),
    ):
        assert table[time].dtype == "datetime64[us]"
        assert table[["lead_id", time]].notna().all(axis=None)
        assert (table[time].to_numpy() >= leads.created_at[table.lead_id].to_numpy()).all()
        assert (table[time] < world.data_end).all()
    assert world.events.recorded_at.max() < world.data_end
    assert (world.events.recorded_at >= world.events.occurred_at).all()
    assert world.events.occurred_at.is_monotonic_increasing


def test_nothing_happens_once_a_deal_is_closed(world: World) -> None:
    closed_at = world.deals.set_index("lead_id").closed_at
    for table, time in ((world.events, "occurred_at"), (world.contacts, "contacted_at")):
        assert not (table[time] >= table.lead_id.map(closed_at)).any()
    assert not (world.deals.opened_at > world.deals.closed_at).any()


def test_the_base_rate_is_that_of_a_sales_team(cohorts: pd.DataFrame) -> None:
    assert 0.03 < cohorts.won.mean() < 0.10


def one_each(cohorts: pd.DataFrame) -> pd.DataFrame:
    """At most one snapshot per lead, so that outcomes are independent and errors binomial.

    Which one is chosen beforehand, by its number. A choice among those the lead has would look
    ahead: leads that win soon have few, each of which would be chosen too often.
    """
    places = np.random.default_rng(3).geometric(0.12, size=cohorts.lead_id.max() + 1)
    number = cohorts.groupby("lead_id").cumcount() + 1
    chosen: pd.DataFrame = cohorts[number == places[cohorts.lead_id]]
    return chosen


def test_outcomes_are_calibrated_against_the_truth(cohorts: pd.DataFrame) -> None:
    snapshots = one_each(cohorts)
    assert len(snapshots) > 5_000
    assert_calibrated(snapshots.probability, snapshots.won)


@pytest.mark.parametrize("horizon", [1, 7, 90])
def test_the_truth_holds_at_other_horizons(
    world: World, cohorts: pd.DataFrame, horizon: int
) -> None:
    length = pd.Timedelta(days=horizon)
    snapshots = one_each(cohorts[cohorts.cutoff + length <= world.data_end])
    in_time = snapshots.closed_at < snapshots.cutoff + length
    truth = pd.Series(world.true_probability(snapshots, horizon), index=snapshots.index)
    assert_calibrated(truth, (snapshots.outcome == "won") & in_time)


def assert_calibrated(probability: "pd.Series[float]", won: "pd.Series[bool]") -> None:
    """By tenth of the ranking: wins within 4 standard deviations of those expected (+ 1 win)."""
    tenth = probability.rank(method="first", pct=True).mul(10).apply(np.ceil)
    expected = probability.groupby(tenth).sum()
    deviation = (probability * (1 - probability)).groupby(tenth).sum() ** 0.5
    gap = (won.groupby(tenth).sum() - expected).abs()
    assert len(gap) == 10
    assert (gap <= 4 * deviation + 1).all(), pd.DataFrame({"expected": expected, "gap": gap})


@pytest.mark.parametrize("intent", INTENTS)
@pytest.mark.parametrize("worked", [0, WORKED])
def test_the_truth_equals_brute_force(intent: str, worked: int) -> None:
    law, day, horizon, lives = Law(pd.Timestamp("2024-01-01"), 120), 100, 40, 20_000
    kind = list(SOURCES).index("referral") * len(FITS) + list(FITS).index("fair")
    code = INTENTS.index(intent) + worked
    rng = np.random.default_rng(5)
    codes, wins = np.full(lives, code, np.int8), 0
    for later in range(day, day + horizon):  # runs past the law's last day, on purpose
        codes, _, _ = law.step(rng, np.full(len(codes), kind), codes, later)
        wins += int((codes == WON).sum())
        codes = codes[codes < WON]
    truth = law.win_probability(day, horizon)[kind, code]
    assert wins / lives == pytest.approx(truth, abs=4 * (truth * (1 - truth) / lives) ** 0.5)


def test_a_closed_lead_stays_closed() -> None:
    chance = Law(pd.Timestamp("2024-01-01"), 120).win_probability(50, 30)
    assert (chance >= 0).all()
    assert (chance <= 1).all()
    assert (chance[:, WON] == 1).all()
    assert (chance[:, LOST] == 0).all()


def test_sources_convert_in_the_order_of_their_quality(outcomes: pd.DataFrame) -> None:
    settled = outcomes[outcomes.created_at < "2025-01-01"]
    won = (settled.outcome == "won").groupby(settled.source, observed=True).mean()
    assert list(won.sort_values(ascending=False).index) == list(SOURCES)


def test_behaviour_outweighs_demographics(world: World, cohorts: pd.DataFrame) -> None:
    by_size = cohorts.groupby("company_size", observed=True).probability.mean()
    by_intent = cohorts.groupby(world.intents(cohorts)).probability.mean()
    assert 1.1 < by_size.max() / by_size.min() < 2.5
    assert by_intent.max() / by_intent.min() > 20


def test_activity_is_heavy_tailed_and_some_do_nothing(world: World) -> None:
    events = world.events.groupby("lead_id").size().reindex(world.leads.lead_id, fill_value=0)
    assert 15 < events.mean() < 30
    assert 0.01 < (events == 0).mean() < 0.10
    busiest = events.sort_values().tail(len(events) // 10)
    assert 0.4 < busiest.sum() / events.sum() < 0.9


def test_some_events_are_recorded_late_and_some_by_night(world: World) -> None:
    events = world.events
    assert 0.02 < (events.recorded_at > events.occurred_at).mean() < 0.04
    assert 0.03 < (events.occurred_at.dt.hour < 6).mean() < 0.25
    assert 0.05 < (events.occurred_at.dt.day_of_week >= 5).mean() < 0.25
    assert (events.value.notna() == (events.action == "opened_quote")).all()


def test_intent_varies_and_purchases_are_postponed(world: World, cohorts: pd.DataFrame) -> None:
    share = pd.Series(world.intents(cohorts)).value_counts(normalize=True)
    assert set(share.index) == set(INTENTS)
    assert share["postponed"] > 0.02


def test_the_cohort_settles_and_leads_are_open_at_the_end(
    world: World, cohorts: pd.DataFrame
) -> None:
    size = cohorts.groupby("cutoff").size()
    assert size.iloc[-1] < 1.15 * size.iloc[len(size) // 2]
    assert 0.05 < 1 - len(world.deals) / len(world.leads) < 0.4


def test_sales_calls_on_weekdays_within_its_capacity(world: World) -> None:
    per_day = world.contacts.groupby(world.contacts.contacted_at.dt.normalize()).size()
    assert (per_day.index.day_of_week < 5).all()  # type: ignore[attr-defined]
    assert per_day.iloc[60:].std() < 2 * per_day.iloc[60:].mean() ** 0.5
    assert len(world.contacts) < 0.65 * len(world.leads)
    assert 0.2 < world.contacts.accepted.mean() < 0.8


def test_what_is_written_is_what_is_known(small: World, tmp_path: Path) -> None:
    paths = write(small, tmp_path / "new")
    assert write(small, tmp_path / "new") == paths
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(
        f"{name}.parquet" for name in ("events", "leads", "deals", "contacts")
    )
    for path in paths:
        pd.testing.assert_frame_equal(pd.read_parquet(path), getattr(small, path.stem))
    value = pq.read_table(paths[0])["value"]
    assert value.null_count == small.events.value.isna().sum() > 0


def test_progress_is_heard_to_the_end() -> None:
    heard: list[float] = []
    simulate(leads=1_000, seed=1, days=60, progress=heard.append)
    assert heard == sorted(heard)
    assert (len(heard), heard[-1]) == (60, 1.0)


@pytest.mark.parametrize("leads", [999, 1_000_001])
def test_a_number_of_leads_out_of_range_is_refused(leads: int) -> None:
    with pytest.raises(BadInput, match="1,000 to 1,000,000"):
        simulate(leads=leads, seed=1)


def test_a_period_that_cannot_be_is_refused() -> None:
    with pytest.raises(BadInput, match="at least 60 days"):
        simulate(leads=1_000, seed=1, days=59)
    with pytest.raises(BadInput, match="midnight"):
        simulate(leads=1_000, seed=1, start=pd.Timestamp("2024-01-01 12:00"))


def test_truth_is_refused_where_there_is_none(small: World) -> None:
    deal, lead = small.deals.iloc[0], small.leads.iloc[-1]
    midnight_after = deal.closed_at.normalize() + pd.Timedelta(days=1)
    for lead_id, cutoff in (
        (deal.lead_id, midnight_after),  # closed
        (lead.lead_id, lead.created_at.normalize()),  # not yet created
        (lead.lead_id, small.data_end - pd.Timedelta(hours=1)),  # no midnight
        (lead.lead_id, small.data_end + pd.Timedelta(days=1)),  # after the data end
        (len(small.leads) + 1, small.data_end),  # no such lead
    ):
        with pytest.raises(BadInput, match=f"the first is lead {lead_id} at"):
            small.true_probability(pd.DataFrame({"lead_id": [lead_id], "cutoff": [cutoff]}), 30)
