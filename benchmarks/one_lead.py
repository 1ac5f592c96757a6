"""One lead through `Scorer.score`, as a service asks for it: how long, and how much CPU.

    .venv/bin/python -m benchmarks.one_lead DIR [CALLS] [--write]

DIR is a folder with a champion, as `make demo` leaves it. Each call brings one of its newest open
leads, with its events, in frames of pandas, and no deals.
"""

import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import Cost, Stopwatch
from benchmarks.page import tell
from features.config import load
from features.open_database import open_database
from features.snapshots import Snapshots
from serve.scoring.scored import default_cutoff
from serve.scoring.scorer import Scorer

CALLS, FIRST = 200, 5  # the first calls make what is made once


def main(folder: Path, calls: int) -> None:
    """Measure, and tell it in a Markdown table."""
    scorer = Scorer.champion(folder)
    cutoff, frames = newest(folder, scorer, calls + FIRST)
    no_deals = pd.DataFrame({"lead_id": [], "closed_at": [], "outcome": []}).astype(
        {"lead_id": "int64", "closed_at": "datetime64[us]", "outcome": "str"}
    )
    costs: list[Cost] = []
    for events, lead in frames:
        watch = Stopwatch()
        scored = scorer.score(events, lead, cutoff, no_deals)
        costs.append(watch.lap())
        assert len(scored) == 1
    each = np.array([(cost.wall, cost.cpu) for cost in costs[FIRST:]]) * 1000
    rows = [
        f"| {name} | {wall:.1f} | {cpu:.1f} |"
        for name, (wall, cpu) in zip(
            ("p50", "p99"), np.percentile(each, [50, 99], axis=0), strict=True
        )
    ]
    tell(
        f"## One lead through Scorer.score\n\n{len(each):,} calls, one after the other.\n\n"
        "| | wall ms | CPU ms |\n|---|---:|---:|\n" + "\n".join(rows),
        "benchmarks.one_lead",
    )


def newest(
    folder: Path, scorer: Scorer, leads: int
) -> tuple[datetime, list[tuple[pd.DataFrame, pd.DataFrame]]]:
    """The cutoff of tonight's list, and the events and the row of each of the newest open leads."""
    config = load(folder)
    with open_database(scorer.staged(config), scorer.specs) as database:
        cutoff = default_cutoff(database.data_end, database.data_end)
        chosen = database.query(
            f"SELECT l.lead_id FROM {Snapshots.open_at(database, [cutoff]).relation} s "
            f"JOIN leads l USING (lead_id) ORDER BY l.created_at DESC LIMIT {leads}"
        )["lead_id"].tolist()
        return cutoff, [
            (
                database.query(f"FROM raw_events WHERE lead_id = {lead_id!r}"),
                database.query(f"FROM raw_leads WHERE lead_id = {lead_id!r}"),
            )
            for lead_id in chosen
        ]


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[2:] if each.isdigit()]
    main(Path(sys.argv[1]), *(given or [CALLS]))
