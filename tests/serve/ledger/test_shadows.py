"""What challengers said lives and dies with its run, and no forgotten lead stays in it."""

from datetime import datetime, timedelta

import pandas as pd

from models.decisions.place import LedgerPlace
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.ledger.schema import FIRST
from serve.ledger.shadows import add_shadow, see_shadows, without_shadow
from tests.serve.ledger.places import rows as rows_of
from tests.serve.ledger.test_ledger import FIVE, NIGHT, write

DAYS = [datetime(2026, 3, day) for day in (1, 2, 9)]
RUNS = [Run(day, "1", "a41f09c3be") for day in DAYS]
LATER = NIGHT + timedelta(hours=1)


def frames_of(**readiness: float) -> list[pd.DataFrame]:
    """In frames of one lead each, as passes over chunks of leads bring them."""
    return [pd.DataFrame({"lead_id": [lead], "readiness": [p]}) for lead, p in readiness.items()]


def add(place: LedgerPlace, run: Run, version: str, at: datetime = LATER, **readiness: float):
    with open_ledger(place) as ledger:
        return add_shadow(ledger, run, version, frames_of(**readiness), at)


def shadows(place: LedgerPlace) -> list[tuple]:
    """The view that reports read: day of the cutoff, version, lead, readiness."""
    with open_ledger(place) as ledger:
        see_shadows(ledger)
        sql = "SELECT day(cutoff), shadow_version, lead_id, readiness FROM shadows ORDER BY ALL"
        return ledger.fetched(sql)


def test_a_readiness_per_lead_that_the_run_has_scored_and_the_run_as_it_was(
    place: LedgerPlace,
) -> None:
    """e could not be scored, and z is not in the run."""
    write(place, FIVE, run=RUNS[0])
    before = rows_of(place, list(FIRST))
    assert add(place, RUNS[0], "2", a=0.1, b=0.2, e=0.9, z=0.9) == 2
    assert add(place, RUNS[0], "3", a=0.5) == 1
    assert shadows(place) == [(1, "2", "a", 0.1), (1, "2", "b", 0.2), (1, "3", "a", 0.5)]
    assert rows_of(place, list(FIRST)) == before
    with open_ledger(place) as ledger:
        assert [without_shadow(ledger, RUNS[0], version) for version in "23"] == [2, 3]
        assert len(ledger.runs) == 1


def test_again_adds_late_leads_alone(place: LedgerPlace) -> None:
    write(place, FIVE, run=RUNS[0])
    add(place, RUNS[0], "2", a=0.1, b=0.2)
    assert add(place, RUNS[0], "2", a=0.7, b=0.7) == 0
    assert add(place, RUNS[0], "2", a=0.7, b=0.7, c=0.3, d=0.4) == 2
    assert [row[2:] for row in shadows(place)] == [("a", 0.1), ("b", 0.2), ("c", 0.3), ("d", 0.4)]


def test_a_forgotten_lead_is_in_none(place: LedgerPlace) -> None:
    for run in RUNS[:2]:
        write(place, FIVE, run=run)
        add(place, run, "2", a=0.1, b=0.2)
    add(place, RUNS[0], "3", a=0.5)
    with open_ledger(place) as ledger:
        assert ledger.forget("a") == 2 + 3
    assert shadows(place) == [(1, "2", "b", 0.2), (2, "2", "b", 0.2)]
    assert add(place, RUNS[0], "3", a=0.5) == 0  # one that was scored before it was forgotten
    left = list(place.folder.rglob("*shadow-3*"))
    assert not left


def test_they_are_deleted_with_their_run(place: LedgerPlace) -> None:
    for run in RUNS:
        write(place, FIVE, run=run)
        add(place, run, "2", a=run.cutoff.day / 10)
    with open_ledger(place) as ledger:
        ledger.keep(7)
    assert [row[0] for row in shadows(place)] == [2, 9]
    with open_ledger(place) as ledger:
        ledger.withdraw(RUNS[1], "wrong tables", "anna", LATER)
    assert [row[0] for row in shadows(place)] == [9]
    write(place, FIVE, run=RUNS[1], scored_at=LATER + timedelta(hours=1))
    assert [row[0] for row in shadows(place)] == [9]
    assert add(place, RUNS[1], "2", a=0.7) == 1
    assert add(place, Run(DAYS[0], "1", "a41f09c3be"), "2", a=0.1) == 0
