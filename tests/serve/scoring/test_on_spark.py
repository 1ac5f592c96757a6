"""A run on Spark leaves the ledger of a run on DuckDB: to the last bit, once, and whole."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from features.config import load
from features.errors import BadInput
from features.open_database import open_database
from features.result_json import to_json
from models.classifier.by_segment import BySegment, Shares
from models.classifier.classifier import ReadinessClassifier
from models.decisions.place import LedgerPlace
from serve.ledger.ledger import open_ledger
from serve.scoring.batch import score_all
from serve.scoring.points_only import PointsOnly, scorer_of
from tests.copied_company import copied_company
from tests.models.small_model import AVERAGE


def scored(config, scorer, place, **options):
    """What a run said, and its rows in the ledger but for when they were made."""
    with (
        open_ledger(place) as ledger,
        open_database(scorer.staged(config), scorer.specs) as database,
    ):
        result = score_all(config, database, scorer, ledger, **options)
        text = to_json(result)
        rows = result.rows.drop(columns="scored_at")
    return text, rows.sort_values("lead_id", ignore_index=True)


def on_spark(config, **spark):
    engine = config.engine.model_validate({"kind": "spark", "spark": spark})
    return config.model_copy(update={"engine": engine})


@pytest.fixture(scope="module")
def folder(demo_folder, trained, tmp_path_factory):
    """The demo with rows that breach the contract: a lead in two rows, one without a creation time,
    events of nobody's, a time that does not read."""
    home = tmp_path_factory.mktemp("on_spark") / "demo"
    copied_company(demo_folder, home)
    leads = pd.read_parquet(home / "leads.parquet")
    leads["account"] = [f"firm {number // 3}" if number % 7 else "" for number in range(len(leads))]
    twice, without = leads.iloc[[3]], leads.iloc[[9]].assign(lead_id=900_000, created_at=None)
    pd.concat([leads, twice, without]).to_parquet(home / "leads.parquet")
    events = pd.read_parquet(home / "events.parquet")
    stray = events.tail(2).assign(lead_id=900_001)
    events = pd.concat([events, stray])
    events["occurred_at"] = events["occurred_at"].astype(str)
    events.iloc[5, events.columns.get_loc("occurred_at")] = "some day"
    events.to_parquet(home / "events.parquet")
    return home


@pytest.fixture(scope="module")
def runs(spark, folder):
    """The run on DuckDB and the run on Spark, each into a ledger of its own."""
    config = load(folder)
    scorer = scorer_of(config, "champion")
    return [
        scored(config, scorer, LedgerPlace(folder / "here")),
        scored(on_spark(config), scorer, LedgerPlace(folder / "spark")),
    ]


def test_the_ledger_is_the_same_to_the_last_bit(runs):
    (here, rows), (there, on_workers) = runs
    assert here["scored"] > 300
    assert here["not_scored"] >= 2
    assert len(here["breaches"]) == 3
    assert here == there
    assert set(rows["state"]) == {"scored", "not scored"}
    pd.testing.assert_frame_equal(rows, on_workers, check_exact=True)


def test_the_parquet_holds_the_rows_of_the_ledger(runs, spark, folder):
    config = load(folder)
    written = spark.read.parquet(str(config.out_folder / "scores" / "kind=scored"))
    rows = written.toArrow().to_pandas().sort_values("lead_id", ignore_index=True)
    (_, expected), _ = runs
    assert rows["lead_id"].tolist() == expected["lead_id"].tolist()
    assert rows["readiness"].equals(expected["readiness"])
    assert set(rows["model_version"].astype(str)) == set(expected["model_version"])


def test_a_second_run_changes_nothing(runs, spark, folder):
    config = load(folder)
    again, rows = scored(
        on_spark(config), scorer_of(config, "champion"), LedgerPlace(folder / "spark")
    )
    assert again["added"] == 0
    pd.testing.assert_frame_equal(rows, runs[0][1], check_exact=True)
    written = spark.read.parquet(str(config.out_folder / "scores" / "kind=scored"))
    assert written.count() == len(rows)


