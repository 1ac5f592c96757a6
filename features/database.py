"""A lead database, opened: its tables staged into the contract's types in a DuckDB of its own.

Staging copies the needed columns into a temporary file that is removed on closing, so that CSV, a
slow query and Parquet cost their reading once, whatever runs on them later.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from features.breaches import write_lead_faults
from features.config import Config
from features.errors import BadInput
from features.tables import (
    CONTRACT,
    cast,
    lead_id_type,
    literal,
    open_sources,
    quoted,
)

_TEXT_TYPES = ("VARCHAR", "ENUM", "BOOLEAN", "UUID")


@dataclass(frozen=True)
class LeadDatabase:
    """An open lead database.

    `actions` are the observed ones, most frequent first; `attributes` tells for each listed
    attribute whether it is text; `columns` are the raw columns per table. `data_end` is the
    latest time in the tables, or as configured: a label is mature where cutoff + horizon <= it.
    """

    connection: duckdb.DuckDBPyConnection
    columns: dict[str, dict[str, str]]
    actions: tuple[str, ...]
    attributes: dict[str, bool]
    data_end: datetime
    scratch: Path

    def query(self, sql: str) -> pd.DataFrame:
        """The rows of a query as a pandas frame."""
        return self.connection.execute(sql).df()

    def value(self, sql: str) -> int:
        """The one number that a query yields."""
        row = self.connection.execute(sql).fetchone()
        return int(row[0]) if row and row[0] is not None else 0


@contextmanager
def open_database(config: Config) -> Iterator[LeadDatabase]:
    """Open and stage the lead database that readiness.toml names.

    Raises BadInput for tables that are absent, unreadable, or lack columns. Rows that breach the
    contract are kept for `features.breaches`; the leads they concern are in `lead_faults`.
    """
    scratch = Path(tempfile.mkdtemp(prefix="readiness-"))
    connection = duckdb.connect(str(scratch / "staged.duckdb"))
    try:
        _limit(connection, config, scratch)
        columns = open_sources(connection, config.tables, config.folder)
        attributes = _attributes(config, columns["leads"])
        _stage(connection, config, columns)
        data_end = config.time.data_end or _latest_time(connection)
        write_lead_faults(connection)
        yield LeadDatabase(connection, columns, _actions(connection), attributes, data_end, scratch)
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)


def _limit(connection: duckdb.DuckDBPyConnection, config: Config, scratch: Path) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET memory_limit = '{config.engine.memory_gb}GB'")
    connection.execute(f"SET temp_directory = {literal(str(scratch / 'spill'))}")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_progress_bar = false")
    if config.engine.threads:
        connection.execute(f"SET threads = {config.engine.threads}")


def _attributes(config: Config, found: dict[str, str]) -> dict[str, bool]:
    listed = config.features.attributes
    missing = [name for name in listed if name not in found]
    if missing:
        raise BadInput(
            f"features.attributes lists {', '.join(missing)}, which tables.leads does not have. "
            f"It has: {', '.join(found)}."
        )
    return {name: found[name].startswith(_TEXT_TYPES) for name in listed}


def _stage(
    connection: duckdb.DuckDBPyConnection, config: Config, columns: dict[str, dict[str, str]]
) -> None:
    id_type = lead_id_type(columns)
    extra = {"leads": [a for a in config.features.attributes if a not in ("source",)]}
    for table, found in columns.items():
        wanted = [f"{cast(c, found, id_type)} AS {quoted(c.name)}" for c in CONTRACT[table]]
        wanted += [quoted(name) for name in extra.get(table, []) if name != "lead_id"]
        try:
            connection.execute(
                f"CREATE TABLE {table} AS SELECT {', '.join(wanted)} FROM raw_{table}"
            )
        except duckdb.Error as error:
            raise BadInput(f"tables.{table} cannot be read: {error}") from None
    left_out = ", ".join(literal(action) for action in config.features.leave_out_actions)
    kept = f"AND action NOT IN ({left_out})" if left_out else ""
    # An event is known from the later of its two times on: a deed recorded before it
    # happened (a booked visit) is still no deed until it does.
    connection.execute(
        "CREATE VIEW deeds AS SELECT *, greatest(occurred_at, coalesce(recorded_at, occurred_at)) "
        "AS known_at FROM events WHERE lead_id IS NOT NULL AND occurred_at IS NOT NULL "
        f"AND action IS NOT NULL {kept}"
    )


def _latest_time(connection: duckdb.DuckDBPyConnection) -> datetime:
    row = connection.execute(
        "SELECT greatest((SELECT max(known_at) FROM deeds), (SELECT max(created_at) FROM leads), "
        "(SELECT max(closed_at) FROM deals))"
    ).fetchone()
    if row is None or row[0] is None:
        raise BadInput("The tables hold no readable time at all: nothing can be learnt from them.")
    end: datetime = row[0]
    return end


def _actions(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT action FROM deeds WHERE action IS NOT NULL GROUP BY action "
        "ORDER BY count(*) DESC, action"
    ).fetchall()
    return tuple(action for (action,) in rows)
