"""Who moved between two lists, against plain Python over the rows of both."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from features.config import Routing
from features.errors import BadInput
from models.decisions.overrides import Override
from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.decide import add_override
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.movers.because import because
from serve.movers.moves import (
    COLUMNS,
    export,
    list_of,
    moves_between,
    new_moves,
    stored_movers,
)
from tests.serve.ledger.places import rows as rows_of

MONDAY, NEXT = datetime(2026, 3, 2), datetime(2026, 3, 9)
BEFORE, RUN = Run(MONDAY, "1", "r"), Run(NEXT, "2", "r")
THRESHOLDS = [0.3, 0.5]
#        lead, readiness, points, band, disqualified
THEN = [
    ("a", 0.60, 50.0, "hot", None),  # stays
    ("b", 0.55, 10.0, "warm", None),  # leaves the list, falls below both
    ("c", 0.20, 10.0, "warm", None),  # becomes hot, is listed, reaches both
    ("d", 0.30, 10.0, "cold", None),  # exactly at the threshold: stays at it
    ("e", 0.52, 10.0, "cold", None),  # is closed
    ("f", None, None, None, None),  # could not be scored, can now
    ("g", 0.10, 10.0, "cold", None),  # does not move, but was taken up by people
]
NOW = [
    ("a", 0.60, 50.0, "hot", None),
    ("b", 0.25, 10.0, "warm", None),
    ("c", 0.70, 90.0, "hot", None),
    ("d", 0.30, 10.0, "cold", None),
    ("f", 0.65, 60.0, "hot", None),
    ("g", 0.10, 10.0, "cold", None),
    ("h", 0.31, 55.0, "hot", None),  # is new
]


def frame(rows: list[tuple]) -> pd.DataFrame:
    names = ["lead_id", "readiness", "rule_score", "band", "disqualified"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(
        state=["not scored" if ready is None else "scored" for _, ready, *_ in rows],
        state_reason=["two rows" if ready is None else None for _, ready, *_ in rows],
    )


@pytest.fixture
def two_lists(place: LedgerPlace) -> LedgerPlace:
    """Three places at the first cutoff (a, b, e), three at the second (c, f, a); lead g was sent to
    sales by people at the first, until the second."""
    with open_ledger(place) as ledger:
        write(ledger, BEFORE, THEN)
        add_override(
            ledger, Override("g", "sales", "asked for a call", "ann", MONDAY, MONDAY, NEXT)
        )

        def movers(view):
            moves = new_moves(ledger, view, BEFORE, THRESHOLDS)
            return moves.assign(moved_because="why " + moves["lead_id"])

        write(ledger, RUN, NOW, movers)
    return place


def write(ledger, run, rows, movers=None):
    at = run.cutoff + timedelta(hours=4)
    ledger.write(run, [frame(rows)], len(rows), Router(3, run.cutoff), at, movers)


EXPECTED = {
    "b": "off the list; fell below 30.0%; fell below 50.0%",
    "c": "newly hot; on the list; reached 30.0%; reached 50.0%",
    "f": "newly hot; on the list",
    "g": "off the list",
    "h": "newly hot; reached 30.0%",
}


def test_worked_example_in_the_ledger(two_lists: LedgerPlace) -> None:
    stored = rows_of(two_lists, ["lead_id", "cutoff", "moved", "moved_because"])
    assert {lead: moved for lead, cutoff, moved, _ in stored if moved} == EXPECTED
    assert all(cutoff == NEXT for _, cutoff, moved, _ in stored if moved)
    assert {lead: because for lead, *_, because in stored if because} == {
        lead: f"why {lead}" for lead in EXPECTED
    }


def test_a_lead_that_is_no_longer_open_has_left_the_list(two_lists: LedgerPlace) -> None:
    with open_ledger(two_lists) as ledger:
        movers = stored_movers(ledger, RUN)
    moved = dict(zip(movers.rows["lead_id"], movers.rows["moved"], strict=True))
    assert moved == EXPECTED | {"e": "off the list"}
    assert movers.before == BEFORE
    assert list(movers.rows["lead_id"])[:3] == ["c", "f", "h"]
    assert movers.rows["lead_id"].iloc[-1] == "e"
    assert movers.counts["off the list"] == 3
    rows = movers.rows.set_index("lead_id")
    assert rows.loc["c", ["readiness_before", "readiness"]].tolist() == [0.2, 0.7]
    assert rows.loc["g", ["route_before", "route"]].tolist() == ["sales", "nurture"]
    assert pd.isna(rows.loc["e", "route"])
    assert rows.loc["e", "moved_because"].startswith("no longer open")


def test_computed_again_it_is_the_same(two_lists: LedgerPlace) -> None:
    with open_ledger(two_lists) as ledger:
        again = moves_between(ledger, RUN, BEFORE, THRESHOLDS)
        without = moves_between(ledger, RUN, BEFORE, [])
    moved = dict(zip(again["lead_id"], again["moved"], strict=True))
    assert moved == EXPECTED | {"e": "off the list"}
    assert again.set_index("lead_id").loc[list(EXPECTED), "moved_because"].isna().all()
    assert not without["moved"].str.contains("%").any()


def test_a_lead_without_readiness_before_reaches_no_threshold(place: LedgerPlace) -> None:
    """The first night of a model after nights of points alone is no news of every lead."""
    with open_ledger(place) as ledger:
        write(ledger, Run(MONDAY, "none", "r"), [("a", None, None, "cold", None)])
        write(ledger, RUN, [("a", 0.9, 5.0, "cold", None)])
        moves = moves_between(ledger, RUN, Run(MONDAY, "none", "r"), [0.5])
    assert list(moves["moved"]) == ["on the list"]


def test_the_list_before_is_the_one_that_sales_saw(two_lists: LedgerPlace) -> None:
    with open_ledger(two_lists) as ledger:
        newer = Run(MONDAY, "2", "r")
        ledger.write(newer, [frame(THEN)], 7, Router(3, MONDAY), datetime(2026, 3, 3))
        assert ledger.before(NEXT).run == newer == list_of(ledger, MONDAY)
        assert ledger.before(MONDAY) is None
        with pytest.raises(BadInput, match=r"no list of 2026-03-01.*2026-03-02T00:00:00"):
            list_of(ledger, datetime(2026, 3, 1))


def test_of_the_first_list_nobody_moved(place: LedgerPlace) -> None:
    with open_ledger(place) as ledger:
        write(ledger, BEFORE, THEN)
        movers = stored_movers(ledger, BEFORE)
    assert (movers.before, len(movers.rows), movers.counts) == (None, 0, {})


def test_an_exported_text_begins_no_formula(two_lists: LedgerPlace, tmp_path) -> None:
    with open_ledger(two_lists) as ledger:
        movers = stored_movers(ledger, RUN)
    movers.rows.loc[0, "moved_because"] = "=1+1"
    csv = pd.read_csv(export(movers, tmp_path / "movers.csv"))
    assert tuple(csv.columns) == COLUMNS
    assert csv["moved_because"][0] == "'=1+1"
    plain = pd.read_parquet(export(movers, tmp_path / "movers.parquet"))
    assert plain["moved_because"][0] == "=1+1"
    assert list(plain["lead_id"]) == list(movers.rows["lead_id"])


def test_who_is_held_back_no_longer_joins_the_list_for_that(place: LedgerPlace) -> None:
    """Horizon of a week: whoever the draw of the first list held back may be called on the second,
    and has no score that changed."""
    leads = [(f"lead {n}", 0.1 + n / 100, 10.0, "cold", None) for n in range(30)]
    with open_ledger(place) as ledger:
        for run in (BEFORE, RUN):
            router = Router(10, run.cutoff, Routing(holdout=0.5), horizon_days=7)
            ledger.write(run, [frame(leads)], 30, router, run.cutoff)
        moves = moves_between(ledger, RUN, BEFORE, [])
        back = ledger.query(f"SELECT lead_id FROM scores WHERE holdout AND {BEFORE.where}")
        reasons = dict(zip(moves["lead_id"], because(moves, BEFORE, RUN, None), strict=True))
    joined = set(moves.loc[moves["moved"] == "on the list", "lead_id"])
    assert joined
    assert joined <= set(back["lead_id"])
    assert all(reasons[lead].startswith("no longer held back: ") for lead in joined)
