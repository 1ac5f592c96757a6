"""What people decide stands beside the machine's route, never over it; nothing of it is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import BadInput
from models.decisions.overrides import Override, in_force
from models.decisions.place import LedgerPlace
from models.routing import ROUTES, Router
from serve.ledger.decide import add_override, decisions_about
from serve.ledger.ledger import Ledger, open_ledger
from serve.ledger.runs import Run
from tests.copied_company import copied_company

START = datetime(2026, 3, 2)
DAYS = [START + timedelta(days=n) for n in range(10)]
NOW = datetime(2026, 11, 21, 9)


def scored(*leads: str) -> pd.DataFrame:
    """The first lead is the readiest."""
    ready = [0.9 / (place + 1) for place in range(len(leads))]
    return pd.DataFrame(
        {"lead_id": list(leads), "state": "scored", "readiness": ready, "rule_score": 1.0}
    )


def run(day: datetime) -> Run:
    return Run(day, "1", "a41f09c3be")


@contextmanager
def with_lists(place: LedgerPlace, days: list[datetime]) -> Iterator[Ledger]:
    """Lists of two leads: 7 to sales, 8 to nurture."""
    with open_ledger(place) as ledger:
        for day in days:
            ledger.write(run(day), [scored("7", "8")], 2, Router(1, day), day)
        yield ledger


def override_to(route: str | None, since: datetime, until: datetime | None = None) -> Override:
    return Override("7", route, "asked to wait", "eva", NOW, since, until)


def decided(ledger: Ledger, day: datetime, lead: str = "7") -> str:
    rows = ledger.rows(run(day)).set_index("lead_id")
    assert dict(rows["route"]) == {"7": "sales", "8": "nurture"}  # the machine's stays
    return str(rows.loc[lead, "decided_route"])


def test_a_day_to_come_back_is_of_those_who_are_not_to_call_now(place: LedgerPlace) -> None:
    """The store keeps the estimate of both, so that a decision shows it or hides it."""
    day, later = DAYS[0], pd.Timestamp("2026-03-05")
    with open_ledger(place) as ledger:
        ledger.write(
            run(day), [scored("7", "8").assign(follow_up_on=later)], 2, Router(1, day), day
        )

        def shown() -> set[str]:
            rows = ledger.rows(run(day)).dropna(subset=["follow_up_on"])
            assert set(rows["follow_up_on"]) <= {later}
            return set(rows["lead_id"])

        assert shown() == {"8"}
        add_override(ledger, override_to("nurture", day))
        assert shown() == {"7", "8"}
        add_override(ledger, replace(override_to("sales", day), lead_id="8"))
        assert shown() == {"7"}


def test_worked_example(place: LedgerPlace) -> None:
    """That of the module: to nurture until 03-09, withdrawn on 03-05."""
    with with_lists(place, DAYS) as ledger:
        add_override(ledger, override_to("nurture", START, DAYS[7]))
        assert [decided(ledger, day) for day in DAYS] == ["nurture"] * 7 + ["sales"] * 3
        add_override(ledger, override_to(None, DAYS[3]))
        assert [decided(ledger, day) for day in DAYS] == ["nurture"] * 3 + ["sales"] * 7
        assert [decided(ledger, day, "8") for day in DAYS] == ["nurture"] * 10
        made = decisions_about(ledger, "7")
        assert [each.route for each in made] == ["nurture", None]
        assert [each.number for each in made] == [1, 2]
        assert {each.decided_by for each in made} == {"eva"}
        assert ledger.counts(run(DAYS[1]), "decided_because") == {"asked to wait": 1}
        assert ledger.counts(run(DAYS[5]), "decided_because") == {}


def test_in_exports_the_lead_is_on_the_list_where_people_put_it(
    place: LedgerPlace, tmp_path: Path
) -> None:
    with open_ledger(place) as ledger:
        ledger.write(run(START), [scored("7", "8", "9")], 3, Router(1, START), NOW)
        add_override(ledger, override_to("disqualified", START))
        to_sales = Override("9", "sales", "rang us", None, NOW, ledger.newest_cutoff())
        add_override(ledger, to_sales)
        ledger.export(run(START), tmp_path / "list.csv")
    rows = pd.read_csv(tmp_path / "list.csv")
    assert list(rows["lead_id"]) == [9, 8, 7]
    assert list(rows["decided_route"]) == ["sales", "nurture", "disqualified"]
    assert list(rows["route"]) == ["nurture", "nurture", "sales"]
    assert list(rows["decided_because"].fillna("")) == ["rang us", "", "asked to wait"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            override_to("called", START),
            "no route 'called': give one of sales, nurture, disqualified",
        ),
        (Override("7", "sales", " ", None, NOW, START), "Say why"),
        (Override("77", "sales", "x", None, NOW, START), "no row of '77'"),
        (override_to("sales", START, START), "name a later end"),
        (override_to(None, START), "nothing to withdraw"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    tmp_path: Path, wrong: Override, message: str
) -> None:
    with with_lists(LedgerPlace(tmp_path), [START]) as ledger:
        with pytest.raises(BadInput, match=message):
            add_override(ledger, wrong)
        assert not decisions_about(ledger, "7")


def test_an_empty_ledger_has_no_newest_list(place: LedgerPlace) -> None:
    with open_ledger(place) as ledger, pytest.raises(BadInput, match="readiness score"):
        ledger.newest_cutoff()


DECISIONS = st.lists(
    st.tuples(
        st.sampled_from([*ROUTES, None]),
        st.integers(0, 9),
        st.none() | st.integers(1, 5),
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with a list of each of DAYS, to be copied."""
    folder = tmp_path_factory.mktemp("lists")
    with with_lists(LedgerPlace(folder), DAYS):
        return folder


@settings(max_examples=15)
@given(made=DECISIONS)
def test_the_last_word_that_holds_counts(lists: Path, made: list) -> None:
    with (
        TemporaryDirectory() as home,
        open_ledger(LedgerPlace(copied_company(lists, Path(home)))) as ledger,
    ):
        stood = []
        for route, since, length in made:
            until = None if length is None or route is None else DAYS[since] + timedelta(length)
            try:
                add_override(ledger, override_to(route, DAYS[since], until))
            except BadInput:  # withdraws what is not there
                assert route is None
                continue
            stood.append((route, DAYS[since], until))
        listed = decisions_about(ledger, "7")
        assert len(listed) == len(stood)
        for day in DAYS:
            begun = [each for each in stood if each[1] <= day]
            route, _, until = begun[-1] if begun else (None, None, None)
            counts = route if until is None or day < until else None
            stored = in_force(listed, day)
            assert (stored and stored.route) == counts
            assert decided(ledger, day) == (counts or "sales")
