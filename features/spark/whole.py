"""A lead database on Spark: the facts that concern all of its leads (how many leads and events,
which actions, when the data end), and opening a sample or a bucket of its leads as a lead database.

Everything else is local to a lead, or to its account. The facts are summed over the raw rows as
Spark reads them, by the expressions that stage a lead database.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

import pyarrow as pa

from features.config import Config, Engine, Features
from features.contract.accounts import OWN, account_sql
from features.contract.database import (
    LeadDatabase,
    numbers_in_text,
    register_tables,
    stage,
    temporary_duckdb,
)
from features.contract.extensions import connect
from features.contract.observed import KNOWN_AT, is_counted
from features.contract.reading import Reading
from features.contract.tables import CONTRACT, Column, cast, describe_sources
from features.contract.whole_accounts import of_unit
from features.cutoffs import utc_now
from features.errors import BadInput
from features.spark.session import Rows, SparkTables
from features.spec.accounts import account_column

_FACTS = pa.schema(
    [("action", pa.string()), ("events", pa.int64()), ("rows", pa.int64()), ("latest", pa.int64())]
)
_TIMES = {"events": "occurred_at", "leads": "created_at", "deals": "closed_at"}
_READ = {
    "events": ["lead_id", "occurred_at", "action", "recorded_at"],
    "deals": ["closed_at", "recorded_at", "outcome"],
}


@dataclass(frozen=True)
class Staging:
    """How any part of a lead database is staged, on any machine. `columns` are the needed ones by
    table; `attributes` are those of leads besides features.attributes, and whether they must read
    as numbers. `account` names the accounts that are what is scored, if any. `data_end` is None
    where no time can be read."""

    reading: Reading
    engine: Engine
    attributes: dict[str, bool]
    columns: dict[str, list[str]]
    account: str | None
    data_end: datetime | None


@dataclass(frozen=True)
class Whole:
    """A lead database on Spark."""

    tables: SparkTables
    staging: Staging
    leads: int
    events: int
    actions: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share of the leads that training and reports look at, in (0, 1]."""
        return min(1.0, self.staging.engine.spark.most_leads / max(1, self.leads))


@dataclass(frozen=True)
class SparkSample(LeadDatabase):
    """A lead database that holds the leads of one on Spark, the `whole`, or some of them. Its
    actions and data end are those of the whole."""

    whole: Whole


@contextmanager
def open_sample(
    config: Config, attributes: Mapping[str, bool], leads: Sequence[str]
) -> Iterator[SparkSample]:
    """Open the lead database on Spark that readiness.toml names, and stage engine.spark.most_leads
    of its leads here, `leads` (or accounts, where these are scored) among them. Else as
    `contract.database.open_files`."""
    whole = find_whole(config, attributes, utc_now())
    with temporary_duckdb(config.engine) as (connection, scratch):
        if config.account is None:
            places = whole.tables.places(leads)
        else:  # an account is a place, and so is a lead without one
            places = [each.removeprefix(OWN) for each in leads]
        columns = register_tables(connection, whole.tables.sample(whole.share, places))
        end = whole.staging.data_end
        reading = whole.staging.reading
        in_text = numbers_in_text(connection, reading.features.attributes, columns)
        attributes = dict(attributes) | in_text
        whole = replace(whole, staging=replace(whole.staging, attributes=attributes))
        staged = stage(connection, scratch, columns, reading, attributes, end)
        yield SparkSample(**vars(staged) | {"actions": whole.actions, "whole": whole})


@contextmanager
def open_bucket(how: Staging, rows: pa.RecordBatchReader) -> Iterator[LeadDatabase]:
    """One bucket of leads (`SparkTables.by_lead`) as a lead database, on a worker of Spark. Its
    leads are all in it, with all that they did; actions and data end are the bucket's own. Where
    accounts are scored they stand in the place of leads, as here (whole_accounts.py)."""
    engine = how.engine.model_copy(update={"threads": 1})
    with temporary_duckdb(engine) as (connection, scratch):
        connection.register("arriving", rows)
        connection.execute("CREATE TABLE arrived AS FROM arriving")
        for table in how.columns:
            connection.execute(
                f"CREATE VIEW raw_{table} AS SELECT unnest({table}) FROM arrived "
                f"WHERE {table} IS NOT NULL"
            )
        columns = describe_sources(connection, list(how.columns))
        end = how.data_end or datetime.min
        staged = stage(connection, scratch, columns, how.reading, how.attributes, end)
        with of_unit(staged, how.account, how.reading.outcomes) as database:
            yield database


