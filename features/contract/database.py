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
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from features.config import Config, Engine, Features
from features.contract.breaches import write_lead_faults
from features.contract.observed import KNOWN_AT, is_deed, latest_time, observe
from features.contract.tables import (
    CONTRACT,
    cast,
    describe_sources,
    is_read_in_place,
    lead_id_type,
    open_sources,
)
from features.cutoffs import utc_now
from features.errors import BadInput
from features.spark.whole import Staging, Whole, find_whole
from features.spec.compiled import attribute_columns
from features.spec.spec import Spec
from features.sql import literal, quoted

DUCKDB_SHARE = 0.6  # of the memory limit; the rest is for arrays and frames
_TEXT_TYPES = ("VARCHAR", "ENUM", "BOOLEAN", "UUID")
_NUMBER_TYPE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)")


@dataclass(frozen=True)
class LeadDatabase:
    """An open lead database.

    `actions` are the observed ones, most frequent first; `sources` those of the events, in
    alphabetical order; `deeds` is how many events count; `attributes` tells for each listed
    attribute whether it is text; `columns` are the raw columns per table. `data_end` is the latest
    past time in the tables, or as configured: a label is mature where cutoff + horizon <= it.
    `whole` is the lead database on Spark of which this one holds the leads, or some of them.
    """

    connection: duckdb.DuckDBPyConnection
    columns: dict[str, dict[str, str]]
    actions: tuple[str, ...]
    sources: tuple[str, ...]
    deeds: int
    attributes: dict[str, bool]
    data_end: datetime
    scratch: Path
    whole: Whole | None = None

    def query(self, sql: str) -> pd.DataFrame:
        """The rows of a query as a pandas frame."""
        return self.connection.execute(sql).df()

    def value(self, sql: str) -> int:
        """The one number that a query yields."""
        row = self.connection.execute(sql).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    def digests(self) -> dict[str, str]:
        """Per table, its rows and a digest of them, whatever their order: the same content gives
        the same digest."""
        found = {}
        for table in self.columns:
            row = self.connection.execute(
                f"SELECT count(*), coalesce(sum(hash(t)::HUGEINT), 0) FROM {table} t"
            ).fetchone()
            rows, digest = row if row else (0, 0)
            found[table] = f"{rows} rows {digest % 2**64:016x}"
        return found


@contextmanager
def open_database(
    config: Config, specs: Iterable[Spec] = (), leads: Sequence[str] = ()
) -> Iterator[LeadDatabase]:
    """Open and stage the lead database that readiness.toml names.

    specs: what rules or segments will ask for. Their attributes are staged beside those that
    readiness.toml lists, but are not in `attributes`, so that they never become a model's features.
    leads: those that must be in it, where it holds only some (engine.spark.most_leads).
    Raises BadInput for tables that are absent, unreadable, or lack columns. Rows that breach the
    contract are kept for `breaches`; the leads they concern are in `lead_faults`.
    """
    end, now = config.time.data_end, utc_now()
    if end and end > now:
        raise BadInput(
            f"time.data_end is {end}, in the future: leads would count as lost whose time "
            "has not come. Leave it out, or name when the extract was made."
        )
    specs = tuple(specs)
    with _scratch(config.engine) as (connection, scratch):
        if config.engine.kind == "duckdb":
            columns = open_sources(connection, config.tables, config.folder)
            lying = is_read_in_place("events", config.tables.events, columns["events"])
            in_place = {"events"} if lying else set()
            yield _staged(connection, scratch, columns, config.features, end, specs, in_place)
            return
        whole = find_whole(config, specs, _columns_asked(config, specs), now)
        columns = _register(connection, whole.tables.sample(whole.share, leads))
        end = whole.staging.data_end
        database = _staged(connection, scratch, columns, config.features, end, specs)
        yield replace(database, actions=whole.actions, whole=whole)


def _columns_asked(config: Config, specs: Sequence[Spec]) -> set[str]:
    """The columns of leads that are asked for beside those of the contract."""
    asked = set(attribute_columns(specs))
    amount = config.routing.amount
    return asked | {*config.features.attributes, *([amount] if isinstance(amount, str) else [])}


