"""The checks of what is there: are the events fresh, is scoring still run, is history as it was?"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from features.contract.database import LeadDatabase
from serve.reports.monitor.status import Check, at_least

DAY = timedelta(days=1)
STALE_EVENTS = 2.0, 7.0
LATE_SCORES = 2.0, 4.0  # times the days between two cutoffs
HISTORY = 0.05


def events(database: LeadDatabase, cutoff: datetime) -> Check:
    """Days from the last event known before the cutoff to the cutoff."""
    row = database.connection.execute(
        "SELECT max(known_at) FROM known_events WHERE known_at < ?", [cutoff]
    ).fetchone()
    last = row[0] if row else None
    days = math.nan if last is None else (cutoff - last) / DAY
    return Check(
        "days_without_events",
        "Fresh events",
        at_least(days, *STALE_EVENTS),
        days,
        "There is no event." if last is None else f"The last event came on {last:%Y-%m-%d %H:%M}.",
        f"{STALE_EVENTS[0]:g} days before the cutoff amber, {STALE_EVENTS[1]:g} red",
        "Every lead looks as if it had done nothing since: is the tracker or the extract stuck?",
    )


def scoring(last: datetime | None, cutoff: datetime, every_days: int) -> Check:
    """Days from the last scored cutoff in the ledger to the cutoff."""
    limits = tuple(times * every_days for times in LATE_SCORES)
    days = math.nan if last is None else (cutoff - last) / DAY
    return Check(
        "days_without_scores",
        "Scoring runs",
        at_least(days, *limits),
        days,
        "This model has scored nothing yet: run `readiness score`."
        if last is None
        else f"Leads were last scored for {last:%Y-%m-%d}.",
        f"{limits[0]:g} days before the cutoff amber, {limits[1]:g} red",
        "Sales work by old scores: look at the scheduler of `readiness score`.",
    )


def history(retold: float, base_rate: float) -> Check:
    """Whether the database tells of the training's cutoffs what it told when it was trained on."""
    known = not math.isnan(retold) and base_rate > 0
    off = abs(retold / base_rate - 1) if known else math.nan
    return Check(
        "history",
        "History",
        "amber" if off >= HISTORY else "green" if known else "grey",
        off,
        f"{100 * retold:.2f} % of the training's leads are won by today's database, "
        f"{100 * base_rate:.2f} % by that of then."
        if known
        else "Horizon or cutoffs of readiness.toml have changed since training.",
        f"amber where {100 * HISTORY:g} % apart",
        "History was purged or filled in later, so that drift is measured against another past. "
        "Restore it, or retrain.",
    )
