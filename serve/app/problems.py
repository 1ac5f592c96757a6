"""What went wrong, as RFC 9457 has it: JSON for programs, a page for people."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.errors import BadInput, Refused
from features.masking import without_secrets
from serve.app.rendering import rendered

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("uvicorn.error")


class Fault(BaseModel):
    """Where a request is wrong (a JSON pointer into it), and how."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """RFC 9457: `title` is of the status, `detail` says what was wrong and what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] = []


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How a route describes the problems that it may answer with."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def problem(
    request: Request,
    status: int,
    detail: str,
    faults: Sequence[Fault] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem as an answer; a page where a browser asks for one."""
    title, detail = HTTPStatus(status).phrase, without_secrets(detail)
    if "text/html" in request.headers.get("accept", "") and not _is_api(request):
        page = rendered(request, "problem.html", status, title=title, detail=detail)
        page.headers.update(headers or {})
        return page
    content = Problem(title=title, status=status, detail=detail, errors=list(faults))
    return JSONResponse(content.model_dump(), status, headers, MEDIA_TYPE)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/v1/")


def add_handlers(app: FastAPI) -> None:
    """Answer with problems, whatever an app's routes raise."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        return problem(request, error.status_code, str(error.detail), headers=headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        faults = [
            Fault(pointer=_pointer(each["loc"]), detail=each["msg"].removeprefix("Value error, "))
            for each in error.errors()
        ]
        first = faults[0]
        detail = f"{first.pointer}: {first.detail}"
        detail += f" ({len(faults):,} faults in all, see errors)" if len(faults) > 1 else ""
        return problem(request, 422, detail, faults[:50])

    @app.exception_handler(BadInput)
    async def bad(request: Request, error: BadInput) -> Response:
        return problem(request, 422, str(error))

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return problem(request, 503, str(error), headers={"Retry-After": "5"})


def _pointer(place: Sequence[object]) -> str:
    """A place in the body as a JSON pointer; elsewhere the name, as `query.limit`."""
    if place and place[0] == "body":
        parts = (str(each).replace("~", "~0").replace("/", "~1") for each in place[1:])
        return "#" + "".join(f"/{each}" for each in parts)
    return ".".join(map(str, place))


class Crashes:
    """Answers an error of the program with 500, and logs its traceback without secrets."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            _log.error("%s", without_secrets("".join(traceback.format_exception(error))))
            if not begun:
                detail = f"An error of this program, {type(error).__name__}; its log has more."
                answer = problem(Request(scope), 500, detail)
                await answer(scope, receive, send)
