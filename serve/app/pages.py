"""The pages of reports, for people: as commands wrote them, and how they are made anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from features.errors import Refused
from models.decisions.champion_changes import changes_at
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions
from serve.app.access import CheckedForm
from serve.app.rendering import part, rendered
from serve.app.report_list import REPORTS, Report
from serve.app.service import Served, Service
from serve.reports.page import CARDS, INDEX, company_of, pages_in, served

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

# What the first page links to, and how it calls it.
PAGES = {"/openapi.json": "The API's description"}
# Pages that commands wrote have their style within.
WRITTEN = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEAD = '<link rel="stylesheet" href="/static/app.css">'
MINUTE = timedelta(minutes=1)


@router.get("/")
def index(request: Request, service: Served) -> HTMLResponse:
    """The list to call, and the pages that commands wrote, with what they found."""
    out = service.config.out_folder
    with service.ledgers.reading() as ledger:
        run = ledger.newest() if ledger.runs else None
        to_call = ledger.counts(run.run, "decided_route").get("sales", 0) if run else 0
    written = {page.name: page for page in pages_in(out) if not page.name.startswith(CARDS)}
    reports = [
        (each, page, page and _old(service, each, page.made))
        for each in REPORTS.values()
        for page in [written.pop(each.name, None)]
    ]
    return rendered(
        request,
        "index.html",
        pages=PAGES,
        company=company_of(out / INDEX) or "",
        run=run,
        to_call=to_call,
        reports=reports,
        others=written.values(),
    )


def report_of(name: str) -> Report:
    """A report by the name of its page."""
    if name not in REPORTS:
        raise HTTPException(404, f"There is no page {name} that could be made.")
    return REPORTS[name]


Known = Annotated[Report, Depends(report_of)]


@router.get("/pages/{name}")
def written(request: Request, service: Served, name: str) -> Response:
    """A page as a command wrote it last, with what it is older than; or how it is made."""
    if name == INDEX:
        return RedirectResponse("/", 303)
    out, report = service.config.out_folder, REPORTS.get(name)
    if report and report.own_address:
        return RedirectResponse(report.address, 303)
    page = next((page for page in pages_in(out) if page.name == name), None)
    if page is None and report is None:
        raise HTTPException(404, f"There is no page {name}: no command has written it.")
    known = state_of(service, report, page.made if page else None) if report else {"report": None}
    if page is None:
        return rendered(request, "unmade.html", **known)
    return as_served(request, out / name, **known)


def state_of(service: Service, report: Report, made: datetime | None) -> dict[str, object]:
    """What the top of a report's page shows (making.html): when it was made, None for never, what
    is newer, what is being made, and why it could not be made."""
    return {
        "report": report,
        "made": made,
        "old": _old(service, report, made) if made else "",
        "job": service.making.job,
        "fault": service.making.fault(report.name),
    }


def as_served(request: Request, path: Path, report: Report | None, **known: object) -> HTMLResponse:
    """A written page, with the navigation and its state on top."""
    top = part(request, "report_top.html", report=report, **known)
    text = served(path.read_text(encoding="utf-8"), HEAD, top)
    return HTMLResponse(text, headers={"Content-Security-Policy": WRITTEN})


@router.post("/pages/{name}")
def make(service: Served, report: Known, form: CheckedForm) -> Response:
    """Begin to make a page anew."""
    try:
        service.making.begin(report.name, report.command)
    except Refused as error:
        raise HTTPException(409, str(error)) from None
    return RedirectResponse(report.address, 303)


@router.get("/making")
def making(service: Served, page: str) -> JSONResponse:
    """Whether a page is being made."""
    job = service.making.job
    return JSONResponse({"making": job is not None and job.page == page})


def _old(service: Service, report: Report, made: datetime) -> str:
    """What a page is older than, as a sentence; "" where it is of now. A page has the minute of
    its making: a list scored within that minute counts as no newer."""
    newer = []
    if report.of_lists:
        with service.ledgers.reading() as ledger:
            if ledger.runs and (scored := ledger.newest().scored_at) >= _next_minute(made):
                newer.append(f"the newest list, scored {scored:%Y-%m-%d %H:%M} UTC")
    place = LedgerPlace.of(service.config)
    if place.has_decisions:
        with open_decisions(place) as store:
            changes = changes_at(store, "done")
        since = datetime.fromisoformat(changes[-1].decided_at) if changes else made
        if since >= _next_minute(made):
            newer.append(
                f"the champion, version {changes[-1].new_version} since {since:%Y-%m-%d %H:%M} UTC"
            )
    return f"Older than {' and than '.join(newer)}." if newer else ""


def _next_minute(made: datetime) -> datetime:
    return made.replace(second=0, microsecond=0) + MINUTE
