"""The pages, for people."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from serve.app.rendering import rendered

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

PAGES = {
    "/openapi.json": "The API's description"
}  # what the first page links to, and how it calls it


@router.get("/")
def index(request: Request) -> HTMLResponse:
    """The list of pages."""
    return rendered(request, "index.html", pages=PAGES)
