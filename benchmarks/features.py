"""Features against hand-written Polars: equal values first, then time, CPU and memory.

    .venv/bin/python -m benchmarks.features [--write]

Both start from the same Parquet files and end with a frame of all snapshots; each run is a fresh
process; the contestants take turns, so that a busy machine troubles all of them alike. Exits 1
where values differ, or where ours (4 GB limit) is slower than Polars in both wall time and CPU.
"""

import argparse
import os
import platform
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.feature_data import SPECS, write_lead_database
from benchmarks.measure import HOME, Cost, in_fresh_process
from cli.console import progress_bars
from features.progress import Progress, silent
from features.spec import is_text

OURS, OURS_SMALL, POLARS = "ours, limit 4 GB", "ours, limit 1 GB", "Polars by hand"
CONTESTANTS = {
    OURS: ("benchmarks.feature_ours", "4"),
    OURS_SMALL: ("benchmarks.feature_ours", "1"),
    POLARS: ("benchmarks.feature_polars",),
}
TOLERANCE = 1e-9
RULE = (
    "The rule: ours must not be slower than Polars in both wall time and CPU seconds (median of "
    "the ratios per round, 4 GB limit)."
)


@dataclass(frozen=True)
class Run:
    """What one process spent. `staging` is nothing for Polars, which reads as it goes."""

    staging: Cost
    query: Cost
    peak_gb: float

    @property
    def total(self) -> Cost:
        """Staging and query."""
        return Cost(self.staging.wall + self.query.wall, self.staging.cpu + self.query.cpu)


Rounds = list[dict[str, Run]]


def main() -> int:
    """Run, print, and say by the exit code whether ours kept up."""
    options = _options()
    with progress_bars() as progress:
        differing, rounds = contest(options.events, options.snapshots, options.rounds, progress)
    for difference in differing:
        print(f"DIFFERS: {difference}")
    if differing:
        return 1
    page = report(rounds, options.events, options.snapshots)
    print(page)
    if options.write:
        (HOME / "docs" / "benchmarks.md").write_text(page, encoding="utf-8")
    return 1 if is_slower(rounds) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.features", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--snapshots", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md as well")
    return parser.parse_args()


def contest(
    events: int, snapshots: int, rounds: int, progress: Progress = silent
) -> tuple[list[str], Rounds]:
    """What the contestants disagree on (then nothing is timed), and the runs of each round."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        write_lead_database(folder, events, snapshots)
        frames = {}
        for place, contestant in enumerate(CONTESTANTS):
            written = folder / f"frame{place}.parquet"
            _run(contestant, folder, str(written))
            frames[contestant] = pd.read_parquet(written)
            progress("equal values", place + 1, len(CONTESTANTS))
        differing = [
            f"{contestant}: {difference}"
            for contestant in (OURS, OURS_SMALL)
            for difference in differences(frames[contestant], frames[POLARS])
        ]
        frames.clear()
        timed: Rounds = []
        for number in range(0 if differing else rounds):
            timed.append({contestant: _run(contestant, folder) for contestant in CONTESTANTS})
            progress("rounds", number + 1, rounds)
    return differing, timed


def _run(contestant: str, folder: Path, *written: str) -> Run:
    module, *limit = CONTESTANTS[contestant]
    found: dict[str, Any] = in_fresh_process(module, str(folder), *limit, *written)
    staging = Cost(**found["staging"]) if "staging" in found else Cost(0, 0)
    return Run(staging, Cost(**found["query"]), found["peak_gb"])


def differences(ours: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    """Each column whose values differ in any row: numbers by more than 1e-9 (relative, and
    absolute near 0, so that counts are exact), texts at all."""
    if set(ours) != set(other) or len(ours) != len(other):
        return [f"{ours.shape} with {set(ours) ^ set(other)} against {other.shape}"]
    texts = {"lead_id", "cutoff", *(spec.name for spec in SPECS if is_text(spec))}
    found = []
    for column in ours:
        mine, its = ours[column], other[column]
        if column in texts:
            same = (mine == its) | (mine.isna() & its.isna())
        else:
            allowed = TOLERANCE * its.abs().clip(lower=1)
            same = ((mine - its).abs() <= allowed) | (mine.isna() & its.isna())
        if not same.all():
            found.append(f"{column}: {mine[~same].iloc[0]} not {its[~same].iloc[0]}, "
                         f"{(~same).sum()} rows")  # fmt: skip
    return found


def ratios(rounds: Rounds, contestant: str) -> Cost:
    """The median over the rounds of the contestant's cost over that of Polars in the same round."""
    pairs = [(each[contestant].total, each[POLARS].total) for each in rounds]
    return Cost(
        statistics.median(mine.wall / its.wall for mine, its in pairs),
        statistics.median(mine.cpu / its.cpu for mine, its in pairs),
    )


def is_slower(rounds: Rounds) -> bool:
    """Whether ours breaks the rule."""
    ratio = ratios(rounds, OURS)
    return ratio.wall > 1 and ratio.cpu > 1


def report(rounds: Rounds, events: int, snapshots: int) -> str:
    """The page: what was run, the table, and the verdict."""
    ratio = ratios(rounds, OURS)
    verdict = (
        f"Ours takes {ratio.wall:.2f} times the wall time and {ratio.cpu:.2f} times the CPU of "
        f"Polars: {'SLOWER than Polars' if is_slower(rounds) else 'not slower than Polars'}."
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "polars", "pandas"))
    return f"""# Benchmarks

Written by `python -m benchmarks.features --write` on {date.today()}: {platform.machine()},
{os.cpu_count()} cores, {_memory_gb():.0f} GB, Python {platform.python_version()}, {libraries}.

## Features against hand-written Polars

{events:,} events, {snapshots:,} snapshots, {len(SPECS)} features; from Parquet to a frame; each run
in a fresh process, {len(rounds)} rounds in turn, medians. All values were compared first and are
equal (counts exactly, the rest within {TOLERANCE:g}). Staging is `open_database`. Peak is that of
the whole process, Python and its libraries included.

{table(rounds)}

{RULE} {verdict}
"""


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def table(rounds: Rounds) -> str:
    """One line per contestant; ours with staging and query apart."""
    lines = [
        "| | wall s | CPU s | peak GB | wall / Polars | CPU / Polars |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for contestant in CONTESTANTS:
        runs = [each[contestant] for each in rounds]
        peak = f"{statistics.median(run.peak_gb for run in runs):.2f}"
        ratio = ratios(rounds, contestant)
        lines.append(
            f"| {contestant} | {_medians([run.total for run in runs])} | {peak} "
            f"| {ratio.wall:.2f} | {ratio.cpu:.2f} |"
        )
        if contestant != POLARS:
            lines.append(f"| - staging | {_medians([run.staging for run in runs])} | | | |")
            lines.append(f"| - query | {_medians([run.query for run in runs])} | | | |")
    return "\n".join(lines)


def _medians(costs: Sequence[Cost]) -> str:
    wall, cpu = (statistics.median(getattr(c, kind) for c in costs) for kind in ("wall", "cpu"))
    return f"{wall:.2f} | {cpu:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
