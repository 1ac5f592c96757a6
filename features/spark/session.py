"""Spark: reads tables at scale, brings the rows of each lead together, runs Python over them.

The only file that imports pyspark. It knows neither features nor models: what runs over the rows is
given to it, and is the code that runs without Spark, too (docs/adr/0015).
"""

from __future__ import annotations

import logging
import math
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.config import Config, Tables
from features.contract.files import is_iceberg_state, is_parquet_folder, is_workbook
from features.contract.tables import CONTRACT, has_suffix, is_folder, is_query, require_columns
from features.contract.text_files import is_text_file, read_header
from features.contract.text_values import PATTERNS
from features.errors import BadInput
from features.masking import remember_secrets
from features.toml import read_text

SparkFrame = Any  # pyspark.sql.DataFrame, where pyspark is installed
Rows = Iterator[pa.RecordBatch]
PARTS_OF_HASH = 1_000_000
MOST_AT_ONCE = 10_000
DRIVER_MEMORY = "4g"  # of a session that we start on this machine
_IF_TOO_MUCH = (
    "if memory is what lacks: lower engine.spark.most_leads, or raise spark.driver.memory"
)
_LINES = 3  # of a Spark error, at most


@contextmanager
def plain_errors(doing: str) -> Iterator[None]:
    """Raises BadInput for what Spark raises: the cause, not the stack of the Java virtual
    machine. `doing` says at what it happened."""
    try:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
    except ImportError:
        raise BadInput(
            'engine.kind = "spark" needs pyspark, which is not installed: '
            "pip install -c constraints.txt -e '.[spark]'"
        ) from None
    # pyspark logs what it raises, with the whole Java stack, as JSON
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")  # Arrow only
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise BadInput(f"{doing}: {cause(str(error))}") from None


def cause(text: str) -> str:
    """The cause of an error, out of all that Spark reports about it.

    >>> cause('Job aborted.\\nTraceback (most recent call last):\\n  File "x.py", line 3, in f\\n'
    ...       'features.errors.BadInput: They do not fit into 4 GB.\\n SQLSTATE: 38000')
    'They do not fit into 4 GB.'
    >>> cause("[PATH_NOT_FOUND] There is no file:/x. SQLSTATE: 42K03\\n\\tat org.Apache(1)")
    '[PATH_NOT_FOUND] There is no file:/x.'
    """
    text = re.split(r"\s*SQLSTATE|\n\s*JVM stacktrace|\n\s+at ", text)[0].strip()
    _, python, trace = text.rpartition("Traceback (most recent call last):\n")
    if python:
        unindented = [line for line in trace.splitlines() if line and not line.startswith(" ")]
        text = "\n".join(unindented[:_LINES]).removeprefix("features.errors.BadInput: ")
    return "\n".join(text.splitlines()[:_LINES])


def session(address: str) -> Any:
    """The active Spark session of this process; else one by Spark Connect (sc://host:port), or of
    a master (local[2], spark://...). Raises BadInput where there is no Java to run one."""
    with plain_errors(f"No Spark session at engine.spark.address = {address!r}"):
        from pyspark.sql import SparkSession

        active = SparkSession.getActiveSession()
        if active is not None:
            return active
        if address.startswith("sc://"):
            return SparkSession.builder.remote(address).getOrCreate()
        if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
            raise BadInput(
                f"engine.spark.address = {address!r} starts Spark on this machine, which needs "
                "Java 17: install it, or name a Spark Connect server, sc://host:15002."
            )
        builder = SparkSession.builder.appName("sales-readiness").master(address)
        builder = builder.config("spark.ui.enabled", "false")
        builder = builder.config("spark.ui.showConsoleProgress", "false")
        if address.startswith("local"):  # reachable from this machine alone
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            builder = builder.config("spark.driver.bindAddress", "127.0.0.1")
            builder = builder.config("spark.driver.host", "127.0.0.1")
            # The sample for the driver passes through it: Spark's own 1 GB is too little for that.
            builder = builder.config("spark.driver.memory", DRIVER_MEMORY)
            builder = builder.config("spark.driver.maxResultSize", "0")
        made = builder.getOrCreate()
        made.sparkContext.setLogLevel("OFF")  # errors are raised, and reported once
        return made


