"""The worlds of the other modes: their truth is true, and their tables are what they say."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import BadInput
from features.simulator.accounts import buying_groups
from features.simulator.flat import flat_table
from features.simulator.modes import WORLDS, Mode
from features.simulator.repeat import repeat_purchases
from features.simulator.simulate import simulate, write
from features.simulator.simulated import START, Simulated
from features.simulator.usage import product_usage

DAY = pd.Timedelta(days=1)
HORIZON = 30
NEW: tuple[Mode, ...] = ("repeat", "usage", "flat", "accounts")


@pytest.fixture(scope="module")
def worlds() -> dict[Mode, Simulated]:
    return {
        "repeat": repeat_purchases(4_000, 1, 300),
        "usage": product_usage(8_000, 1, 300),
        "flat": flat_table(8_000, 1, 300),
        "accounts": buying_groups(8_000, 1, 300),
    }


def leads_and_deals(world: Simulated) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The leads and closed deals by the contract, also of the flat table."""
    if "deals" in world.tables:
        deals = world.tables["deals"]
        return world.tables["leads"], deals[deals.closed_at.notna()]
    flat = world.tables["customers"]
    rows = pd.DataFrame(
        {
            "lead_id": flat.customer_no,
            "created_at": pd.to_datetime(flat.created_on),
            "closed_at": pd.to_datetime(flat.closed_on),
            "outcome": flat.status.str.lower(),
        }
    )
    return rows, rows[rows.closed_at.notna()]


def snapshots_of(world: Simulated, mode: Mode) -> pd.DataFrame:
    """One midnight per lead, chosen beforehand, with `won`: so that outcomes are independent."""
    leads, deals = leads_and_deals(world)
    rng = np.random.default_rng(5)
    last = (world.data_end - START).days - HORIZON
    chosen = START + pd.to_timedelta(rng.integers(20, last, size=len(leads)), unit="D")
    rows = leads[["lead_id"]].assign(cutoff=chosen)[(leads.created_at < chosen).to_numpy()]
    joined = rows.merge(deals, on="lead_id")
    if mode != "repeat":  # won or lost once is over
        closed = joined[joined.closed_at < joined.cutoff].lead_id
        rows = rows[~rows.lead_id.isin(closed)]
    within = (joined.closed_at >= joined.cutoff) & (
        joined.closed_at < joined.cutoff + HORIZON * DAY
    )
    won = joined[within & (joined.outcome == "won")].lead_id
    return rows.assign(won=rows.lead_id.isin(won)).reset_index(drop=True)


@pytest.mark.parametrize("mode", NEW)
def test_the_truth_is_true(worlds: dict[Mode, Simulated], mode: Mode) -> None:
    """By quarter of the ranking: wins within 4 standard deviations of those expected (+ 1)."""
    snapshots = snapshots_of(worlds[mode], mode)
    chance = pd.Series(worlds[mode].true_probability(snapshots, HORIZON))
    quarter = pd.qcut(chance.rank(method="first"), 4, labels=False)
    expected, deviation = chance.groupby(quarter).sum(), (chance * (1 - chance)).groupby(quarter)
    gap = (snapshots.won.groupby(quarter).sum() - expected).abs()
    assert expected.sum() > 20
    assert (gap <= 4 * deviation.sum() ** 0.5 + 1).all(), pd.DataFrame({"p": expected, "gap": gap})
    assert chance[snapshots.won].mean() > 1.5 * chance[~snapshots.won].mean()


@pytest.mark.parametrize("mode", NEW)
def test_the_same_seed_makes_the_same_database(mode: Mode) -> None:
    one, same, other = (WORLDS[mode](1_000, seed, 80) for seed in (1, 1, 2))
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, same.tables[name])
        assert not table.equals(other.tables[name])


@pytest.mark.parametrize("mode", ["repeat", "usage", "accounts"])
def test_every_time_is_of_a_lead_that_exists_and_before_the_data_end(
    worlds: dict[Mode, Simulated], mode: Mode
) -> None:
    tables, end = worlds[mode].tables, worlds[mode].data_end
    created = tables["leads"].set_index("lead_id").created_at
    assert created.index.is_unique
    for table, column in (("events", "occurred_at"), ("deals", "closed_at")):
        rows = tables[table].dropna(subset=column)
        assert (rows[column].to_numpy() >= created[rows.lead_id].to_numpy()).all()
        assert (rows[column] < end).all()


def test_customers_buy_again_and_open_deals_are_rows(worlds: dict[Mode, Simulated]) -> None:
    deals = worlds["repeat"].tables["deals"]
    assert (deals.groupby("lead_id").size() > 1).mean() > 0.3
    assert set(deals.outcome) == {"won", "lost", "open"}
    assert (deals.closed_at.isna() == (deals.outcome == "open")).all()
    assert not (deals.opened_at > deals.closed_at).any()
    for _, own in deals.sort_values("opened_at").groupby("lead_id"):
        for before, after in pairwise(zip(own.closed_at, own.opened_at, strict=True)):
            assert before[0] < after[1]


