"""Little lists in a ledger, for the tests of what is published."""

from datetime import datetime, timedelta

import pandas as pd

from features.config import load
from models.routing import Router
from serve.ledger.runs import Run
from serve.movers.moves import new_moves
from tests.readiness.running import SETTINGS, little_folder

MONDAY, NEXT = datetime(2026, 3, 2), datetime(2026, 3, 9)


def config_of(folder, publish=""):
    """The settings of a little folder with a [publish]."""
    folder.mkdir(parents=True, exist_ok=True)
    return load(little_folder(folder, settings=SETTINGS + publish))


def write(ledger, cutoff, rows, slots=1, ranks=None):
    """Score {lead: readiness} at a cutoff; who moved is stored with it. ranks: {lead: (fit,
    engagement)} of a model that has both."""
    part = pd.DataFrame(
        [
            {
                "lead_id": lead,
                "state": "scored",
                "readiness": ready,
                "rule_score": 100 * ready,
                "band": "hot" if ready > 0.5 else "cold",
                "reasons": f"last visited {round(100 * ready)} days ago",
            }
            for lead, ready in rows.items()
        ]
    )
    if ranks:
        part[["fit", "engagement"]] = [ranks[lead] for lead in rows]
    before = ledger.before(cutoff)

    def movers(view):
        moves = new_moves(ledger, view, before.run, [])
        return moves.assign(moved_because="why")

    run = Run(cutoff, "1", "r")
    at = cutoff + timedelta(hours=4)
    ledger.write(run, [part], len(part), Router(slots, cutoff), at, movers if before else None)
    return run
