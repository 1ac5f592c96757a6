"""A user's tables, however they are named in readiness.toml, are found and read."""

import gzip

import duckdb
import pyarrow as pa
import pytest

from tests.features.lead_databases import (
    COLUMNS,
    EVENTS,
    at,
    refusal,
    staged_events,
    write_table,
)

EVENTS_CSV = """lead_id,occurred_at,action,source,content,value
007,2026-01-02 08:00:00.000001,visit,ads,,1.5
7,2026-01-04 00:00:00,mail,,"a, b",
"""
WANTED = [
    ("007", at("2026-01-02 08:00:00.000001"), "visit", "ads", None, 1.5, None),
    ("7", at("2026-01-04"), "mail", None, "a, b", None, None),
]


def test_parquet(folder):
    assert staged_events(folder) == WANTED


def test_csv_keeps_the_zeros_of_ids(folder):
    (folder / "events.csv").write_text(EVENTS_CSV)
    assert staged_events(folder, events="events.csv") == WANTED


def test_csv_may_be_compressed(folder):
    (folder / "events.csv.gz").write_bytes(gzip.compress(EVENTS_CSV.encode()))
    assert staged_events(folder, events="events.csv.gz") == WANTED


def test_csv_dates_with_slashes_are_not_guessed(folder):
    """03/04/2024 is the 3rd of April to some and the 4th of March to others."""
    (folder / "events.csv").write_text("lead_id,occurred_at,action\n007,03/04/2024,visit\n")
    assert staged_events(folder, events="events.csv")[0][1] is None


def test_all_tables_as_csv(tmp_path):
    (tmp_path / "events.csv").write_text(EVENTS_CSV)
    (tmp_path / "leads.csv").write_text("lead_id,created_at\n007,2026-01-02\n7,2026-01-03\n")
    (tmp_path / "deals.csv").write_text("lead_id,closed_at,outcome\n007,2026-01-09,lost\n")
    tables = {table: f"{table}.csv" for table in COLUMNS}
    assert staged_events(tmp_path, **tables) == WANTED


def test_many_files_by_a_pattern(folder):
    for number, row in enumerate(EVENTS):
        write_table(folder / f"part-{number}.parquet", [row], COLUMNS["events"], pa.string())
    assert staged_events(folder, events="part-*.parquet") == WANTED


def test_a_query_in_a_file_beside_the_settings(folder):
    (folder / "data").mkdir()
    (folder / "events.parquet").rename(folder / "data" / "log.parquet")
    for table in ("leads", "deals"):
        (folder / f"{table}.parquet").rename(folder / "data" / f"{table}.parquet")
    (folder / "mine.sql").write_text("-- my own names\nSELECT * FROM 'log.parquet' ;\n")
    assert staged_events(folder, folder="data", events="mine.sql") == WANTED


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM 'events.parquet'",
        "\n  select lead_id, occurred_at, action, source, content, value FROM 'events.parquet'",
        "WITH mine AS (SELECT * FROM read_parquet('events.parquet')) SELECT * FROM mine",
    ],
)
def test_a_query_in_the_settings(folder, query):
    assert staged_events(folder, events=query) == WANTED


@pytest.mark.parametrize("name", ["log", "my log", "withdrawals", "selected", 'a "b"'])
def test_a_table_of_a_duckdb_file(folder, name):
    quoted = '"' + name.replace('"', '""') + '"'
    with duckdb.connect(str(folder / "crm.duckdb")) as crm:
        crm.execute(f"CREATE TABLE {quoted} AS FROM '{folder}/events.parquet'")
    assert staged_events(folder, database="crm.duckdb", events=name) == WANTED
    query = f"SELECT * FROM crm.{quoted}"
    assert staged_events(folder, database="crm.duckdb", events=query) == WANTED


@pytest.mark.parametrize("named", ["gone.parquet", "gone.csv", "gone.csv.gz", "gone.sql"])
def test_a_file_that_is_not_there(folder, named):
    message = refusal(folder, tables={"events": named})
    assert message.startswith(f"tables.events: there is no file {folder / named}.")


def test_a_database_or_table_that_is_not_there(folder):
    assert "tables.database: there is no file" in refusal(folder, tables={"database": "no.duckdb"})
    duckdb.connect(str(folder / "crm.duckdb")).close()
    message = refusal(folder, tables={"database": "crm.duckdb", "events": "log"})
    assert message.startswith(f"tables.events: {folder / 'crm.duckdb'} has no table log.")
    message = refusal(folder, tables={"events": "log"})
    assert message.startswith(
        "tables.events = 'log' is neither a .parquet, .csv, .xlsx or .sql file, a folder/ nor a"
    )


def test_a_broken_query_or_file(folder):
    assert "tables.deals cannot be read" in refusal(folder, tables={"deals": "SELECT FROM FROM"})
    (folder / "leads.parquet").write_text("not Parquet at all")
    assert "tables.leads cannot be read" in refusal(folder)


@pytest.mark.parametrize("kind", ["csv", "query"])
def test_missing_columns_are_named_with_the_nearest(folder, kind):
    (folder / "mine.csv").write_text("leadid,ocurred_at,did\n1,2026-01-01,visit\n")
    named = "mine.csv" if kind == "csv" else "SELECT * FROM 'mine.csv'"
    message = refusal(folder, tables={"events": named})
    assert message.startswith(
        "tables.events lacks the columns lead_id (is it leadid?), occurred_at (is it ocurred_at?), "
        "action. It has: leadid, ocurred_at, did. Map your own names with one query"
    )
