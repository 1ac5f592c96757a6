"""Scoring follows a market that has turned, by outcomes complete at the cutoff and by no other."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.config import load
from features.contract.database import open_database
from models.rules.rules import load_rules
from serve.prior_shift import LATEST, shifted, telling_cutoffs
from serve.scorer import Scorer
from training.record import Trained


@pytest.fixture(scope="module")
def scorer(demo_folder: Path, trained: Trained) -> Scorer:
    return Scorer(trained.model, load_rules(demo_folder / "rules.toml"), {})


def asked(folder: Path, prior_shift: bool = True):
    config = load(folder)
    training = config.training.model_copy(update={"prior_shift": prior_shift})
    return config.model_copy(update={"training": training})


def told(folder: Path, scorer: Scorer, cutoff: datetime, prior_shift: bool = True):
    with open_database(asked(folder, prior_shift)) as database:
        return shifted(asked(folder, prior_shift), database, scorer, cutoff)


def company(demo_folder: Path, to: Path, lost_from: datetime, lost_to: datetime) -> Path:
    """The demo, whose deals won in [lost_from, lost_to) were lost instead, all but a tenth."""
    shutil.copytree(demo_folder, to, ignore=shutil.ignore_patterns("out"))
    deals = pd.read_parquet(to / "deals.parquet")
    turned = deals["closed_at"].between(lost_from, lost_to, inclusive="left")
    turned &= (deals["outcome"] == "won") & (deals["lead_id"] % 10 != 0)
    deals["outcome"] = deals["outcome"].astype(str).where(~turned, "lost")
    deals.to_parquet(to / "deals.parquet")
    return to


def test_the_cutoffs_that_tell_are_after_training_and_complete(demo_folder, scorer):
    model = scorer.model
    begin, day = model.trained_until, timedelta(days=1)
    assert telling_cutoffs(asked(demo_folder), model, begin + 44 * day - day / 24) == []
    assert telling_cutoffs(asked(demo_folder), model, begin + 44 * day) == [begin + 14 * day]
    latest = telling_cutoffs(asked(demo_folder), model, begin + 200 * day)
    assert latest == [begin + n * 14 * day for n in range(13 - LATEST, 13)]


def test_without_the_word_nothing_is_moved(demo_folder, scorer):
    same, shift = told(demo_folder, scorer, datetime(2025, 6, 20), prior_shift=False)
    assert same is scorer
    assert shift is None


def test_the_readiness_follows_and_only_complete_outcomes_move_it(demo_folder, scorer, tmp_path):
    until, cutoff = scorer.model.trained_until, datetime(2025, 6, 20)
    turned = company(demo_folder, tmp_path / "turned", until, cutoff)
    moved, shift = told(turned, scorer, cutoff)
    assert shift is not None
    assert shift.seen < shift.promised / 2
    assert shift.log_odds < -0.7
    assert "is added to every log-odds" in str(shift)
    slope, intercept = scorer.model.sigmoid
    assert moved.model.sigmoid == pytest.approx((slope, intercept + shift.log_odds))
    # what happens at the cutoff or later is not known there
    later = company(demo_folder, tmp_path / "later", cutoff, cutoff + timedelta(days=999))
    assert told(later, scorer, cutoff)[1] == told(demo_folder, scorer, cutoff)[1]