def test_customers_do_more_before_they_buy(worlds: dict[Mode, Simulated]) -> None:
    tables = worlds["repeat"].tables
    won = tables["deals"][tables["deals"].outcome == "won"]
    rows = won.merge(tables["events"][["lead_id", "occurred_at"]], on="lead_id")
    days_before = (rows.closed_at - rows.occurred_at).dt.days
    last, earlier = days_before.between(0, 15).sum(), days_before.between(45, 60).sum()
    assert last > 2 * earlier > 0


@pytest.mark.long
def test_an_account_is_won_with_the_third_login_day_of_a_week(
    worlds: dict[Mode, Simulated],
) -> None:
    tables = worlds["usage"].tables
    assert set(tables["events"].action) == {"logged_in"}
    won = {}
    for lead, own in tables["events"].groupby("lead_id"):
        firsts = own.groupby(own.occurred_at.dt.normalize()).occurred_at.min()
        days = list(firsts.index)
        thirds = (n for n in range(2, len(days)) if days[n] - days[n - 2] < 7 * DAY)
        third = next(thirds, None)
        if third is not None:
            won[lead] = firsts.iloc[third]
    assert tables["deals"].set_index("lead_id").closed_at.to_dict() == won
    only_once = tables["events"].groupby("lead_id").occurred_at.agg(lambda at: at.dt.date.nunique())
    assert (only_once == 1).mean() > 0.5


def test_the_true_chance_is_seen_in_what_colleagues_do(worlds: dict[Mode, Simulated]) -> None:
    """Of leads that are alike in what they did themselves: nothing in the last two weeks."""
    tables, at = worlds["accounts"].tables, START + 200 * DAY
    leads, events, deals = (tables[name] for name in ("leads", "events", "deals"))
    sizes = leads.account_id.value_counts()
    assert sizes.max() <= 8
    assert 0.05 < leads.account_id.isna().mean() < 0.15
    closed = deals[deals.closed_at < at].lead_id
    rows = leads[(leads.created_at < at) & ~leads.lead_id.isin(closed) & leads.account_id.notna()]
    recent = events[events.occurred_at.between(at - 14 * DAY, at - pd.Timedelta(1, "us"))]
    recent = recent[recent.action == "asked_for_terms"].merge(leads, on="lead_id")
    silent = rows[~rows.lead_id.isin(recent.lead_id)]
    chance = pd.Series(
        worlds["accounts"].true_probability(silent[["lead_id"]].assign(cutoff=at), HORIZON)
    )
    near = silent.account_id.isin(recent.account_id).to_numpy()
    assert near.sum() > 20
    assert chance[near].mean() > 2 * chance[~near].mean()


def test_a_flat_table_is_one_csv(worlds: dict[Mode, Simulated], tmp_path: Path) -> None:
    (path,) = write(worlds["flat"], tmp_path)
    assert path.name == "customers.csv"
    rows = pd.read_csv(path)
    assert rows.customer_no.is_unique
    assert (rows.closed_on.isna() == (rows.status == "Open")).all()
    assert (rows.discount.notna() == (rows.status == "Won")).all()
    assert (rows.closed_on.dropna() > rows.created_on[rows.closed_on.notna()]).all()


def test_a_renewal_that_is_near_is_won_more_often(worlds: dict[Mode, Simulated]) -> None:
    flat = worlds["flat"].tables["customers"]
    at = START + 150 * DAY
    is_open = (pd.to_datetime(flat.created_on) < at) & ~(pd.to_datetime(flat.closed_on) < at)
    rows = flat[is_open]
    chance = worlds["flat"].true_probability(
        pd.DataFrame({"lead_id": rows.customer_no, "cutoff": at}), HORIZON
    )
    left = (pd.to_datetime(rows.contract_ends) - at).dt.days
    assert chance[left.between(30, 50)].mean() > 2 * chance[left > 200].mean()


@pytest.mark.parametrize("mode", NEW)
def test_sizes_and_snapshots_that_cannot_be_are_refused(
    worlds: dict[Mode, Simulated], mode: Mode
) -> None:
    with pytest.raises(BadInput, match="1,000 to 100,000"):
        WORLDS[mode](999, 1, 80)
    with pytest.raises(BadInput, match="60"):
        WORLDS[mode](1_000, 1, 59)
    for lead, cutoff in ((1, START), (8_001, START + 90 * DAY), (1, START + 90.5 * DAY)):
        given = pd.DataFrame({"lead_id": [lead], "cutoff": [cutoff]})
        with pytest.raises(BadInput, match=f"lead {lead} at"):
            worlds[mode].true_probability(given, HORIZON)


def test_leads_are_simulated_as_ever() -> None:
    assert WORLDS["leads"] is simulate
