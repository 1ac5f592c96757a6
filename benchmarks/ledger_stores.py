"""The two stores of the ledger, made anew for a benchmark, and runs whose every row is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run
from tests.database_servers import postgres_programs, running_postgres
from tests.serve.ledger.places import in_postgres

FIRST_DAY = datetime(2026, 1, 1)


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, LedgerPlace]]:
    """An empty ledger in files and, where PostgreSQL is on this machine, one in it."""
    places = {"files": LedgerPlace(folder / "files")}
    programs = postgres_programs()
    if programs is None:
        print("No PostgreSQL on this machine: only files are measured.")
        yield places
        return
    with running_postgres(programs) as server:
        yield places | {"PostgreSQL": in_postgres(server, folder / "postgres")}


def run_of(day: int) -> Run:
    """The run of a day."""
    return Run(FIRST_DAY + timedelta(days=day), "1", "a41f09c3be")


def scored(day: int, leads: int) -> pd.DataFrame:
    """The rows of a day, the same in every process: each readiness says of which day and lead it
    is."""
    number = np.arange(leads)
    reasons = "visited pricing 3 times (+0.83); last opened quote 5 days ago (+0.51)"
    return pd.DataFrame(
        {
            "lead_id": number.astype(str),
            "state": "scored",
            "readiness": (day + (number + 0.5) / leads) / 1000,
            "rule_score": 40.0,
            "band": "warm",
            "reasons": [f"{reasons}; lead is {n % 90} days old (-0.12)" for n in number],
            "source": "paid_search",
        }
    )


def write(ledger: Ledger, day: int, leads: int, parts: int = 4) -> int:
    """Write the run of a day, in parts; how many rows were added."""
    run, rows = run_of(day), scored(day, leads)
    cut = np.linspace(0, leads, parts + 1).astype(int)
    each = (rows.iloc[start:end] for start, end in pairwise(cut))
    return ledger.write(run, each, leads, Router(leads // 10, run.cutoff), run.cutoff)
