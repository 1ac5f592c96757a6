"""Writers of the ledger, and changes of champion, killed at random moments: is anything lost?

    .venv/bin/python -m benchmarks.ledger_kills [KILLS] [CHANGES]

A process writes the run of one day after the other and is killed (SIGKILL) after a random time;
then every run must be there whole or not at all, each of its rows as it was written, and the rerun
must complete it. On files and on PostgreSQL, KILLS times each (50). Then CHANGES (20) changes of
champion are killed while MLflow's alias and the history are changed, and settled by the next
command. Exits 1 where a row is lost, doubled or of another run, or a change is torn.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from datetime import datetime
from multiprocessing.synchronize import Event
from pathlib import Path

from benchmarks.ledger_stores import FIRST_DAY, run_of, scored, stores, write
from features.config import LedgerSettings
from models.decisions.champion_changes import UNFINISHED, changes_at
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions
from models.registry import CHAMPION, Registry
from serve.ledger.ledger import open_ledger
from tests.features.lead_databases import config_for
from tests.models.small_model import fitted, training
from tests.serve.ledger.places import rows as stored_rows
from tests.serve.ledger.places import url_of
from tests.training.promotion.changes import promote_and_die, promoted
from training.promotion.history import history

LEADS = 4000


def writer(place: LedgerPlace, password: str, day: int, begun: Event) -> None:
    """Write the runs from a day on, until killed."""
    os.environ["LEDGER_PASSWORD"] = password
    with open_ledger(place) as ledger:
        begun.set()
        while True:
            write(ledger, day, LEADS)
            day += 1


def faults(place: LedgerPlace) -> tuple[int, int, int, int]:
    """Runs that are whole; rows lost, doubled, and of another run."""
    by_day: dict[object, list[tuple[str, float]]] = {}
    for cutoff, lead, ready in stored_rows(place, ["cutoff", "lead_id", "readiness"]):
        by_day.setdefault(cutoff, []).append((lead, ready))
    lost = doubled = mixed = 0
    for cutoff, rows in by_day.items():
        day = next(d for d in range(100_000) if run_of(d).cutoff == cutoff)
        right = dict(zip(*(scored(day, LEADS)[c] for c in ("lead_id", "readiness")), strict=True))
        given = dict(rows)
        lost += len(right.keys() - given.keys())
        doubled += len(rows) - len(given)
        mixed += sum(right.get(lead) != ready for lead, ready in given.items())
    return len(by_day), lost, doubled, mixed


def kill_writers(place: LedgerPlace, kills: int, rng: random.Random) -> list[int]:
    """Kill, look, go on: [runs, lost, doubled, mixed, mixed reads, reruns that completed]."""
    context = multiprocessing.get_context("spawn")
    day, mixed_reads, completed, seen = 0, 0, 0, [0, 0, 0, 0]
    for _ in range(kills):
        begun, password = context.Event(), os.environ.get("LEDGER_PASSWORD", "")
        process = context.Process(target=writer, args=(place, password, day, begun))
        process.start()
        begun.wait()
        until = time.monotonic() + 2 * rng.random()
        while time.monotonic() < until:
            with open_ledger(place) as ledger:  # a reader, while it writes
                counts = ledger.fetched("SELECT count(*) FROM scores GROUP BY cutoff")
            mixed_reads += sum(count != LEADS for (count,) in counts)
            time.sleep(0.2 * rng.random())
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        with open_ledger(place) as ledger:
            day = (ledger.newest_cutoff() - FIRST_DAY).days + 1 if ledger.runs else day
            completed += write(ledger, day, LEADS) == LEADS and write(ledger, day, LEADS) == 0
            seen = [before + now for before, now in zip(seen, faults(place), strict=True)]
            with ledger.store.writing():  # looked at; the next look need not look again
                ledger.store.delete_before(datetime.max)
        day += 1
    return [*seen, mixed_reads, completed]


def kill_changes(place: LedgerPlace, folder: Path, changes: int, rng: random.Random) -> list[int]:
    """[changes that took place, abandoned, torn]: torn where, once the next command has looked, the
    alias and the history name different champions, or a change is neither done nor abandoned."""
    config = config_for(folder)
    if place.server:
        config = config.model_copy(update={"ledger": LedgerSettings(url=url_of(place))})
    registry = Registry(config)
    for seed in range(2):
        registry.log(training(fitted(300, seed=seed)))
    promoted((config, registry), None, "1")
    context = multiprocessing.get_context("spawn")
    points = [("set_champion", False), ("set_champion", True), ("tag", False), ("tag", True)]
    moved = torn = 0
    for _ in range(changes):
        old = registry.find(CHAMPION)
        new = "2" if old == "1" else "1"
        point = rng.choice(points)
        process = context.Process(target=promote_and_die, args=(config, old, new, *point))
        process.start()
        process.join()
        stands, past = registry.find(CHAMPION), history(config)
        moved += stands == new
        with open_decisions(LedgerPlace.of(config)) as store:
            unsettled = changes_at(store, *UNFINISHED)
        torn += bool(past.fault or unsettled or past.periods[-1].version != stands)
    return [moved, changes - moved, torn]


def main(kills: int, changes: int) -> int:
    rng = random.Random(7)
    bad = 0
    print("| store | kills | runs looked at | lost | doubled | mixed | mixed reads | completed |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name, stores(Path(name)) as places:
        for store, place in places.items():
            result = kill_writers(place, kills, rng)
            print(f"| {store} | {kills} | {' | '.join(map(str, result))} |", flush=True)
            bad += sum(result[1:5]) + (result[5] != kills)
        print("\n| decisions in | changes of champion killed | took place | abandoned | torn |")
        print("|---|---:|---:|---:|---:|")
        for store, place in places.items():
            (Path(name) / f"champions {store}").mkdir()
            result = kill_changes(place, Path(name) / f"champions {store}", changes, rng)
            print(f"| {store} | {changes} | {' | '.join(map(str, result))} |", flush=True)
            bad += result[2]
    return 1 if bad else 0


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]] + [50, 20][len(sys.argv) - 1 :]
    sys.exit(main(*numbers))
