"""What POST /v1/score takes and gives."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from features.config import EARLIEST_CUTOFF, LATEST_CUTOFF


def _time(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("a time is a text in ISO 8601, such as 2026-03-01T14:30:00Z")
    moment = datetime.fromisoformat(value)
    try:
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:
        raise ValueError("in UTC it is on no day of the calendar") from None
    if not EARLIEST_CUTOFF <= moment < LATEST_CUTOFF:
        raise ValueError("it does not lie in the years from 1900 to 2199")
    return moment


def _plain(value: Any) -> Any:
    """Refuses it in one sentence, where the union would name each of its types."""
    if value is not None and not isinstance(value, str | bool | float | int):
        raise ValueError("an attribute is a text, a number, true, false or null")
    return value


Time = Annotated[
    datetime, BeforeValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})
]
Utc = Annotated[  # in answers
    datetime,
    PlainSerializer(lambda time: f"{time.isoformat()}Z", return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Text = Annotated[str, Field(strict=True, max_length=10_000, pattern="^[^\\x00]*$")]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Flag = Annotated[bool, Field(strict=True)]
Value = Annotated[Text | Flag | Number | None, BeforeValidator(_plain)]
LeadId = Annotated[str, Field(strict=True, min_length=1, max_length=500, pattern="^[^\\x00]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Event(_Strict):
    """Something that a lead did. Seen are those known before the cutoff: recorded_at, or
    occurred_at where that is null. Times are UTC, or with their offset."""

    occurred_at: Time
    action: Annotated[Text, Field(min_length=1)]
    source: Text | None = None
    content: Text | None = None
    value: Number | None = None
    recorded_at: Time | None = None


class Deal(_Strict):
    """A deal of a lead; closed_at and outcome are null while it is open."""

    closed_at: Time | None = None
    outcome: Annotated[Text, Field(description="won or lost")] | None = None
    opened_at: Time | None = None
    amount: Number | None = None
    recorded_at: Time | None = None


class Person(_Strict):
    """A person with the attributes as known at its creation, its events and its deals."""

    lead_id: LeadId
    created_at: Time
    source: Text | None = None
    objected_at: Time | None = None
    attributes: dict[Text, Value] = {}
    events: list[Event] = []
    deals: list[Deal] = []


class Account(_Strict):
    """Who else is in the account of a lead: all other leads of it, whether open or not. An empty
    list: nobody."""

    people: list[Person]


class Lead(Person):
    """A lead to score. Without deals it is open. A model with features of accounts needs
    `account`; others do not look at it."""

    account: Account | None = None

    @property
    def colleagues(self) -> list[Person]:
        """The other people of its account, as far as they are known."""
        return self.account.people if self.account else []


class ScoreRequest(_Strict):
    """Leads to score, as of one cutoff (UTC, or with its offset): only what was known strictly
    before it counts. Without a cutoff it is the moment of scoring."""

    leads: Annotated[list[Lead], Field(min_length=1)]
    cutoff: Time | None = None


class ScoredLead(BaseModel):
    """A lead's scores; all null but state and state_reason where it is not scored."""

    lead_id: str
    state: Annotated[str, Field(description="scored, or not scored: state_reason says why")]
    state_reason: str | None = None
    readiness: Annotated[
        float | None, Field(description="P(won within the horizon of the model), in [0, 1]")
    ] = None
    rule_score: Annotated[float | None, Field(description="points of the rules")] = None
    band: Annotated[str | None, Field(description="cold, warm or hot, by points")] = None
    reasons: Annotated[list[str], Field(description="the strongest, with their log-odds")] = []
    disqualified: Annotated[str | None, Field(description="why sales are not to call it")] = None
    segments: list[str] = []
    close_days_low: float | None = None
    close_days_median: Annotated[float | None, Field(description="days to a win, if it wins")] = (
        None
    )
    close_days_high: float | None = None
    follow_up_on: date | None = None
    postponing: bool | None = None
    fit: Annotated[str | None, Field(description="who it is, A (best) to D")] = None
    engagement: Annotated[str | None, Field(description="what it did, 1 (most) to 4")] = None


class ScoreResponse(BaseModel):
    """The leads in the order of the request, as of a cutoff (UTC)."""

    cutoff: Utc
    model_version: str
    rules_version: str
    leads: list[ScoredLead]
