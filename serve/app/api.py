"""The API, for programs: scoring, the list, the model, and whether the service is well."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Body, HTTPException, Path, Query, Response
from pydantic import BaseModel, Field

from features.errors import BadInput
from serve.app.problems import responses
from serve.app.score_request import ScoreRequest, ScoreResponse, Time, Utc
from serve.app.scoring import account_of, attribute_kinds
from serve.app.service import Asked, Served
from serve.ledger.decide import decisions_about
from serve.reports.leads.question import MOST_PER_PAGE, PER_PAGE, Question

router = APIRouter()
MOST_RUNS, MOST_PAGES = 100, 1_000_000
TAGS = [
    {"name": "scoring", "description": "Leads that come with the request."},
    {"name": "ledger", "description": "What `readiness score` wrote, and what people decided."},
    {"name": "operations", "description": "Is the service well?"},
]
_EXAMPLE = {
    "leads": [
        {
            "lead_id": "4711",
            "created_at": "2026-02-20T09:58:00Z",
            "source": "search",
            "events": [
                {"occurred_at": "2026-02-20T10:00:00Z", "action": "visited_pricing"},
                {"occurred_at": "2026-02-28T16:30:00Z", "action": "form_submitted"},
            ],
        }
    ],
    "cutoff": "2026-03-01T00:00:00Z",
}
Route = Literal["sales", "nurture", "disqualified"]
Sort = Literal["list", "readiness", "rule_score", "contact_by", "lead_id", "source"]
Kind = Literal["text", "number", "time"]
_Text = Annotated[str | None, Query(max_length=500)]


class LedgerLead(BaseModel):
    """A lead in a run of the ledger. Times are UTC."""

    rank: Annotated[int | None, Field(description="its place in the list for sales, from 1")] = None
    lead_id: str
    cutoff: Utc
    state: Annotated[str, Field(description="scored, not scored or outside")]
    state_reason: str | None
    readiness: Annotated[float | None, Field(description="P(won within the horizon)")]
    rule_score: Annotated[float | None, Field(description="points of the rules")]
    band: str | None
    route: Annotated[str, Field(description="as computed")]
    route_reason: str | None
    decided_route: Annotated[str, Field(description="as people decided, else as computed")]
    decided_because: str | None
    decided_by: str | None
    reasons: str | None
    disqualified: str | None
    contact_by: Utc | None
    marked: Annotated[str | None, Field(description="how model and rules disagree")]
    value: Annotated[float | None, Field(description="what it is ranked by")]
    source: str | None
    basket: str | None
    segments: str | None
    close_days_low: float | None
    close_days_median: float | None
    close_days_high: float | None
    follow_up_on: date | None
    postponing: bool | None
    fit: Annotated[str | None, Field(description="who it is, A (best) to D")]
    engagement: Annotated[str | None, Field(description="what it did, 1 (most) to 4")]
    exploration: bool | None
    holdout: Annotated[bool | None, Field(description="of a holdout: held back, or called")]
    model_version: str
    rules_version: str
    scored_at: Utc


class LeadList(BaseModel):
    """A page of the list. total: how many leads pass the filter; pages of `limit` begin at 1."""

    cutoff: Utc
    model_version: str
    rules_version: str
    total: int
    page: int
    limit: int
    leads: list[LedgerLead]


class Decision(BaseModel):
    """What somebody decided; route null: a decision was withdrawn. It holds for the lists from
    `since` on, before `until`."""

    route: str | None
    because: str
    decided_by: str | None
    decided_at: Utc
    since: Utc
    until: Utc | None


class LeadHistory(BaseModel):
    """A lead in every run, the newest first, and what people decided of it, in the order made."""

    lead_id: str
    runs: list[LedgerLead]
    decisions: list[Decision]


class ModelDescription(BaseModel):
    """The champion in use."""

    name: str
    version: str
    rules_version: str
    learner: str
    horizon_days: int
    trained_until: Utc
    base_rate: Annotated[float, Field(description="the share of won snapshots in its training")]
    features: list[str]
    attributes: Annotated[
        dict[str, Kind],
        Field(description="what POST /v1/score needs as `attributes` of leads"),
    ]
    account: Annotated[
        str | None,
        Field(description="what names a lead's account; null where POST /v1/score needs none"),
    ]


class Health(BaseModel):
    """That the service answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Whether requests can be answered. champion: the version in use, null where there is none.
    faults: `ledger` where it cannot be read, `champion` where that of now cannot be loaded, so that
    the one of before still scores; the log says why."""

    ready: bool
    champion: str | None
    faults: list[Literal["ledger", "champion"]]


@router.post(
    "/v1/score",
    tags=["scoring"],
    summary="Score leads by their raw events",
    response_model=ScoreResponse,
    responses=responses(400, 401, 404, 413, 422, 503),
)
async def score(
    service: Asked,
    request: Annotated[ScoreRequest, Body(openapi_examples={"a lead": {"value": _EXAMPLE}})],
) -> Response:
    """The same scores as in the nightly list of that cutoff: the same code computes both. Nothing
    is written. GET /v1/model names the attributes that the champion needs."""
    serving = service.serving
    people = [each for lead in request.leads for each in (lead, *lead.colleagues)]
    events = sum(len(each.events) + len(each.deals) for each in people)
    for count, most, what in (
        (len(people), serving.most_leads, "leads and colleagues"),
        (events, serving.most_events, "events and deals"),
    ):
        if count > most:
            raise HTTPException(413, f"{count:,} {what}; at most {most:,} in a request.")
    answer = await asyncio.wrap_future(service.scoring.put(request))
    service.metrics.leads.inc(len(request.leads))
    return Response(answer, media_type="application/json")


@router.get(
    "/v1/leads",
    tags=["ledger"],
    summary="The list of leads",
    responses=responses(401, 404, 422, 503),
)
def leads(
    service: Asked,
    cutoff: Annotated[Time | None, Query(description="Of which list. Default: the newest.")] = None,
    route: Annotated[Route | None, Query(description="As decided.")] = None,
    band: Literal["cold", "warm", "hot"] | None = None,
    source: _Text = None,
    segment: _Text = None,
    basket: _Text = None,
    marked: _Text = None,
    text: Annotated[
        str | None, Query(max_length=500, description="In the id, source, segments or reasons.")
    ] = None,
    sort: Annotated[Sort, Query(description="`list`: the order in which sales call.")] = "list",
    descending: bool = False,
    page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
    limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = PER_PAGE,
) -> LeadList:
    """Leads of one run of the ledger, filtered, sorted, and a page at a time."""
    filters = {"route": route, "band": band, "source": source, "segment": segment}
    filters |= {"basket": basket, "marked": marked, "text": text}
    given = {name: value for name, value in filters.items() if value}
    question = Question(sort=sort, descending=descending, page=page, per_page=limit, **given)
    with service.ledgers.reading() as ledger:
        of_cutoff = [run for run in ledger.runs if cutoff in (None, run.cutoff)]
        if of_cutoff:
            run = ledger.as_seen(of_cutoff[-1].cutoff)
            listed = service.lists.of(ledger, run).page(ledger, question)
    if not of_cutoff:
        raise HTTPException(404, "The ledger has no such list. See: readiness ledger runs")
    rows = [LedgerLead(**row) for row in listed.rows]
    return LeadList(**vars(run.run), total=listed.total, page=page, limit=limit, leads=rows)


@router.get(
    "/v1/leads/{lead_id:path}",
    tags=["ledger"],
    summary="One lead",
    responses=responses(401, 404, 422, 503),
)
def lead(
    service: Asked, lead_id: Annotated[str, Path(description="As in the tables.")]
) -> LeadHistory:
    """Its rows in the newest 100 runs that have it, and the decisions about it."""
    with service.ledgers.reading() as ledger:
        sql = "SELECT * FROM decided WHERE lead_id = $lead ORDER BY cutoff DESC, scored_at DESC"
        rows = ledger.records(f"{sql} LIMIT {MOST_RUNS}", {"lead": lead_id})
        decided = decisions_about(ledger, lead_id)
    if not rows:
        raise HTTPException(404, f"The ledger has no {service.config.unit} {lead_id!r}.")
    return LeadHistory(
        lead_id=lead_id,
        runs=[LedgerLead(**row) for row in rows],
        decisions=[Decision(**asdict(each)) for each in decided],
    )


@router.get(
    "/v1/model",
    tags=["scoring"],
    summary="The champion",
    responses=responses(401, 404, 422, 503),
)
def model(service: Asked) -> ModelDescription:
    """The version that POST /v1/score uses now, and what it needs."""
    scorer = service.champion.scorer
    if scorer is None:
        option = service.config.question_option
        raise HTTPException(404, f"There is no champion. See: readiness promote{option}")
    kinds: dict[str, Kind] = {"string": "text", "double": "number", "timestamp[us]": "time"}
    return ModelDescription(
        name=service.config.mlflow.model,
        version=scorer.model_version,
        rules_version=scorer.rules.version,
        learner=scorer.model.way,
        horizon_days=scorer.model.horizon_days,
        trained_until=scorer.model.trained_until,
        base_rate=scorer.model.base_rate,
        features=[spec.name for spec in scorer.model.specs],
        attributes={name: kinds[str(kind)] for name, kind in attribute_kinds(scorer).items()},
        account=account_of(scorer),
    )


@router.get("/healthz", tags=["operations"], summary="Is the process alive?")
async def health() -> Health:
    """Answers at once, and looks at nothing."""
    return Health()


@router.get(
    "/readyz",
    tags=["operations"],
    summary="Can requests be answered?",
    responses={503: {"model": Readiness, "description": "Not now; `faults` says what fails."}},
)
def ready(service: Served, response: Response) -> Readiness:
    """Whether the ledger can be read, and the champion of now was loaded."""
    faults: list[Literal["ledger", "champion"]] = ["champion"] if service.champion.fault else []
    try:
        with service.ledgers.reading():
            pass
    except BadInput:
        faults.append("ledger")
    response.status_code = 503 if faults else 200
    return Readiness(ready=not faults, champion=service.champion.version, faults=faults)


@router.get(
    "/metrics",
    tags=["operations"],
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}, "description": "Prometheus' text format"},
        **responses(401),
    },
)
def metrics(service: Served) -> Response:
    """Requests and their times by route, leads scored, the champion in use."""
    champion = service.champion
    text = service.metrics.text(champion.version, champion.rules, bool(champion.fault))
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
