"""A lead that is forgotten is in no run any more, and the other leads are as they were."""

from datetime import datetime

from models.decisions.place import LedgerPlace
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.ledger.schema import FIRST
from tests.serve.ledger.places import rows as rows_of
from tests.serve.ledger.test_ledger import FIVE, part, write

DAYS = [datetime(2026, 3, day) for day in (1, 2, 9)]
RUNS = [Run(day, "1", "a41f09c3be") for day in DAYS]


def test_the_others_stay_and_the_figures_are_theirs(place: LedgerPlace) -> None:
    write(place, FIVE, run=RUNS[0])
    write(place, FIVE, run=RUNS[1])
    write(place, part(("a", 0.9, 5.0)), run=RUNS[2])
    before = rows_of(place, list(FIRST))
    with open_ledger(place) as ledger:
        assert ledger.forget("a") == 3
        figures = {each.run: (each.leads, each.points, each.hot) for each in ledger.runs}
        assert ledger.forget("a") == 0
    assert rows_of(place, list(FIRST)) == [row for row in before if row[0] != "a"]
    assert figures == dict.fromkeys(RUNS[:2], (4, (50 + 7 + 7) / 3, 0.0))


def test_an_id_is_a_whole_one(place: LedgerPlace) -> None:
    write(place, part(("7", 0.9, 7.0), ("77", 0.8, 7.0), ("7 ", 0.7, 7.0), ("'7'", 0.6, 7.0)))
    with open_ledger(place) as ledger:
        assert ledger.forget("7") == 1
    assert [lead for (lead,) in rows_of(place, ["lead_id"])] == ["'7'", "7 ", "77"]


def test_a_withdrawn_run_forgets_too_and_is_kept_no_longer(place: LedgerPlace) -> None:
    write(place, FIVE, run=RUNS[0])
    write(place, FIVE, run=RUNS[2])
    with open_ledger(place) as ledger:
        ledger.withdraw(RUNS[0], "wrong tables", "anna", DAYS[2])
        aside = place.folder / "ledger" / "withdrawn"
        in_files = len(list(aside.glob("*"))) == 1
        assert in_files == (place.server is None)
        assert ledger.forget("a") == 1 + in_files
        assert ("a",) not in rows_of(place, ["lead_id"])
        assert not ledger.keep(7)
        assert not aside.exists() or not list(aside.iterdir())
        assert [each.run for each in ledger.runs] == [RUNS[2]]
