"""The API, for programs: scoring, the list, and whether the service is well."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from features.errors import BadInput
from serve.app.service import Served

router = APIRouter()


class Health(BaseModel):
    """That the service answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Whether requests can be answered. champion: the version in use, null where there is none."""

    ready: bool
    champion: str | None
    runs: int | None
    faults: list[str]


@router.get("/healthz", tags=["operations"], summary="Is the process alive?")
async def health() -> Health:
    """Answers at once, and looks at nothing."""
    return Health()


@router.get(
    "/readyz",
    tags=["operations"],
    summary="Can requests be answered?",
    responses={503: {"model": Readiness, "description": "Not now; `faults` says why."}},
)
def ready(service: Served, response: Response) -> Readiness:
    """Whether the ledger can be read, and the champion of now was loaded."""
    faults = [service.champion.fault] if service.champion.fault else []
    runs = None
    try:
        with service.ledgers.reading() as ledger:
            runs = len(ledger.runs)
    except BadInput as error:
        faults.append(str(error))
    response.status_code = 503 if faults else 200
    champion = service.champion.version
    return Readiness(ready=not faults, champion=champion, runs=runs, faults=faults)
