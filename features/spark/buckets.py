"""Work on a lead database on Spark: bucket by bucket of leads, each opened as a lead database of
its own on a worker, by the code that runs without Spark.

A cohort, features, labels, rules and scores are local to a lead, and features of accounts to its
account, which is never parted: whatever else is in the bucket changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

import pyarrow as pa

from features.cohort import cohort_at
from features.contract.breaches import SHOWN, Breach, find_breaches, in_order
from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import EVENTS_PER_GB, feature_frames
from features.errors import BadInput
from features.labels import labels
from features.spark.session import Rows, SparkFrame
from features.spark.whole import SparkSample, Staging, Whole, as_reader, open_bucket
from features.spec.spec import Spec

Work = Callable[[LeadDatabase], Iterator[pa.Table]]
MOST_BUCKETS = 100_000
_BREACHES = pa.schema(
    [(name, pa.string()) for name in ("table", "column", "what", "advice")]
    + [("count", pa.int64()), ("first", pa.list_(pa.string()))]
)


@dataclass(frozen=True)
class Bucket:
    """What a worker does with the rows of one bucket."""

    staging: Staging
    schema: pa.Schema
    work: Work

    def __call__(self, rows: Rows) -> Rows:
        """The work's tables, in the schema."""
        reader = as_reader(rows)
        if reader is None:  # no lead
            return
        with open_bucket(self.staging, reader) as database:
            for table in self.work(database):
                yield from table.select(self.schema.names).cast(self.schema).to_batches()


def bucket_count(whole: Whole) -> int:
    """As many as run side by side, and more where their events would not fit into the memory that
    each may take."""
    room = EVENTS_PER_GB * whole.staging.engine.memory_gb
    return min(max(whole.tables.at_once, ceil(whole.events / room)), MOST_BUCKETS)


def over_buckets(whole: Whole, work: Work, schema: pa.Schema) -> SparkFrame:
    """What the work makes of every bucket that holds any row, as a Spark frame, lazily."""
    bucket = Bucket(whole.staging, schema, work)
    return whole.tables.by_lead(whole.staging.columns, bucket_count(whole), bucket, schema)


def features_on_spark(
    database: LeadDatabase,
    specs: Sequence[Spec],
    cutoffs: Sequence[datetime],
    horizon_days: int | None = None,
) -> SparkFrame:
    """Features of every open lead at some cutoffs as a Spark frame, lazily: lead_id, cutoff
    (timestamp_ntz, UTC), one column per spec named by it; with a horizon also `won` (1, 0, or null
    where the label is not mature). No order.

    database: opened with `engine.kind = "spark"`. Raises BadInput for any other.
    """
    if not isinstance(database, SparkSample):
        raise BadInput('This needs a lead database opened with engine.kind = "spark".')
    kind = database.connection.execute("SELECT lead_id FROM leads LIMIT 0").to_arrow_table()
    columns = [("lead_id", kind.schema.field(0).type), ("cutoff", pa.timestamp("us"))]
    columns += [(spec.name, pa.string() if spec.is_text else pa.float64()) for spec in specs]
    columns += [("won", pa.int32())] if horizon_days else []
    engine = database.whole.staging.engine

    def work(bucket: LeadDatabase) -> Iterator[pa.Table]:
        snapshots = cohort_at(bucket, cutoffs)
        won = labels(snapshots, horizon_days).astype({"won": "Int32"}) if horizon_days else None
        for frame in feature_frames(snapshots, specs, engine.memory_gb):
            if won is not None:
                frame = frame.merge(won, on=["lead_id", "cutoff"])
            yield pa.Table.from_pandas(frame, preserve_index=False)

    return over_buckets(database.whole, work, pa.schema(columns))


def breaches_of(database: LeadDatabase, end: datetime) -> list[Breach]:
    """Every breach of the contract, also in leads outside the sample; times after `end` count as
    future."""
    if not isinstance(database, SparkSample):
        return find_breaches(database.of_leads.connection, database.columns, end)

    def work(bucket: LeadDatabase) -> Iterator[pa.Table]:
        yield breach_table(find_breaches(bucket.of_leads.connection, bucket.columns, end))

    frame = over_buckets(database.whole, work, _BREACHES)
    return added_up(database.whole.tables.collected(frame).to_pylist())


def breach_table(breaches: Sequence[Breach]) -> pa.Table:
    """Breaches as rows, to be added up with those of other buckets."""
    return pa.Table.from_pylist(
        [{**vars(breach), "first": list(breach.first)} for breach in breaches], schema=_BREACHES
    )


def added_up(rows: Iterable[dict[str, Any]]) -> list[Breach]:
    """The breaches of all buckets, as rows of `breach_table`, as those of one database."""
    totals: dict[tuple[str, ...], Breach] = {}
    for row in rows:
        breach = Breach(**row | {"first": tuple(row["first"])})
        key = (breach.table, breach.column, breach.what)
        if key in totals:
            first = tuple(sorted(totals[key].first + breach.first)[:SHOWN])
            count = totals[key].count + breach.count
            # the briefer names fewer ways to read the values
            advice = min(totals[key].advice, breach.advice, key=lambda text: (len(text), text))
            breach = Breach(*key, count=count, first=first, advice=advice)
        totals[key] = breach
    return in_order(totals.values())