@contextmanager
def open_bucket(how: Staging, rows: pa.RecordBatchReader) -> Iterator[LeadDatabase]:
    """The same over one bucket of leads (`SparkTables.by_lead`), on a worker of Spark. Its leads
    are all in it, with all that they did; actions and data end are the bucket's own."""
    with _scratch(how.engine.model_copy(update={"threads": 1})) as (connection, scratch):
        connection.register("arriving", rows)
        connection.execute("CREATE TABLE arrived AS FROM arriving")
        for table in how.columns:
            connection.execute(
                f"CREATE VIEW raw_{table} AS SELECT unnest({table}) FROM arrived "
                f"WHERE {table} IS NOT NULL"
            )
        columns = describe_sources(connection, list(how.columns))
        end = how.data_end or datetime.min
        yield _staged(connection, scratch, columns, how.features, end, how.specs)


@contextmanager
def open_frames(
    frames: Mapping[str, pd.DataFrame],
    features: Features,
    engine: Engine,
    specs: Iterable[Spec] = (),
) -> Iterator[LeadDatabase]:
    """The same over pandas frames by table name: `events`, `leads` and, if known, `deals`."""
    with _scratch(engine) as (connection, scratch):
        yield _staged(connection, scratch, _register(connection, frames), features, None, specs)


def _register(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pd.DataFrame | pa.Table]
) -> dict[str, dict[str, str]]:
    for table, rows in tables.items():
        connection.register(f"raw_{table}", rows)
    return describe_sources(connection, list(tables))


@contextmanager
def _scratch(engine: Engine) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
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


def _staged(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    columns: dict[str, dict[str, str]],
    features: Features,
    data_end: datetime | None,
    specs: Iterable[Spec],
    in_place: Set[str] = frozenset(),
) -> LeadDatabase:
    attributes = _attributes(features.attributes, "features.attributes lists", columns["leads"])
    asked = set(attribute_columns(specs))
    beside = _attributes(
        sorted(asked - attributes.keys()), "A rule or condition asks for", columns["leads"]
    )
    _stage(connection, features, attributes.keys() | beside, columns, in_place)
    now = utc_now()
    observed = observe(connection, features, now)
    write_lead_faults(connection)
    actions, sources = observed.actions, observed.sources
    end = data_end or latest_time(connection, now)
    deeds = observed.deeds
    return LeadDatabase(connection, columns, actions, sources, deeds, attributes, end, scratch)


def _attributes(listed: Sequence[str], who: str, found: dict[str, str]) -> dict[str, bool]:
    """Whether each listed column of leads is text. Raises BadInput for what is no attribute."""
    missing = [name for name in listed if name not in found]
    if missing:
        raise BadInput(
            f"{who} {', '.join(missing)}, which tables.leads does not have. "
            f"It has: {', '.join(found)}."
        )
    is_text = {name: found[name].startswith(_TEXT_TYPES) for name in listed}
    for name in listed:
        if not is_text[name] and not _NUMBER_TYPE.fullmatch(found[name]):
            raise BadInput(
                f"{who} {name}, which is a {found[name]}: neither text nor a "
                "number. Make it one in the query of tables.leads, or leave it out."
            )
    return is_text


def _stage(
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
        found = columns.get(table, {})
        wanted = [f"{cast(c, found, id_type)} AS {quoted(c.name)}" for c in CONTRACT[table]]
        wanted += extra if table == "leads" else []
        rows = f"FROM raw_{table}" if found else "WHERE false"
        try:
            kind = "VIEW" if table in in_place else "TABLE"
            connection.execute(f"CREATE {kind} {table} AS SELECT {', '.join(wanted)} {rows}")
        except duckdb.Error as error:
            raise BadInput(f"tables.{table} cannot be read: {error}") from None
    connection.execute(
        f"CREATE VIEW deeds AS SELECT *, {KNOWN_AT} AS known_at FROM events "
        f"WHERE {is_deed(features)}"
    )
