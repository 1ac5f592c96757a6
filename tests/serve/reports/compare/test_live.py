"""Model against rules on the ledger's lists, against outcomes counted in pandas from the tables."""

import shutil
from datetime import timedelta
from itertools import chain

import duckdb
import pandas as pd
import pytest

from features.config import load
from features.open_database import open_database
from models.decisions.place import LedgerPlace
from serve.ledger.ledger import open_ledger
from serve.reports.compare.live import live
from serve.scoring.batch import score_all
from serve.scoring.scorer import Scorer
from tests.copied_company import copied_company

pytestmark = pytest.mark.slow
SHARE = 0.1


@pytest.fixture(scope="module")
def company(demo_folder, trained, tmp_path_factory):
    """Lists at three mature test cutoffs, one within the horizon of the training, one too young."""
    folder = tmp_path_factory.mktemp("live") / "demo"
    copied_company(demo_folder, folder)
    config = load(folder)
    model, horizon = trained.model, timedelta(days=trained.model.horizon_days)
    with open_database(model.staged(config)) as database:
        end = database.data_end
    cutoffs = {
        "judged": list(trained.split.judge[:3]),
        "seen": [model.trained_until + timedelta(days=1)],
        "young": [end - horizon + timedelta(days=1)],
    }
    scorer = Scorer.of(config, "champion")
    with open_ledger(LedgerPlace.of(config)) as ledger:
        for cutoff in chain.from_iterable(cutoffs.values()):
            with open_database(config) as database:
                score_all(config, database, scorer, ledger, cutoff, accept=True)
    return config, model, cutoffs


@pytest.fixture(scope="module")
def result(company):
    config, model, _ = company
    with open_database(model.staged(config)) as database:
        return live(config, database, model)


@pytest.fixture(scope="module")
def rows(company):
    """The scored rows of the judged lists, and whether each lead was won within the horizon."""
    config, model, cutoffs = company
    stored = duckdb.sql(
        f"SELECT lead_id, cutoff, readiness, rule_score FROM '{config.out_folder}/ledger/*.parquet'"
    ).df()
    stored = stored[stored["readiness"].notna() & stored["cutoff"].isin(cutoffs["judged"])]
    deals = pd.read_parquet(config.folder / "deals.parquet").astype({"lead_id": str})
    met = stored.merge(deals[deals["outcome"] == "won"], on="lead_id", how="left")
    after = met["closed_at"] - met["cutoff"]
    met["won"] = (after >= timedelta(0)) & (after < timedelta(days=model.horizon_days))
    return met.groupby(["lead_id", "cutoff", "readiness", "rule_score"])["won"].any().reset_index()


def deals_on_lists(rows, score):
    """On the top of each list; of equals that do not all fit each counts with its part."""
    won = 0.0
    for _, part in rows.groupby("cutoff"):
        left = SHARE * len(part)
        for _, equals in sorted(part.groupby(score), key=lambda each: -each[0]):
            taken = min(left, len(equals))
            won += taken / len(equals) * equals["won"].sum()
            left -= taken
    return won


def test_only_lists_with_known_outcomes_that_no_training_saw_are_judged(result, company):
    assert result.why == ""
    assert [run.cutoff for run in result.runs] == company[2]["judged"]


def test_the_figures_are_those_counted_by_hand(result, rows):
    judged = result.judgement
    assert (judged.snapshots, judged.wins) == (len(rows), rows["won"].sum())
    slots = SHARE * len(rows)
    for name, score in (("model", "readiness"), ("rules", "rule_score")):
        precision = judged.estimates[name]["precision"].point
        assert precision * slots == pytest.approx(deals_on_lists(rows, score))
    assert result.lost == 0


def test_the_quadrants_hold_every_row_once(result, rows):
    quadrants = result.overlap.quadrants
    assert sum(each.snapshots for each in quadrants) == pytest.approx(len(rows))
    assert sum(each.won for each in quadrants) == pytest.approx(rows["won"].sum())


def test_a_lead_that_is_gone_from_the_data_is_counted_as_lost(company, rows, tmp_path):
    config, model, _ = company
    folder = tmp_path / "demo"
    copied_company(config.folder, folder)
    gone = rows["lead_id"].iloc[0]
    leads = pd.read_parquet(folder / "leads.parquet")
    leads[leads["lead_id"].astype(str) != gone].to_parquet(folder / "leads.parquet")
    fewer = load(folder)
    with open_database(model.staged(fewer)) as database:
        result = live(fewer, database, model)
    assert result.lost == (rows["lead_id"] == gone).sum()
    assert result.judgement.snapshots == len(rows) - result.lost


def test_without_a_list_that_can_be_judged_it_says_why(company, tmp_path):
    """An empty ledger; one with a list of too late; one with a list that the training saw."""
    config, model, cutoffs = company
    scorer = Scorer.of(config, "champion")
    reasons = []
    for kind in (None, "young", "seen"):
        folder = tmp_path / str(kind)
        shutil.copytree(config.folder, folder, ignore=shutil.ignore_patterns("ledger"))
        other = load(folder)
        with open_database(model.staged(other)) as database:
            if kind:
                with open_ledger(LedgerPlace.of(other)) as ledger:
                    score_all(other, database, scorer, ledger, cutoffs[kind][0], accept=True)
            result = live(other, database, model)
        assert result.judgement is None
        assert not result.runs
        reasons.append(result.why)
    assert len(set(reasons)) == 3
    known = cutoffs["young"][0] + timedelta(days=model.horizon_days)
    assert f"{known:%Y-%m-%d}" in reasons[1]
    assert all(reasons)
