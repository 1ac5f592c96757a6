"""A page of the list of leads, against pandas: filters, order, pages, counts."""

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
from serve.ledger.ledger import Ledger, open_ledger
from serve.ledger.runs import Run
from serve.reports.leads.figures import ANY_MARK, FILTERS, SORTS, Question, export, leads_page

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
    }
)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory):
    """60 leads, 12 to sales; people sent L05 to sales and L02 to nurture."""
    with open_ledger(LedgerPlace(tmp_path_factory.mktemp("out"))) as opened:
        opened.write(Run(CUTOFF, "1", "r"), [LEADS], 60, Router(12, CUTOFF), CUTOFF)
        for lead, route in (("L05", "sales"), ("L02", "nurture")):
            add_override(opened, Override(lead, route, "a call", "ann", CUTOFF, CUTOFF))
        yield opened


def expected(rows: pd.DataFrame, question: Question) -> pd.DataFrame:
    """By pandas alone, from all rows in the order of the list."""
    columns = {"route": "decided_route", "segment": "segments"}
    for name in FILTERS:
        chosen, column = getattr(question, name), rows[columns.get(name, name)]
        if name == "segment" and chosen:
            within = [chosen in str(value).split("; ") for value in column]
            rows = rows[pd.Series(within, rows.index, bool)]
        elif (name, chosen) == ("marked", ANY_MARK):
            rows = rows[column.notna()]
        elif chosen:
            rows = rows[column == chosen]
    if question.text:
        text = rows["lead_id"] + "\n" + rows["source"].fillna("") + "\n" + rows["reasons"]
        rows = rows[text.str.lower().str.contains(question.text.lower(), regex=False)]
    by = {"points": "rule_score", "call_by": "contact_by", "lead": "lead_id"}
    if question.sort != "rank":
        column = by.get(question.sort, question.sort)
        ascending = not question.downwards
        rows = rows.sort_values(column, ascending=ascending, kind="stable", na_position="last")
    return rows


@st.composite
def questions(draw: st.DrawFn) -> Question:
    sort = draw(st.sampled_from(list(SORTS)))
    return Question(
        route=draw(st.sampled_from(["", "sales", "nurture", "disqualified"])),
        band=draw(st.sampled_from(["", "hot", "none such"])),
        source=draw(st.sampled_from(["", "ads", "=fair"])),
        basket=draw(st.sampled_from(["", "active-1"])),
        segment=draw(st.sampled_from(["", "quiet", "new"])),
        marked=draw(st.sampled_from(["", "any", "model high, points low"])),
        text=draw(st.sampled_from(["", "l1", "QUOTE 3", "fair", "%", "'"])),
        sort=sort,
        descending=None if sort == "rank" else draw(st.sampled_from([None, True, False])),
        page=draw(st.integers(1, 4)),
        per_page=draw(st.sampled_from([1, 7, 50])),
    )


@given(question=questions(), name=st.sampled_from(FILTERS))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_page_is_what_pandas_makes_of_all_rows(
    ledger: Ledger, question: Question, name: str
) -> None:
    rows = ledger.rows(Run(CUTOFF, "1", "r"))
    shown, page = expected(rows, question), leads_page(ledger, question)
    assert page.total == len(shown)
    assert page.pages == max(1, -(-len(shown) // question.per_page))
    start = (min(question.page, page.pages) - 1) * question.per_page
    part = shown.iloc[start : start + question.per_page]
    assert [lead.lead_id for lead in page.leads] == list(part["lead_id"])
    places = {
        lead: n for n, lead in enumerate(rows.query("decided_route == 'sales'")["lead_id"], 1)
    }
    assert [lead.rank for lead in page.leads] == [places.get(lead) for lead in part["lead_id"]]
    for value, count in page.counts[name].items():
        assert count == len(expected(rows, replace(question, **{name: value}))), (name, value)
    assert page.to_call == len(places) > 0


def test_worked_example(ledger: Ledger) -> None:
    """Decided leads are where people sent them; reasons are words without their figures."""
    page = leads_page(ledger, Question())
    by_id = {lead.lead_id: lead for lead in page.leads}
    assert "L02" not in by_id
    decided = by_id["L05"]
    assert (decided.route, decided.decided_route, decided.decided_by) == ("nurture", "sales", "ann")
    assert decided.reasons == ("Opened quote 1 times", "source: x")
    assert decided.why == ("Opened quote 1 times (+0.50)", "source: x (-0.10)")


def test_a_decision_is_seen_by_the_next_page(tmp_path: Path) -> None:
    with open_ledger(LedgerPlace(tmp_path)) as ledger:
        ledger.write(Run(CUTOFF, "1", "r"), [LEADS], 60, Router(12, CUTOFF), CUTOFF)
        first = leads_page(ledger, Question()).leads[0].lead_id
        add_override(ledger, Override(first, "nurture", "away", "ann", CUTOFF, CUTOFF))
        page = leads_page(ledger, Question())
        assert (page.total, page.to_call) == (11, 11)
        assert [lead.rank for lead in page.leads] == list(range(1, 12))
        assert first not in {lead.lead_id for lead in page.leads}


def test_the_export_has_what_is_shown_and_no_formula(ledger: Ledger, tmp_path: Path) -> None:
    question = Question(route="", source="=fair", sort="points", page=2, per_page=3)
    path = export(ledger, question, tmp_path / "leads.csv")
    written = pd.read_csv(path, dtype={"lead_id": str})
    rows = expected(ledger.rows(Run(CUTOFF, "1", "r")), question)
    assert list(written["lead_id"]) == list(rows["lead_id"])
    assert set(written["source"]) == {"'=fair"}


@pytest.mark.parametrize(
    "wrong", [{"sort": "salary"}, {"page": 0}, {"per_page": 501}, {"per_page": 0}]
)
def test_what_cannot_be_asked_is_refused(wrong: dict) -> None:
    with pytest.raises(BadInput):
        Question(**wrong)


def test_an_empty_ledger_has_no_list(tmp_path: Path) -> None:
    with open_ledger(LedgerPlace(tmp_path)) as ledger, pytest.raises(BadInput, match="empty"):
        leads_page(ledger, Question())
