"""What sales said is held against the list that they had, and nothing is counted twice."""

import json
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import BadInput
from features.open_database import open_database
from features.result_json import to_json
from models.decisions.overrides import Override
from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.decide import add_override
from serve.ledger.ledger import Ledger, open_ledger
from serve.ledger.runs import Run
from serve.reports.feedback.figures import Feedback, feedback
from serve.reports.feedback.page import render
from serve.reports.page import write_page
from tests.features.lead_databases import TIME, at, config_for, event, write_database, write_table

LISTS = [at("2026-03-02"), at("2026-03-09")]
END = at("2026-03-20")
CONTACTS = {
    "contacted_at": TIME,
    "by": pa.string(),
    "accepted": pa.bool_(),
    "reason": pa.string(),
}


def contact(lead: str, when: str, accepted: bool | None = None, by="eva", reason=None) -> dict:
    return {
        "lead_id": lead,
        "contacted_at": at(when),
        "accepted": accepted,
        "by": by,
        "reason": reason,
    }


def scored(**readiness: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "lead_id": lead,
                "state": "scored",
                "readiness": ready,
                "rule_score": 1.0,
                "band": "hot" if lead == "a" else "cold",
                "basket": "active-1" if lead == "a" else None,
                "contact_within_hours": 4.0 if lead == "a" else None,
            }
            for lead, ready in readiness.items()
        ]
    )


def with_lists(ledger: Ledger) -> Ledger:
    """Two can be called: a and b from 03-02 on, b and c from 03-09 on; d never."""
    for cutoff, leads in zip(
        LISTS, [scored(a=0.6, b=0.3, c=0.2, d=0.05), scored(b=0.3, c=0.2, d=0.05)], strict=True
    ):
        ledger.write(Run(cutoff, "1", "r"), [leads], len(leads), Router(2, cutoff), cutoff)
    return ledger


@contextmanager
def database_of(folder: Path, contacts: list[dict], deals: list[dict] = ()):
    leads = [{"lead_id": lead, "created_at": at("2026-01-05")} for lead in "abcd"]
    write_database(folder, leads, [event("a", END)], deals)
    write_table(folder / "contacts.parquet", contacts, CONTACTS, pa.string())
    config = config_for(folder, tables={"contacts": "contacts.parquet"})
    with open_database(config) as database:
        yield config, database


def read(folder: Path, contacts: list[dict], deals: list[dict] = (), decided=()) -> Feedback:
    with (
        database_of(folder, contacts, deals) as (_, database),
        open_ledger(LedgerPlace(folder)) as ledger,
    ):
        with_lists(ledger)
        for each in decided:
            add_override(ledger, each)
        return feedback(ledger, database)


def counts_by(result: Feedback, how: str) -> dict[str, tuple[int, int]]:
    return {each.group: (each.accepted, each.judged) for each in result.acceptance[how]}


def test_worked_example(tmp_path: Path) -> None:
    """a is accepted within its 4 hours; b rejected on the second list's day itself, late; c won
    uncalled; d was never on a list."""
    result = read(
        tmp_path,
        [
            contact("a", "2026-03-02 03:00", True),
            contact("b", "2026-03-09 00:00", False, "max", "no budget"),
            contact("d", "2026-03-03 09:00", False, "max"),
            contact("a", "2026-02-27 09:00", False),  # before any list
        ],
        [{"lead_id": "c", "closed_at": at("2026-03-12"), "outcome": "won"}],
    )
    assert (result.lists, result.contacts, result.contacts_on_a_list) == (2, 4, 2)
    assert counts_by(result, "route") == {"sales": (1, 2), "nurture": (0, 1)}
    assert counts_by(result, "readiness") == {
        "50.0% to 75.0%, version 1": (1, 1),
        "25.0% to 50.0%, version 1": (0, 1),
    }
    assert counts_by(result, "points") == {"hot": (1, 1), "cold": (0, 1)}
    assert counts_by(result, "basket") == {"active-1": (1, 1), "no basket": (0, 1)}
    assert counts_by(result, "seller") == {"eva": (1, 1), "max": (0, 1)}
    assert counts_by(result, "decided by") == {"machine": (1, 2)}
    (sales, _) = result.acceptance["route"]
    assert (round(sales.low, 3), round(sales.high, 3)) == (0.095, 0.905)  # Wilson for 1 of 2
    assert result.reasons_of_rejection == {"no budget": 1}
    whole, active, none = result.speed
    assert whole.fates == {"in time": 1, "late": 1, "overdue": 0, "due": 0, "closed": 1}
    assert (active.median_hours, active.target_hours) == (3, 4)
    assert (none.basket, none.median_hours, none.target_hours) == ("no basket", 7 * 24, 24)
    assert result.became == {
        "accepted": {"won": 0, "lost": 0, "open": 1},
        "rejected": {"won": 0, "lost": 0, "open": 1},
        "no verdict": {"won": 0, "lost": 0, "open": 0},
        "not contacted": {"won": 1, "lost": 0, "open": 0},
    }


