"""A training with partly mature cutoffs: what joins, what stays, and that nothing is peeked at."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.config import load
from features.contract.database import open_database
from features.cutoffs import grid
from features.dataset import Dataset, labelled
from features.simulator.simulate import simulate, write
from features.starter.starter import write_starter
from models.comparison import fair_cutoffs
from models.registry import Registry
from tests.conftest import QUICK, edit
from training.partly_mature import with_late_cutoffs
from training.splits import between
from training.train import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """5,000 simulated leads, cutoffs every ten days, so that two lie in the gap of 30 days."""
    folder = tmp_path_factory.mktemp("company")
    write(simulate(leads=5_000, seed=3), folder)
    write_starter(folder)
    edit(folder, **QUICK | {"cutoff_every_days": 10, "candidates": 1, "partly_mature": "true"})
    return folder


@pytest.fixture(scope="module")
def found(folder):
    return train(load(folder))


def learnt(folder, found, model, leave_out=()):
    """The late cutoffs' part of a training made anew, from a model as it was before it."""
    config, split = load(folder), found.split
    with open_database(config) as database:
        cutoffs = grid(config.time.first_cutoff, 10, database.data_end)
        past = labelled(database, model.specs, split.fit, 30, 4)
        late = [c for c in between(cutoffs, split) if c not in leave_out]
        readiness = model.rank(past.frame)
        return with_late_cutoffs(database, config, model, past, split, late, readiness)


def test_the_cutoffs_in_the_gap_join_and_are_told(folder, found):
    first, late = found.split.judge[0], found.late
    assert [each.days for each in late.cutoffs] == [20, 10]
    assert all(found.split.fit[-1] < each.cutoff < first for each in late.cutoffs)
    for each in late.cutoffs:
        assert each.won + each.lost + each.open == each.snapshots
        assert each.won < each.expected_won < 4 * each.won
    told = found.to_json()
    json.dumps(told, allow_nan=False)
    assert [each["cutoff"] for each in told["partly_mature"]["cutoffs"]] == [
        f"{first - timedelta(days=days):%Y-%m-%d}" for days in (20, 10)
    ]
    assert str(late) in found.notes
    assert "2 partly mature cutoffs joined the calibration" in str(late)


def test_what_was_won_by_then_against_the_raw_files(folder, found):
    deals = pd.read_parquet(folder / "deals.parquet")
    leads = pd.read_parquet(folder / "leads.parquet").merge(deals, on="lead_id", how="left")
    for each in found.late.cutoffs:
        is_open = (leads["created_at"] < each.cutoff) & ~(leads["closed_at"] < each.cutoff)
        closed = is_open & (leads["closed_at"] < found.late.until)
        assert each.snapshots == is_open.sum()
        assert each.won == (closed & (leads["outcome"] == "won")).sum()
        assert each.lost == (closed & (leads["outcome"] == "lost")).sum()


def test_the_final_test_is_what_it_was_and_is_fair(folder, found):
    config = load(folder)
    with open_database(config) as database:
        fair = fair_cutoffs(config, [found.model], database.data_end)
    assert tuple(fair) == found.split.judge
    assert found.model.trained_until == found.split.judge[0] - timedelta(days=30)
    assert found.split.fit[-1] <= found.model.trained_until < found.late.cutoffs[0].cutoff


def test_the_model_is_kept_as_it_was_judged(folder, found):
    kept = Registry(load(folder)).load(found.model.version)
    judged = found.comparison
    with open_database(load(folder)) as database:
        test = labelled(database, kept.specs, found.split.judge, 30, 4)
    assert np.array_equal(kept.rank(test.frame), judged.model)


def test_only_the_line_through_the_log_odds_moves(folder, found):
    other, _ = learnt(folder, found, replace(found.model, version="before"))
    assert other.pipeline is found.model.pipeline
    moved, _ = learnt(folder, found, found.model, leave_out=[found.late.cutoffs[1].cutoff])
    assert moved.sigmoid != other.sigmoid


def test_nothing_from_the_first_cutoff_of_the_final_test_on_is_known(folder, found, tmp_path):
    """Every deal closed from there on is turned round: nothing changes; before it, it does."""
    for file in folder.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    deals = pd.read_parquet(folder / "deals.parquet")
    outcome = deals["outcome"].astype(str)
    turned = outcome.map({"won": "lost", "lost": "won"})
    before = learnt(folder, found, found.model)
    late, horizon = found.late.cutoffs[0].cutoff, timedelta(days=30)
    for since, changes in ((found.late.until, False), (late, True)):
        later = deals["closed_at"] >= since
        assert 10 < later.sum() < len(deals) / 2
        deals.assign(outcome=outcome.mask(later, turned)).to_parquet(tmp_path / "deals.parquet")
        model, told = learnt(tmp_path, found, found.model)
        assert (model.sigmoid != before[0].sigmoid) == changes
        assert (told != before[1]) == changes
    assert late + horizon > found.late.until


def test_where_none_can_join_it_says_why(folder, found):
    config, split = load(folder), found.split
    with open_database(config) as database:
        past = labelled(database, found.model.specs, split.fit, 30, 4)
        few = np.isin(past.frame["lead_id"], past.frame["lead_id"].unique()[:300])
        for dataset, late, why in (
            (past, (), "no cutoff lies between"),
            (Dataset(past.frame[few], past.won[few]), split.judge[:1], "fewer than 150 leads"),
        ):
            readiness = np.full(len(dataset.won), 0.1)
            model, told = with_late_cutoffs(
                database, config, found.model, dataset, split, late, readiness
            )
            assert model is found.model
            assert why in str(told)
            assert told.to_json()["cutoffs"] == []
