"""The time to close of a training: blind to the test period, judged on it, kept with the model."""

import shutil
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.config import load
from features.dataset import Dataset, endings, labelled
from features.open_database import open_database
from features.result_json import to_json
from models.registry import Registry
from models.timing.time_to_close import COLUMNS
from training.timing import judged_timing, unseen_readiness, with_time_to_close


@pytest.fixture(scope="module")
def past(demo_folder, trained):
    """The training's snapshots, made anew."""
    with open_database(load(demo_folder)) as database:
        return labelled(database, trained.model.specs, trained.split.fit, 30, 4)


def learnt(folder, trained, past):
    model, split = trained.model, trained.split
    unseen = unseen_readiness(past, model, trained.chosen.settings, load(folder).seed)
    with open_database(load(folder)) as database:
        return with_time_to_close(database, model, past, split, unseen).time_to_close


def test_no_lead_s_own_outcomes_tell_its_band(trained, past):
    """Turn one lead's labels round: its readiness stays, that of leads in other folds moves."""
    lead = past.frame["lead_id"].to_numpy() == past.frame["lead_id"].iloc[0]
    turned = Dataset(past.frame, np.where(lead, 1 - past.won, past.won))
    model, settings = trained.model, trained.chosen.settings
    before, after = (unseen_readiness(each, model, settings, 7) for each in (past, turned))
    assert np.array_equal(before[lead], after[lead])
    assert not np.array_equal(before, after)
    assert not np.array_equal(before, model.rank(past.frame))
    few = past.rows(np.arange(len(past.won)) < 30)
    assert np.array_equal(unseen_readiness(few, model, settings, 7), model.rank(few.frame))


def test_outcomes_from_the_end_of_the_last_training_label_on_change_nothing(
    demo_folder, trained, past, tmp_path
):
    """Not one of them: they are all turned round; one that came before does change it."""
    for file in demo_folder.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    until = trained.model.trained_until + timedelta(days=30)
    assert until <= trained.split.judge[0]
    deals = pd.read_parquet(demo_folder / "deals.parquet")
    later = deals["closed_at"] >= until
    assert 10 < later.sum() < len(deals) / 2
    turned = deals["outcome"].astype(str).map({"won": "lost", "lost": "won"})
    deals["outcome"] = deals["outcome"].astype(str).mask(later, turned)
    deals.to_parquet(tmp_path / "deals.parquet")
    assert learnt(tmp_path, trained, past) == trained.model.time_to_close
    deals["outcome"] = deals["outcome"].mask(
        deals["closed_at"] >= until - timedelta(days=7), turned
    )
    deals.to_parquet(tmp_path / "deals.parquet")
    assert learnt(tmp_path, trained, past) != trained.model.time_to_close


def test_what_is_loaded_estimates_the_same_to_the_bit(demo_folder, trained, judged):
    loaded = Registry(load(demo_folder)).load("champion").time_to_close
    stored = trained.model.time_to_close
    assert loaded == stored
    readiness, cutoff = trained.model.rank(judged.frame), trained.split.judge[0]
    result = loaded.estimate(judged.frame, readiness, cutoff)
    assert result.equals(stored.estimate(judged.frame, readiness, cutoff))
    assert list(result) == COLUMNS
    assert (result["follow_up_on"] > cutoff).all()
    assert (result["follow_up_on"].dt.day_of_week < 5).all()
    lead = pd.to_timedelta(result["close_days_low"], unit="D")
    moved = (result["follow_up_on"] - (cutoff + lead)).dt.days
    assert set(moved) <= {0, 1, 2}
    assert (result["close_days_low"] <= result["close_days_median"]).all()
    assert (result["close_days_median"] <= result["close_days_high"]).all()


def test_the_chance_within_the_horizon_is_the_readiness(trained, judged):
    readiness = trained.model.rank(judged.frame)
    chances = trained.model.time_to_close.chances(judged.frame, readiness, [7, 30, 60, 180])
    assert chances[:, 1] == pytest.approx(readiness, rel=1e-12)
    assert (np.diff(chances, axis=1) >= 0).all()


def test_the_judgement_is_that_of_plain_python(demo_folder, trained, judged):
    """Brier score and middle half, counted lead by lead."""
    curves, model = trained.model.time_to_close, trained.model
    with open_database(load(demo_folder)) as database:
        result = judged_timing(database, model, judged, trained.split)
        known = endings(database, trained.split.judge, database.data_end)
        data_end = database.data_end
    assert result == trained.timing
    readiness = model.rank(judged.frame)
    chance = curves.chances(judged.frame, readiness, range(1, 181))
    rows = zip(chance, known["cutoff"], known["days"], known["ending"], strict=True)
    loss, inside, wins = [], 0, 0
    for curve, cutoff, days, ending in rows:
        followed = min((data_end - cutoff).days, curves.reach)
        won = ending == "won"
        loss.append((curve[6] - (won and days < 7)) ** 2)
        if won and days < followed:
            wins += 1
            by = [
                min(d for d in range(1, 181) if curve[d - 1] >= q * curve[followed - 1] - 1e-8)
                for q in (0.25, 0.75)
            ]
            inside += by[0] <= days < by[1]
    assert result.ladder[0].days == 7
    assert result.ladder[0].brier == pytest.approx(np.mean(loss))
    assert (result.wins, result.in_middle_half) == (wins, pytest.approx(inside / wins))


def test_it_is_printed_and_logged(demo_folder, trained):
    block = to_json(trained)["time_to_close"]
    assert block["reach"] == 180
    assert [rung["days"] for rung in block["ladder"]] == [7, 30, 60]
    run = Registry(load(demo_folder)).client.get_run(trained.model.run_id)
    assert run.data.metrics["test_close_pinball"] == block["pinball"]
    assert run.data.metrics["test_close_brier_30d"] == block["ladder"][1]["brier"]