@dataclass(frozen=True)
class SparkTables:
    """The tables of a lead database as Spark sees them, raw, by name. `groups` (key, place) says
    which leads stay together, those of one place; without it, and where a place is null, each lead
    goes by itself."""

    session: Any
    frames: dict[str, SparkFrame]
    groups: SparkFrame | None = None

    @classmethod
    def opened(cls, config: Config) -> SparkTables:
        """The tables that readiness.toml names. Raises BadInput for those that cannot be read."""
        if config.tables.database:
            raise BadInput(
                'tables.database is read by DuckDB, not with engine.kind = "spark": write its '
                "tables as Parquet, or name tables of the session's catalog."
            )
        spark = session(config.engine.spark.address)
        frames = {}
        for table in CONTRACT:
            named = getattr(config.tables, table)
            if named is not None:
                with plain_errors(f"tables.{table} cannot be read ({named})"):
                    frames[table] = _read(spark, table, named, config.tables, config.folder)
                    require_columns(table, frames[table].columns)
        return cls(spark, frames)

    def grouped(self, column: str, work: Callable[[Rows], Rows]) -> SparkTables:
        """The same, with the leads of one place together in buckets and samples. `work` makes
        places (key, place; texts) of leads (lead_id, as text; the column). Of a lead in two rows
        one counts."""
        from pyspark.sql import functions as sf

        leads = self.frames["leads"]
        rows = leads.select(_key(leads).alias("lead_id"), _named(column))
        schema = _spark_schema(pa.schema([("key", pa.string()), ("place", pa.string())]))
        places = rows.mapInArrow(_function(work), schema)
        return replace(self, groups=places.groupBy("key").agg(sf.min("place").alias("place")))

    def _placed(self, frame: SparkFrame) -> tuple[SparkFrame, Any]:
        """A frame that has the column key, and the expression of each row's place."""
        from pyspark.sql import functions as sf

        if self.groups is None:
            return frame, sf.col("key")
        return frame.join(self.groups, "key", "left"), sf.coalesce("place", "key")

    def sample(self, share: float, places: Sequence[str] = ()) -> dict[str, pa.Table]:
        """All rows of about that share of the leads, with whoever stays together with them, and of
        some places; the same on every call."""
        from pyspark.sql import functions as sf

        taken = {}
        for table, frame in self.frames.items():
            with plain_errors(f"tables.{table} cannot be brought to the driver ({_IF_TOO_MUCH})"):
                if share < 1:
                    rows = frame.select(_key(frame).alias("key"), sf.struct("*").alias("row"))
                    rows, place = self._placed(rows)
                    part = sf.pmod(sf.xxhash64(place), sf.lit(PARTS_OF_HASH))
                    inside = part < math.ceil(share * PARTS_OF_HASH)
                    frame = rows.where(inside | place.isin(list(places))).select("row.*")
                taken[table] = frame.toArrow()
        return taken

    def places(self, leads: Sequence[str]) -> list[str]:
        """The places of some leads: each itself, or where it stays together with others."""
        if self.groups is None or not leads:
            return list(leads)
        rows = self.groups.where(self.groups["key"].isin(list(leads))).collect()
        places = {row["key"]: row["place"] for row in rows}
        return [places.get(lead) or lead for lead in leads]

    def over_rows(
        self, table: str, columns: Sequence[str], work: Callable[[Rows], Rows], schema: pa.Schema
    ) -> pa.Table:
        """What `work` makes of some columns, part by part as Spark reads them."""
        frame = self.frames[table].select(*map(_named, columns))
        with plain_errors(f"tables.{table} cannot be read"):
            return frame.mapInArrow(_function(work), _spark_schema(schema)).toArrow()

    def by_lead(
        self,
        columns: dict[str, list[str]],
        buckets: int,
        work: Callable[[Rows], Rows],
        schema: pa.Schema,
    ) -> SparkFrame:
        """What `work` makes of each of so many buckets of leads, after one shuffle (two where they
        are grouped), lazily.

        A bucket is all rows of its leads, in no order. Each row holds, as a struct, one row of the
        table whose column is not null; a bucket may be empty.
        """
        from pyspark.sql import functions as sf

        kinds = {
            table: self.frames[table].select(*map(_named, names)).schema
            for table, names in columns.items()
        }
        tagged = []
        for table, names in columns.items():
            frame = self.frames[table]
            row = sf.struct(*map(_named, names))
            sides = [
                (row if other == table else sf.lit(None).cast(kind)).alias(other)
                for other, kind in kinds.items()
            ]
            tagged.append(frame.select(_key(frame).alias("key"), *sides))
        rows = tagged[0]
        for more in tagged[1:]:
            rows = rows.unionByName(more)
        rows, place = self._placed(rows)
        rows = rows.repartition(buckets, place).select(*columns)
        return rows.mapInArrow(_function(work), _spark_schema(schema))

    def collected(self, frame: SparkFrame) -> pa.Table:
        """The rows of a frame, brought here."""
        with plain_errors("The work on Spark failed"):
            return frame.toArrow()

    @cached_property
    def at_once(self) -> int:
        """How many tasks run side by side: Spark parts a range of numbers by that."""
        from pyspark.sql import functions as sf

        with plain_errors("Spark does not run"):
            parts = self.session.range(MOST_AT_ONCE).select(sf.spark_partition_id().alias("part"))
            return len(parts.toArrow()["part"].unique())

    def replace_parts(self, frame: SparkFrame, folder: str, by: Sequence[str]) -> None:
        """Write Parquet, each part in the place of the one before. Spark writes beside them, and
        moves them in once all are there: killed in it, the old ones stand."""
        with plain_errors(f"Spark cannot write to {folder}"):
            writer = frame.write.mode("overwrite").partitionBy(*by)
            writer.option("partitionOverwriteMode", "dynamic").parquet(folder)

    def parts(self, folder: str, files_at_once: int) -> Iterator[pa.Table]:
        """The rows of a folder of Parquet, some files at a time."""
        with plain_errors(f"Spark cannot read {folder}"):
            files = sorted(self.session.read.parquet(folder).inputFiles())
            for start in range(0, len(files), files_at_once):
                some = files[start : start + files_at_once]
                yield self.session.read.parquet(*some).toArrow()


