"""The pages of the leads: the list, the card of one, and what people decide of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.background import BackgroundTask

from features.cutoffs import utc_now
from features.errors import BadInput
from models.decisions.overrides import Override, in_force
from models.routing import ROUTES
from serve.app.access import CheckedForm, visitor_of
from serve.app.rendering import rendered
from serve.app.service import Served
from serve.ledger.decide import add_override, decisions_about
from serve.reports.explain.page import page_values, tell
from serve.reports.leads.figures import MARKS
from serve.reports.leads.question import FILTERS, Question
from serve.scoring.points_only import scorer_of

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
DONE = {"decided": "Decided. It holds from the newest list on.", "undone": "Undone."}
_GIVEN = ("route", "because", "until", "by")  # in the form of a decision
TO_CALL = Question(route="sales")  # the page that nothing was asked of
_LONGEST = 200  # letters of a filter


def question_of(request: Request) -> Question:
    """The question that an address asks; the list for sales where it asks nothing. Raises
    HTTPException for what cannot be asked."""
    given = request.query_params
    texts = {name: given[name].strip()[:_LONGEST] for name in (*FILTERS, "text") if name in given}
    try:
        page = int(given.get("page") or 1)
        down = {"1": True, "0": False}.get(given.get("down", ""))
        sort, route = given.get("sort") or "list", texts.pop("route", TO_CALL.route)
        question = Question(route=route, sort=sort, descending=down, page=page)
        return replace(question, **texts)  # type: ignore[arg-type]
    except (BadInput, ValueError) as error:
        raise HTTPException(422, str(error)) from None


Asked = Annotated[Question, Depends(question_of)]


def query_of(question: Question, **changes: object) -> str:
    """The address of a question, but for a few changes: what is as usual is left out, the route
    excepted, without which the list for sales is asked for."""
    changed = replace(question, **changes)  # type: ignore[arg-type]
    values = {each.name: getattr(changed, each.name) for each in fields(Question)}
    down = values.pop("descending")
    parts = {k: v for k, v in values.items() if v != getattr(TO_CALL, k)}
    if down is not None:
        parts["down"] = int(down)
    return urlencode(parts)


@router.get("/leads")
def leads(request: Request, service: Served, question: Asked) -> HTMLResponse:
    """A page of the newest list."""
    with service.ledgers.reading() as ledger:
        listed = service.lists.of(ledger, ledger.newest())
        page = listed.page(ledger, question)
        if question.page > page.pages:  # of an address of before: the last
            page = listed.page(ledger, replace(question, page=page.pages))
    shown = page.question

    def sorted_by(key: str) -> str:
        turned = not shown.downwards if key == shown.sort else None
        return query_of(shown, sort=key, descending=turned, page=1)

    return rendered(
        request,
        "leads.html",
        page=page,
        days_old=(utc_now() - page.run.cutoff).days,
        company=service.config.folder.resolve().name,
        marks=MARKS,
        query=lambda **changes: query_of(shown, **changes),
        sorted_by=sorted_by,
    )


@router.get("/leads.csv")
def leads_csv(service: Served, question: Asked) -> Response:
    """All leads of a question, as a file that a spreadsheet opens safely."""
    folder = tempfile.TemporaryDirectory(prefix="readiness-export-")
    try:
        with service.ledgers.reading() as ledger:
            newest = ledger.newest()
            listed = service.lists.of(ledger, newest)
            path = listed.export(ledger, question, Path(folder.name) / "leads.csv")
    except BaseException:
        folder.cleanup()
        raise
    name = f"leads-{newest.cutoff:%Y-%m-%d}.csv"
    return FileResponse(
        path, media_type="text/csv", filename=name, background=BackgroundTask(folder.cleanup)
    )


@router.get("/leads/{lead_id:path}")
def lead(request: Request, service: Served, lead_id: str) -> HTMLResponse:
    """The card of a lead."""
    return _card(request, service, lead_id, done=DONE.get(request.query_params.get("done", "")))


def _card(
    request: Request,
    service: Served,
    lead_id: str,
    done: str | None = None,
    fault: str = "",
    given: Mapping[str, str] | None = None,
) -> HTMLResponse:
    scorer = service.champion.scorer or scorer_of(service.config, "champion")
    with service.ledgers.reading() as ledger:
        cutoff = ledger.newest_cutoff()
        decided = in_force(decisions_about(ledger, lead_id), cutoff)
    try:
        story = tell(service.config, scorer, lead_id, cutoff, since_last=True)
    except BadInput as error:
        raise HTTPException(404, str(error)) from None
    return rendered(
        request,
        "lead.html",
        status=422 if fault else 200,
        **page_values(story),
        decided=decided,
        done=done,
        fault=fault,
        given=given or dict.fromkeys(_GIVEN, ""),
        routes=ROUTES,
    )


@router.post("/decisions")
def decide(request: Request, service: Served, form: CheckedForm) -> Response:
    """Store a route that somebody decided, from the newest list on."""
    return _stored(request, service, form, "decided")


@router.post("/decisions/undo")
def withdraw(request: Request, service: Served, form: CheckedForm) -> Response:
    """Withdraw the decision in force."""
    return _stored(request, service, form, "undone")


def _stored(request: Request, service: Served, form: CheckedForm, done: str) -> Response:
    lead_id = str(form.get("lead_id") or "")
    given = {name: str(form.get(name) or "").strip() for name in _GIVEN}
    by = given["by"] or visitor_of(request).name
    try:
        end = datetime.strptime(given["until"], "%Y-%m-%d") if given["until"] else None
        with service.ledgers.writing() as ledger:
            route = given["route"] if done == "decided" else None
            since = ledger.newest_cutoff()
            decided = Override(lead_id, route, given["because"], by, utc_now(), since, end)
            add_override(ledger, decided)
    except (BadInput, ValueError) as error:
        return _card(request, service, lead_id, fault=str(error), given=given)
    return RedirectResponse(f"/leads/{quote(lead_id, safe='')}?done={done}", 303)
