"""Features against peers and the floor: equal values first, then time, CPU and memory.

    .venv/bin/python -m benchmarks.features [--events 20000000] [--write]
    .venv/bin/python -m benchmarks.features --peer fastdfs=ENVIRONMENT/bin/python [--write]

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
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.feature_contestants import OURS, PEERS, Contestant, contestants, floors
from benchmarks.feature_page import kept_up, measured_on, section, write_page
from benchmarks.measure import in_fresh_process


def main() -> int:
    """Run, print, and say by the exit code whether ours kept up."""
    options = _options()
    scratch = Path(tempfile.mkdtemp(prefix="benchmark-", dir=options.scratch))
    try:
        if options.peer:
            name, python = options.peer
            events = options.events or PEERS[name].events
            record = against_peer(name, python, events, options.rounds, scratch)
        else:
            record = contest(options.events or 2_000_000, options.rounds, scratch)
    finally:
        shutil.rmtree(scratch)
    print(section(record))
    if options.write and not record["differing"]:
        write_page(record)
    return 0 if kept_up(record) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.features", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--events", type=int, help="ten for each snapshot (default 2000000, or what the peer bears)"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="a folder for the files (removed at the end)")
    parser.add_argument(
        "--peer",
        metavar="NAME=PYTHON",
        type=peer_and_python,
        help=f"instead, against one of {', '.join(PEERS)}, in the environment of that python (how "
        "to make one: benchmarks/feature_NAME.py)",
    )
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md as well")
    return parser.parse_args()


def peer_and_python(text: str) -> tuple[str, str]:
    """A peer and the python that has it, from NAME=PYTHON; raises ArgumentTypeError."""
    name, _, python = text.partition("=")
    if name not in PEERS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(PEERS)}")
    program = shutil.which(python)
    if program is None:
        raise argparse.ArgumentTypeError(f"{python!r} cannot be run; write {name}=PYTHON")
    return name, str(Path(program).absolute())


def contest(events: int, rounds: int, scratch: Path) -> dict[str, Any]:
    """The runs of each round, and what the contestants disagree on (then nothing more is run)."""
    fit = [each for each in contestants(events) if events <= each.most_events]
    left_out = {c.name: c.why_no_more for c in contestants(events) if c not in fit}
    _warm_up(scratch)
    folder = _lead_database(scratch / "data", events, events // 10)
    record = _record(events) | {"not_run": left_out}
    for _ in range(rounds):
        round_ = _round(record, fit, folder, scratch)
        for each in floors(scratch / "ours"):
            round_[each.name] = _run(each, folder, scratch / "written")
    return record


def against_peer(name: str, python: str, events: int, rounds: int, scratch: Path) -> dict[str, Any]:
    """Ours and Polars beside a peer, which is compared on the features that it computes."""
    _warm_up(scratch)
    folder = _lead_database(scratch / "data", events, events // 10, "known at once")
    query = f"from importlib.metadata import version; print(version('{name}'))"
    version = subprocess.run([python, "-c", query], check=True, capture_output=True, text=True)
    record = _record(events) | {"peer": name, "version": version.stdout.strip()}
    both = contestants(events)[:2]
    for _ in range(rounds):
        _round(record, both, folder, scratch, PEERS[name].contestants, python)
    return record


def _record(events: int) -> dict[str, Any]:
    return {
        "events": events,
        "snapshots": events // 10,
        "measured": measured_on(),
        "not_run": {},
        "rows": 0,
        "columns": 0,
        "differing": [],
        "rounds": [],
    }


def _round(
    record: dict[str, Any],
    all_features: list[Contestant],
    folder: Path,
    scratch: Path,
    some_features: tuple[Contestant, ...] = (),
    python: str = sys.executable,
) -> dict[str, Any]:
    """One run of each, ours first; in the first round the others' values are compared with ours.
    Adds itself to the record. Those of some features run in the environment of `python`."""
    round_: dict[str, Any] = {}
    for each in (*all_features, *some_features):
        in_part = each in some_features
        written = scratch / ("ours" if each.name == OURS else "written")
        _remove(written)
        round_[each.name] = _run(each, folder, written, python if in_part else sys.executable)
        if not record["rounds"] and each.name != OURS:
            how = ("shared columns",) if in_part else ()
            arguments = (str(scratch / "ours"), str(written), *how)
            result = in_fresh_process("benchmarks.feature_values", *arguments).printed
            record["differing"] += [f"{each.name}: {line}" for line in result["differing"]]
            if in_part:
                record.setdefault("shared", {})[each.name] = result["columns"]
            else:
                record["rows"], record["columns"] = result["rows"], result["columns"]
        _remove(scratch / "written")
    record["rounds"].append(round_)
    return round_


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


def _remove(written: Path) -> None:
    """Take away a file or a folder of them, with what was spilled beside it."""
    for path in (written, written.with_name(f"{written.name}.spill")):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    raise SystemExit(main())
