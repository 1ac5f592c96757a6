"""The pages of the service as HTML: its own templates, and those of the reports."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from serve.app.service import service_of
from serve.reports import page

TEMPLATES, STATIC = Path(__file__).parent / "templates", Path(__file__).parent / "static"


@cache
def _environment() -> jinja2.Environment:
    return page.environment(TEMPLATES)


def rendered(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """The page that a template of serve/app/templates makes of the values; it also knows the
    `request`, its `visitor` (serve/app/access.py), and the version of the `champion`."""
    known = {"visitor": getattr(request.state, "visitor", None), "request": request}
    known["champion"] = service_of(request).champion.version
    text = page.render(template, _environment(), **known, **values)
    return HTMLResponse(text, status)
