"""What the features cost on Spark: on one core and on two, beside DuckDB over the same files.

    python -m benchmarks.spark [EVENTS] [--skew]

Simulated feature data (benchmarks/feature_data.py), the 80 features at 5 cutoffs, written as
Parquet by the workers. CPU seconds are of the whole family of processes: this Python, the Java
virtual machine and the Python workers. --skew gives half of all events to one lead.
"""

import json
import os
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from benchmarks.feature_data import CUTOFF_DAYS, SPECS, START, write_lead_database
from benchmarks.measure import in_fresh_process
from features.config import Config
from features.engine.duckdb_engine import feature_frames
from features.open_database import open_database
from features.snapshots import Snapshots
from features.spark.buckets import bucket_count, features_on_spark
from features.spark.whole import SparkSample

BEGIN = datetime(1970, 1, 1) + timedelta(microseconds=START)
CUTOFFS = [BEGIN + timedelta(days=days) for days in CUTOFF_DAYS]
EVENTS = 2_000_000


class Family:
    """CPU seconds and memory of this process and all that it started, looked at 5 times a second:
    what a worker used is known while it lives, so the last look at each counts."""

    def __init__(self) -> None:
        self.cpu: dict[int, float] = {}
        self.largest_worker_gb = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            self.look()

    def look(self) -> float:
        """CPU seconds so far."""
        me = psutil.Process()
        for process in (me, *me.children(recursive=True)):
            try:
                used, memory = process.cpu_times(), process.memory_info().rss / 2**30
            except psutil.NoSuchProcess:
                continue
            self.cpu[process.pid] = used.user + used.system
            if process != me and "python" in process.name():
                self.largest_worker_gb = max(self.largest_worker_gb, memory)
        return sum(self.cpu.values())

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()


def main(arguments: list[str]) -> None:
    """Write the data, measure each in a process of its own, print a table."""
    numbers = [int(each) for each in arguments if each.isdigit()]
    events = numbers[0] if numbers else EVENTS
    with tempfile.TemporaryDirectory() as home:
        write_lead_database(Path(home), events, events // 10)
        if "--skew" in arguments:
            one_busy_lead(Path(home))
        print(f"{events:,} events, {events // 10:,} snapshots, {len(SPECS)} features")
        print("| engine | start s | open s | features s | CPU-s | rows | buckets | shuffled MB |"
              " largest worker GB |")  # fmt: skip
        print("|---|---|---|---|---|---|---|---|---|")
        for where in ("duckdb", "local[1]", "local[2]"):
            result = in_fresh_process("benchmarks.spark", "--one", home, where).printed
            print("| " + " | ".join(str(result[name]) for name in result) + " |", flush=True)


def one_busy_lead(home: Path) -> None:
    """Every other event is of one lead from now on."""
    events = pq.read_table(home / "events.parquet").to_pandas()
    events.loc[events.index % 2 == 0, "lead_id"] = events["lead_id"].iloc[1]
    events.to_parquet(home / "events.parquet", index=False)


def one(home: Path, where: str) -> dict[str, Any]:
    """The cost of one engine, as a row of the table."""
    engine = {"kind": "duckdb", "threads": 2}
    if where != "duckdb":
        engine = {"kind": "spark", "spark": {"address": where}}
    tables = {table: f"{table}.parquet" for table in ("events", "leads", "deals")}
    config = Config.model_validate(
        {
            "tables": tables,
            "time": {"first_cutoff": CUTOFFS[0]},
            "capacity": {"share": 0.1},
            "engine": engine,
            "path": home / "readiness.toml",
        }
    )
    family, begun = Family(), time.perf_counter()
    if where != "duckdb":
        from features.spark.session import session

        session(where)
    started = time.perf_counter()
    with open_database(config) as database:
        opened = time.perf_counter()
        target = home / f"features_{where}"
        whole = database.whole if isinstance(database, SparkSample) else None
        if whole is None:
            rows, buckets = _here(database, target), 1
        else:
            frame = features_on_spark(database, SPECS, CUTOFFS)
            frame.write.mode("overwrite").parquet(str(target))
            rows = sum(pq.read_metadata(file).num_rows for file in target.glob("*.parquet"))
            buckets = bucket_count(whole)
        done = time.perf_counter()
        shuffled = "" if whole is None else shuffled_mb(whole.tables.session)
    cpu = family.look()
    family.stop()
    seconds = [round(each, 1) for each in (started - begun, opened - started, done - opened, cpu)]
    names = ("start", "open", "features", "cpu")
    result: dict[str, Any] = {"engine": where, **dict(zip(names, seconds, strict=True))}
    result |= {"rows": f"{rows:,}", "buckets": buckets, "shuffled_mb": shuffled}
    return result | {"worker_gb": round(family.largest_worker_gb, 2)}


def _here(database: Any, target: Path) -> int:
    target.mkdir()
    rows = 0
    snapshots = Snapshots.open_at(database, CUTOFFS)
    for number, frame in enumerate(feature_frames(snapshots, SPECS, 4)):
        frame.to_parquet(target / f"{number}.parquet")
        rows += len(frame)
    return rows


def shuffled_mb(session: Any) -> int:
    """What all tasks wrote for shuffles, as Spark's own status store has it."""
    executors = session.sparkContext._jsc.sc().statusStore().executorList(False)
    written = sum(executors.apply(n).totalShuffleWrite() for n in range(executors.size()))
    return round(written / 2**20)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        print(json.dumps(one(Path(sys.argv[2]), sys.argv[3])))
    else:
        main(sys.argv[1:])
