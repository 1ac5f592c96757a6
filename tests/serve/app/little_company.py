"""A little company without a model: 30 open leads, one of them with a hostile id, scored by points
on two lists."""

from datetime import datetime, timedelta
from pathlib import Path

from features.config import Config, load
from features.open_database import open_database
from models.decisions.place import LedgerPlace
from serve.ledger.ledger import open_ledger
from serve.scoring.batch import score_all
from serve.scoring.points_only import scorer_of
from tests.readiness.running import little_folder

HOSTILE = "<script>alert(1)</script>/../&"
LISTS = (datetime(2024, 2, 1), datetime(2024, 2, 8))
FIRST = datetime(2024, 1, 1)


def little_company(folder: Path) -> Config:
    """Lead n of 1 to 29 visited n times, the hostile one 40 times; 1 in 3 came by `paid_search`."""
    visits = {HOSTILE: 40} | {str(n): n for n in range(1, 30)}
    sources = {lead: ("web", "paid_search", "ads")[n % 3] for n, lead in enumerate(visits)}
    leads = [f'"{lead}",2024-01-01,{sources[lead]}' for lead in visits]
    events = [
        f'"{lead}",{FIRST + timedelta(days=1, hours=place)},visited'
        for lead, times in visits.items()
        for place in range(times)
    ]
    events.append(f'"29",{LISTS[1] + timedelta(days=3)},visited')
    little_folder(
        folder,
        leads="\n".join(["lead_id,created_at,source", *leads, ""]),
        events="\n".join(["lead_id,occurred_at,action", *events, ""]),
        deals='lead_id,closed_at,outcome\n"1",2024-02-10,won\n',
    )
    config = load(folder)
    scorer = scorer_of(config, "champion")
    with (
        open_ledger(LedgerPlace.of(config)) as ledger,
        open_database(config, scorer.specs) as database,
    ):
        for cutoff in LISTS:
            score_all(config, database, scorer, ledger, cutoff, accept=True)
    return config
