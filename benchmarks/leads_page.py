"""How long does a page of the list of leads take, with 1,000,000 leads in one run?

    python -m benchmarks.leads_page                    # in files, in a temporary folder
    python -m benchmarks.leads_page --leads 100000
    python -m benchmarks.leads_page --folder ../trial  # kept, and used again

A run is written by the ledger itself; then each question is asked five times on an open ledger, and
once more with the opening. The aim is 300 ms. Beside the time that passed is that of the
cores, which a busy machine does not change.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.reports.leads.figures import Question, leads_page

LEADS, PART, REPEATS = 1_000_000, 100_000, 5
CUTOFF = datetime(2026, 11, 29)
RUN = Run(CUTOFF, "7", "a41f09c3be")
SOURCES = [f"source {n}" for n in range(12)]
BASKETS = ["active-1", "active-2", "passive-1", "passive-2"]
SEGMENTS = ["quiet for 14 days", "opened a quote", "new this week", "came back"]
WHY = ["visited pricing", "opened quote", "email clicked", "read reference", "watched webinar"]
QUESTIONS = {
    "the list for sales, first page": Question(),
    "all leads, by readiness": Question(route="", sort="readiness"),
    "all leads, the last page": Question(route="", page=10**9),
    "hot leads of a source": Question(route="", band="hot", source=SOURCES[3]),
    "a segment, by points": Question(route="", segment=SEGMENTS[1], sort="points"),
    "text in id, source or reasons": Question(route="", text="read reference 7 times"),
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


def main() -> None:
    """Write, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leads", type=int, default=LEADS)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = LedgerPlace(given.folder or Path(temporary))
        with open_ledger(place) as ledger:
            if not ledger.known(RUN):
                router = Router(given.leads // 10, CUTOFF)
                took, _ = seconds(
                    lambda: ledger.write(RUN, parts(given.leads), given.leads, router, CUTOFF)
                )
                print(f"{given.leads:,} leads written in {took:.1f} s")
            for name, question in QUESTIONS.items():
                times = [seconds(lambda q=question: leads_page(ledger, q)) for _ in range(REPEATS)]
                passed, cores = (1000 * median(each) for each in zip(*times[1:], strict=True))
                first = 1000 * times[0][0]
                print(f"{name:32} {passed:6.0f} ms ({cores:.0f} of cores), at first {first:.0f} ms")
        passed, cores = (1000 * each for each in seconds(lambda: _opened(place)))
        print(f"{'opened anew, first page':32} {passed:6.0f} ms ({cores:.0f} of cores)")


def _opened(place: LedgerPlace) -> None:
    with open_ledger(place) as ledger:
        leads_page(ledger, Question())


if __name__ == "__main__":
    main()