def find_whole(config: Config, attributes: Mapping[str, bool], now: datetime) -> Whole:
    """Open the tables on Spark and look at all of them once. Times after `now` end no data.

    `attributes` are the columns of leads that rules or segments will ask for.
    """
    if config.tables.merges is not None:
        raise BadInput(
            "tables.merges is not read on Spark: map the ids of merged leads in the queries of the "
            'other tables, or use engine.kind = "duckdb".'
        )
    amount = config.routing.amount
    further = {*attributes}
    further |= {amount} if isinstance(amount, str) else set()
    reading = Reading.of(config)
    further |= {*reading.attributes, *config.exclude.leads}
    tables = _grouped(SparkTables.opened(config), config.features.account)
    columns = {
        table: [name for name in frame.columns if name in needed]
        for table, frame in tables.frames.items()
        for needed in [{c.name for c in CONTRACT[table]} | (further if table == "leads" else set())]
    }
    facts = {
        table: _facts(tables, table, columns[table], config.features, now)
        for table in _TIMES
        if table in columns
    }
    events: dict[str, int] = {}
    for row in facts.get("events", []):
        if row["events"]:
            events[row["action"]] = events.get(row["action"], 0) + row["events"]
    latest = [row["latest"] for rows in facts.values() for row in rows if row["latest"] is not None]
    end = config.time.data_end or max(map(_from_microseconds, latest), default=None)
    return Whole(
        tables,
        Staging(reading, config.engine, dict(attributes), columns, config.account, end),
        leads=sum(row["rows"] for row in facts["leads"]),
        events=sum(events.values()),
        actions=tuple(sorted(events, key=lambda action: (-events[action], action))),
    )


def _grouped(tables: SparkTables, account: str | None) -> SparkTables:
    """The tables with all people of an account together, if any. A column that is not there is
    refused by staging."""
    if account is None:
        return tables
    column, _ = account_column(account)
    if column not in tables.frames["leads"].columns:
        return tables
    return tables.grouped(column, partial(places_of, account))


def places_of(account: str, rows: Rows) -> Rows:
    """The account of each row of leads, by the expression that names it to the features."""
    for table in _queried(
        rows,
        lambda types: f"SELECT lead_id AS key, {account_sql(account, types)} AS place FROM raw",
    ):
        yield from table.to_batches()


def _queried(rows: Rows, sql: Callable[[dict[str, str]], str]) -> Iterator[pa.Table]:
    """What a query makes of the rows, `raw`; it is made for the types of their columns. Nothing of
    no rows."""
    reader = as_reader(rows)
    if reader is None:
        return
    with connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
        connection.register("raw", reader)
        types = {name: kind for name, kind, *_ in connection.execute("DESCRIBE raw").fetchall()}
        yield connection.execute(sql(types)).to_arrow_table()


def _facts(
    tables: SparkTables, table: str, columns: list[str], features: Features, now: datetime
) -> list[dict[str, Any]]:
    read = [name for name in columns if name in _READ.get(table, [_TIMES[table]])]
    work = partial(facts_of, table, features, now)
    rows: list[dict[str, Any]] = tables.over_rows(table, read, work, _FACTS).to_pylist()
    return rows


def facts_of(table: str, features: Features, now: datetime, rows: Rows) -> Rows:
    """Counts some rows, and their events by action; and finds the latest time up to `now`."""
    for facts in _queried(rows, lambda types: _facts_sql(table, types, features, now)):
        yield from facts.cast(_FACTS).to_batches()


def as_reader(rows: Rows) -> pa.RecordBatchReader | None:
    """The rows as one stream; None where there is no row, and so no schema."""
    first = next(rows, None)
    if first is None:
        return None
    return pa.RecordBatchReader.from_batches(first.schema, chain([first], rows))


def _facts_sql(table: str, types: dict[str, str], features: Features, now: datetime) -> str:
    if table != "events":
        moment = cast(Column(_TIMES[table], "TIMESTAMP"), types, "")
        if table == "deals":
            recorded = cast(Column("recorded_at", "TIMESTAMP"), types, "")
            moment = f"CASE WHEN outcome IN ('won', 'lost') THEN greatest({moment}, {recorded}) END"
        return (
            "SELECT NULL::VARCHAR AS action, 0::BIGINT AS events, count(*) AS rows, "
            f"epoch_us(max(moment) FILTER (WHERE moment <= TIMESTAMP '{now}')) AS latest "
            f"FROM (SELECT {moment} AS moment FROM raw)"
        )
    columns = [column for column in CONTRACT["events"] if column.name in _READ["events"]]
    read = ", ".join(
        column.name if column.type == "LEAD_ID" else f"{cast(column, types, '')} AS {column.name}"
        for column in columns
    )
    return f"""
SELECT action, count(*) FILTER (WHERE {is_counted(features)}) AS events, count(*) AS rows,
  epoch_us(max({KNOWN_AT}) FILTER (WHERE {KNOWN_AT} <= TIMESTAMP '{now}')) AS latest
FROM (SELECT {read} FROM raw) GROUP BY action"""


def _from_microseconds(number: int) -> datetime:
    moment: datetime = pa.scalar(number, pa.timestamp("us")).as_py()
    return moment
