"""A ledger in files and in PostgreSQL, and what is in it as another program reads it."""

import os
from pathlib import Path
from uuid import uuid4

import duckdb
import pandas as pd
import psycopg

from features.contract.databases import read_place
from models.decisions.place import KEY, LedgerPlace
from tests.database_servers import OWNER


def in_postgres(server, out: Path) -> LedgerPlace:
    """In a schema of its own of a running server."""
    os.environ["LEDGER_PASSWORD"] = OWNER
    url = server.url(f"?schema=ledger_{uuid4().hex[:8]}", "owner", "${LEDGER_PASSWORD}")
    return LedgerPlace(out, read_place(url, out, KEY))


def url_of(place: LedgerPlace) -> str:
    """As readiness.toml names it."""
    url = place.url
    return (
        f"postgresql://{url.username}:${{LEDGER_PASSWORD}}@{url.host}:{url.port}/{url.database}"
        f"?schema={place.schema}"
    )


def settings_of(place: LedgerPlace) -> str:
    """The section of readiness.toml that names it; nothing where it is in files."""
    return f'[ledger]\nurl = "{url_of(place)}"\n' if place.server else ""


def stored_scores(out: Path, sql: str = "SELECT * FROM scores") -> pd.DataFrame:
    """What the run files of a folder `out` hold, read by DuckDB alone."""
    with duckdb.connect() as connection:
        files = out / "ledger" / "*.parquet"
        connection.execute(
            f"CREATE VIEW scores AS FROM read_parquet('{files}', union_by_name = true)"
        )
        return connection.execute(sql).df()


def rows(place: LedgerPlace, columns: list[str], table: str = "scores") -> list[tuple]:
    """All rows of a table of the ledger, in order, without the ledger's own code."""
    listed = ", ".join(columns)
    if place.server is None:
        if not list((place.folder / "ledger").glob("*.parquet")):
            return []
        files = place.folder / "ledger" / "*.parquet"
        sql = f"SELECT {listed} FROM read_parquet('{files}', union_by_name = true) ORDER BY ALL"
        return duckdb.sql(sql).fetchall()
    url = place.url
    login = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    with psycopg.connect(**login, password=url.password) as connection:
        there = connection.execute(f"SELECT to_regclass('{place.schema}.{table}')").fetchone()
        if there == (None,):
            return []
        order = ", ".join(map(str, range(1, len(columns) + 1)))
        sql = f"SELECT {listed} FROM {place.schema}.{table} ORDER BY {order}"
        return connection.execute(sql).fetchall()
