"""Both engines give what plain Python gives, of every feature, every kind of rule and the labels,
on the golden set; and they give each other's to the last bit.

The Spark session stands in New York, whose clocks leave out 2026-03-08 02:00, one of the cutoffs.
"""

from functools import cache

import pandas as pd
import pytest

from features.catalog import catalog
from features.cutoffs import grid
from features.engine.duckdb_engine import feature_frame
from features.labels import labels
from features.open_database import open_database
from features.snapshots import Snapshots
from features.spark.buckets import features_on_spark
from features.spec.spec import distinct
from models.rules.rules import RuleScore
from tests.features import oracle
from tests.features.adversarial import ATTRIBUTES, CUTOFFS
from tests.features.engine.test_features_equal_oracle import EVERY_KIND, SETTINGS, differences
from tests.features.lead_databases import config_for, write_database
from tests.golden_logs import golden_log, golden_rules
from tests.models.rules.test_points_oracle import points_by_hand

HORIZON, DATA_END = 4, CUTOFFS[1] + 4 * oracle.DAY
KINDS = ("text", "integer")
OPEN_AGAIN = {"text": ("lost",), "integer": ("won", "lost")}


@cache
def log_of(kind):
    return golden_log(kind)


@cache
def tables():
    return [RuleScore(file) for file in golden_rules()]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A function: the frame of features and labels of a log by an engine, and its specs."""

    @cache
    def folder_of(kind):
        folder = tmp_path_factory.mktemp(kind)
        rows = log_of(kind)
        write_database(folder, rows.leads, rows.events, rows.deals, ATTRIBUTES)
        return folder

    @cache
    def result(engine, kind):
        config = config_for(
            folder_of(kind),
            engine={"kind": engine},
            features=dict(SETTINGS),
            time={"data_end": DATA_END},
            outcomes={f"after_{outcome}": "open_again" for outcome in OPEN_AGAIN[kind]},
        )
        with open_database(config) as database:
            offered = catalog(SETTINGS, database.actions, database.attributes, (), True)
            of_rules = (spec for table in tables() for spec in table.specs)
            specs = distinct([*offered, *EVERY_KIND, *of_rules])
            return specs, (by_spark if engine == "spark" else by_duckdb)(database, specs)

    return result


def by_duckdb(database, specs):
    snapshots = Snapshots.open_at(database, CUTOFFS)
    frame = feature_frame(snapshots, specs)
    return pd.concat([frame, labels(snapshots, HORIZON)["won"]], axis=1)


def by_spark(database, specs):
    frame = features_on_spark(database, specs, CUTOFFS, HORIZON).toArrow().to_pandas()
    texts = {spec.name: object for spec in specs if spec.is_text}
    return frame.astype(texts).sort_values(["cutoff", "lead_id"], ignore_index=True)


@pytest.fixture(params=["duckdb", "spark"])
def engine(request):
    if request.param == "spark":
        request.getfixturevalue("spark")
    return request.param


@pytest.mark.parametrize("kind", KINDS)
def test_every_feature_of_every_open_lead(engine, kind, results):
    specs, frame = results(engine, kind)
    rows = log_of(kind)
    expected = {
        (cutoff, lead["lead_id"])
        for lead in rows.leads
        for cutoff in CUTOFFS
        if oracle.is_open(lead, rows.deals, cutoff, rows.events, OPEN_AGAIN[kind])
    }
    assert set(zip(frame["cutoff"], frame["lead_id"], strict=True)) == expected
    assert len(frame) == len(expected) > 100
    assert differences(frame.drop(columns="won"), specs, rows) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_label(engine, kind, results):
    _, frame = results(engine, kind)
    rows = log_of(kind)
    leads = {lead["lead_id"]: lead for lead in rows.leads}
    expected = [
        oracle.label(leads[row.lead_id], rows.deals, row.cutoff, HORIZON, DATA_END)
        for row in frame[["lead_id", "cutoff"]].itertuples()
    ]
    assert {None, 0, 1} == set(expected)
    assert [None if pd.isna(won) else won for won in frame["won"]] == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_points_of_every_kind_of_rule(engine, kind, results):
    _, frame = results(engine, kind)
    rows = log_of(kind)
    leads = {lead["lead_id"]: lead for lead in rows.leads}
    own = {lead_id: [e for e in rows.events if e["lead_id"] == lead_id] for lead_id in leads}
    snapshots = list(zip(frame["lead_id"], frame["cutoff"].dt.to_pydatetime(), strict=True))
    for table in tables():
        expected = [
            points_by_hand(table.file, leads[lead], own[lead], cut) for lead, cut in snapshots
        ]
        assert table.rank(frame) == pytest.approx(expected, abs=1e-6), table.file


@pytest.mark.parametrize("kind", KINDS)
def test_the_engines_agree_to_the_last_bit(spark, kind, results):
    frames = [results(engine, kind)[1] for engine in ("duckdb", "spark")]
    pd.testing.assert_frame_equal(*frames, check_exact=True, check_dtype=False)


def test_the_whole_is_known_alike(spark, tmp_path):
    """Actions by count, data end and lead ids, of times in text with and without an offset."""
    rows = log_of("integer")
    write_database(tmp_path, rows.leads, rows.events, rows.deals, ATTRIBUTES)
    text = "CAST(occurred_at AS STRING) || CASE WHEN lead_id % 2 = 0 THEN '+01:00' ELSE '' END"
    openings = []
    for engine, source in (
        ("duckdb", "'events.parquet'"),
        ("spark", "parquet.`{folder}/events.parquet`"),
    ):
        events = f"SELECT lead_id, {text} AS occurred_at, action FROM {source}"
        config = config_for(tmp_path, engine={"kind": engine}, tables={"events": events})
        with open_database(config) as database:
            ids = database.connection.execute(
                "SELECT typeof(lead_id) FROM leads LIMIT 1"
            ).fetchone()
            openings.append((database.actions, database.data_end, ids))
    assert openings[0] == openings[1]
    assert len(grid(CUTOFFS[0], 1, openings[0][1])) > 1
