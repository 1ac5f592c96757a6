"""The pages, for people."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from serve.app.rendering import rendered
from serve.app.service import Served
from serve.reports.page import CARDS, INDEX, company_of, pages_in, served

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

# What the first page links to, and how it calls it.
PAGES = {"/openapi.json": "The API's description"}
# Pages that commands wrote have their style within.
WRITTEN = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'"
)


@router.get("/")
def index(request: Request, service: Served) -> HTMLResponse:
    """The list to call, and the pages that commands wrote, with what they found."""
    out = service.config.out_folder
    with service.ledgers.reading() as ledger:
        run = ledger.newest() if ledger.runs else None
        to_call = ledger.counts(run.run, "decided_route").get("sales", 0) if run else 0
    return rendered(
        request,
        "index.html",
        pages=PAGES,
        company=company_of(out / INDEX) or "",
        run=run,
        to_call=to_call,
        reports=[page for page in pages_in(out) if not page.name.startswith(CARDS)],
    )


@router.get("/pages/{name}")
def written(service: Served, name: str) -> Response:
    """A page as a command wrote it last."""
    if name == INDEX:
        return RedirectResponse("/", 303)
    out = service.config.out_folder
    if name not in {page.name for page in pages_in(out)}:
        raise HTTPException(404, f"There is no page {name}: no command has written it.")
    text = served((out / name).read_text(encoding="utf-8"))
    return HTMLResponse(text, headers={"Content-Security-Policy": WRITTEN})
