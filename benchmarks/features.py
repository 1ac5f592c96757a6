"""Features against peers and the floor: equal values first, then time, CPU and memory.

    .venv/bin/python -m benchmarks.features [--events 20000000] [--write]

All start from the same Parquet files and end with Parquet files of all snapshots; each run is a
fresh process, measured by this one from its start to its end; the contestants take turns, so that a
busy machine troubles all of them alike. --write keeps the figures in docs/benchmarks/features.json
and writes the page and its plot anew from those of all sizes.

Exits 1 where values differ, or where ours (1 GB limit) misses its aim: at 20 M events or more 0.6
of the CPU of Polars, its wall time, and 1 GB; below, not to be slower in both CPU and wall time.
"""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.feature_contestants import (
    FEATURETOOLS,
    OURS,
    Contestant,
    contestants,
    floors,
)
from benchmarks.feature_page import kept_up, measured_on, section, write_page
from benchmarks.measure import in_fresh_process

SMALL = 20_000  # events for featuretools, which takes a tenth of a second for each cutoff


def main() -> int:
    """Run, print, and say by the exit code whether ours kept up."""
    options = _options()
    scratch = Path(tempfile.mkdtemp(prefix="benchmark-", dir=options.scratch))
    try:
        if options.featuretools:
            record = against_featuretools(scratch, options.featuretools)
        else:
            record = contest(options.events, options.rounds, scratch)
    finally:
        shutil.rmtree(scratch)
    print(section(record))
    if options.write and not record["differing"]:
        write_page(record)
    return 0 if kept_up(record) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.features", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--events", type=int, default=2_000_000, help="ten for each snapshot")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="a folder for the files (removed at the end)")
    parser.add_argument(
        "--featuretools",
        metavar="PYTHON",
        help="instead, against featuretools in the environment of that python (how to make one: "
        "benchmarks/feature_featuretools.py)",
    )
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md as well")
    return parser.parse_args()


def contest(events: int, rounds: int, scratch: Path) -> dict[str, Any]:
    """The runs of each round, and what the contestants disagree on (then nothing more is run)."""
    _warm_up(scratch)
    folder = _lead_database(scratch / "data", events, events // 10)
    fit = [each for each in contestants(events) if events <= each.most_events]
    record = {
        "events": events,
        "snapshots": events // 10,
        "measured": measured_on(),
        "not_run": {c.name: c.why_no_more for c in contestants(events) if c not in fit},
        "rows": 0,
        "columns": 0,
        "differing": [],
        "rounds": [],
    }
    reference = scratch / "ours"
    for number in range(rounds):
        round_: dict[str, Any] = {}
        for each in fit:
            written = reference if each.name == OURS else scratch / "written"
            _remove(written)
            round_[each.name] = _run(each, folder, written)
            if number == 0 and each.name != OURS:
                _compare(record, each.name, reference, written)
            _remove(scratch / "written")
        for each in floors(reference):
            round_[each.name] = _run(each, folder, scratch / "written")
        record["rounds"].append(round_)
    return record


def against_featuretools(scratch: Path, python: str) -> dict[str, Any]:
    """The same on a small lead database, with what featuretools can compute."""
    _warm_up(scratch)
    events, snapshots = SMALL, SMALL // 20
    folder = _lead_database(scratch / "data", events, snapshots, "known at once")
    record: dict[str, Any] = {
        "events": events,
        "snapshots": snapshots,
        "measured": measured_on(),
        "not_run": {},
        "differing": [],
    }
    ours, other = (
        contestants(events)[0],
        Contestant(FEATURETOOLS, "benchmarks.feature_featuretools"),
    )
    round_ = {ours.name: _run(ours, folder, scratch / "ours")}
    round_[other.name] = _run(other, folder, scratch / "written", python)
    _compare(record, other.name, scratch / "ours", scratch / "written", "shared columns")
    return record | {"rounds": [round_]}


def _lead_database(folder: Path, events: int, snapshots: int, *known: str) -> Path:
    folder.mkdir()
    in_fresh_process("benchmarks.feature_data", str(folder), str(events), str(snapshots), *known)
    return folder


def _warm_up(scratch: Path) -> None:
    """Compile ours, as its first run on a machine does, and have everybody's files read once."""
    folder = _lead_database(scratch / "small", 2_000, 200)
    for each in contestants(2_000):
        in_fresh_process(each.module, str(folder), str(scratch / "first"), *each.arguments)
        _remove(scratch / "first")


def _run(
    each: Contestant, folder: Path, written: Path, python: str = sys.executable
) -> dict[str, Any]:
    print(f"{each.name} ...", end=" ", file=sys.stderr, flush=True)
    arguments = (str(folder), str(written), *each.arguments)
    run = asdict(in_fresh_process(each.module, *arguments, python=python))
    print(json.dumps(run), file=sys.stderr, flush=True)
    return run


def _compare(record: dict[str, Any], name: str, ours: Path, other: Path, *how: str) -> None:
    result = in_fresh_process("benchmarks.feature_values", str(ours), str(other), *how).printed
    record["rows"], record["columns"] = result["rows"], result["columns"]
    record["differing"] += [f"{name}: {difference}" for difference in result["differing"]]


def _remove(written: Path) -> None:
    """Take away a file or a folder of them, with what was spilled beside it."""
    for path in (written, written.with_name(f"{written.name}.spill")):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    raise SystemExit(main())
