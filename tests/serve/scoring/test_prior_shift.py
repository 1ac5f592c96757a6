"""Scoring follows a market that has turned, by outcomes complete at the cutoff and by no other."""

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from scipy.special import logit

from features.config import load
from features.open_database import open_database
from features.progress import silent
from models.decisions.place import LedgerPlace
from models.rules.rules import load_rules
from serve.ledger.ledger import open_ledger
from serve.reports.compare.figures import compare
from serve.reports.explain.figures import explain_change, explain_lead
from serve.scoring.batch import score_all
from serve.scoring.prior_shift import LATEST, shifted, telling_cutoffs
from serve.scoring.scorer import Scorer
from tests.copied_company import copied_company
from training.record import Trained


@pytest.fixture(scope="module")
def scorer(demo_folder: Path, trained: Trained) -> Scorer:
    return Scorer(trained.model, load_rules(demo_folder / "rules.toml"), {})


def settings_of(folder: Path, prior_shift: bool = True):
    config = load(folder)
    training = config.training.model_copy(update={"prior_shift": prior_shift})
    return config.model_copy(update={"training": training})


def shift_of(folder: Path, scorer: Scorer, cutoff: datetime, prior_shift: bool = True):
    with open_database(settings_of(folder, prior_shift)) as database:
        return shifted(settings_of(folder, prior_shift), database, scorer.model, cutoff)


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
    assert telling_cutoffs(settings_of(demo_folder), model, begin + 44 * day - day / 24) == []
    assert telling_cutoffs(settings_of(demo_folder), model, begin + 44 * day) == [begin + 14 * day]
    latest = telling_cutoffs(settings_of(demo_folder), model, begin + 200 * day)
    assert latest == [begin + n * 14 * day for n in range(13 - LATEST, 13)]


def test_without_the_word_nothing_is_moved(demo_folder, scorer):
    same, shift = shift_of(demo_folder, scorer, datetime(2025, 6, 20), prior_shift=False)
    assert same is scorer.model
    assert shift is None


def test_the_readiness_follows_and_only_complete_outcomes_move_it(demo_folder, scorer, tmp_path):
    until, cutoff = scorer.model.trained_until, datetime(2025, 6, 20)
    turned = company(demo_folder, tmp_path / "turned", until, cutoff)
    moved, shift = shift_of(turned, scorer, cutoff)
    assert shift is not None
    assert shift.seen < shift.promised / 2
    assert shift.log_odds < -0.7
    assert "is added to every log-odds" in str(shift)
    slope, intercept = scorer.model.line
    assert moved.line == pytest.approx((slope, intercept + shift.log_odds))
    # what happens at the cutoff or later is not known there
    later = company(demo_folder, tmp_path / "later", cutoff, cutoff + timedelta(days=999))
    assert shift_of(later, scorer, cutoff)[1] == shift_of(demo_folder, scorer, cutoff)[1]


@pytest.fixture(scope="module")
def turned(demo_folder, trained, tmp_path_factory) -> Path:
    """The demo with its champion, and a market that turned after the training."""
    until = trained.model.trained_until
    to = tmp_path_factory.mktemp("market") / "turned"
    folder = company(demo_folder, to, until, datetime(2025, 6, 20))
    copied_company(demo_folder / "out", folder / "out")
    return folder


def test_the_one_off_score_is_the_nightly_one(turned, scorer):
    cutoff, config = datetime(2025, 6, 20), settings_of(turned)
    mine = replace(scorer, config=config)
    with (
        open_ledger(LedgerPlace(turned / "out")) as ledger,
        open_database(config, mine.specs) as database,
    ):
        nightly = score_all(config, database, mine, ledger, cutoff).rows
    frames = {t: pd.read_parquet(turned / f"{t}.parquet") for t in ("events", "leads", "deals")}
    once = mine.score(cutoff=cutoff, **frames).astype({"lead_id": str})
    both = nightly.merge(once, on="lead_id", suffixes=("", "_once"))
    assert len(both) == len(nightly) == len(once)
    assert both["readiness_once"].to_numpy() == pytest.approx(both["readiness"].to_numpy())
    stored = scorer.score(cutoff=cutoff, **frames)
    assert (once["readiness"].to_numpy() < stored["readiness"].to_numpy()).all()


def test_compare_gives_each_past_cutoff_the_shift_that_was_known_there(turned, scorer):
    def compared(prior_shift):
        config = settings_of(turned, prior_shift)
        with open_database(config, scorer.rules.specs) as database:
            return compare(config, database, scorer.model, scorer.rules, silent)

    plain, followed = compared(False), compared(True)
    assert plain.prior_shift == {}
    first, *_, last = followed.prior_shift.values()
    assert first == 0.0  # a horizon after the training no outcome is complete yet
    assert last < -0.5
    cutoff = followed.snapshots["cutoff"]
    for day, moved in followed.prior_shift.items():
        here = (cutoff == pd.Timestamp(day)).to_numpy()
        assert logit(followed.model[here]) == pytest.approx(logit(plain.model[here]) + moved)
        _, known = shift_of(turned, scorer, pd.Timestamp(day).to_pydatetime())
        assert moved == (known.log_odds if known else 0.0)
    before, after = (
        result.judgement.estimates["model"]["log_loss"].point for result in (plain, followed)
    )
    assert after < before


def test_explain_since_has_the_shift_as_a_line_that_adds_up(turned, scorer):
    config, now = settings_of(turned), datetime(2025, 6, 20)
    since = scorer.model.trained_until + timedelta(days=30)
    with open_database(config, scorer.specs) as database:
        sql = "SELECT min(lead_id) FROM leads ANTI JOIN deals USING (lead_id) WHERE created_at < ?"
        (lead,) = database.connection.execute(sql, [since]).fetchone()
        change = explain_change(config, database, scorer, str(lead), since, now, ())
        then, later = (explain_lead(config, database, scorer, str(lead), at) for at in (since, now))
    parts = {part.name: part.difference for part in change.log_odds.parts}
    assert parts["prior shift"] == pytest.approx(later.prior_shift.log_odds)
    assert then.prior_shift is None
    assert change.readiness == pytest.approx((then.readiness, later.readiness))
    assert sum(parts.values()) == pytest.approx(later.log_odds - then.log_odds)
