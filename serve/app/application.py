"""The application: every route, in the layers that each request goes through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from features.config import Config
from serve.app import api, pages
from serve.app.headers import Headers
from serve.app.rendering import STATIC
from serve.app.service import Service
from serve.app.serving import Serving
from serve.reports.page import PAGES


def create_app(config: Config, serving: Serving | None = None) -> FastAPI:
    """The service over the ledger and the champion of a readiness.toml. Raises BadInput where the
    champion cannot be loaded."""
    serving = serving or Serving()
    service = Service(config, serving)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.champion.watch()
        yield
        service.champion.stop()
        service.ledgers.close()

    app = FastAPI(
        title="Sales readiness",
        version=version("sales-readiness"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )  # they load from other hosts
    app.state.service = service
    app.include_router(api.router)
    app.include_router(pages.router)
    app.add_api_route("/static/page.css", _page_css, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Headers, https=serving.https)
    return app


def _page_css() -> Response:
    """The style of the reports."""
    return FileResponse(PAGES / "page.css")
