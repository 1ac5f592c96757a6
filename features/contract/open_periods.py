"""When each lead is open: from its creation to the closing of a deal, and again once it is back.

A lead may have any number of deals, open ones included. It is open at a cutoff if it was created
before it, and either no deal of its closed before it, or it came back after the last closing:
`[outcomes] after_lost` and `after_won` are "closed" (it never comes back) or "open_again" (from its
next event, or its next deal's opening, after that closing; where another deal is open at the
closing, it goes on being open).

Worked example, after_lost = "open_again": created 2025-12-01, lost 2026-01-10, next event
2026-02-03 09:00, won 2026-03-20. It is open in (2025-12-01, 2026-01-10] and (2026-02-03 09:00,
2026-03-20]: in no cohort of the cutoffs 2026-01-12 to 2026-02-02, in that of 2026-02-09. With
after_lost = "closed" it is in no cohort after 2026-01-10.

A deal that was recorded late counts as closed from when it was recorded (deals.recorded_at).
"""

from datetime import datetime

import duckdb

from features.config import Outcomes
from features.contract.merges import INHERITED_CLOSINGS
from features.sql import literal

_OWN_CLOSINGS = """
CREATE VIEW own_closings AS SELECT lead_id, closed_at, outcome FROM deals
WHERE lead_id IS NOT NULL AND closed_at IS NOT NULL AND outcome IN ('won', 'lost')"""
_FIRST_PERIODS = """
SELECT l.lead_id, l.created_at AS opens_at, min(c.closed_at) AS closes_at
FROM leads l LEFT JOIN closings c ON c.lead_id = l.lead_id
WHERE l.lead_id IS NOT NULL AND l.lead_id NOT IN (SELECT lead_id FROM left_out WHERE kind = 'fault')
GROUP BY l.lead_id, l.created_at"""
# Of the `closings` after whose outcomes a lead is `open_again`. Where several deals close at one
# instant, one that ends the lead for good decides.
LATER_PERIODS = """
WITH instants AS (
  SELECT lead_id, closed_at, bool_or(outcome NOT IN ({open_again})) AS is_final
  FROM {closings}
  WHERE lead_id NOT IN (SELECT lead_id FROM left_out WHERE kind = 'fault')
  GROUP BY lead_id, closed_at
), ordered AS (
  SELECT lead_id, closed_at,
    lead(closed_at) OVER (PARTITION BY lead_id ORDER BY closed_at) AS closes_again_at,
    bool_or(is_final) OVER (PARTITION BY lead_id ORDER BY closed_at) AS is_final
  FROM instants
), signs AS (
  SELECT lead_id, known_at AS seen_at FROM known_events SEMI JOIN {closings} USING (lead_id)
  UNION ALL
  SELECT lead_id, opened_at FROM deals WHERE opened_at IS NOT NULL
), returns AS (
  SELECT o.lead_id, o.closes_again_at, CASE WHEN EXISTS (
      SELECT 1 FROM deals d WHERE d.lead_id = o.lead_id AND d.opened_at <= o.closed_at
        AND (d.outcome IS NULL OR d.outcome = 'open' OR d.closed_at > o.closed_at)
    ) THEN o.closed_at ELSE s.seen_at END AS returned_at
  FROM ordered o ASOF LEFT JOIN signs s ON s.lead_id = o.lead_id AND s.seen_at > o.closed_at
  WHERE NOT o.is_final
)
SELECT lead_id, returned_at AS opens_at, closes_again_at AS closes_at FROM returns
WHERE returned_at < coalesce(closes_again_at, TIMESTAMP 'infinity')"""


def write_open_periods(
    connection: duckdb.DuckDBPyConnection, outcomes: Outcomes, merges: bool
) -> None:
    """Create, from the staged tables, known_events and left_out:

    closings(lead_id, closed_at, outcome): what closed each lead: won, lost, or merged (into another
    lead), those of merged leads for one another as features/contract/merges.py has it.
    open_periods(lead_id, opens_at, closes_at): the intervals (opens_at, closes_at] of cutoffs at
    which a lead is open, which do not overlap; closes_at is null where it still is.
    """
    inherited = f"UNION ALL {INHERITED_CLOSINGS}" if merges else ""
    connection.execute(_OWN_CLOSINGS)
    connection.execute(f"CREATE TABLE closings AS FROM own_closings {inherited}")
    rules = {"won": outcomes.after_won, "lost": outcomes.after_lost}
    again = ", ".join(literal(name) for name, rule in rules.items() if rule == "open_again")
    later = LATER_PERIODS.format(open_again=again, closings="closings")
    periods = f"({_FIRST_PERIODS}) {f'UNION ALL ({later})' if again else ''}"
    connection.execute(f"CREATE TABLE open_periods AS {periods}")


def lost_sql(until: datetime) -> str:
    """SELECT lead_id, lost_at: the leads whose last closing before `until` was a loss, and that had
    not come back before it. A lead that was created and lost at one instant did not come back."""
    return f"""
SELECT c.lead_id, c.closed_at AS lost_at FROM (
  SELECT lead_id, max(closed_at) AS closed_at,
    max_by(outcome, (closed_at, outcome)) AS outcome  -- at one instant a win, for it comes after
  FROM closings WHERE outcome IN ('won', 'lost') AND closed_at < TIMESTAMP '{until}'
  GROUP BY lead_id
) c
WHERE c.outcome = 'lost' AND NOT EXISTS (
  SELECT 1 FROM open_periods p WHERE p.lead_id = c.lead_id
    AND p.opens_at >= c.closed_at AND p.opens_at < TIMESTAMP '{until}'
    AND coalesce(p.closes_at > c.closed_at, true))"""
