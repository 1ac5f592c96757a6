"""A lead database, opened: its tables in the contract's types in a DuckDB of its own.

Staging copies the needed columns into a DuckDB in memory, which beyond its limit goes on in
temporary files that are removed on closing; so CSV and a slow query cost their reading once,
whatever runs on them later. Events in Parquet are read where they lie: faster than any copy.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pandas as pd

from features.conditions.membership import Membership
from features.config import Config, Engine
from features.contract.breaches import lead_checks, unread_times, write_attribute_faults
from features.contract.cures import FRAME
from features.contract.databases import cause
from features.contract.extensions import connect
from features.contract.left_out import write_left_out
from features.contract.machine_events import without_machines
from features.contract.merges import INHERITED_EVENTS, write_survivors
from features.contract.observed import KNOWN_AT, is_counted, latest_time, observe, observed
from features.contract.open_periods import write_open_periods
from features.contract.reading import Reading
from features.contract.tables import (
    CONTRACT,
    cast,
    describe_sources,
    is_nested,
    is_read_in_place,
    lead_id_type,
    open_sources,
    require_once,
)
from features.contract.text_values import is_number_column
from features.cutoffs import utc_now
from features.errors import BadInput
from features.spec.accounts import account_column
from features.spec.compiled import compile_specs
from features.spec.kinds import Attribute, AttributeType
from features.spec.spec import OfAccount, Spec
from features.spec.titles import OfTitle
from features.sql import literal, quoted
from features.whole_file import temporary_folder

DUCKDB_SHARE = 0.6  # of the memory limit; the rest is for arrays and frames
PEOPLE = {"leads", "events", "merges"}  # the tables of who the leads are and what they did
_TEXT_TYPES = ("VARCHAR", "ENUM", "BOOLEAN", "UUID")
_DATE_TYPES = ("DATE", "TIMESTAMP")
# A deal that is recorded late counts as closed from then on.
CLOSED_AT = "CASE WHEN closed_at IS NOT NULL THEN greatest(closed_at, recorded_at) END"
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
    alphabetical order; `events_count` is how many events the view known_events has; `attributes`
    holds what each listed attribute is; `columns` are the raw columns per table. `data_end` is the
    latest past time in the tables, or as configured: a label is mature where cutoff + horizon <=
    it. `membership` are the conditions of the cohort (features/cohort.py).
    `leads_of_accounts`: where accounts stand in the place of leads (whole_accounts.py), the
    database of their leads.
    """

    connection: duckdb.DuckDBPyConnection
    columns: dict[str, dict[str, str]]
    actions: tuple[str, ...]
    sources: tuple[str, ...]
    events_count: int
    attributes: dict[str, AttributeType]
    membership: Membership | None
    data_end: datetime
    scratch: Path
    leads_of_accounts: LeadDatabase | None = field(default=None, kw_only=True)

    @property
    def of_leads(self) -> LeadDatabase:
        """The database in which each lead is a lead: itself, or what accounts are made of."""
        return self.leads_of_accounts or self

    @property
    def unit(self) -> str:
        """What a row of leads is: a lead, or an account."""
        return "account" if self.leads_of_accounts else "lead"

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
    contract are kept for `breaches`; the leads they concern are in `left_out`.
    """
    with temporary_duckdb(config.engine) as (connection, scratch):
        reading, amount = Reading.of(config), config.routing.amount
        further = further_attributes(specs)
        needed = {*reading.attributes, *reading.exclude.leads, *further, str(amount)}
        columns = open_sources(connection, config.tables, config.folder, scratch, needed)
        events, end = config.tables.events, config.time.data_end
        lying = events is not None and is_read_in_place("events", events, columns["events"])
        in_place = {"events"} if lying else set()
        further |= numbers_in_text(connection, reading.features.attributes, columns)
        yield stage(connection, scratch, columns, reading, further, end, in_place)


@contextmanager
def open_frames(
    frames: Mapping[str, Any],
    reading: Reading,
    engine: Engine,
    specs: Iterable[Spec] = (),
) -> Iterator[LeadDatabase]:
    """The same over frames by table name: `leads` and, if known, `events` and `deals`. Pandas,
    polars, Arrow or whatever else DuckDB reads."""
    with temporary_duckdb(engine) as (connection, scratch):
        columns = register_tables(connection, frames, are_frames=True)
        further = further_attributes(specs)
        further |= numbers_in_text(connection, reading.features.attributes, columns)
        yield stage(connection, scratch, columns, reading, further)


def further_attributes(specs: Iterable[Spec]) -> dict[str, bool]:
    """The attributes that some specs read, and whether any of them reads it as a number."""
    attributes: dict[str, bool] = {}
    for leaf in compile_specs(specs).leaves:
        if isinstance(leaf, Attribute):
            attributes[leaf.column] = attributes.get(leaf.column, False) or not leaf.text
        elif isinstance(leaf, OfTitle):
            attributes.setdefault(leaf.column, False)
        elif isinstance(leaf, OfAccount):
            attributes.setdefault(account_column(leaf.account)[0], False)
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
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Any], *, are_frames: bool = False
) -> dict[str, dict[str, str]]:
    """Make a view raw_<table> of each; return each one's columns and their types. Raises BadInput
    for columns that are missing or there twice, and for what DuckDB cannot read. `are_frames`: the
    tables are a user's frames, and messages speak of them."""
    for table, rows in tables.items():
        require_once(table, getattr(rows, "column_names", getattr(rows, "columns", ())), are_frames)
        try:
            _register(connection, table, rows)
        except duckdb.Error as error:
            raise BadInput(f"{table} cannot be read: {cause(error)}") from None
        if are_frames:
            connection.execute(f"COMMENT ON VIEW raw_{table} IS {literal(FRAME)}")
    return describe_sources(connection, list(tables), are_frames=are_frames)