def _named(column: str) -> Any:
    from pyspark.sql import functions as sf

    return sf.col("`" + column.replace("`", "``") + "`")


def _key(frame: SparkFrame) -> Any:
    """The lead as text, whatever the type of its id is in a table: 7, 7.0 and '7' are one lead."""
    column, kind = _named("lead_id"), dict(frame.dtypes)["lead_id"]
    if kind not in ("double", "float"):
        return column.cast("string")
    from pyspark.sql import functions as sf

    whole = column.cast("decimal(38,0)")
    return sf.when(column == whole.cast(kind), whole.cast("string")).otherwise(
        column.cast("string")
    )


def _read(session: Any, table: str, named: str, tables: Tables, folder: Path) -> SparkFrame:
    data = (folder / tables.folder).resolve()
    if is_query(named):
        return session.sql(named.replace("{folder}", str(data)))
    if has_suffix(named, "sql"):
        text = read_text(folder / named).strip().rstrip(";")
        remember_secrets(text)
        return session.sql(text.replace("{folder}", str(data)))
    path = named if "://" in named else str(data / named)
    if is_workbook(named) or is_iceberg_state(named) or not is_parquet_folder(data / named):
        raise BadInput(
            f'tables.{table} = {named!r} is read by DuckDB, not with engine.kind = "spark": name a '
            "table of the session's catalog, or write it as Parquet."
        )
    if has_suffix(named, "parquet") or is_folder(named):
        return session.read.parquet(path)
    if not is_text_file(named):
        return session.table(named)
    return _read_text(session, table, path, tables.encoding)


def _read_text(session: Any, table: str, path: str, encoding: str) -> SparkFrame:
    """A text file, or a folder of them, as contract/text_files.py reads one: all columns are texts,
    but for further ones of leads whose values are all numbers or flags. Quoted line ends are read
    right by a task for each file. Raises BadInput where that cannot be, and for an odd number of
    quotes in a file: Spark would read on to its end."""
    from pyspark.sql import functions as sf

    if encoding != "utf-8":
        raise BadInput(
            f'tables.{table}: with engine.kind = "spark" text files are UTF-8, not {encoding}. '
            "Convert them, or write Parquet."
        )
    lines = session.read.text(path)
    first = lines.take(1)
    quotes = sf.sum(sf.length("value") - sf.length(sf.replace("value", sf.lit('"'), sf.lit(""))))
    for file, count in lines.groupBy(sf.input_file_name()).agg(quotes).collect():
        if count % 2:
            raise BadInput(
                f"tables.{table}: {file}: it has an odd number of quotes, {count:,}: one is never "
                'closed, or not doubled within "...".'
            )
    required = [column.name for column in CONTRACT[table] if column.required]
    delimiter, names = read_header(table, path, first[0][0] if first else "", required)
    read = session.read.options(
        sep=delimiter, quote='"', escape='"', header=True, multiLine=True, mode="FAILFAST",
        enforceSchema=False, columnPruning=False,
    )  # fmt: skip
    schema = ", ".join(f"`{name.replace('`', '``')}` STRING" for name in names)
    texts = read.schema(schema).csv(path)
    texts = texts.select([sf.nullif(_named(name), sf.lit("")).alias(name) for name in names])
    of_contract = {column.name for column in CONTRACT[table]}
    further = [name for name in names if table == "leads" and name not in of_contract]
    replaced = sf.contains(sf.concat_ws("", *map(_named, names)), sf.lit("\ufffd"))
    tests = [sf.count_if(replaced)] + [
        sf.every(_named(name).rlike(f"^(?:{pattern})$"))
        for name in further
        for pattern in PATTERNS.values()
    ]
    columns = f"{len(names)} columns ({', '.join(names)})"
    with plain_errors(f"tables.{table}: {path}: each row should have {columns}; not all have"):
        faulty, *fits = texts.agg(*tests).first()
    if faulty:
        raise BadInput(
            f"tables.{table}: {path}: {faulty:,} rows hold what Spark writes for bytes that are "
            "not UTF-8. Convert the file."
        )
    casts = iter(fits)
    for name in further:
        kind = next((k for k, fit in [(k, next(casts)) for k in PATTERNS] if fit), "STRING")
        texts = texts.withColumn(name, _named(name).cast(kind))
    return texts


def _function(work: Callable[[Rows], Rows]) -> Callable[[Iterable[pa.RecordBatch]], Rows]:
    """`work` as a function of the shape that mapInArrow calls."""

    def run(batches: Iterable[pa.RecordBatch]) -> Rows:
        return work(iter(batches))

    return run


def _spark_schema(schema: pa.Schema) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema, prefer_timestamp_ntz=True)
