"""The login of people, where there is a token."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from serve.app.access import SESSION_SECONDS, CheckedForm, Sessions
from serve.app.rendering import rendered
from serve.app.service import Served

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
LONGEST_NAME = 100


@router.get("/login")
def login(request: Request, next: str = "/") -> HTMLResponse:  # noqa: A002
    """The form."""
    return rendered(request, "login.html", next=_local(next), fault="")


@router.post("/login")
async def begin(request: Request, service: Served, form: CheckedForm) -> Response:
    """Begin a session."""
    name, token, target = (str(form.get(key, "")).strip() for key in ("name", "token", "next"))
    if not service.serving.is_token(token) or not 0 < len(name) <= LONGEST_NAME:
        await asyncio.sleep(0.5)  # so that nobody tries many
        fault = "Your name is missing or too long." if service.serving.is_token(token) else ""
        fault = fault or "This is not the token."
        return rendered(request, "login.html", 403, next=_local(target), fault=fault)
    answer = RedirectResponse(_local(target), 303)
    sessions = _sessions(request)
    answer.set_cookie(
        sessions.cookie,
        sessions.begin(name),
        max_age=SESSION_SECONDS,
        secure=service.serving.https,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/logout")
async def end(request: Request, _: CheckedForm, service: Served) -> Response:
    """Forget who it was in this browser."""
    answer = RedirectResponse("/login", 303)
    cookie, secure = _sessions(request).cookie, service.serving.https
    answer.delete_cookie(cookie, secure=secure, httponly=True, samesite="strict")
    return answer


def _sessions(request: Request) -> Sessions:
    sessions = request.app.state.sessions
    assert isinstance(sessions, Sessions)
    return sessions


def _local(target: str) -> str:
    """A path of ours; whatever leads elsewhere leads to the first page.

    >>> [_local(path) for path in ("/leads?band=hot", "//evil.example", "https://evil.example")]
    ['/leads?band=hot', '/', '/']
    """
    is_ours = target.startswith("/") and target.isprintable()
    return target if is_ours and target[1:2] not in ("/", "\\") else "/"
