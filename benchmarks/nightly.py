"""What a night costs that carries settled leads on, beside a night that measures every lead.

    .venv/bin/python -m benchmarks.nightly [EVENTS SNAPSHOTS] [--write]

The lead database of `benchmarks.features`, four leads of five moved two years back, as they lie in
a grown database whose deals nobody closed; 80 features at one cutoff, from Parquet to frames. Both
nights see the same tables, on which a day has passed since the night before. All values are
compared, to the last bit.
"""

import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from benchmarks.feature_data import SPECS, write_lead_database
from benchmarks.measure import Cost, Stopwatch
from benchmarks.page import tell
from features.config import Capacity, Config, Tables, Times
from features.contract.database import open_database
from features.engine.duckdb_engine import feature_frames
from features.engine.nightly import Nightly
from features.snapshots import cohort_sql

EVENTS, SNAPSHOTS = 2_000_000, 200_000
OLD = "lead_id % 5 <> 0"  # lead ids are multiples of 7 without order
LAST = datetime(2025, 6, 29)


def grown(folder: Path, events: int, snapshots: int) -> None:
    """Write the database, and move most of it into the past."""
    write_lead_database(folder, events, snapshots)
    for table, times in {"events": ["occurred_at", "recorded_at"], "leads": ["created_at"]}.items():
        moved = ", ".join(
            f"CASE WHEN {OLD} THEN {time} - INTERVAL 2 YEAR ELSE {time} END AS {time}"
            for time in times
        )
        file = folder / f"{table}.parquet"
        duckdb.execute(
            f"COPY (SELECT * REPLACE ({moved}) FROM '{file}') TO '{file}.new' (FORMAT parquet)"
        )
        Path(f"{file}.new").replace(file)


def night(config: Config, cutoff: datetime, kept: Path | None) -> tuple[list[pd.DataFrame], int]:
    """The frames of a night, and how many leads were carried on."""
    with open_database(config) as database:
        database.connection.execute(f"CREATE TABLE snapshots AS {cohort_sql([cutoff])}")
        if kept is None:
            return list(feature_frames(database, SPECS, "snapshots", config.engine.memory_gb)), 0
        nightly = Nightly(database, SPECS, cutoff, kept)
        return list(nightly.frames("snapshots", config.engine.memory_gb)), nightly.carried


def main(events: int, snapshots: int) -> None:
    """Measure three rounds in turn, and tell it in a Markdown table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grown(folder, events, snapshots)
        tables = {table: f"{table}.parquet" for table in ("events", "leads", "deals")}
        config = Config(
            path=folder / "readiness.toml",
            tables=Tables(**tables),
            time=Times(first_cutoff=datetime(2025, 1, 1)),
            capacity=Capacity(share=0.1),
        )
        kept = folder / "kept.parquet"
        night(config, LAST - timedelta(days=1), kept)
        before = kept.read_bytes()
        costs: dict[str, list[Cost]] = {"every lead measured": [], "settled leads carried on": []}
        for _ in range(3):
            kept.write_bytes(before)
            watch = Stopwatch()
            full, _ = night(config, LAST, None)
            costs["every lead measured"].append(watch.lap())
            spared, carried = night(config, LAST, kept)
            costs["settled leads carried on"].append(watch.lap())
        leads = _compared(full, spared)
    said = [
        "## A night that carries settled leads on\n",
        f"{events:,} events, {leads:,} open leads, {len(SPECS)} features; {carried:,} leads were "
        f"carried on, a file of {len(before) / 2**20:.0f} MB. All values equal. Three rounds in "
        "turn, medians.\n",
        "| | wall s | CPU s | wall / full | CPU / full |\n|---|---:|---:|---:|---:|",
    ]
    floor = costs["every lead measured"]
    for what, rounds in costs.items():
        pairs = list(zip(rounds, floor, strict=True))
        wall, cpu = np.median([(a.wall / b.wall, a.cpu / b.cpu) for a, b in pairs], axis=0)
        seconds = np.median([(cost.wall, cost.cpu) for cost in rounds], axis=0)
        said.append(f"| {what} | {seconds[0]:.2f} | {seconds[1]:.2f} | {wall:.2f} | {cpu:.2f} |")
    tell("\n".join(said), "benchmarks.nightly")


def _compared(full: list[pd.DataFrame], spared: list[pd.DataFrame]) -> int:
    """How many leads there are; fails if a value differs."""
    one, other = (
        pd.concat(frames).sort_values("lead_id", ignore_index=True) for frames in (full, spared)
    )
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    return len(one)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:] if each.isdigit()]
    main(*(given or (EVENTS, SNAPSHOTS)))
