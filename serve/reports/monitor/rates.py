"""What leads do before a cutoff, counted by action and by source, as SQL; and who arrives.

For a monitor, which asks how often each thing is done per lead, whatever the model's features are.
Events count that lie in [cutoff - w, cutoff) and were known before the cutoff.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from features.snapshots import Snapshots

Kind = Literal["action", "source"]


def deeds_sql(snapshots: Snapshots, kind: Kind, window_days: int) -> str:
    """SELECT lead_id, cutoff, name, deeds: how often each action (or source) of a snapshot's window
    occurs; no row where it does not."""
    return f"""
SELECT s.lead_id, s.cutoff, e.{kind} AS name, count(*) AS deeds
FROM {snapshots.relation} s JOIN known_events e ON e.lead_id = s.lead_id AND e.known_at < s.cutoff
  AND e.occurred_at >= s.cutoff - INTERVAL {int(window_days)} DAY
WHERE e.{kind} IS NOT NULL GROUP BY ALL ORDER BY ALL"""


def doubled_sql(snapshots: Snapshots, window_days: int) -> str:
    """SELECT lead_id, cutoff, deeds, doubled: the deeds of a snapshot's window, and how many of
    them repeat the same action and content of the lead within a second."""
    return f"""
WITH told AS (
  SELECT s.lead_id, s.cutoff, epoch(e.occurred_at - lag(e.occurred_at) OVER (
    PARTITION BY s.lead_id, s.cutoff, e.action, e.content ORDER BY e.occurred_at)) <= 1 AS again
  FROM {snapshots.relation} s JOIN known_events e ON e.lead_id = s.lead_id AND e.known_at < s.cutoff
    AND e.occurred_at >= s.cutoff - INTERVAL {int(window_days)} DAY
)
SELECT lead_id, cutoff, count(*) AS deeds, count(*) FILTER (again) AS doubled
FROM told GROUP BY ALL ORDER BY ALL"""


def known_sql(kind: Kind, before: datetime) -> str:
    """SELECT name: every action (or source) of an event known before an instant."""
    return (
        f"SELECT DISTINCT {kind} AS name FROM known_events "
        f"WHERE {kind} IS NOT NULL AND known_at < TIMESTAMP '{before}'"
    )


def arrivals_sql(cutoffs: Sequence[datetime], window_days: int) -> str:
    """SELECT name, arrived: leads created in [cutoff - w, cutoff) of any of the cutoffs, each once,
    by source; those without a source under a null name."""
    inside = " OR ".join(
        f"(created_at >= TIMESTAMP '{cutoff}' - INTERVAL {int(window_days)} DAY "
        f"AND created_at < TIMESTAMP '{cutoff}')"
        for cutoff in cutoffs
    )
    return (
        f"SELECT source AS name, count(*) AS arrived FROM leads WHERE {inside} "
        "GROUP BY source ORDER BY arrived DESC, source"
    )
