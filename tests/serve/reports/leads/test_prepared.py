"""A page of the list of leads, in files and in PostgreSQL, against pandas: filters, order, pages,
counts; and that what changes the list shows at once."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.errors import BadInput
from models.decisions.overrides import Override
from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.decide import add_override
from serve.ledger.ledger import LIST_ORDER, Ledger, open_ledger
from serve.ledger.runs import Run
from serve.reports.leads.prepared import PreparedList
from serve.reports.leads.question import ANY_MARK, FILTERS, SORTS, Question
from tests.serve.ledger.places import in_postgres

CUTOFF = datetime(2026, 3, 2)
SOURCES = ["ads", "=fair", None]
SETS = [None, "quiet", "quiet; new", "new"]
LEADS = pd.DataFrame(
    {
        "lead_id": [f"L{n:02d}" for n in range(60)],
        "state": "scored",
        "readiness": [(n * 37 % 20) / 20 if n % 9 else None for n in range(60)],
        "rule_score": [float(n * 13 % 7) for n in range(60)],
        "band": [("cold", "warm", "hot")[n % 3] for n in range(60)],
        "reasons": [
            f"Opened quote {n % 4} times (+0.{n % 9}0); source: x (-0.10)" for n in range(60)
        ],
        "source": [SOURCES[n % 3] for n in range(60)],
        "basket": [("active-1", "passive-1")[n % 2] for n in range(60)],
        "segments": [SETS[n % 4] for n in range(60)],
        "follow_up_on": pd.Timestamp("2026-03-09"),
    }
)


RUN = Run(CUTOFF, "1", "r")


def list_of(ledger: Ledger) -> PreparedList:
    return PreparedList(ledger, ledger.newest())


@pytest.fixture(scope="module", params=["files", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """60 leads, 12 to sales; people sent L05 to sales and L02 to nurture."""
    place = LedgerPlace(tmp_path_factory.mktemp("out"))
    if request.param == "postgres":
        place = in_postgres(request.getfixturevalue("postgres"), place.folder)
    with open_ledger(place) as opened:
        opened.write(RUN, [LEADS], 60, Router(12, CUTOFF), CUTOFF)
        for lead, route in (("L05", "sales"), ("L02", "nurture")):
            add_override(opened, Override(lead, route, "a call", "ann", CUTOFF, CUTOFF))
        yield opened


@pytest.fixture(scope="module")
def prepared(ledger: Ledger) -> PreparedList:
    return list_of(ledger)


def expected(rows: pd.DataFrame, question: Question) -> pd.DataFrame:
    """By pandas alone, from all rows in the order of the list."""
    for name, column_name in FILTERS.items():
        chosen, column = getattr(question, name), rows[column_name]
        if name == "segment" and chosen:
            within = [chosen in str(value).split("; ") for value in column]
            rows = rows[pd.Series(within, rows.index, bool)]
        elif (name, chosen) == ("marked", ANY_MARK):
            rows = rows[column.notna()]
        elif chosen:
            rows = rows[column == chosen]
    if question.text:
        others = [rows[column].fillna("") for column in ("source", "segments", "reasons")]
        text = rows["lead_id"].str.cat(others, "\n")
        rows = rows[text.str.lower().str.contains(question.text.lower(), regex=False)]
    if question.sort == "list":
        return rows[::-1] if question.downwards else rows
    ascending = not question.downwards
    return rows.sort_values(question.sort, ascending=ascending, kind="stable", na_position="last")


@st.composite
def questions(draw: st.DrawFn) -> Question:
    return Question(
        route=draw(st.sampled_from(["", "sales", "nurture", "disqualified"])),
        band=draw(st.sampled_from(["", "hot", "none such"])),
        source=draw(st.sampled_from(["", "ads", "=fair"])),
        basket=draw(st.sampled_from(["", "active-1"])),
        segment=draw(st.sampled_from(["", "quiet", "new"])),
        marked=draw(st.sampled_from(["", "any", "model high, points low"])),
        text=draw(st.sampled_from(["", "l1", "QUOTE 3", "fair", "%", "'"])),
        sort=draw(st.sampled_from(list(SORTS))),
        descending=draw(st.sampled_from([None, True, False])),
        page=draw(st.integers(1, 4)),
        per_page=draw(st.sampled_from([1, 7, 50])),
    )


@given(question=questions(), name=st.sampled_from(list(FILTERS)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_page_is_what_pandas_makes_of_all_rows(
    ledger: Ledger, prepared: PreparedList, question: Question, name: str
) -> None:
    rows = ledger.rows(RUN)
    shown, page = expected(rows, question), prepared.page(ledger, question)
    assert page.total == len(shown)
    assert page.pages == max(1, -(-len(shown) // question.per_page))
    start = (question.page - 1) * question.per_page
    part = shown.iloc[start : start + question.per_page]
    assert [lead.lead_id for lead in page.leads] == list(part["lead_id"])
    places = {
        lead: n for n, lead in enumerate(rows.query("decided_route == 'sales'")["lead_id"], 1)
    }
    assert [lead.rank for lead in page.leads] == [places.get(lead) for lead in part["lead_id"]]
    for value, count in page.counts[name].items():
        assert count == len(expected(rows, replace(question, **{name: value}))), (name, value)
    assert page.to_call == len(places) > 0


def test_rows_are_those_of_the_ledger(ledger: Ledger, prepared: PreparedList) -> None:
    """Every column of every row."""
    rows = prepared.page(ledger, Question(per_page=60)).rows
    to_call = [row["lead_id"] for row in rows if row["decided_route"] == "sales"]
    assert [row["rank"] for row in rows] == [
        *range(1, len(to_call) + 1),
        *[None] * (60 - len(to_call)),
    ]
    stored = ledger.records(f"SELECT * FROM decided WHERE {RUN.where} ORDER BY {LIST_ORDER}")
    assert [{k: v for k, v in row.items() if k != "rank"} for row in rows] == stored


def test_worked_example(ledger: Ledger, prepared: PreparedList) -> None:
    """Decided leads are where people sent them; reasons have marks for their
    figures."""
    page = prepared.page(ledger, Question(route="sales"))
    by_id = {lead.lead_id: lead for lead in page.leads}
    assert "L02" not in by_id
    decided = by_id["L05"]
    assert (decided.route, decided.decided_route, decided.decided_by) == ("nurture", "sales", "ann")
    assert decided.reasons == ("+ Opened quote 1 times", "- source: x")
    assert decided.why == ("Opened quote 1 times (+0.50)", "source: x (-0.10)")


def test_a_decision_is_seen_by_the_next_page_and_so_is_its_undoing(place: LedgerPlace) -> None:
    with open_ledger(place) as ledger:
        ledger.write(RUN, [LEADS], 60, Router(12, CUTOFF), CUTOFF)
        prepared, to_call = list_of(ledger), Question(route="sales")
        before = [lead.lead_id for lead in prepared.page(ledger, to_call).leads]
        add_override(ledger, Override(before[0], "nurture", "away", "ann", CUTOFF, CUTOFF))
        page = prepared.page(ledger, to_call)
        assert (page.total, page.to_call, page.counts["route"]["sales"]) == (11, 11, 11)
        assert [lead.lead_id for lead in page.leads] == before[1:]
        assert [lead.rank for lead in page.leads] == list(range(1, 12))
        text = prepared.page(ledger, Question(text=before[0]))
        assert text.counts["route"]["nurture"] == 1
        add_override(ledger, Override(before[0], None, "is back", "ann", CUTOFF, CUTOFF))
        assert [lead.lead_id for lead in prepared.page(ledger, to_call).leads] == before


def test_a_run_that_was_written_anew_has_another_stamp(place: LedgerPlace) -> None:
    """Also where only the names of segments are others, so that no figure of the run changes."""
    with open_ledger(place) as ledger:
        stamps = []
        for segments in (LEADS["segments"], "renamed", "renamed"):
            rows = LEADS.assign(segments=segments)
            ledger.write(RUN, [rows], 60, Router(12, CUTOFF), CUTOFF)
            stamps.append(ledger.store.stamp(RUN))
        assert stamps[0] != stamps[1]
        assert stamps[1] == stamps[2]
        assert list_of(ledger).page(ledger, Question()).counts["segment"] == {"renamed": 60}


def test_leads_of_many_blocks(tmp_path: Path) -> None:
    """Each row is found where it is packed, with the columns of its own lead."""
    n = 70_001
    rows = pd.DataFrame({"lead_id": [f"{i}" for i in range(n)], "state": "scored"})
    rows = rows.assign(readiness=[i % 997 / 997 for i in range(n)], reasons="r" + rows["lead_id"])
    with open_ledger(LedgerPlace(tmp_path)) as ledger:
        ledger.write(RUN, [rows], n, Router(9, CUTOFF), CUTOFF)
        prepared = list_of(ledger)
        for question in (Question(per_page=9, page=7_000), Question(sort="lead_id", page=700)):
            page = prepared.page(ledger, question)
            order = rows.sort_values("lead_id") if question.sort == "lead_id" else None
            if order is None:
                order = rows.sort_values(["readiness", "lead_id"], ascending=[False, True])
            start = (question.page - 1) * question.per_page
            shown = order.iloc[start : start + question.per_page]
            assert [row["lead_id"] for row in page.rows] == list(shown["lead_id"])
            assert [row["reasons"] for row in page.rows] == list(shown["reasons"])
            assert page.total == n


def test_the_export_has_what_is_shown_and_no_formula(
    ledger: Ledger, prepared: PreparedList, tmp_path: Path
) -> None:
    question = Question(source="=fair", sort="rule_score", page=2, per_page=3)
    path = prepared.export(ledger, question, tmp_path / "leads.csv")
    written = pd.read_csv(path, dtype={"lead_id": str})
    rows = expected(ledger.rows(RUN), question)
    assert list(written["lead_id"]) == list(rows["lead_id"])
    assert set(written["source"]) == {"'=fair"}


@pytest.mark.parametrize(
    "wrong", [{"sort": "salary"}, {"page": 0}, {"per_page": 1_001}, {"per_page": 0}]
)
def test_what_cannot_be_asked_is_refused(wrong: dict) -> None:
    with pytest.raises(BadInput):
        Question(**wrong)
