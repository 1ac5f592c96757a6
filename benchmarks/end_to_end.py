"""A night's work from the events to the ledger, and where its time goes.

    .venv/bin/python -m benchmarks.end_to_end DIR [TIMES] [--write]

DIR is a folder with a champion, as `make demo` leaves it; its company is taken TIMES over, under
new lead ids. Readiness, reasons, points and segments are those of the rows whose features are at
hand. The whole is the command `readiness score`, with the start of Python and the reading of the
model. The floor is one scan of the events: every column is read, nothing is kept.
"""

import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import duckdb

from benchmarks.measure import Cost, Stopwatch, in_fresh_process
from benchmarks.page import tell
from features.config import Config, load
from features.engine.duckdb_engine import feature_frames
from features.open_database import open_database
from features.snapshots import Snapshots
from serve.scoring.scored import default_cutoff
from serve.scoring.scorer import Scorer

TIMES = 40
TABLES = ("events", "leads", "deals", "contacts")
MODULE, FLOOR = "benchmarks.end_to_end", "scan of the events: the floor"


def many(folder: Path, times: int, to: Path) -> Config:
    """The folder's company `times` over in another folder, with the same settings and champion."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.parquet", "ledger*", "*.html"))
    for table in TABLES:
        duckdb.execute(
            f"COPY (SELECT lead_id::VARCHAR || '-' || copy AS lead_id, * EXCLUDE (lead_id) "
            f"FROM '{folder / table}.parquet', range({times}) t(copy)) "
            f"TO '{to / table}.parquet' (FORMAT parquet)"
        )
    return load(to)


def next_day(folder: Path) -> None:
    """One more lead, and its event, a day after all others: what is read in the night after."""
    for table, time in (("leads", "created_at"), ("events", "occurred_at")):
        path, grown = folder / f"{table}.parquet", folder / f"{table}-grown.parquet"
        duckdb.execute(
            f"COPY (FROM '{path}' UNION ALL BY NAME FROM (SELECT * REPLACE ('new' AS lead_id, "
            f"{time} + INTERVAL 1 DAY AS {time}) FROM '{path}' ORDER BY {time} DESC LIMIT 1)) "
            f"TO '{grown}' (FORMAT parquet)"
        )
        grown.replace(path)


def main(folder: Path, times: int) -> None:
    """Measure, and tell it in a Markdown table. Each step is a process of its own, so that what one
    holds is not counted as the memory of the next."""
    with tempfile.TemporaryDirectory() as name:
        to = Path(name) / "many"
        in_fresh_process(MODULE, "make", str(folder), str(times), str(to))
        parts = in_fresh_process(MODULE, "parts", str(folder), str(to)).printed
        night = in_fresh_process("readiness.main", "score", str(to), "--json")
        again = in_fresh_process("readiness.main", "score", str(to), "--json")
        in_fresh_process(MODULE, "next day", str(to))
        following = in_fresh_process("readiness.main", "score", str(to), "--json")
    assert night.printed["added"] == parts["leads"]
    assert following.printed["added"] == parts["leads"] + 1
    assert again.printed["added"] == 0
    lines = {name: Cost(**cost) for name, cost in parts["lines"].items()}
    floor = lines[FLOOR]
    lines["the command, into the ledger"] = night.total
    lines["the command again, where nothing changed"] = again.total
    lines["the command on the next day"] = following.total
    rows = [
        f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.wall / floor.wall:.1f} "
        f"| {cost.cpu / floor.cpu:.1f} |"
        for name, cost in lines.items()
    ]
    table = "| | wall s | CPU s | wall / floor | CPU / floor |\n|---|---:|---:|---:|---:|\n"
    tell(
        "## A night, from the events to the ledger\n\n"
        f"{parts['events']:,} events, {parts['leads']:,} open leads, {parts['specs']} features; "
        f"limit {parts['memory_gb']:g} GB, peak of the command {night.peak_gb:.2f} GB, on the next "
        f"day {following.peak_gb:.2f}.\n\n" + table + "\n".join(rows),
        MODULE,
    )


def _floor(config: Config) -> Cost:
    watch = Stopwatch()
    events = config.folder / "events.parquet"
    duckdb.execute(f"SELECT sum(hash(COLUMNS(*))::HUGEINT) FROM '{events}'").fetchall()
    return watch.lap()


def parts_of(folder: Path, to: Path) -> None:
    """The floor, staging, features and scores, apart; printed as JSON."""
    config, scorer = load(to), Scorer.of(load(folder), "champion")
    lines = {FLOOR: _floor(config)}
    watch = Stopwatch()
    with open_database(scorer.staged(config), scorer.specs) as database:
        lines["staging"] = watch.lap()
        cutoff = default_cutoff(database.data_end, database.data_end)
        snapshots = Snapshots.open_at(database, [cutoff])
        events, leads = database.events_count, snapshots.count
        features, scores = Cost(0, 0), Cost(0, 0)
        frames = feature_frames(snapshots, scorer.specs, config.engine.memory_gb)
        watch.lap()
        for frame in frames:
            features = _sum(features, watch.lap())
            scorer.score_frame(frame)
            scores = _sum(scores, watch.lap())
    lines |= {"features": features, "readiness, reasons, points, segments": scores}
    printed = {
        "lines": {name: asdict(cost) for name, cost in lines.items()},
        "events": events,
        "leads": leads,
        "specs": len(scorer.specs),
        "memory_gb": config.engine.memory_gb,
    }
    sys.stdout.write(json.dumps(printed) + "\n")


def _sum(one: Cost, other: Cost) -> Cost:
    return Cost(one.wall + other.wall, one.cpu + other.cpu)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", folder, times, to]:
            many(Path(folder), int(times), Path(to))
        case ["next day", folder]:
            next_day(Path(folder))
        case ["parts", folder, to]:
            parts_of(Path(folder), Path(to))
        case [folder, *words]:
            given = [int(each) for each in words if each.isdigit()]
            main(Path(folder), *(given or [TIMES]))
