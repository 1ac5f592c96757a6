"""What must be known of a lead database on Spark as a whole, before its leads part: how many leads
and events there are, which actions, and when the data end.

All else is local to a lead. These few are summed up over the raw rows as Spark reads them, by the
very expressions that stage a lead database.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa

from features.config import Config, Engine, Features
from features.contract.observed import KNOWN_AT, is_deed
from features.contract.tables import CONTRACT, Column, cast
from features.spark.session import Rows, SparkTables
from features.spec.spec import Spec

_FOUND = pa.schema(
    [("action", pa.string()), ("events", pa.int64()), ("rows", pa.int64()), ("latest", pa.int64())]
)
_TIMES = {"events": "occurred_at", "leads": "created_at", "deals": "closed_at"}
_READ = {"events": ["lead_id", "occurred_at", "action", "recorded_at"]}


@dataclass(frozen=True)
class Staging:
    """How any part of a lead database is staged, on any machine; `columns` are those asked for, by
    table. `data_end` is None where no time can be read."""

    features: Features
    engine: Engine
    specs: tuple[Spec, ...]
    columns: dict[str, list[str]]
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


def find_whole(config: Config, specs: Sequence[Spec], attributes: Set[str], now: datetime) -> Whole:
    """Open the tables on Spark and look at all of them once. Times after `now` end no data.

    `attributes` are the further columns of leads that will be asked for.
    """
    tables = SparkTables.opened(config)
    columns = {
        table: [name for name in frame.columns if name in _wanted(table, attributes)]
        for table, frame in tables.frames.items()
    }
    found = {table: _facts(tables, table, columns[table], config.features, now) for table in _TIMES}
    events: dict[str, int] = {}
    for row in found["events"]:
        if row["events"]:
            events[row["action"]] = events.get(row["action"], 0) + row["events"]
    latest = [row["latest"] for rows in found.values() for row in rows if row["latest"] is not None]
    end = config.time.data_end or max(map(_from_microseconds, latest), default=None)
    return Whole(
        tables,
        Staging(config.features, config.engine, tuple(specs), columns, end),
        leads=sum(row["rows"] for row in found["leads"]),
        events=sum(row["rows"] for row in found["events"]),
        actions=tuple(sorted(events, key=lambda action: (-events[action], action))),
    )


def _wanted(table: str, attributes: Set[str]) -> set[str]:
    return {column.name for column in CONTRACT[table]} | (attributes if table == "leads" else set())


def _facts(
    tables: SparkTables, table: str, columns: list[str], features: Features, now: datetime
) -> list[dict[str, Any]]:
    read = [name for name in columns if name in _READ.get(table, [_TIMES[table]])]
    work = facts_of(table, features, now)
    rows: list[dict[str, Any]] = tables.over_rows(table, read, work, _FOUND).to_pylist()
    return rows


def facts_of(table: str, features: Features, now: datetime) -> Callable[[Rows], Rows]:
    """Counts the rows, the deeds by action and the latest time up to `now` of some rows."""

    def facts(rows: Rows) -> Rows:
        reader = as_reader(rows)
        if reader is None:
            return
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
            connection.register("raw", reader)
            found = {name: kind for name, kind, *_ in connection.execute("DESCRIBE raw").fetchall()}
            sql = _facts_sql(table, found, features, now)
            yield from connection.execute(sql).to_arrow_table().cast(_FOUND).to_batches()

    return facts


def as_reader(rows: Rows) -> pa.RecordBatchReader | None:
    """The rows as one stream; None where there is no row, and so no schema."""
    first = next(rows, None)
    if first is None:
        return None
    return pa.RecordBatchReader.from_batches(first.schema, chain([first], rows))


def _facts_sql(table: str, found: dict[str, str], features: Features, now: datetime) -> str:
    if table != "events":
        moment = cast(Column(_TIMES[table], "TIMESTAMP"), found, "")
        return (
            "SELECT NULL::VARCHAR AS action, 0::BIGINT AS events, count(*) AS rows, "
            f"epoch_us(max(moment) FILTER (WHERE moment <= TIMESTAMP '{now}')) AS latest "
            f"FROM (SELECT {moment} AS moment FROM raw)"
        )
    asked = [column for column in CONTRACT["events"] if column.name in _READ["events"]]
    read = ", ".join(
        column.name if column.type == "LEAD_ID" else f"{cast(column, found, '')} AS {column.name}"
        for column in asked
    )
    return f"""
SELECT action, count(*) FILTER (WHERE {is_deed(features)}) AS events, count(*) AS rows,
  epoch_us(max({KNOWN_AT}) FILTER (WHERE {KNOWN_AT} <= TIMESTAMP '{now}')) AS latest
FROM (SELECT {read} FROM raw) GROUP BY action"""


def _from_microseconds(number: int) -> datetime:
    moment: datetime = pa.scalar(number, pa.timestamp("us")).as_py()
    return moment
