"""Limits of a request: its size, its time, and how many are in work at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.app.problems import problem
from serve.app.serving import Serving

READ_SECONDS = 2.0  # for the body of a request that is refused


class Limits:
    """Answers 413 to a larger body, and 503 where there is too much to do or it takes too long."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self.app, self.serving = app, serving
        self._in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if self._in_work >= self.serving.at_once:
            await _read(receive, self.serving.most_bytes)
            detail = f"{self.serving.at_once:,} requests are in work. Try again in a moment."
            return await _answer(scope, receive, send, 503, detail)
        self._in_work += 1
        try:
            await self._limited(scope, receive, send)
        finally:
            self._in_work -= 1

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        most, seen, begun, is_over = self.serving.most_bytes, 0, False, False
        too_large = f"The body is larger than {most:,} bytes. Send fewer leads at once."
        length = Request(scope).headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            return await _answer(scope, receive, send, 413, too_large)

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413, too_large)
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            if not is_over:
                begun = True
                await send(message)

        work = asyncio.ensure_future(self.app(scope, counted, noted))
        try:
            done, _ = await asyncio.wait({work}, timeout=self.serving.seconds)
        except asyncio.CancelledError:  # whoever asked has gone
            work.cancel()
            raise
        if not done and not begun:
            is_over = True  # a thread that runs cannot be ended: what it answers is dropped
            work.cancel()
            work.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            detail = f"It took longer than {self.serving.seconds:g} seconds. Ask for less at once."
            return await _answer(scope, receive, send, 503, detail)
        await work


async def _read(receive: Receive, most: int) -> None:
    """Read a body to its end: whoever is answered before may lose the answer with the connection.
    Of one that is too large or too slow the rest is left."""
    seen, more = 0, True
    with suppress(TimeoutError):
        async with asyncio.timeout(READ_SECONDS):
            while more and seen <= most:
                message = await receive()
                more = message.get("more_body", False)
                seen += len(message.get("body", b""))


async def _answer(scope: Scope, receive: Receive, send: Send, status: int, detail: str) -> None:
    headers = {"Retry-After": "1"} if status == 503 else None
    await problem(Request(scope), status, detail, headers=headers)(scope, receive, send)
