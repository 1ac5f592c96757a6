"""The pages of the service as HTML: its own templates, and those of the reports."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from serve.app.report_list import NAVIGATION
from serve.app.service import service_of
from serve.reports import page

TEMPLATES, STATIC = Path(__file__).parent / "templates", Path(__file__).parent / "static"


@cache
def _environment() -> jinja2.Environment:
    templates = page.environment(TEMPLATES)
    templates.globals["navigation"] = NAVIGATION
    return templates


def rendered(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """The page that a template of serve/app/templates makes of the values; it also knows the
    `request`, its `visitor` (serve/app/access.py), the version of the `champion`, and the `unit`,
    lead or account."""
    return HTMLResponse(part(request, template, **values), status)


def part(request: Request, template: str, **values: object) -> str:
    """The same as text: a page, or a part of one."""
    known = {"visitor": getattr(request.state, "visitor", None), "request": request}
    service = service_of(request)
    known |= {"champion": service.champion.version, "unit": service.config.unit}
    return page.render(template, _environment(), **known, **values)
