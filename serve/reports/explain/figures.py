"""`readiness explain`: one lead's readiness and points, each down to what they add up from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pandas as pd

from features.cohort import cohort_at
from features.config import Config
from features.contract.database import LeadDatabase
from features.cutoffs import utc_now
from features.engine.duckdb_engine import feature_frame
from features.errors import BadInput
from features.snapshots import Snapshots
from features.spec.wording import plural
from features.sql import literal
from models.classifier.model import ReadinessModel
from models.explanations.explain import Reason, explain
from models.fit_engagement.axes import NEITHER
from models.prior_shift import PriorShift
from models.rules.rules import RuleScore
from models.timing.time_to_close import LADDER, QUIET_DAYS
from serve.reports.explain.change import Change, change_between, change_of_points
from serve.reports.explain.history import LedgerLine
from serve.scoring.points_only import PointsOnly
from serve.scoring.prior_shift import shifted, shifts
from serve.scoring.scored import default_cutoff
from serve.scoring.scorer import Scorer


@dataclass(frozen=True)
class Close:
    """When one lead is won, if it is won within `reach` days; `chances` within some numbers of
    days, None further ahead than the history shows. `follow_up_on` is None where the list has it to
    be called now."""

    reach: int
    close_days_low: int
    close_days_median: int
    close_days_high: int
    follow_up_on: date | None
    postponing: bool
    chances: dict[int, float | None]

    def __str__(self) -> str:
        silent = f" It postpones: as ready as the average or more, silent for {QUIET_DAYS} days."
        later = f"; come back on {self.follow_up_on:%A, %Y-%m-%d}" if self.follow_up_on else ""
        return (
            f"If it is won within {plural(self.reach, 'day')}: most likely in "
            f"{self.close_days_low} to {plural(self.close_days_high, 'day')} (the middle half of "
            f"its kind), half by day {self.close_days_median}{later}." + silent * self.postponing
        )


# What `explain --json` prints, in this order.
PUBLIC = (
    *("lead_id", "cutoff", "readiness", "log_odds", "base", "reasons", "rule_score", "band"),
    *("lines", "disqualified", "time_to_close", "prior_shift", "why_no_readiness"),
    *("fit", "engagement"),
)


@dataclass(frozen=True)
class PointsExplained:
    """The lines' points sum to rule_score; lines that gave nothing are left out. `disqualified` is
    the reason of the rules, or None; `why_no_readiness` is None where there is one."""

    lead_id: str
    cutoff: datetime
    rule_score: float
    band: str
    lines: dict[str, float]
    disqualified: str | None
    why_no_readiness: str | None

    def json_fields(self) -> dict[str, Any]:
        """What `explain --json` prints; null what only a model knows."""
        return {name: getattr(self, name, None) for name in PUBLIC}


@dataclass(frozen=True)
class LeadExplained(PointsExplained):
    """base plus the reasons' log-odds is log_odds, the logit of readiness. `time_to_close`, `fit`
    and `engagement` are None for a model stored before there were any; `prior_shift` None where
    none was asked for, else it is in the base already."""

    readiness: float
    log_odds: float
    base: float
    reasons: list[Reason]
    time_to_close: Close | None
    prior_shift: PriorShift | None
    fit: str | None
    engagement: str | None


def called_now(lead: PointsExplained) -> PointsExplained:
    """The same without a day to come back to it, for a lead that the list has to be called now."""
    if not (isinstance(lead, LeadExplained) and lead.time_to_close):
        return lead
    return replace(lead, time_to_close=replace(lead.time_to_close, follow_up_on=None))


def explain_change(
    config: Config,
    database: LeadDatabase,
    scorer: Scorer | PointsOnly,
    lead: str,
    since: datetime,
    cutoff: datetime | None,
    history: Sequence[LedgerLine],
) -> Change:
    """What changed of one lead between two cutoffs. Raises BadInput where it is not open at one of
    them, and where `since` is not the earlier."""
    cutoff = cutoff or default_cutoff(database.data_end, utc_now())
    if since >= cutoff:
        raise BadInput(
            f"--since {since} is not before the cutoff {cutoff}: name an earlier time, or a later "
            "--cutoff."
        )
    if isinstance(scorer, PointsOnly):
        frame = _frame(config, database, scorer, lead, [since, cutoff])
        return change_of_points(frame, scorer.rules, config.words, history)
    known = shifts(config, database, scorer.model, [since, cutoff])
    frame = _frame(config, database, scorer, lead, [since, cutoff])
    explained = explain(scorer.model, frame, config.words)
    added = (_added(known[since]), _added(known[cutoff]))
    return change_between(explained, scorer, history, added)


def _added(shift: PriorShift | None) -> float:
    return shift.log_odds if shift else 0.0


def _frame(
    config: Config,
    database: LeadDatabase,
    scorer: Scorer | PointsOnly,
    lead: str,
    cutoffs: list[datetime],
) -> pd.DataFrame:
    """The features of one lead, a row per cutoff. Raises BadInput where it is not open then."""
    snapshots = cohort_at(database, cutoffs).where(f"lead_id::VARCHAR = {literal(lead)}")
    open_at = set(snapshots.frame["cutoff"])
    for cutoff in cutoffs:
        if cutoff not in open_at:
            why = _why_not(database, lead, cutoff)
            raise BadInput(f"{database.unit.capitalize()} {lead} is not open at {cutoff}: {why}.")
    return feature_frame(snapshots, scorer.specs, config.engine.memory_gb)


def explain_lead(
    config: Config, database: LeadDatabase, scorer: Scorer, lead: str, cutoff: datetime | None
) -> LeadExplained:
    """Explain one lead at a cutoff. Raises BadInput where it is not open then, and says why."""
    cutoff = cutoff or default_cutoff(database.data_end, utc_now())
    model, shift = shifted(config, database, scorer.model, cutoff)
    frame = _frame(config, database, scorer, lead, [cutoff])
    explained = explain(model, frame, config.words)
    return LeadExplained(
        **_points(frame, scorer.rules, config),
        why_no_readiness=None,
        readiness=float(model.rank(frame)[0]),
        log_odds=explained.base + float(explained.by_feature[0].sum()),
        base=explained.base,
        reasons=explained.top(len(model.specs))[0],
        time_to_close=_close(model, frame, cutoff),
        prior_shift=shift,
        **_ranks(model, frame),
    )


def explain_points(
    config: Config, database: LeadDatabase, scorer: PointsOnly, lead: str, cutoff: datetime | None
) -> PointsExplained:
    """The same where the points alone rank: what they add up from, and why there is no model."""
    cutoff = cutoff or default_cutoff(database.data_end, utc_now())
    why_not = scorer.with_reason(config, database).why
    frame = _frame(config, database, scorer, lead, [cutoff])
    return PointsExplained(**_points(frame, scorer.rules, config), why_no_readiness=why_not)


def _points(frame: pd.DataFrame, rules: RuleScore, config: Config) -> dict[str, Any]:
    """What PointsExplained says of a frame of one row."""
    points = rules.rank(frame)
    return {
        "lead_id": str(frame["lead_id"].iloc[0]),
        "cutoff": frame["cutoff"].iloc[0].to_pydatetime(),
        "rule_score": float(points[0]),
        "band": rules.band(points)[0],
        "lines": {str(rule): float(n) for rule, n in rules.lines(frame).iloc[0].items() if n},
        "disqualified": rules.disqualified(frame, config.words)[0],
    }


def _close(model: ReadinessModel, frame: pd.DataFrame, cutoff: datetime) -> Close | None:
    curves, readiness = model.time_to_close, model.rank(frame)
    if curves is None:
        return None
    estimate = curves.estimate(frame, readiness, cutoff).iloc[0]
    chances = curves.chances(frame, readiness, LADDER)[0]
    return Close(
        reach=curves.reach,
        close_days_low=int(estimate["close_days_low"]),
        close_days_median=int(estimate["close_days_median"]),
        close_days_high=int(estimate["close_days_high"]),
        follow_up_on=estimate["follow_up_on"].date(),
        postponing=bool(estimate["postponing"]),
        chances={
            days: None if math.isnan(chance) else float(chance)
            for days, chance in zip(LADDER, chances, strict=True)
        },
    )


def _ranks(model: ReadinessModel, frame: pd.DataFrame) -> dict[str, Any]:
    ranks = (model.fit_engagement or NEITHER).ranks(frame)
    return {axis: None if pd.isna(rank) else str(rank) for axis, (rank,) in ranks.items()}


def _unknown(database: LeadDatabase, lead: str) -> str:
    if not database.leads_of_accounts:
        return "there is no such lead_id in the table leads"
    given = {"lead": lead}
    sql = "SELECT account_id FROM people WHERE lead_id::VARCHAR = $lead"
    if row := database.connection.execute(sql, given).fetchone():
        return f"this question is about accounts; lead {lead} is of the account {row[0]}"
    return "this question is about accounts, and no lead has this one"


def _why_not(database: LeadDatabase, lead: str, cutoff: datetime) -> str:
    row = database.connection.execute(
        "SELECT l.created_at, max(d.closed_at), max_by(d.outcome, d.closed_at), "
        "any_value(f.reason), any_value(f.kind) FROM leads l "
        "LEFT JOIN closings d ON d.lead_id = l.lead_id AND d.closed_at < $cutoff "
        "LEFT JOIN left_out f ON f.lead_id = l.lead_id "
        "WHERE l.lead_id::VARCHAR = $lead GROUP BY l.created_at",
        {"lead": lead, "cutoff": cutoff},
    ).fetchone()
    if row is None:
        return _unknown(database, lead)
    created, closed, outcome, reason, kind = row
    if kind == "fault":
        return f"its rows breach the contract ({reason})"
    if kind is not None:
        return str(reason)
    if created >= cutoff:
        return f"it was created later, on {created:%Y-%m-%d %H:%M}"
    if (
        database.membership is not None
        and Snapshots.open_at(database, [cutoff]).where(f"lead_id::VARCHAR = {literal(lead)}").count
    ):
        return f"it is outside the cohort: not {database.membership.words()}"
    if outcome == "merged":
        sql = "SELECT into_lead_id FROM merges WHERE lead_id::VARCHAR = $lead"
        ((survivor,),) = database.connection.execute(sql, {"lead": lead}).fetchall()
        return f"it was merged into lead {survivor} on {closed:%Y-%m-%d %H:%M}: explain that one"
    return f"its deal was {outcome} on {closed:%Y-%m-%d %H:%M}"