def test_a_run_that_breaks_off_leaves_the_one_before(runs, folder):
    """One bucket fails; the others write their rows, which nobody ever reads."""
    config = load(folder)
    before = sorted(config.out_folder.joinpath("scores").rglob("[!.]*.parquet"))

    unlucky = int(runs[0][1].query("state == 'scored'")["lead_id"].iloc[0])

    class Broken(PointsOnly):
        def score_frame(self, frame):
            if unlucky in set(frame["lead_id"]):
                raise ValueError("no room on the worker's disk")
            return super().score_frame(frame)

    scorer = scorer_of(config, "champion")
    broken = Broken(scorer.rules, scorer.words)
    with pytest.raises(BadInput, match="ValueError: no room on the worker's disk") as refused:
        scored(on_spark(config), broken, LedgerPlace(folder / "broken"))
    assert len(str(refused.value).splitlines()) < 5
    assert sorted(config.out_folder.joinpath("scores").rglob("[!.]*.parquet")) == before
    with open_ledger(LedgerPlace(folder / "broken")) as ledger:
        assert ledger.value("SELECT count(*) FROM scores") == 0


@pytest.mark.long
def test_points_alone_score_on_spark_too(spark, folder):
    config = load(folder)
    points = PointsOnly(scorer_of(config, "champion").rules, config.words)
    result = [
        scored(each, points, LedgerPlace(folder / f"points_{each.engine.kind}"))
        for each in (config, on_spark(config))
    ]
    assert result[0][0] == result[1][0]
    pd.testing.assert_frame_equal(result[0][1], result[1][1], check_exact=True)


@pytest.mark.long
def test_own_models_of_averages_score_as_on_duckdb(spark, folder, judged):
    """Each source of the leads has a model of its own, trees and a regression in one."""
    config = load(folder)
    scorer = scorer_of(config, "champion")
    settings = AVERAGE | {"min_samples_leaf": 5}
    columns = judged.frame[[spec.name for spec in scorer.model.specs]]
    of_all = ReadinessClassifier.of(settings, 0, calibration="none").fit(columns, judged.won)
    sources = dict.fromkeys(columns["attribute(source)"].value_counts().index[:2], 0.5)
    own = BySegment.fit(of_all, Shares("attribute(source)", sources), columns, judged.won)
    assert set(own.own) == set(sources)
    scorer = replace(scorer, model=replace(scorer.model, classifier=own))
    result = [
        scored(each, scorer, LedgerPlace(folder / f"own_{each.engine.kind}"))
        for each in (config, on_spark(config, scores="scores_of_own"))
    ]
    assert result[0][0] == result[1][0]
    assert result[0][1]["readiness"].nunique() > 100
    pd.testing.assert_frame_equal(result[0][1], result[1][1], check_exact=True)


@pytest.mark.long
def test_accounts_are_scored_as_on_duckdb(spark, folder):
    config = load(folder)
    of_account = config.features.model_copy(update={"account": "account"})
    config = config.model_copy(update={"unit": "account", "features": of_account})
    scorer = scorer_of(load(folder), "champion")
    scorer = replace(scorer, model=replace(scorer.model, account="account"))
    (here, rows), (there, on_workers) = (
        scored(each, scorer, LedgerPlace(folder / f"accounts_{each.engine.kind}"))
        for each in (config, on_spark(config, scores="scores_of_accounts"))
    )
    for each in (here, there):
        each["breaches"].sort()  # on Spark in the order of the buckets
    assert here == there
    assert {"scored", "not scored"} == set(rows["state"])
    assert rows["lead_id"].str.startswith("firm ").sum() > 100
    assert rows["lead_id"].str.startswith("lead:").sum() > 20
    pd.testing.assert_frame_equal(rows, on_workers, check_exact=True)


@pytest.mark.long
def test_a_sample_to_learn_from_scores_every_lead(runs, folder):
    """The driver holds some 300 leads; the workers score all."""
    config = on_spark(load(folder), most_leads=300)
    with open_database(config) as database:
        held = database.value("SELECT count(*) FROM leads")
        assert 200 < held < 400 < database.whole.leads
    text, _ = scored(config, scorer_of(config, "champion"), LedgerPlace(folder / "sample"))
    assert text["open_leads"] == runs[0][0]["open_leads"]
    assert text["breaches"] == runs[0][0]["breaches"]


def test_workers_do_without_mlflow():
    code = "import serve.scoring.on_spark, sys; sys.exit('mlflow' in sys.modules)"
    root = Path(__file__).resolve().parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
