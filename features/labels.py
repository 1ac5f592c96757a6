"""Labels: the only file that may look at or after a cutoff.

The label of a snapshot (lead, cutoff) over a horizon of h days is 1 where the deal was won in
[cutoff, cutoff + h), else 0, and only where it is mature: cutoff + h <= data end. An immature
snapshot is censored: its label is NULL, it is left out of training and evaluation, still scored.

Worked example, h = 30, cutoff 2012-01-16 (horizon up to, not including, 2012-02-15): won on
2012-01-16 00:00:00 is 1; won on 2012-02-14 23:59:59 is 1; won on 2012-02-15 00:00:00 is 0; lost at
any time is 0; still open is 0. With a data end of 2012-02-14 all of these are NULL.
"""

from datetime import datetime


def label_sql(snapshots: str, horizon_days: int, data_end: datetime) -> str:
    """SELECT lead_id, cutoff, won (1, 0, or NULL where censored) for a relation of snapshots."""
    horizon = f"INTERVAL {int(horizon_days)} DAY"
    return f"""
SELECT s.lead_id, s.cutoff,
  CASE
    WHEN s.cutoff + {horizon} > TIMESTAMP '{data_end}' THEN NULL
    WHEN d.outcome = 'won' AND d.closed_at >= s.cutoff AND d.closed_at < s.cutoff + {horizon} THEN 1
    ELSE 0
  END AS won
FROM {snapshots} s
LEFT JOIN deals d ON d.lead_id = s.lead_id"""
