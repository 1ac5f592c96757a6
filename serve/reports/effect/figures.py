"""`readiness effect`: what being on the list changes, from the draws in the ledger and the outcomes
since; without a draw, how long one would take.

Never from the calls that sales chose to make: those are of the leads they thought well of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from features.config import Config
from features.contract.database import LeadDatabase
from features.labels import label_sql
from features.snapshots import Snapshots
from features.spec.wording import percent, plural
from models.effects.effect import Effect, comparable, effect, effect_by_thirds, order_by_effect
from models.effects.power import POINTS, SHARES, leads_needed, weeks_needed
from models.statistics.bootstrap import FEW_WINS
from models.statistics.intervals import FEW_LEADS
from models.statistics.verdict import Verdict
from serve.ledger.ledger import Ledger

WEEKS = 4  # that the lists must span until they tell how many leads come in a week
# Each lead of a draw once, at the list of its draw. That is the first one: it is drawn only once.
_DRAWS = """
SELECT lead_id, cutoff, holdout, readiness, decided_route = 'sales' AS handed_over
FROM decided WHERE holdout IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY lead_id ORDER BY cutoff, scored_at) = 1
ORDER BY lead_id"""
# Each lead at the first list on which it had a place by its rank, called or held back.
_FIRST_PLACES = """
SELECT lead_id, min(cutoff) AS cutoff, coalesce(arg_min(holdout, cutoff), false) AS holdout
FROM scores WHERE holdout OR (route = 'sales' AND NOT coalesce(exploration, false))
GROUP BY lead_id ORDER BY lead_id"""
_OUTCOMES = """
SELECT l.lead_id::VARCHAR AS lead_id, l.won{contacted}
FROM ({labels}) l"""
_CONTACTED = """, EXISTS (FROM contacts c WHERE c.lead_id = l.lead_id AND c.contacted_at >= l.cutoff
  AND c.contacted_at < l.cutoff + INTERVAL {days} DAY) AS contacted"""


@dataclass(frozen=True)
class Needed:
    """How long until an effect of so many points (0.05: 5 percentage points) is seen with a holdout
    share: leads in the draw and weeks; None where no call could bring so much, or without figures
    to go by."""

    holdout: float
    points: float
    leads: int | None
    weeks: int | None


@dataclass(frozen=True)
class Power:
    """What the draw has to go by. base_rate: the share won, within the horizon, of the called leads
    from their first list on, of so many `leads`; per_week: how many leads have a place for the
    first time in a week; None where the ledger does not show it yet."""

    base_rate: float | None
    leads: int
    per_week: float | None
    needed: tuple[Needed, ...]

    @property
    def why_unknown(self) -> str:
        """What `needed` waits for, in a sentence."""
        return (
            f"Not known yet: it needs lists over at least {WEEKS} weeks, with new leads after the "
            "first, and a won lead of one whose horizon is over."
        )


@dataclass(frozen=True)
class EffectReport:
    """What a call changes. holdout: the share of the settings; in_draw: leads of all draws;
    waiting: of them those whose horizon is not over; missing: those that the lead database no
    longer has; effect, thirds: of the others, None and empty without any; contacted: how many of
    the called and of those held back sales contacted within the horizon, None without a table of
    contacts; decided_otherwise: of how many people decided otherwise than the draw."""

    data_end: datetime
    horizon_days: int
    holdout: float
    in_draw: int
    waiting: int
    missing: int
    effect: Effect | None
    thirds: tuple[Effect, ...]
    contacted: dict[str, int] | None
    decided_otherwise: int
    power: Power

    @property
    def verdict(self) -> Verdict:
        """What is known, in a sentence."""
        result = self.effect
        if not self.in_draw:
            detail = "no lead was drawn to be held back; calls that sales chose cannot tell."
            return Verdict("What a call changes is not known", detail)
        if result is None:
            detail = f"none of {plural(self.in_draw, 'lead')} in the draw is past its horizon yet."
            return Verdict("What a call changes is not known yet", detail)
        shares = [each.share.point for each in (result.called, result.held_back)]
        called, back = ("-" if math.isnan(each) else percent(each) for each in shares)
        arms = f"{called} of the called were won, {back} of those held back"
        gap = result.difference
        if not gap.known:
            detail = (
                f"{arms}; nothing is known below {FEW_WINS} won leads in all and {FEW_LEADS} leads "
                "on each side."
            )
            return Verdict("What a call changes is not known yet", detail)
        interval = f"95% interval {gap.low * 100:+.1f} to {gap.high * 100:+.1f}"
        if not gap.significant:
            interval += " percentage points"
            return Verdict("No effect of the list beyond chance", f"{arms} ({interval}).")
        side = "more" if gap.point > 0 else "fewer"
        headline = f"The list brings {abs(gap.point) * 100:.1f} percentage points {side} wins"
        return Verdict(headline, f"{arms} ({interval}).")

    @property
    def compared(self) -> bool:
        """Whether there are thirds that can be compared."""
        return comparable(self.thirds)

    @property
    def harms(self) -> bool:
        """Whether the list brings fewer wins beyond chance."""
        return self.effect is not None and self.effect.difference.high < 0

    @property
    def by_effect(self) -> list[Effect]:
        """The thirds in the order of what a call adds; none where the data cannot carry it."""
        return order_by_effect(self.thirds)

    def notes(self) -> Iterator[str]:
        """What to know of the figures."""
        if self.missing:
            yield (
                f"{plural(self.missing, 'lead')} of the draw are not in the lead database (or its "
                "sample) any more and are left out."
            )
        if self.decided_otherwise:
            yield (
                f"Of {plural(self.decided_otherwise, 'lead')} people decided otherwise than the "
                "draw. They count as drawn, which makes the effect look smaller."
            )

    def json_fields(self) -> dict[str, Any]:
        """What `effect --json` prints."""
        by_effect = [each.group for each in self.by_effect]
        figures = vars(self) | {"by_effect": by_effect}
        return {"sentence": self.verdict, **figures, "notes": tuple(self.notes())}


def effect_report(config: Config, ledger: Ledger, database: LeadDatabase) -> EffectReport:
    """Hold the draws in the ledger against the outcomes. Raises BadInput for an empty ledger."""
    ledger.newest_cutoff()
    days, end = config.time.horizon_days, database.data_end
    rows = ledger.query(_DRAWS)
    draws = _with_outcomes(rows, database, days)
    mature = draws[draws["won"].notna()]
    has_contacts = "contacted" in mature
    otherwise = rows["handed_over"].astype(bool) == rows["holdout"].astype(bool)
    return EffectReport(
        data_end=end,
        horizon_days=days,
        holdout=config.routing.holdout,
        in_draw=len(rows),
        waiting=int(draws["won"].isna().sum()),
        missing=len(rows) - len(draws),
        effect=effect(mature) if len(mature) else None,
        thirds=tuple(effect_by_thirds(mature)),
        contacted=_contacted(mature) if has_contacts else None,
        decided_otherwise=int(otherwise.sum()),
        power=_power(config, ledger, database),
    )


def _with_outcomes(leads: pd.DataFrame, database: LeadDatabase, days: int) -> pd.DataFrame:
    """Rows of the ledger that the lead database has, with won (missing where not mature) and, with
    a table of contacts, contacted."""
    database.connection.register("ledger_rows", leads[["lead_id", "cutoff"]])
    snapshots = database.query(
        "SELECT DISTINCT l.lead_id, r.cutoff FROM ledger_rows r "
        "JOIN leads l ON l.lead_id::VARCHAR = r.lead_id"
    )
    database.connection.unregister("ledger_rows")
    contacted = _CONTACTED.format(days=days) if "contacts" in database.columns else ""
    with Snapshots.of(database, snapshots) as rows:
        labels = label_sql(rows, days, database.data_end)
        outcomes = database.query(_OUTCOMES.format(labels=labels, contacted=contacted))
    return leads.merge(outcomes, on="lead_id", validate="one_to_one")


def _contacted(draws: pd.DataFrame) -> dict[str, int]:
    held = draws["holdout"].astype(bool)
    return {
        "called": int(draws.loc[~held, "contacted"].sum()),
        "held_back": int(draws.loc[held, "contacted"].sum()),
    }


def _power(config: Config, ledger: Ledger, database: LeadDatabase) -> Power:
    days = config.time.horizon_days
    first = ledger.query(_FIRST_PLACES)
    outcomes = _with_outcomes(first[~first["holdout"].astype(bool)], database, days)
    won = outcomes["won"].dropna()
    rate = float(won.mean()) if won.sum() else None
    per_week = _per_week(first["cutoff"], [each.cutoff for each in ledger.runs])
    shares = sorted({*SHARES, config.routing.holdout} - {0.0})
    needed = []
    for share in shares:
        for points in POINTS:
            leads = leads_needed(rate, points, share) if rate else None
            weeks = weeks_needed(leads, per_week, days) if leads and per_week else None
            needed.append(Needed(share, points, leads, weeks))
    return Power(rate, len(won), per_week, tuple(needed))


def _per_week(first: pd.Series[pd.Timestamp], cutoffs: list[datetime]) -> float | None:
    """How many leads had a place for the first time in a week, after the first list of the ledger:
    that one has all who had waited. None where the lists span fewer than WEEKS, for one good or
    bad week would pass for all, or where nobody came."""
    weeks = (max(cutoffs) - min(cutoffs)).total_seconds() / (7 * 86400)
    came = int((first > min(cutoffs)).sum())
    return came / weeks if weeks >= WEEKS and came else None
