"""Who may see what: a token for programs, a login for people, and forms that are ours.

Without a token the service answers on loopback only, and only to who calls it by a name of this
machine: a page of another host whose name was pointed here (DNS rebinding) is refused.
"""

from __future__ import annotations

import base64
import binascii
import getpass
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, HTTPException, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData
from starlette.types import ASGIApp, Receive, Scope, Send

from serve.app.problems import problem
from serve.app.serving import Serving, is_loopback

OPEN = ("/healthz", "/readyz", "/login")  # to everyone, and what is static
SESSION_SECONDS = 12 * 3600
_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Visitor:
    """Who asks. name: as given at the login, of the account on loopback, "" for a program. csrf:
    what a form that a page of ours has brings back."""

    name: str
    csrf: str


class Sessions:
    """Cookies that say who logged in, signed with a key of this process: a restart ends them."""

    def __init__(self, serving: Serving) -> None:
        self.serving, self._key = serving, secrets.token_bytes(32)

    @property
    def cookie(self) -> str:
        """Its name; __Host- is taken by browsers over https alone."""
        return "__Host-readiness" if self.serving.https else "readiness"

    def begin(self, name: str) -> str:
        """A session of a person."""
        who = base64.urlsafe_b64encode(name.encode()).decode()
        text = f"{who}.{int(time.time()) + SESSION_SECONDS}"
        return f"{text}.{self._signed('session', text)}"

    def name(self, session: str) -> str | None:
        """Whose session it is; None where it is not ours, or over."""
        text, _, signature = session.rpartition(".")
        who, _, until = text.partition(".")
        expected = self._signed("session", text)
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            return None
        try:
            return base64.urlsafe_b64decode(who).decode() if float(until) > time.time() else None
        except (ValueError, binascii.Error):
            return None

    def csrf(self, session: str) -> str:
        """What the forms of a session bring back."""
        return self._signed("form", session)

    def _signed(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


class Access:
    """Lets requests through that may be answered, each with its `visitor`."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self.app, self.sessions, self.serving = app, sessions, sessions.serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = Request(scope)
        session = request.cookies.get(self.sessions.cookie, "")
        name = self._name(request, session)
        visitor = Visitor(name or "", self.sessions.csrf(session))
        scope.setdefault("state", {})["visitor"] = visitor
        answer = self._refusal(request, name)
        await (answer or self.app)(scope, receive, send)

    def _name(self, request: Request, session: str) -> str | None:
        """Whose request it is; None of who is not known."""
        if self.serving.token is None:
            return _account()
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.serving.is_token(given.strip()):
            return ""
        return self.sessions.name(session)

    def _refusal(self, request: Request, name: str | None) -> ASGIApp | None:
        path = request.url.path
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if self.serving.token is None and not is_loopback(host):
            detail = (
                f"Without a token it answers to names of this machine only, not to {host!r}. Start "
                "it with --token-file (docs/serve.md)."
            )
            return problem(request, 421, detail)
        if request.method not in _SAFE and not _is_of_this_site(request):
            return problem(request, 403, "The request came from a page of another site.")
        if name is not None or path in OPEN or path.startswith("/static/"):
            return None
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            target = f"{path}?{request.url.query}" if request.url.query else path
            return RedirectResponse(f"/login?next={quote(target)}", 303)
        detail = "Give the token: Authorization: Bearer TOKEN"
        return problem(request, 401, detail, headers={"WWW-Authenticate": "Bearer"})


def _is_of_this_site(request: Request) -> bool:
    """As browsers say; what is no browser says nothing."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "local"


def visitor_of(request: Request) -> Visitor:
    """Who asks."""
    visitor = request.state.visitor
    assert isinstance(visitor, Visitor)
    return visitor


async def _checked(request: Request) -> FormData:
    form = await request.form()
    given = form.get("csrf")
    expected = visitor_of(request).csrf
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(403, "The form is not of this session. Go back and load it again.")
    return form


CheckedForm = Annotated[FormData, Depends(_checked)]  # a route's form, which has to be ours
