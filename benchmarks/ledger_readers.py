"""Many readers of the ledger while runs are written: does anyone fail, and how long do they wait?

    .venv/bin/python -m benchmarks.ledger_readers [READERS] [SECONDS] [LEADS]

READERS (100) in 10 processes look for SECONDS (60) at the list (its first 50 leads), one lead's
lines, the runs, and all rows of the newest run, as the monitor does, each time anew, while three
runs of LEADS (100,000) are written. Once with files, once in PostgreSQL. Exits 1 where a reader
failed or saw a part of a run.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.ledger_stores import run_of, stores, write
from models.decisions.place import LedgerPlace
from serve.ledger.ledger import Ledger, open_ledger
from serve.ledger.runs import Run

PROCESSES, RUNS = 10, 3


def the_list(ledger: Ledger, run: Run) -> bool:
    return len(ledger.rows(run, 50)) == 50


def a_lead(ledger: Ledger, run: Run) -> bool:
    lines = ledger.fetched("SELECT cutoff FROM decided WHERE lead_id = '77' ORDER BY cutoff")
    return len(lines) >= 1


def all_runs(ledger: Ledger, run: Run) -> bool:
    return len({each.leads for each in ledger.runs}) == 1


def a_whole_run(ledger: Ledger, run: Run) -> bool:
    sql = "SELECT lead_id, readiness FROM scores WHERE cutoff = $cutoff"
    return len(ledger.query(sql, {"cutoff": run.cutoff})) == ledger.known(run)


LOOKS = (the_list, a_lead, all_runs, a_whole_run)


def reader(place: LedgerPlace, until: float, number: int) -> list[tuple[str, float, str]]:
    """What was looked at, how long it took, and the fault, "" for none; again and again."""
    seen, turn = [], number
    while time.time() < until:
        look, started, fault = LOOKS[turn % len(LOOKS)], time.perf_counter(), ""
        try:
            with open_ledger(place) as ledger:
                fault = "" if look(ledger, ledger.newest().run) else "a part of a run"
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        seen.append((look.__name__, time.perf_counter() - started, fault))
        turn += 1
    return seen


def readers(
    place: LedgerPlace, password: str, until: float, many: int
) -> list[tuple[str, float, str]]:
    """So many readers in one process."""
    os.environ["LEDGER_PASSWORD"] = password
    with ThreadPoolExecutor(many) as pool:
        parts = pool.map(lambda number: reader(place, until, number), range(many))
        return [each for part in parts for each in part]


def main(many: int, seconds: int, leads: int) -> int:
    bad = 0
    print("| store | looks | errors | median s | p99 s | longest s | runs written, s each |")
    print("|---|---:|---:|---:|---:|---:|---|")
    with tempfile.TemporaryDirectory() as name, stores(Path(name)) as places:
        for store, place in places.items():
            with open_ledger(place) as ledger:
                write(ledger, 0, leads)
            context = multiprocessing.get_context("spawn")
            with context.Pool(PROCESSES) as pool:
                until = time.time() + seconds + 5  # they begin with their imports
                password = os.environ.get("LEDGER_PASSWORD", "")
                given = (place, password, until, many // PROCESSES)
                waiting = [pool.apply_async(readers, given) for _ in range(PROCESSES)]
                took = []
                for day in range(1, RUNS + 1):
                    time.sleep(seconds / 10)
                    started = time.perf_counter()
                    with open_ledger(place) as ledger:
                        assert write(ledger, day, leads) == leads
                    took.append(time.perf_counter() - started)
                seen = [each for part in waiting for each in part.get()]
            waits = np.array([wait for _, wait, _ in seen])
            faults = [fault for *_, fault in seen if fault]
            p50, p99 = np.quantile(waits, [0.5, 0.99])
            writes = ", ".join(f"{each:.1f}" for each in took)
            print(
                f"| {store} | {len(seen):,} | {len(faults)} | {p50:.2f} | {p99:.2f} "
                f"| {waits.max():.2f} | {writes} |",
                flush=True,
            )
            for fault in sorted(set(faults))[:3]:
                print(f"  {fault}")
            bad += len(faults)
        print(f"\nThe newest run: {run_of(RUNS)}, {leads:,} leads; {many} readers.")
    return 1 if bad else 0


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]] + [100, 60, 100_000][len(sys.argv) - 1 :]
    sys.exit(main(*numbers))
