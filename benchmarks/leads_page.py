"""How long does a page of the list of leads take, with 1,000,000 leads in one run?

    python -m benchmarks.leads_page                    # in files, in a temporary folder
    python -m benchmarks.leads_page --leads 100000
    python -m benchmarks.leads_page --folder ../trial  # kept, and used again
    python -m benchmarks.leads_page --postgres         # in a PostgreSQL of its own

A run is written by the ledger itself and prepared, as the service does when the run appears; then
each question is asked five times. The aim is 300 ms, also at first. Beside the time that passed is
that of the cores: on two free ones a question takes half of that.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from models.decisions.overrides import Override
from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.decide import add_override
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.reports.leads.prepared import PreparedList
from serve.reports.leads.question import Question
from tests.database_servers import postgres_programs, running_postgres
from tests.serve.ledger.places import in_postgres

LEADS, PART, REPEATS = 1_000_000, 100_000, 5
CUTOFF = datetime(2026, 11, 29)
RUN = Run(CUTOFF, "7", "a41f09c3be")
SOURCES = [f"source {n}" for n in range(12)]
BASKETS = ["active-1", "active-2", "passive-1", "passive-2"]
SEGMENTS = ["quiet for 14 days", "opened a quote", "new this week", "came back"]
WHY = ["visited pricing", "opened quote", "email clicked", "read reference", "watched webinar"]
QUESTIONS = {
    "the list for sales, first page": Question(route="sales"),
    "all leads, by readiness": Question(sort="readiness"),
    "all leads, by readiness, half way": Question(sort="readiness", page=LEADS // 100),
    "all leads, by source, half way": Question(sort="source", page=LEADS // 100),
    "all leads, the last page": Question(page=LEADS // 50),
    "hot leads of a source": Question(band="hot", source=SOURCES[3]),
    "a segment, by points": Question(segment=SEGMENTS[1], sort="rule_score"),
    "text in id, source or reasons": Question(text="read reference 7 times"),
    "text that no lead has": Question(text="nowhere"),
}


def parts(leads: int) -> Iterator[pd.DataFrame]:
    """Scored leads, PART at a time."""
    random = np.random.default_rng(7)
    for start in range(0, leads, PART):
        n = min(PART, leads - start)
        readiness, points = random.beta(1, 12, n), random.gamma(2, 15, n).round()
        counts = random.integers(1, 40, (n, 3))
        what = np.array(WHY)[random.integers(0, len(WHY), (n, 3))]
        sets = random.random((n, len(SEGMENTS))) < (0.3, 0.1, 0.05, 0.02)
        yield pd.DataFrame(
            {
                "lead_id": [f"L{start + i:07d}" for i in range(n)],
                "state": "scored",
                "readiness": readiness,
                "rule_score": points,
                "band": np.select([points >= 60, points >= 30], ["hot", "warm"], "cold"),
                "reasons": [
                    "; ".join(f"{w} {k} times ({0.1 * k:+.2f})" for w, k in zip(*row, strict=True))
                    for row in zip(what, counts, strict=True)
                ],
                "source": np.array(SOURCES)[random.integers(0, len(SOURCES), n)],
                "basket": np.array(BASKETS)[random.integers(0, len(BASKETS), n)],
                "close_days_median": random.integers(3, 29, n).astype(float),
                "segments": ["; ".join(np.array(SEGMENTS)[row]) or None for row in sets],
            }
        )


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """How long a piece of work takes, and for how long it keeps cores busy."""
    start, cores = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cores


@contextmanager
def place_of(folder: Path | None, postgres: bool) -> Iterator[LedgerPlace]:
    """Where the ledger is."""
    programs = postgres_programs() if postgres else None
    if postgres and programs is None:
        raise SystemExit("No PostgreSQL on this machine.")
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = folder or Path(temporary)
        if programs is None:
            yield LedgerPlace(folder)
        else:
            yield in_postgres(stack.enter_context(running_postgres(programs)), folder)


def main() -> None:
    """Write, prepare, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leads", type=int, default=LEADS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    with place_of(given.folder, given.postgres) as place, open_ledger(place) as ledger:
        if not ledger.known(RUN):
            router = Router(given.leads // 10, CUTOFF)
            took, _ = seconds(
                lambda: ledger.write(RUN, parts(given.leads), given.leads, router, CUTOFF)
            )
            print(f"{given.leads:,} leads written in {took:.1f} s")
        lists = []
        took, cores = seconds(lambda: lists.append(PreparedList(ledger, ledger.newest())))
        (prepared,) = lists
        print(f"prepared in {took:.1f} s ({cores:.1f} of cores), {prepared.bytes / 1e6:.0f} MB")
        for name, question in QUESTIONS.items():
            times = [seconds(lambda q=question: prepared.page(ledger, q)) for _ in range(REPEATS)]
            passed, cores = (1000 * median(each) for each in zip(*times[1:], strict=True))
            first, at_first = (1000 * each for each in times[0])
            print(
                f"{name:34} {passed:5.0f} ms ({cores:.0f} of cores), at first {first:.0f} "
                f"({at_first:.0f})",
                flush=True,
            )
        lead = prepared.page(ledger, Question(route="sales")).leads[7].lead_id
        add_override(ledger, Override(lead, "nurture", "away", "ann", CUTOFF, CUTOFF))
        passed, cores = (
            1000 * each for each in seconds(lambda: prepared.page(ledger, Question(route="sales")))
        )
        print(f"{'the page after a decision':34} {passed:5.0f} ms ({cores:.0f} of cores)")


if __name__ == "__main__":
    main()
