"""What several questions cost together, against each alone, in CPU of a whole `readiness score`.

    .venv/bin/python -m benchmarks.questions DIR

DIR is a project with [questions] whose champions are made. It is copied; each way scores into empty
ledgers, as a process of its own. The rows of both ways must be the same, bit by bit.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from features.config import load_all


def main(folder: Path) -> None:
    """Measure, compare the ledgers, and print a Markdown table."""
    names = list(load_all(folder))
    costs: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        ways = {way: Path(home) / way for way in ("alone", "together")}
        for copy in ways.values():
            shutil.copytree(folder, copy)
            for config in load_all(copy).values():
                shutil.rmtree(config.out_folder / "ledger", ignore_errors=True)
                (config.out_folder / "last_run.json").unlink(missing_ok=True)
        for name in names:
            costs[name] = cpu_seconds(ways["alone"], "--question", name)
        together = cpu_seconds(ways["together"])
        rows = {name: same_rows(*ways.values(), name) for name in names}
    print("| scored | rows | CPU, s |\n|---|---|---|")
    for name in names:
        print(f"| {name} alone | {rows[name]:,} | {costs[name]:.1f} |")
    print(f"| {len(names)} alone, one after another | | {sum(costs.values()):.1f} |")
    print(f"| {len(names)} together | {sum(rows.values()):,} | {together:.1f} |")


def cpu_seconds(folder: Path, *words: str) -> float:
    """CPU of a run of `readiness score`, with its threads. Fails where the run does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "readiness.main", "score", str(folder), "--json", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def same_rows(one: Path, other: Path, name: str) -> int:
    """How many rows the ledgers of a question have. Fails where one row differs."""
    runs = [
        f"SELECT * EXCLUDE scored_at FROM '{load_all(each)[name].out_folder}/ledger/*.parquet'"
        for each in (one, other)
    ]
    for first, second in (runs, runs[::-1]):
        assert not duckdb.sql(f"({first}) EXCEPT ALL ({second})").fetchall(), name
    (count,) = duckdb.sql(f"SELECT count(*) FROM ({runs[0]})").fetchall()[0]
    return int(count)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
