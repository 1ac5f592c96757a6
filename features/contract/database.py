"""A lead database, opened: its tables in the contract's types in a DuckDB of its own.

Staging copies the needed columns into a DuckDB in memory, which beyond its limit goes on in
temporary files that are removed on closing; so CSV and a slow query cost their reading once,
whatever runs on them later. Events in Parquet are read where they lie: faster than any copy.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pandas as pd

from features.config import Config, Engine, Features
from features.contract.breaches import write_lead_faults
from features.contract.observed import KNOWN_AT, is_counted, latest_time, observe
from features.contract.tables import (
    CONTRACT,
    cast,
    describe_sources,
    is_read_in_place,
    lead_id_type,
    open_sources,
)
from features.contract.text_values import is_number_column
from features.cutoffs import utc_now
from features.errors import BadInput
from features.spec.compiled import compile_specs
from features.spec.kinds import Attribute
from features.spec.spec import Spec
from features.sql import literal, quoted

DUCKDB_SHARE = 0.6  # of the memory limit; the rest is for arrays and frames
_TEXT_TYPES = ("VARCHAR", "ENUM", "BOOLEAN", "UUID")
_NUMBER_TYPE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)")


class Digest(NamedTuple):
    """A table's number of rows, and a hash of them whatever their order."""

    rows: int
    content: str

    def __str__(self) -> str:
        return f"{self.rows} rows {self.content}"


@dataclass(frozen=True)
class LeadDatabase:
    """An open lead database.

    `actions` are the observed ones, most frequent first; `sources` those of the events, in
    alphabetical order; `events_count` is how many events
    the view known_events has; `attributes` holds for each listed
    attribute whether it is text; `columns` are the raw columns per table. `data_end` is the latest
    past time in the tables, or as configured: a label is mature where cutoff + horizon <= it.
    """

    connection: duckdb.DuckDBPyConnection
    columns: dict[str, dict[str, str]]
    actions: tuple[str, ...]
    sources: tuple[str, ...]
    events_count: int
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

    def digests(self) -> dict[str, Digest]:
        """Per table, a digest of its rows."""
        digests = {}
        for table in self.columns:
            row = self.connection.execute(
                f"SELECT count(*), coalesce(sum(hash(t)::HUGEINT), 0) FROM {table} t"
            ).fetchone()
            rows, digest = row if row else (0, 0)
            digests[table] = Digest(int(rows), f"{digest % 2**64:016x}")
        return digests


@contextmanager
def open_files(config: Config, specs: Iterable[Spec] = ()) -> Iterator[LeadDatabase]:
    """Open and stage the tables that readiness.toml names, with DuckDB.

    specs: what rules or segments will ask for. Their attributes are staged beside those that
    readiness.toml lists, but are not in `attributes`, so that they never become a model's features.
    Raises BadInput for tables that are absent, unreadable, or lack columns. Rows that breach the
    contract are kept for `breaches`; the leads they concern are in `lead_faults`.
    """
    with temporary_duckdb(config.engine) as (connection, scratch):
        columns = open_sources(connection, config.tables, config.folder, scratch)
        lying = is_read_in_place("events", config.tables.events, columns["events"])
        in_place = {"events"} if lying else set()
        features, end = config.features, config.time.data_end
        further = further_attributes(specs)
        further |= numbers_in_text(connection, features.attributes, columns)
        yield stage(connection, scratch, columns, features, further, end, in_place)


@contextmanager
def open_frames(
    frames: Mapping[str, Any],
    features: Features,
    engine: Engine,
    specs: Iterable[Spec] = (),
) -> Iterator[LeadDatabase]:
    """The same over frames by table name: `events`, `leads` and, if known, `deals`. Pandas, polars,
    Arrow or whatever else DuckDB reads."""
    with temporary_duckdb(engine) as (connection, scratch):
        columns = register_tables(connection, frames)
        further = further_attributes(specs)
        further |= numbers_in_text(connection, features.attributes, columns)
        yield stage(connection, scratch, columns, features, further)


def further_attributes(specs: Iterable[Spec]) -> dict[str, bool]:
    """The attributes that some specs read, and whether any of them reads it as a number."""
    attributes: dict[str, bool] = {}
    for leaf in compile_specs(specs).leaves:
        if isinstance(leaf, Attribute):
            attributes[leaf.column] = attributes.get(leaf.column, False) or not leaf.text
    return attributes


