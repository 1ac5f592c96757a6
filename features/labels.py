"""Labels: the only file that may look at or after a cutoff.

The label of a snapshot (lead, cutoff) over a horizon of h days is 1 where any deal of the lead was
won in [cutoff, cutoff + h), else 0, and only where it is mature: cutoff + h <= data end. An
immature snapshot is censored: its label is NULL, it is left out of training and evaluation (never
counted as not won), and still scored. Its ending is what is known of it at an instant.

Worked example, h = 30, cutoff 2012-01-16 (horizon up to, not including, 2012-02-15): won on
2012-01-16 00:00:00 is 1; won on 2012-02-14 23:59:59 is 1; won on 2012-02-15 00:00:00 is 0; lost at
any time is 0; still open is 0. With a data end of 2012-02-14 all of these are NULL.

With several deals, h = 30, after_lost = "open_again": lost 2026-01-10, back 2026-02-03 09:00, won
2026-03-20. The cutoff 2026-01-05 is 0 (the win is 74 days away), 2026-02-09 is 0 (39 days), and
2026-02-23 is 1 (25 days); 2026-01-12 to 2026-02-02 are no snapshots, for the lead is not open.
"""

from datetime import datetime

import pandas as pd

from features.contract.open_periods import lost_sql
from features.snapshots import Snapshots

_WINS = "(SELECT lead_id, closed_at FROM closings WHERE outcome = 'won')"


def labels(snapshots: Snapshots, horizon_days: int) -> pd.DataFrame:
    """lead_id, cutoff, won (1, 0, or missing where censored), ordered by cutoff and lead."""
    sql = label_sql(snapshots, horizon_days, snapshots.database.data_end)
    return snapshots.database.query(f"{sql} ORDER BY s.cutoff, s.lead_id")


def label_sql(snapshots: Snapshots, horizon_days: int, data_end: datetime) -> str:
    """SELECT lead_id, cutoff, won (1, 0, or NULL where censored)."""
    horizon = f"INTERVAL {int(horizon_days)} DAY"
    return f"""
SELECT s.lead_id, s.cutoff,
  CASE
    WHEN s.cutoff + {horizon} > TIMESTAMP '{data_end}' THEN NULL
    WHEN w.closed_at < s.cutoff + {horizon} THEN 1
    ELSE 0
  END AS won
FROM {snapshots.relation} s
ASOF LEFT JOIN {_WINS} w ON w.lead_id = s.lead_id AND w.closed_at >= s.cutoff"""


def ending_sql(snapshots: Snapshots, until: datetime) -> str:
    """SELECT lead_id, cutoff, days, ending, as known at `until`.

    `ending` is won where a deal was won in [cutoff, until); else lost where the lead was lost in it
    and has not come back before `until`; else open. `days` is the time from the cutoff to the first
    win or the last loss, or to `until` for an open lead, which is censored there.

    Worked example, cutoff 2012-01-16, until 2012-02-15: won on 2012-01-17 12:00 is (1.5, won); won
    on 2012-02-15 00:00:00 is (30.0, open), as is a lead that never closed, and one that was lost on
    2012-01-20 and open again on 2012-02-01.
    """
    end = f"TIMESTAMP '{until}'"
    won, lost = f"w.closed_at < {end}", "l.lost_at >= s.cutoff"
    ended_at = f"CASE WHEN {won} THEN w.closed_at WHEN {lost} THEN l.lost_at ELSE {end} END"
    ending = f"CASE WHEN {won} THEN 'won' WHEN {lost} THEN 'lost' ELSE 'open' END"
    return f"""
SELECT s.lead_id, s.cutoff,
  (epoch_us({ended_at}) - epoch_us(s.cutoff)) / 86400e6 AS days, {ending} AS ending
FROM {snapshots.relation} s
ASOF LEFT JOIN {_WINS} w ON w.lead_id = s.lead_id AND w.closed_at >= s.cutoff
LEFT JOIN ({lost_sql(until)}) l ON l.lead_id = s.lead_id"""


def worked_sql(snapshots: Snapshots, until: datetime) -> str:
    """SELECT lead_id, worked, won: each lead of the snapshots once; whether sales contacted it
    before `until` and not after its last closing, and whether it was won before `until`."""
    return f"""
SELECT s.lead_id,
  coalesce(bool_or(c.contacted_at < TIMESTAMP '{until}'
    AND (d.closed_at IS NULL OR c.contacted_at <= d.closed_at)), false) AS worked,
  coalesce(bool_or(d.won), false) AS won
FROM (SELECT DISTINCT lead_id FROM {snapshots.relation}) s
LEFT JOIN contacts c ON c.lead_id = s.lead_id
LEFT JOIN (
  SELECT lead_id, max(closed_at) AS closed_at,
    bool_or(outcome = 'won' AND closed_at < TIMESTAMP '{until}') AS won
  FROM closings GROUP BY lead_id
) d ON d.lead_id = s.lead_id
GROUP BY s.lead_id"""
