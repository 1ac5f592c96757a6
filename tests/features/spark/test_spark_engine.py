"""What Spark reads is what DuckDB reads, and errors are reported in a line or two."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from features.cutoffs import utc_now
from features.errors import BadInput
from features.open_database import open_database
from features.spark.buckets import Bucket, breaches_of, features_on_spark
from features.spark.session import SparkTables, plain_errors
from features.spec.kinds import Count, DaysSince, SumValue
from tests.features.lead_databases import at, config_for, refusal

ROOT = Path(__file__).resolve().parents[3]
CUTOFF = at("2026-03-09")
SPARK = {"kind": "spark"}
STAGED = {table: f"SELECT * FROM {table} ORDER BY ALL" for table in ("leads", "events", "deals")}


def staged(config):
    with open_database(config) as database:
        return {table: database.connection.execute(sql).fetchall() for table, sql in STAGED.items()}


@pytest.mark.long
def test_a_folder_of_csv_reads_as_a_file_does(spark, folder):
    """Ids keep their zeros, a time its offset; an empty field is nothing."""
    rows = "007,2026-03-01T12:00:00+02:00,visit,1.5\n7,2026-03-02 00:00:00,mail,\n7,soon,mail,2\n"
    parted = folder / "parted.csv"
    parted.mkdir()
    header = "lead_id,occurred_at,action,value\n"
    (folder / "events.csv").write_text(header + rows)
    for place, row in enumerate(rows.splitlines()):
        (parted / f"{place}.csv").write_text(f"{header}{row}\n")
    one = config_for(folder, tables={"events": "events.csv"})
    many = config_for(folder, tables={"events": "parted.csv"}, engine=SPARK)
    assert staged(one) == staged(many)
    assert staged(one)["events"][0][1] == at("2026-03-01 10:00")
    now = utc_now()
    breaches = []
    for config in (one, many):
        with open_database(config) as database:
            breaches.append(breaches_of(database, now))
    assert breaches[0] == breaches[1]
    assert breaches[0][0].what == "do not read as TIMESTAMP"


def test_tables_of_the_session_and_ids_of_several_kinds(spark, folder):
    """An instant is one whatever the session's zone; 7, 7.0 and '7' are one lead."""
    spark.sql(
        "SELECT * FROM VALUES (7e0, TIMESTAMP '2026-03-01 12:00:00 UTC', 'visit', 2.5), "
        "(NULL, NULL, 'mail', 1.0), (7e0, TIMESTAMP '2026-03-08 23:59:59 UTC', 'visit', 0.25) "
        "AS t(lead_id, occurred_at, action, value)"
    ).createOrReplaceTempView("events_of_spark")
    leads = (
        "SELECT CAST('7' AS STRING) AS lead_id, TIMESTAMP_NTZ '2026-01-01 00:00:00' AS created_at"
    )
    deals = "SELECT 7 AS lead_id, DATE '2026-04-01' AS closed_at, 'won' AS outcome"
    tables = {"events": "events_of_spark", "leads": leads, "deals": deals}
    specs = [Count("visit", 1), DaysSince("visit"), SumValue()]
    mature = {"data_end": at("2026-05-01")}
    config = config_for(folder, tables=tables, engine=SPARK, time=mature)
    with open_database(config) as database:
        rows = features_on_spark(database, specs, [CUTOFF], 30).toArrow().to_pylist()
    values = [1.0, 1 / 86_400, 2.75]
    named = dict(zip([spec.name for spec in specs], values, strict=True))
    assert rows == [{"lead_id": "7", "cutoff": CUTOFF, **named, "won": 1}]


def test_one_lead_with_most_events_is_one_bucket_s_work(spark, folder):
    """60,000 events of one lead beside three of another, in buckets that hold 1,000 in memory."""
    spark.range(60_003).selectExpr(
        "CASE WHEN id < 60000 THEN 'busy' ELSE 'calm' END AS lead_id",
        "timestamp_micros(1772323200000000 + 1000000 * (id % 50000)) AS occurred_at",
        "'visit' AS action",
    ).createOrReplaceTempView("skewed")
    leads = "SELECT explode(array('busy', 'calm')) AS lead_id, DATE '2026-01-01' AS created_at"
    tables = {"events": "skewed", "leads": leads}
    with open_database(config_for(folder, tables=tables, engine=SPARK)) as database:
        rows = features_on_spark(database, [Count()], [CUTOFF]).toArrow().to_pylist()
    assert {row["lead_id"]: row["count_all"] for row in rows} == {"busy": 60_000, "calm": 3}


def test_an_empty_bucket_yields_nothing():
    assert list(Bucket(None, None, None)(iter(()))) == []


def test_what_cannot_be_read_is_named_in_brief(spark, folder):
    messages = {
        "no.parquet": r"tables.events cannot be read \(no.parquet\): \[PATH_NOT_FOUND\]",
        "nowhere.events": "TABLE_OR_VIEW_NOT_FOUND",
        "SELECT nope FROM parquet.`{folder}/events.parquet`": "UNRESOLVED_COLUMN",
        "SELECT lead_id, action FROM parquet.`{folder}/events.parquet`": "lacks the column",
    }
    for named, message in messages.items():
        refused = refusal(folder, tables={"events": named}, engine=SPARK)
        assert pd.Series([refused]).str.contains(message).all(), refused
        assert len(refused) < 600
    refused = refusal(folder, tables={"database": "crm.duckdb"}, engine=SPARK)
    assert "write its tables as Parquet" in refused


def test_without_pyspark_the_message_says_how_to_install_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(BadInput, match=r"pip install .*\[spark\]"), plain_errors("anything"):
        pass
    with pytest.raises(BadInput, match="pyspark, which is not installed"):
        SparkTables.opened(config_for(folder, engine=SPARK))


def test_without_java_the_message_says_what_to_do(folder):
    """As a user meets it, in a process that has no Spark session."""
    pytest.importorskip(
        "pyspark", reason="no pyspark: pip install -c constraints.txt -e '.[spark]'"
    )
    files = "".join(f'{table} = "{table}.parquet"\n' for table in STAGED)
    text = f"[tables]\n{files}[time]\nfirst_cutoff = 2026-01-01\n[capacity]\nshare = 0.1\n"
    (folder / "readiness.toml").write_text(f'{text}[engine]\nkind = "spark"\n')
    bare = {key: value for key, value in os.environ.items() if key not in ("JAVA_HOME", "PATH")}
    done = subprocess.run(
        [sys.executable, "-m", "readiness.main", "check", str(folder)],
        cwd=ROOT,
        env=bare | {"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "needs Java 17: install it, or name a Spark Connect server" in done.stderr
    assert "Traceback" not in done.stderr
