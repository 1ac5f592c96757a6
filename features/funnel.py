"""funnel.toml: the stages of the funnel in order, how a lead enters each, and what is expected.

    within_days = 90          # a phase is judged on leads that entered it at least so long ago
    whole_within_days = 180   # the same from the first stage to the last
    recent_days = 90          # these days of a phase are compared with all before
    period = "month"          # of --by cohort and --by period: week, month or quarter

    [[stage]]
    name = "subscriber"
    created = true            # entered when the lead was created

    [[stage]]
    name = "MQL"
    actions = ["visited_pricing", "form_begun"]   # entered by the first of these

    [[stage]]
    name = "customer"
    won = true                # entered when the deal was won
    within_days = 60          # from the stage before into this one
    reference = [0.3, 0.5]    # share of the stage before that should come here in that time

    [plan]                    # the target of `readiness plan`, also shown on the page of the funnel
    deals = 40
    by = 2027-03-31

Further ways in: `contact` ("made" or "accepted", table contacts) and, from the ledger, the first
cutoff at which the lead had `readiness_from`, `points_from`, `band` or `route`. Of several ways the
first in time counts. A row of the table stages takes precedence over all of them.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from features.config import Config, Days
from features.toml import Strict, read_toml

Share = Annotated[float, Field(ge=0, le=1)]
Period = Literal["week", "month", "quarter"]
BY_SCORE = ("readiness_from", "points_from", "band", "route")


class Stage(Strict):
    """A stage and the ways into it; without any, only rows of the table stages enter leads."""

    name: Annotated[str, Field(min_length=1)]
    created: bool = False
    actions: Annotated[list[str], Field(min_length=1)] | None = None
    contact: Literal["made", "accepted"] | None = None
    won: bool = False
    readiness_from: Share | None = None
    points_from: float | None = None
    band: Literal["warm", "hot"] | None = None
    route: Literal["sales"] | None = None
    within_days: Days | None = None
    reference: Annotated[list[Share], Field(min_length=2, max_length=2)] | None = None

    @field_validator("reference")
    @classmethod
    def _rising(cls, reference: list[float] | None) -> list[float] | None:
        if reference and reference[0] > reference[1]:
            raise ValueError("the first share must not be above the second")
        return reference

    @property
    def by_score(self) -> bool:
        """Whether a way into it is read from past scores."""
        return any(getattr(self, key) is not None for key in BY_SCORE)


class PlanSettings(Strict):
    """So many deals are to be won by a day, which counts whole. None where it is not written."""

    deals: Annotated[int, Field(ge=1)] | None = None
    by: date | None = None

    @property
    def missing(self) -> list[str]:
        """The keys without which there is no target, as they are to be written."""
        keys = {"deals = 40": self.deals, "by = 2027-03-31": self.by}
        return [key for key, value in keys.items() if value is None]


class Funnel(Strict):
    """The whole of funnel.toml. Without `recent_days` the later half of a phase's leads is compared
    with the earlier half."""

    within_days: Days = 90
    whole_within_days: Days = 180
    recent_days: Days | None = None
    period: Period = "month"
    plan: PlanSettings | None = None
    stage: Annotated[list[Stage], Field(min_length=2)]

    @model_validator(mode="after")
    def _in_order(self) -> Funnel:
        names = [stage.name for stage in self.stage]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two stages are called {', '.join(twice)}")
        first = self.stage[0]
        if first.reference or first.within_days:
            raise ValueError(f"{first.name} is the first stage: no way leads into it to judge")
        if any(stage.won for stage in self.stage[:-1]):
            raise ValueError("won is a way into the last stage only")
        return self

    def within(self, stage: Stage) -> int:
        """How many days leads have to come from the stage before into this one."""
        return stage.within_days or self.within_days


def load_funnel(config: Config) -> Funnel:
    """Read funnel.toml. Raises BadInput where it is missing, or with every fault."""
    advice = (
        ", which lists the stages of the funnel: write it as `readiness funnel --help` shows "
        "(`readiness init` writes one, in a folder without settings)."
    )
    return read_toml(config.folder / config.funnel, Funnel, advice)
