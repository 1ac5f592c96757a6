"""A night's work from the events to the ledger, and where its time goes.

    .venv/bin/python -m benchmarks.end_to_end DIR [TIMES] [--write]

DIR is a folder with a champion, as `make demo` leaves it; its company is taken TIMES over, under
new lead ids. Readiness, reasons, points and segments are those of the rows whose features are at
hand; the whole is `readiness score` without the start of Python. The floor is one scan of the
events: every column is read, nothing is kept.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks.measure import Cost, Stopwatch, peak_gb
from benchmarks.page import tell
from features.config import Config, load
from features.engine.duckdb_engine import feature_frames
from features.open_database import open_database
from features.snapshots import Snapshots
from models.decisions.place import LedgerPlace
from serve.ledger.ledger import open_ledger
from serve.scoring.batch import score_all
from serve.scoring.scored import default_cutoff
from serve.scoring.scorer import Scorer

TIMES = 40
TABLES = ("events", "leads", "deals", "contacts")


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


def main(folder: Path, times: int) -> None:
    """Measure, and tell it in a Markdown table."""
    with tempfile.TemporaryDirectory() as name:
        config = many(folder, times, Path(name) / "many")
        scorer = Scorer.of(load(folder), "champion")
        floor = _floor(config)
        lines, events, leads = _parts(config, scorer)
        watch = Stopwatch()
        with (
            open_database(scorer.staged(config), scorer.specs) as database,
            open_ledger(LedgerPlace.of(config)) as ledger,
        ):
            whole = score_all(config, database, scorer, ledger)
            lines["all of it, into the ledger"] = watch.lap()
            again = score_all(config, database, scorer, ledger)
            lines["the same run again, which adds nothing"] = watch.lap()
    assert whole.added == leads
    assert again.added == 0
    rows = [
        f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.wall / floor.wall:.1f} "
        f"| {cost.cpu / floor.cpu:.1f} |"
        for name, cost in {"scan of the events: the floor": floor, **lines}.items()
    ]
    table = "| | wall s | CPU s | wall / floor | CPU / floor |\n|---|---:|---:|---:|---:|\n"
    tell(
        "## A night, from the events to the ledger\n\n"
        f"{events:,} events, {leads:,} open leads, {len(scorer.specs)} features; limit "
        f"{config.engine.memory_gb:g} GB, peak of the process {peak_gb():.2f} GB.\n\n"
        + table
        + "\n".join(rows),
        "benchmarks.end_to_end",
    )


def _floor(config: Config) -> Cost:
    watch = Stopwatch()
    events = config.folder / "events.parquet"
    duckdb.execute(f"SELECT sum(hash(COLUMNS(*))::HUGEINT) FROM '{events}'").fetchall()
    return watch.lap()


def _parts(config: Config, scorer: Scorer) -> tuple[dict[str, Cost], int, int]:
    """Staging, features, and what is said of them, apart; how many events and open leads."""
    watch = Stopwatch()
    with open_database(scorer.staged(config), scorer.specs) as database:
        staging = watch.lap()
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
    text = {"staging": staging, "features": features}
    return text | {"readiness, reasons, points, segments": scores}, events, leads


def _sum(one: Cost, other: Cost) -> Cost:
    return Cost(one.wall + other.wall, one.cpu + other.cpu)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[2:] if each.isdigit()]
    main(Path(sys.argv[1]), *(given or [TIMES]))
