"""Wherever a lead database lives, its features and labels are the same, to the last bit."""

import sqlite3
from datetime import datetime

import duckdb
import pytest
from pandas.testing import assert_frame_equal

from features.catalog import catalog
from features.contract.extensions import load_extension
from features.dataset import labelled
from features.open_database import open_database
from features.simulator.simulate import simulate
from tests.database_servers import OWNER
from tests.features.contract.test_files import write_delta
from tests.features.contract.workbooks import write_workbook
from tests.features.lead_databases import config_for

pytestmark = pytest.mark.slow  # where numba has nothing cached, its kernel is compiled first
TABLES = ["leads", "events", "deals"]
TIMES = ["created_at", "occurred_at", "recorded_at", "opened_at", "closed_at"]
ATTRIBUTES = ["industry", "country", "employees"]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """200 leads as Parquet, their times to the millisecond, which is all that Excel has."""
    folder = tmp_path_factory.mktemp("simulated")
    world = simulate(leads=1000, seed=3)
    for table in TABLES:
        rows = getattr(world, table)
        rows = rows[rows["lead_id"] % 5 == 1].copy()
        for column in set(TIMES) & set(rows):
            rows[column] = rows[column].dt.floor("ms")
        for column in rows.select_dtypes("category"):
            rows[column] = rows[column].astype(str).where(rows[column].notna(), None)
        if table == "leads":
            rows["employees"] = rows["lead_id"] / 7
        duckdb.sql(f"COPY (SELECT * FROM rows) TO '{folder}/{table}.parquet'")
    return folder


def dataset(folder, **tables):
    config = config_for(folder, tables=tables, features={"attributes": ATTRIBUTES})
    with open_database(config) as database:
        specs = catalog(config.features, database.actions, database.attributes)
        cutoffs = [datetime(2024, month, 3) for month in (3, 5, 7, 9, 11)]
        result = labelled(database, specs, cutoffs, 90, 1)
    # Ids of CSV and Excel are text, and in the order of text.
    frame = result.frame.assign(lead_id=result.frame["lead_id"].astype(str), won=result.won)
    return frame.sort_values(["cutoff", "lead_id"], ignore_index=True)


@pytest.fixture(scope="module")
def expected(simulated):
    result = dataset(simulated)
    assert {0, 1} == set(result["won"])
    return result


def rows_of(folder, table):
    with duckdb.connect() as connection:
        result = connection.execute(f"FROM '{folder}/{table}.parquet'")
        return [name for name, *_ in result.description], result.fetchall()


def as_duckdb(folder):
    with duckdb.connect(str(folder / "crm.duckdb")) as connection:
        for table in TABLES:
            connection.execute(f"CREATE TABLE {table} AS FROM '{folder}/{table}.parquet'")
    return {"database": "crm.duckdb"} | {table: table for table in TABLES}


def as_sqlite(folder):
    kinds = dict.fromkeys(TIMES, "TIMESTAMP") | {"lead_id": "INTEGER"}
    kinds |= dict.fromkeys(["value", "amount", "employees"], "REAL")
    with sqlite3.connect(folder / "crm.sqlite") as connection:
        for table in TABLES:
            names, rows = rows_of(folder, table)
            columns = ", ".join(f'"{name}" {kinds.get(name, "TEXT")}' for name in names)
            connection.execute(f"CREATE TABLE {table} ({columns})")
            places = ", ".join("?" * len(names))
            texts = [[v.isoformat(" ") if isinstance(v, datetime) else v for v in r] for r in rows]
            connection.executemany(f"INSERT INTO {table} VALUES ({places})", texts)
    return {"database": "crm.sqlite"} | {table: table for table in TABLES}


def as_csv(folder):
    for table in TABLES:
        duckdb.sql(f"COPY (FROM '{folder}/{table}.parquet') TO '{folder}/{table}.csv'")
    return {table: f"{table}.csv" for table in TABLES}


def as_folders(folder):
    """Partitioned by a column that is a feature, too."""
    for table, by in {"leads": "country", "events": "action", "deals": "outcome"}.items():
        source, target = f"{folder}/{table}.parquet", f"{folder}/{table}_parts"
        duckdb.sql(f"COPY (FROM '{source}') TO '{target}' (FORMAT parquet, PARTITION_BY ({by}))")
    return {table: f"{table}_parts/" for table in TABLES}


def as_workbook(folder):
    sheets = {}
    for table in TABLES:
        names, rows = rows_of(folder, table)
        sheets[table] = [names, *rows]
    write_workbook(folder / "crm.xlsx", sheets)
    return {table: f"crm.xlsx#{table}" for table in TABLES}


def as_delta(folder):
    columns = "lead_id, occurred_at::TIMESTAMPTZ AS occurred_at, action, value, source, content"
    with_zone = f"SELECT {columns}, recorded_at::TIMESTAMPTZ AS recorded_at"
    write_delta(folder / "lake", f"{with_zone} FROM '{folder}/events.parquet'")
    return {"events": "lake/"}


@pytest.mark.parametrize("write", [as_duckdb, as_sqlite, as_csv, as_folders, as_workbook, as_delta])
def test_the_same_from_files(simulated, expected, write):
    result = dataset(simulated, **write(simulated))
    assert_frame_equal(result, expected, check_exact=True)


def test_the_same_from_postgres(simulated, expected, server):
    with duckdb.connect() as connection:
        load_extension(connection, "postgres_scanner")
        connection.execute(
            f"CREATE SECRET (TYPE postgres, HOST '127.0.0.1', PORT {server.port}, USER 'owner', "
            "PASSWORD $$" + OWNER + "$$, DATABASE 'crm')"
        )
        connection.execute("ATTACH '' AS target (TYPE postgres)")
        for table in TABLES:
            source = f"{simulated}/{table}.parquet"
            connection.execute(f"CREATE TABLE target.{table} AS FROM '{source}'")
    tables = {"database": server.url()} | {table: table for table in TABLES}
    result = dataset(simulated, **tables)
    assert_frame_equal(result, expected, check_exact=True)