def numbers_in_text(
    connection: duckdb.DuckDBPyConnection,
    listed: Iterable[str],
    columns: dict[str, dict[str, str]],
) -> dict[str, bool]:
    """The listed attributes, columns of texts, whose values are numbers written otherwise: 1,095.
    Each is True."""
    texts = [name for name in listed if columns["leads"].get(name) == "VARCHAR"]
    if not texts:
        return {}
    tests = ", ".join(is_number_column(quoted(name)) for name in texts)
    (row,) = connection.execute(f"SELECT {tests} FROM raw_leads").fetchall()
    return {name: True for name, is_so in zip(texts, row, strict=True) if is_so}


def register_tables(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Make a view raw_<table> of each; return each one's columns and their types. Raises BadInput
    for missing columns."""
    for table, rows in tables.items():
        connection.register(f"raw_{table}", rows)
    return describe_sources(connection, list(tables))


@contextmanager
def temporary_duckdb(engine: Engine) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A DuckDB within the engine's limits, in a temporary folder that is removed at the end."""
    scratch = Path(tempfile.mkdtemp(prefix="readiness-"))
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '{engine.memory_gb * DUCKDB_SHARE}GB'")
        connection.execute(f"SET temp_directory = {literal(str(scratch / 'spill'))}")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("PRAGMA disable_progress_bar")
        if engine.threads:
            connection.execute(f"SET threads = {engine.threads}")
        yield connection, scratch
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)


def stage(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    columns: dict[str, dict[str, str]],
    features: Features,
    attributes: Mapping[str, bool],
    data_end: datetime | None = None,
    in_place: Set[str] = frozenset(),
) -> LeadDatabase:
    """The lead database over the views raw_<table>, whose columns and types are `columns`.
    `attributes` are further columns of leads, and whether they must read as numbers; the tables
    `in_place` are read where they lie."""
    listed = _attributes(features.attributes, "features.attributes lists", columns["leads"])
    further = sorted(attributes.keys() - listed.keys())
    further_attributes = _attributes(further, "A rule or condition asks for", columns["leads"])
    _create_tables(connection, features, listed.keys() | further_attributes, columns, in_place)
    now = utc_now()
    observed = observe(connection, features, now)
    texts = [
        name for name, kind in columns["leads"].items() if kind.startswith(("VARCHAR", "ENUM"))
    ]
    write_lead_faults(connection, columns, [name for name in texts if attributes.get(name)])
    return LeadDatabase(
        connection=connection,
        columns=columns,
        **vars(observed),
        attributes=listed,
        data_end=data_end or latest_time(connection, now),
        scratch=scratch,
    )


def _attributes(listed: Sequence[str], who: str, types: dict[str, str]) -> dict[str, bool]:
    """Whether each listed column of leads is text. Raises BadInput for what is no attribute."""
    missing = [name for name in listed if name not in types]
    if missing:
        raise BadInput(
            f"{who} {', '.join(missing)}, which tables.leads does not have. "
            f"It has: {', '.join(types)}."
        )
    is_text = {name: types[name].startswith(_TEXT_TYPES) for name in listed}
    for name in listed:
        if not is_text[name] and not _NUMBER_TYPE.fullmatch(types[name]):
            raise BadInput(
                f"{who} {name}, which is a {types[name]}: neither text nor a "
                "number. Make it one in the query of tables.leads, or leave it out."
            )
    return is_text


def _create_tables(
    connection: duckdb.DuckDBPyConnection,
    features: Features,
    attributes: Set[str],
    columns: dict[str, dict[str, str]],
    in_place: Set[str],
) -> None:
    id_type = lead_id_type(columns)
    of_contract = {column.name for column in CONTRACT["leads"]}
    extra = [quoted(name) for name in sorted(attributes - of_contract)]
    for table in columns.keys() | {"deals"}:  # frames may come without deals: none closed yet
        types = columns.get(table, {})
        expressions = [f"{cast(c, types, id_type)} AS {quoted(c.name)}" for c in CONTRACT[table]]
        expressions += extra if table == "leads" else []
        rows = f"FROM raw_{table}" if types else "WHERE false"
        try:
            kind = "VIEW" if table in in_place else "TABLE"
            connection.execute(f"CREATE {kind} {table} AS SELECT {', '.join(expressions)} {rows}")
        except duckdb.Error as error:
            raise BadInput(f"tables.{table} cannot be read: {error}") from None
    connection.execute(
        f"CREATE VIEW known_events AS SELECT *, {KNOWN_AT} AS known_at FROM events "
        f"WHERE {is_counted(features)}"
    )