def _register(connection: duckdb.DuckDBPyConnection, table: str, rows: Any) -> None:
    """Make the view. DuckDB 1.5.5 does not read the backwards view that frame[::-1] is: only a copy
    of it."""
    try:
        connection.register(f"raw_{table}", rows)
        connection.execute(f"DESCRIBE FROM raw_{table}")
    except duckdb.Error:
        if not isinstance(rows, pd.DataFrame):
            raise
        connection.register(f"raw_{table}", rows.copy())
        connection.execute(f"DESCRIBE FROM raw_{table}")


@contextmanager
def temporary_duckdb(engine: Engine) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A DuckDB within the engine's limits, in a temporary folder that is removed at the end."""
    with temporary_folder() as scratch, closing(connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '{engine.memory_gb * DUCKDB_SHARE}GB'")
        connection.execute(f"SET temp_directory = {literal(str(scratch / 'spill'))}")
        connection.execute("SET preserve_insertion_order = false")
        if engine.threads:
            connection.execute(f"SET threads = {engine.threads}")
        yield connection, scratch


def stage(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    columns: dict[str, dict[str, str]],
    reading: Reading,
    attributes: Mapping[str, bool],
    data_end: datetime | None = None,
    in_place: Set[str] = frozenset(),
) -> LeadDatabase:
    """The lead database over the views raw_<table>, whose columns and types are `columns`.
    `attributes` are further columns of leads, and whether they must read as numbers; the tables
    `in_place` are read where they lie."""
    known = lead_columns(columns, reading, attributes)
    stage_people(connection, columns, reading, known.staged, in_place)
    return stage_outcomes(connection, scratch, columns, reading, known, data_end)


class LeadColumns(NamedTuple):
    """Columns of leads beside the contract's. listed: what each of features.attributes is. texts:
    the texts that must read as numbers. staged: all that are staged."""

    listed: dict[str, AttributeType]
    texts: list[str]
    staged: set[str]


def lead_columns(
    columns: dict[str, dict[str, str]], reading: Reading, attributes: Mapping[str, bool]
) -> LeadColumns:
    """The columns of leads that staging needs. Raises BadInput for those that are not there, or are
    no attribute."""
    staged = {c.name: c.type for c in CONTRACT["leads"] if c.type == "VARCHAR"}
    types = {name: staged.get(name, kind) for name, kind in columns["leads"].items()}
    exclude, of_cohort = reading.exclude, further_attributes(reading.specs)
    attributes = of_cohort | {n: v or of_cohort.get(n, False) for n, v in attributes.items()}
    listed = _attributes(reading.features.attributes, "features.attributes lists", types)
    needed = {*attributes, *reading.attributes} - listed.keys()
    if reading.features.account is not None:
        column = account_column(reading.features.account)[0]
        _attributes([column], "features.account names", types)
    who = "features.title, a rule, a role, a condition or [fairness] asks for"
    further = _attributes(sorted(needed), who, types)
    _require_columns([*exclude.leads], "[exclude] leads names", types)
    texts = [name for name, kind in types.items() if kind.startswith(("VARCHAR", "ENUM"))]
    numbers = [name for name in texts if attributes.get(name)]
    return LeadColumns(listed, numbers, {*listed, *further, *exclude.leads})


def stage_people(
    connection: duckdb.DuckDBPyConnection,
    columns: dict[str, dict[str, str]],
    reading: Reading,
    attributes: Set[str],
    in_place: Set[str] = frozenset(),
) -> None:
    """Stage who the leads are and what they did: PEOPLE, known_events, and what the events hold."""
    tables = columns.keys() & PEOPLE | {"events", "merges"}
    _create_tables(connection, tables, attributes, columns, in_place)
    _create_known_events(connection, reading, "merges" in columns)
    observe(connection, reading.features, utc_now())
    connection.execute("CREATE TABLE event_leads AS SELECT DISTINCT lead_id FROM events")


def stage_outcomes(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    columns: dict[str, dict[str, str]],
    reading: Reading,
    known: LeadColumns,
    data_end: datetime | None,
) -> LeadDatabase:
    """Stage what came of the leads, beside `stage_people`: the other tables, who is left out and
    when each is open."""
    tables = columns.keys() - PEOPLE | {"deals"}
    _create_tables(connection, tables, frozenset(), columns, frozenset())
    write_attribute_faults(connection, known.texts)
    write_left_out(connection, reading.exclude, lead_checks(connection, columns))
    write_open_periods(connection, reading.outcomes, "merges" in columns)
    end = data_end or latest_time(connection, utc_now())
    if end is None:
        raise BadInput(
            with_unread_times(
                "The tables hold no readable time at all: nothing can be learnt from them.",
                connection,
                columns,
            )
        )
    return LeadDatabase(
        connection=connection,
        columns=columns,
        **vars(observed(connection)),
        attributes=known.listed,
        membership=reading.membership,
        data_end=end,
        scratch=scratch,
    )


def with_unread_times(
    text: str, connection: duckdb.DuckDBPyConnection, columns: dict[str, dict[str, str]]
) -> str:
    """A message, and below it each column of times that do not read, with what makes them read."""
    return "\n  ".join([text, *map(str, unread_times(connection, columns))])


def _require_columns(names: Sequence[str], who: str, types: dict[str, str]) -> None:
    missing = [name for name in names if name not in types]
    if missing:
        near = (difflib.get_close_matches(name, types, n=1) for name in missing)
        nearest = ", ".join(dict.fromkeys(name for names in near for name in names))
        raise BadInput(
            f"{who} {', '.join(missing)}, which the table leads does not have. "
            f"{f'Did you mean {nearest}? ' if nearest else ''}It has: {', '.join(types)}."
        )


def _attributes(listed: Sequence[str], who: str, types: dict[str, str]) -> dict[str, AttributeType]:
    """What each listed column of leads is. Raises BadInput for what is no attribute."""
    _require_columns(listed, who, types)
    attributes: dict[str, AttributeType] = {}
    for name in listed:
        if types[name].startswith(_TEXT_TYPES) and not is_nested(types[name]):
            attributes[name] = "text"
        elif types[name].startswith(_DATE_TYPES):
            attributes[name] = "date"
        elif _NUMBER_TYPE.fullmatch(types[name]):
            attributes[name] = "number"
        else:
            raise BadInput(
                f"{who} {name}, which is a {types[name]}: neither text, a number nor a date. "
                "Convert it, or leave it out."
            )
    return attributes


def _create_tables(
    connection: duckdb.DuckDBPyConnection,
    tables: Set[str],
    attributes: Set[str],
    columns: dict[str, dict[str, str]],
    in_place: Set[str],
) -> None:
    id_type = lead_id_type(columns)
    of_contract = {column.name for column in CONTRACT["leads"]}
    extra = [quoted(name) for name in sorted(attributes - of_contract)]
    for table in sorted(tables):
        types = columns.get(table, {})
        expressions = [f"{cast(c, types, id_type)} AS {quoted(c.name)}" for c in CONTRACT[table]]
        expressions += extra if table == "leads" else []
        rows = f"FROM raw_{table}" if types else "WHERE false"
        sql = f"SELECT {', '.join(expressions)} {rows}"
        if table == "deals":
            sql = f"SELECT * REPLACE ({CLOSED_AT} AS closed_at) FROM ({sql})"
        try:
            kind = "VIEW" if table in in_place else "TABLE"
            connection.execute(f"CREATE {kind} {table} AS {sql}")
        except duckdb.Error as error:
            raise BadInput(f"{table} cannot be read: {cause(error)}") from None


def _create_known_events(
    connection: duckdb.DuckDBPyConnection, reading: Reading, merges: bool
) -> None:
    """The events that count, with the time from which each is known, and those of merged leads for
    one another."""
    exclude, counted = reading.exclude, is_counted(reading.features)
    own = ", lead_id AS recorded_for" if merges else ""
    connection.execute(
        f"CREATE VIEW own_events AS SELECT *, {KNOWN_AT} AS known_at{own} "
        f"FROM events WHERE {counted}"
    )
    rows = "SELECT * FROM own_events"
    write_survivors(connection)
    rows += f" UNION ALL {INHERITED_EVENTS}" if merges else ""
    if exclude.machine_clicks or exclude.machine_opens:  # sorted once, not by every reader
        rows = f"{without_machines(exclude, f'({rows})')}"
        connection.execute(f"CREATE TABLE known_events AS {rows}")
    else:
        connection.execute(f"CREATE VIEW known_events AS {rows}")
