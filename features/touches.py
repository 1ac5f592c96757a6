"""Touches: when a lead first touched a source, and whether it was won within the horizon, as SQL.

A source is a marketing activity: a value of `leads.source` or of `events.source` ("newsletter"), or
of `leads.source` alone (what brought the lead), or a telling action ("visited_pricing"). A lead
counts once for every source that it touched, at its first touch, and a touch counts from when both
it and the lead were known.

Worked example, horizon 30 days: a lead created 2026-01-05 09:00 with leads.source = "social" reads
the newsletter on 2026-01-20 08:00 (recorded 2026-01-21 08:00) and is won on 2026-02-10. It touched
social on 2026-01-05 09:00, and was not won by 2026-02-04 09:00: not converted. It touched the
newsletter on 2026-01-21 08:00, and was won before 2026-02-20 08:00: converted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from features.sql import literal


@dataclass(frozen=True)
class Mark:
    """What a source is recognised by: a value of `source` (of a lead or an event), what the lead
    was brought by (leads.source alone), or an action."""

    name: str
    by: Literal["source", "brought_by", "action"]
    value: str


def touches_sql(marks: Sequence[Mark], before: datetime, among: str = "leads") -> str:
    """SELECT lead_id, name, touched_at: the first touch of each lead and source in known time
    before `before` (not including it). Leads in `left_out` have none, nor have those that are not
    `among` a relation with lead_id."""
    values = ", ".join(f"({literal(m.name)}, '{m.by}', {literal(m.value)})" for m in marks)
    none = "(NULL::VARCHAR, NULL::VARCHAR, NULL::VARCHAR)"
    marked = " OR ".join(  # few events are: the others meet no lead and no mark
        f"e.{kind} IN ({', '.join(literal(m.value) for m in of_kind)})"
        for kind in ("action", "source")
        if (of_kind := [m for m in marks if m.by == kind])
    )
    return f"""
WITH marks(name, kind, value) AS (VALUES {values or none}),
known AS (
  SELECT l.lead_id, l.created_at, l.source FROM leads l
  WHERE l.lead_id IS NOT NULL AND l.created_at < TIMESTAMP '{before}'
    AND NOT EXISTS (SELECT 1 FROM left_out f WHERE f.lead_id = l.lead_id)
    {f"AND l.lead_id IN (SELECT lead_id FROM {among})" if among != "leads" else ""}
),
touches AS (
  SELECT l.lead_id, m.name, l.created_at AS touched_at
  FROM known l JOIN marks m ON m.kind <> 'action' AND m.value = l.source
  UNION ALL
  SELECT l.lead_id, m.name, greatest(e.known_at, l.created_at)
  FROM known_events e JOIN known l ON l.lead_id = e.lead_id
  JOIN marks m ON m.value = CASE m.kind WHEN 'action' THEN e.action WHEN 'source' THEN e.source END
  WHERE e.known_at < TIMESTAMP '{before}' AND ({marked or "false"})
)
SELECT lead_id, name, min(touched_at) AS touched_at FROM touches GROUP BY lead_id, name"""


def outcomes_sql(marks: Sequence[Mark], horizon_days: int, first: datetime, end: datetime) -> str:
    """SELECT name, lead_id, touched_at, converted, days, event: the touches in [first, end).

    converted: 1 where the deal was won in [touch, touch + horizon), else 0; NULL where immature
    (touch + horizon >= end), never a loss. days, event: from the touch to the closing known before
    `end` (event 1 won, 2 lost), else to `end` (event 0, censored). A lead that is not open at the
    touch does not count.
    """
    horizon, until = f"INTERVAL {int(horizon_days)} DAY", f"TIMESTAMP '{end}'"
    return f"""
SELECT t.name, t.lead_id, t.touched_at,
  CASE WHEN t.touched_at + {horizon} < {until}
    THEN CAST(coalesce(w.closed_at < t.touched_at + {horizon}, false) AS TINYINT) END AS converted,
  epoch(least(coalesce(d.closed_at, {until}), {until}) - t.touched_at) / 86400e0 AS days,
  CASE WHEN d.closed_at IS NULL OR d.closed_at >= {until} THEN 0
    WHEN d.outcome = 'won' THEN 1 ELSE 2 END AS event
FROM ({touches_sql(marks, end)}) t
ASOF JOIN open_periods p ON p.lead_id = t.lead_id AND p.opens_at <= t.touched_at
ASOF LEFT JOIN (SELECT lead_id, closed_at FROM closings WHERE outcome = 'won') w
  ON w.lead_id = t.lead_id AND w.closed_at >= t.touched_at
ASOF LEFT JOIN (
  SELECT lead_id, closed_at, max(outcome) AS outcome FROM closings
  WHERE outcome IN ('won', 'lost') GROUP BY ALL
) d ON d.lead_id = t.lead_id AND d.closed_at >= t.touched_at
WHERE t.touched_at >= TIMESTAMP '{first}'
  AND (p.closes_at IS NULL OR p.closes_at >= t.touched_at)"""


def window_start(end: datetime, window_days: int, horizon_days: int) -> datetime:
    """Where the window of mature touches begins: [end - horizon - window, end - horizon).

    >>> window_start(datetime(2026, 7, 30), 180, 30)
    datetime.datetime(2026, 1, 1, 0, 0)
    """
    return end - timedelta(days=window_days + horizon_days)


def unlisted_sql(marks: Sequence[Mark], before: datetime) -> str:
    """SELECT value, leads: values of leads.source without a mark, the most frequent first."""
    known = ", ".join(literal(m.value) for m in marks if m.by != "action")
    unknown = f"AND source NOT IN ({known})" if known else ""
    return (
        "SELECT source AS value, count(*) AS leads FROM leads WHERE source IS NOT NULL AND "
        f"created_at < TIMESTAMP '{before}' {unknown} GROUP BY source ORDER BY leads DESC, source"
    )
