"""What publishing costs: 100,000 leads into a table of a PostgreSQL, and into the files of a CRM.

    P=... .venv/bin/python -m benchmarks.publish 'postgresql://me:${P}@host/db' [LEADS]

Writes the table benchmark.current_scores, and prints the seconds of the first publishing, of a
second that writes nothing, and of one after a tenth of the leads changed.
"""

import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import Stopwatch, peak_gb
from features.config import Capacity, Config, Publish, Tables, Times
from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.ledger import Ledger, open_ledger
from serve.ledger.runs import Run
from serve.publish.crm import publish_files
from serve.publish.rows import lay_out
from serve.publish.table import publish_table

MONDAY = datetime(2026, 3, 2)


def _score(ledger: Ledger, cutoff: datetime, readiness: np.ndarray) -> None:
    rows = pd.DataFrame({"lead_id": [f"lead-{number}" for number in range(len(readiness))]})
    rows = rows.assign(
        state="scored", readiness=readiness, rule_score=100 * readiness, band="warm",
        reasons="last visited pricing 3 days ago (+0.82); source: ads (-0.31); age (+0.05)",
    )  # fmt: skip
    run = Run(cutoff, "1", "r")
    ledger.write(run, [rows], len(rows), Router(1, cutoff), cutoff + timedelta(hours=4))
    lay_out(ledger, run)


def main(url: str, leads: int) -> None:
    """Measure, and print a line per publishing."""
    rng = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as name:
        config = Config(
            path=Path(name) / "readiness.toml",
            tables=Tables(leads="leads.csv", deals="deals.csv"),
            time=Times(first_cutoff=MONDAY),
            capacity=Capacity(leads=1),
            publish=Publish(database=url, table="benchmark.current_scores"),
        )
        with open_ledger(LedgerPlace(config.out_folder)) as ledger:
            readiness = rng.random(leads)
            for number, changed in enumerate((1.0, 0.0, 0.1)):
                readiness = np.where(rng.random(leads) < changed, rng.random(leads), readiness)
                _score(ledger, MONDAY + timedelta(days=number), readiness)
                watch = Stopwatch()
                table = publish_table(config, ledger, dry_run=False)
                of_table = watch.lap()
                files, _ = publish_files(ledger, config.out_folder / "crm", "hubspot", False)
                of_files = watch.lap()
                print(
                    f"{leads:,} leads: table {of_table.wall:.2f} s, {table.written:,} rows "
                    f"written; files {of_files.wall:.2f} s, {files.written:,} rows written"
                )
    print(f"peak of this process {peak_gb():.2f} GB")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
