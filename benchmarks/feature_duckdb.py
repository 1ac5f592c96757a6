"""Contestant: the same 80 features, written by hand as one query for DuckDB.

    python -m benchmarks.feature_duckdb FOLDER WRITTEN.parquet CHUNKS MEMORY_GB

Snapshots joined with the events known before them, then filtered aggregates; those by action over
one row per snapshot and action (half the CPU of a filtered aggregate for each). The leads are
worked on in chunks, each a file of its own beside the others.
"""

import sys
from pathlib import Path

import duckdb

from benchmarks.feature_data import ACTIONS, DAY_US, HALF_LIFE

FIXED_POINT = 2**32
DECAYING = ACTIONS[5:8]


def main(folder: Path, written: Path, chunks: int, memory_gb: float) -> None:
    """Write the features of each chunk of leads."""
    written.mkdir()
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '{memory_gb}GB'")
    connection.execute(f"SET temp_directory = '{written}.spill'")
    connection.execute("SET preserve_insertion_order = false")
    for chunk in range(chunks):
        query = features_of(folder, f"hash(lead_id) % {chunks} = {chunk}")
        file = written / f"{chunk}.parquet"
        connection.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet, COMPRESSION snappy)")


def features_of(folder: Path, mine: str) -> str:
    """The query for the leads of which `mine` holds.

    An event begins a session at a cutoff iff no event known before that cutoff lies in the 30
    minutes up to it: follows_from is when the first such forerunner became known.
    """
    return f"""
WITH s AS MATERIALIZED (
  SELECT row_number() OVER () AS snapshot, lead_id, cutoff, created_at
  FROM '{folder}/snapshots.parquet' JOIN '{folder}/leads.parquet' USING (lead_id) WHERE {mine}
),
d AS (
  SELECT *, greatest(occurred_at, recorded_at) AS known_at,
    CASE WHEN occurred_at = lag(occurred_at) OVER instants
      THEN known_at ELSE min(known_at) OVER forerunners END AS follows_from
  FROM '{folder}/events.parquet' WHERE {mine}
  WINDOW
    instants AS (PARTITION BY lead_id ORDER BY occurred_at, greatest(occurred_at, recorded_at)),
    forerunners AS (PARTITION BY lead_id ORDER BY occurred_at
      RANGE BETWEEN INTERVAL 30 MINUTE PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING)
),
k AS MATERIALIZED (
  SELECT snapshot, epoch_us(cutoff) - epoch_us(occurred_at) AS age, occurred_at, action, source,
    content, value, occurred_at::DATE AS day,
    follows_from IS NULL OR follows_from >= cutoff AS begins,
    hour(occurred_at) >= 22 OR hour(occurred_at) < 6 AS night, isodow(occurred_at) >= 6 AS weekend,
    round(pow(0.5, (epoch_us(cutoff) - epoch_us(occurred_at)) / {HALF_LIFE * DAY_US}e0)
      * {FIXED_POINT})::BIGINT AS weight
  FROM s JOIN d USING (lead_id) WHERE known_at < cutoff
),
m AS (SELECT snapshot, {_named(overall())} FROM k GROUP BY snapshot),
each AS MATERIALIZED (
  SELECT snapshot, any_value(action) AS done, count(*) AS all_time,
    count(*) {within(7)} AS d7, count(*) {
        within(30)
    } AS d30, min(age) AS since, sum(weight) AS weight
  FROM k GROUP BY snapshot, action
)
SELECT lead_id, cutoff, {_named(results())}
FROM s LEFT JOIN m USING (snapshot) {
        " ".join(
            f"LEFT JOIN (SELECT * FROM each WHERE done = '{action}') AS {action} "
            f"ON {action}.snapshot = s.snapshot"
            for action in ACTIONS
        )
    }"""


def _named(columns: dict[str, str]) -> str:
    return ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())


def within(days: int | None, *more: str) -> str:
    """The filter of an aggregate."""
    terms = [*more, *([] if days is None else [f"age <= {days * DAY_US}"])]
    return f"FILTER (WHERE {' AND '.join(terms)})" if terms else ""


def named(kind: str, days: int | None) -> str:
    """A measure's name: count_7d."""
    return f"{kind}_{'all' if days is None else f'{days}d'}"


def overall() -> dict[str, str]:
    """The aggregates over a snapshot's known events of any action, by name."""
    source_of = "{}(struct_pack(occurred_at, source)) FILTER (WHERE source IS NOT NULL)"
    return {
        **{named("count", w): f"count(*) {within(w)}" for w in (1, 7, 14, 30, 60, 90, None)},
        "days_since": "min(age)",
        "decayed": "sum(weight)",
        **{named("active_days", w): f"count(DISTINCT day) {within(w)}" for w in (7, 30, 90, None)},
        **{named("sessions", w): f"count(*) {within(w, 'begins')}" for w in (7, 30, None)},
        **{f"{part}_90d": f"count(*) {within(90, part)}" for part in ("night", "weekend")},
        **{named("contents", w): f"count(DISTINCT content) {within(w)}" for w in (30, None)},
        **{named("value", w): f"sum(value) {within(w)}" for w in (30, 90, None)},
        "first_source": source_of.format("min"),
        "last_source": source_of.format("max"),
    }


def results() -> dict[str, str]:
    """The 80 columns as delivered: 0 where nothing was counted, NULL where nothing is known."""
    age = f"((epoch_us(cutoff) - epoch_us(created_at)) / {DAY_US}e0)"
    hidden = {f"count_{w}d" for w in (14, 60)} | {"night_90d", "weekend_90d"}
    kinds = ("count", "active_days", "sessions", "contents", "value")
    counted = [name for name in overall() if name.startswith(kinds) and name not in hidden]
    windows = {"all": "all_time", "7d": "d7", "30d": "d30"}
    decayed = {"": "decayed", **{f"({a})": f"{a}.weight" for a in DECAYING}}
    return {
        "age_days": age,
        **{name: f'coalesce("{name}", 0)::DOUBLE' for name in counted},
        **{f"count_{span}({a})": f"coalesce({a}.{column}, 0)::DOUBLE"
           for a in ACTIONS for span, column in windows.items()},
        "days_since": f"m.days_since / {DAY_US}e0",
        **{f"days_since({a})": f"{a}.since / {DAY_US}e0" for a in ACTIONS},
        **{f"decayed_{HALF_LIFE}d{of}": f"coalesce({sum_}, 0) / {FIXED_POINT}e0"
           for of, sum_ in decayed.items()},
        **{f"trend_{w}d": f"count_{w}d / nullif(count_{2 * w}d, 0)::DOUBLE" for w in (7, 30)},
        **{f"{part}_share_90d": f"{part}_90d / nullif(count_90d, 0)::DOUBLE"
           for part in ("night", "weekend")},
        "first_source": "first_source.source",
        "last_source": "last_source.source",
        "count_all/age_days": f"coalesce(m.count_all, 0) / {age}",
        "active_days_all/age_days": f"coalesce(m.active_days_all, 0) / {age}",
        "count_all/sessions_all": "m.count_all / nullif(m.sessions_all, 0)::DOUBLE",
    }  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
