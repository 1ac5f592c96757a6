"""The bank's log on Spark, mapped by Spark SQL, leaves the ledger that DuckDB leaves: to the last
bit, by points and by a model alike."""

import shutil
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from features.conditions.segments import load_segments
from features.config import load
from features.dataset import labelled
from features.open_database import open_database
from features.result_json import to_json
from features.spec.kinds import Age, Attribute, Count, DaysSince, Last
from models.classifier.classifier import ReadinessClassifier
from models.classifier.model import ReadinessModel
from models.decisions.place import LedgerPlace
from models.rules.rules import load_rules
from serve.ledger.ledger import open_ledger
from serve.scoring.batch import score_all
from serve.scoring.scorer import Scorer
from tests.models.small_model import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT.parent / "shared" / "data" / "bpic2012" / "BPI_Challenge_2012.parquet"
CUTOFF = datetime(2012, 2, 13)

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not LOG.is_file(),
        reason=f"no {LOG}: the log is not ours to ship (examples/bpic2012/README.md)",
    ),
]


def example(source, home):
    """The settings of an example, with what it writes in a folder of its own."""
    shutil.copytree(ROOT / "examples" / "bpic2012", home, ignore=shutil.ignore_patterns("out"))
    config = load(home / source)
    tables = config.tables.model_copy(update={"folder": str(LOG.parent)})
    return config.model_copy(update={"tables": tables, "out": str(home / "out")})


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return example("", tmp_path_factory.mktemp("here") / "example")


@pytest.fixture(scope="module")
def scorer(here):
    """A model of five features, fitted in a moment, beside the example's points."""
    specs = (Age(), Count(), DaysSince(), Last("action"), Attribute("amount_requested", text=False))
    cutoffs = [datetime(2011, 11, 7), datetime(2011, 12, 5)]
    with open_database(here) as database:
        past = labelled(database, specs, cutoffs, 30, 4)
    classifier = ReadinessClassifier.of(SETTINGS, 7, calibration="sigmoid")
    features = past.frame[[spec.name for spec in specs]]
    classifier.fit(features, past.won, cutoffs=past.frame["cutoff"])
    model = ReadinessModel(classifier, specs, {}, 30, cutoffs[-1], past.won.mean(), version="1")
    rules = load_rules(here.folder / here.rules)
    return Scorer(model, rules, here.words, load_segments(here))


def ledger_of(config, scorer):
    with (
        open_ledger(LedgerPlace.of(config)) as ledger,
        open_database(scorer.staged(config), scorer.specs) as database,
    ):
        result = score_all(config, database, scorer, ledger, CUTOFF)
        message = database.actions, database.data_end, to_json(result)
        return message, result.rows.drop(columns="scored_at")


def test_the_ledger_of_the_example_is_the_same_to_the_last_bit(
    spark, here, scorer, tmp_path_factory
):
    there = example("spark", tmp_path_factory.mktemp("there") / "example")
    assert (here.engine.kind, there.engine.kind) == ("duckdb", "spark")
    message, rows = ledger_of(here, scorer)
    said_there, rows_there = ledger_of(there, scorer)
    assert message == said_there
    assert message[2]["scored"] == len(rows) > 500
    assert rows["readiness"].nunique() > 100
    pd.testing.assert_frame_equal(rows, rows_there, check_exact=True)