def test_the_lists_are_taken_as_people_decided(tmp_path: Path) -> None:
    decided = [
        Override("d", "sales", "rang us", "eva", END, LISTS[0]),
        Override("a", "nurture", "on leave", "eva", END, LISTS[0]),
    ]
    contacts = [contact("d", "2026-03-03", True), contact("a", "2026-03-03", False)]
    result = read(tmp_path, contacts, decided=decided)
    assert counts_by(result, "route") == {"sales": (1, 1), "nurture": (0, 1)}
    assert counts_by(result, "decided by") == {"people": (1, 1)}


def test_of_two_lists_of_a_cutoff_the_last_made_counts(tmp_path: Path) -> None:
    contacts, cutoff = [contact("a", "2026-03-10", True)], LISTS[1]
    place = LedgerPlace(tmp_path)
    with database_of(tmp_path, contacts) as (_, database), open_ledger(place) as ledger:
        run, leads = Run(cutoff, "2", "r"), scored(a=0.9, b=0.1)
        later = cutoff + timedelta(hours=1)
        with_lists(ledger).write(run, [leads], 2, Router(1, cutoff), later)
        result = feedback(ledger, database)
    assert counts_by(result, "readiness") == {"75.0% to 100.0%, version 2": (1, 1)}


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    place = LedgerPlace(tmp_path)
    with (
        database_of(tmp_path, [contact("a", "2026-03-10")]) as (_, database),
        open_ledger(place) as ledger,
    ):
        with pytest.raises(BadInput, match="ledger is empty"):
            feedback(ledger, database)
        later = datetime(2062, 3, 2)
        leads = scored(a=0.6)
        ledger.write(Run(later, "1", "r"), [leads], 1, Router(1, later), later)
        with pytest.raises(BadInput, match="no list before the data end"):
            feedback(ledger, database)
        with_lists(ledger)
        result = feedback(ledger, database)
    assert result.notes[0].startswith("contacts.accepted is empty")
    assert result.acceptance["route"] == []
    assert result.became["no verdict"] == {"won": 0, "lost": 0, "open": 1}
    without = config_for(tmp_path)
    with (
        open_database(without) as database,
        open_ledger(place) as ledger,
        pytest.raises(BadInput, match=r"tables\.contacts"),
    ):
        feedback(ledger, database)


MOMENTS = st.integers(0, 24 * 25).map(lambda hour: datetime(2026, 2, 27) + timedelta(hours=hour))
MADE = st.lists(
    st.tuples(st.sampled_from("abcd"), MOMENTS, st.sampled_from([True, False, None])),
    max_size=8,
    unique_by=lambda made: made[:2],
)
ON_LIST = {LISTS[0]: "ab", LISTS[1]: "bc"}


@settings(max_examples=15)
@given(made=MADE)
def test_each_list_has_one_verdict_of_each_lead(tmp_path_factory, made) -> None:
    """Contact by contact, in plain Python."""
    contacts = [contact(lead, when.isoformat(), accepted) for lead, when, accepted in made]
    result = read(tmp_path_factory.mktemp("feedback"), contacts)
    verdicts: dict[tuple[str, datetime], bool] = {}
    for lead, when, accepted in sorted(made, key=lambda each: each[1]):
        before = [cutoff for cutoff in LISTS if cutoff <= when <= END]
        if before and lead in ON_LIST[before[-1]] and accepted is not None:
            verdicts.setdefault((lead, before[-1]), accepted)
    expected = {"sales": (sum(verdicts.values()), len(verdicts))} if verdicts else {}
    assert {k: v for k, v in counts_by(result, "route").items() if k == "sales"} == expected
    whole = result.speed[0]
    assert sum(whole.fates.values()) == whole.leads == 3
    assert sum(sum(ends.values()) for ends in result.became.values()) == 3
    on_from = {"a": LISTS[0], "b": LISTS[0], "c": LISTS[1]}
    called = {lead for lead, when, _ in made if lead != "d" and on_from[lead] <= when <= END}
    assert whole.fates["in time"] + whole.fates["late"] == len(called)


def test_the_page_tells_the_sentence_and_every_group(tmp_path: Path) -> None:
    contacts = [
        contact("a", "2026-03-02 03:00", True, "<eva>"),
        contact("b", "2026-03-03", False, "max", "no <budget>"),
        contact("d", "2026-03-03", False),
    ]
    result = read(tmp_path, contacts)
    page = write_page(tmp_path / "new" / "feedback.html", render(result), result)
    text = page.read_text(encoding="utf-8")
    assert str(result.verdict) == (
        "Sales accepted 50.0% of the leads they were handed: 1 of the 2 judged (95% interval 9.5% "
        "to 90.5%); of 1 contacts with other leads, 0.0%."
    )
    assert "<strong>Sales accepted 50.0% of the leads they were handed</strong>" in text
    assert "&lt;eva&gt;" in text
    assert "no &lt;budget&gt;" in text
    assert "<eva>" not in text
    assert "<script" not in text
    assert json.loads(page.with_suffix(".json").read_text(encoding="utf-8")) == to_json(result)


def test_a_page_without_any_verdict(tmp_path: Path) -> None:
    text = render(read(tmp_path, []))
    assert "<strong>No verdict of sales yet</strong>" in text
