"""The application: every route, in the layers that each request goes through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from features.config import Config
from serve.app import api, lead_pages, login, pages, points_page
from serve.app.access import OPEN, Access, Sessions
from serve.app.headers import Headers
from serve.app.limits import Limits
from serve.app.metrics import Measured
from serve.app.problems import Crashes, Problem, add_handlers
from serve.app.rendering import STATIC
from serve.app.service import Service
from serve.app.serving import Serving
from serve.reports.page import PAGES

ABOUT = """Which leads are ready to buy: scores of raw events by the current champion, and the
ledger of `readiness score`. Errors are problems as of RFC 9457. All times are UTC."""
# Files of the reports that the service has under /static too.
OF_REPORTS = {
    "page.css": PAGES / "page.css",
    "card.css": PAGES / "explain" / "card.css",
    "compare/lengths.js": PAGES / "compare" / "lengths.js",
}


def create_app(
    config: Config, serving: Serving | None = None, others: Sequence[Config] = ()
) -> FastAPI:
    """The service over the ledger and the champion of a readiness.toml; `others` are further
    questions of it, for which the API answers too. Raises BadInput where a champion cannot be
    loaded."""
    serving = serving or Serving()
    services = {each.question: Service.of(each, serving) for each in (config, *others)}
    service, sessions = services[config.question], Sessions(serving)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for each in services.values():
            each.start()
        yield
        for each in services.values():
            each.stop()

    app = FastAPI(
        title="Sales readiness",
        description=ABOUT,
        version=version("sales-readiness"),
        openapi_tags=api.TAGS,
        lifespan=lifespan,
        docs_url=None,  # these pages load from other hosts
        redoc_url=None,
    )
    app.state.service, app.state.services, app.state.sessions = service, services, sessions
    app.include_router(api.router)
    app.include_router(pages.router)
    app.include_router(points_page.router)
    app.include_router(lead_pages.router)
    if serving.token:
        app.include_router(login.router)
    for name, path in OF_REPORTS.items():
        app.add_api_route(f"/static/{name}", _file(path), include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    add_handlers(app)
    # the last added is the first that a request comes to
    app.add_middleware(Limits, serving=serving)
    app.add_middleware(Access, sessions=sessions)
    app.add_middleware(Crashes)
    app.add_middleware(Measured, metrics=service.metrics)
    app.add_middleware(Headers, https=serving.https)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The API in OpenAPI's words, with its problems and how to give the token."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            tags=app.openapi_tags,
            routes=app.routes,
        )
        parts = schema["components"]
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts["schemas"] |= problem.pop("$defs") | {"Problem": problem}
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path, operations in schema["paths"].items():
            for operation in operations.values():
                operation["security"] = [] if path in OPEN else [{"token": []}]
        app.openapi_schema = schema
    return app.openapi_schema


def _file(path: Path) -> Callable[[], Response]:
    """A route that answers with a file."""

    def answer() -> Response:
        return FileResponse(path)

    return answer
