"""Labels: the only file that may look at or after a cutoff.

The label of a snapshot (lead, cutoff) over a horizon of h days is 1 where the deal was won in
[cutoff, cutoff + h), else 0, and only where it is mature: cutoff + h <= data end. An immature
snapshot is censored: its label is NULL, it is left out of training and evaluation (never counted
as not won), and still scored. Its ending is what is known of it at an instant.

Worked example, h = 30, cutoff 2012-01-16 (horizon up to, not including, 2012-02-15): won on
2012-01-16 00:00:00 is 1; won on 2012-02-14 23:59:59 is 1; won on 2012-02-15 00:00:00 is 0; lost at
any time is 0; still open is 0. With a data end of 2012-02-14 all of these are NULL.
"""

from datetime import datetime

import pandas as pd

from features.snapshots import Snapshots


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
    WHEN d.outcome = 'won' AND d.closed_at >= s.cutoff AND d.closed_at < s.cutoff + {horizon} THEN 1
    ELSE 0
  END AS won
FROM {snapshots.relation} s
LEFT JOIN deals d ON d.lead_id = s.lead_id"""


def ending_sql(snapshots: Snapshots, until: datetime) -> str:
    """SELECT lead_id, cutoff, days, ending, as known at `until`.

    `ending` is won or lost where the deal was closed in [cutoff, until), else open; `days` the time
    from the cutoff to the closing, or to `until` for an open lead, which is censored there.

    Worked example, cutoff 2012-01-16, until 2012-02-15: won on 2012-01-17 12:00 is (1.5, won); won
    on 2012-02-15 00:00:00 is (30.0, open), as is a lead that never closed.
    """
    known = f"d.closed_at < TIMESTAMP '{until}' AND d.outcome IN ('won', 'lost')"
    end = f"CASE WHEN {known} THEN d.closed_at ELSE TIMESTAMP '{until}' END"
    return f"""
SELECT s.lead_id, s.cutoff,
  (epoch_us({end}) - epoch_us(s.cutoff)) / 86400e6 AS days,
  CASE WHEN {known} THEN d.outcome ELSE 'open' END AS ending
FROM {snapshots.relation} s
LEFT JOIN deals d ON d.lead_id = s.lead_id"""


def worked_sql(snapshots: Snapshots, until: datetime) -> str:
    """SELECT lead_id, worked, won: each lead of the snapshots once; whether sales contacted it
    before `until` and not after its closing, and whether it was won before `until`."""
    return f"""
SELECT s.lead_id,
  coalesce(bool_or(c.contacted_at < TIMESTAMP '{until}'
    AND (d.closed_at IS NULL OR c.contacted_at <= d.closed_at)), false) AS worked,
  coalesce(bool_or(d.outcome = 'won' AND d.closed_at < TIMESTAMP '{until}'), false) AS won
FROM (SELECT DISTINCT lead_id FROM {snapshots.relation}) s
LEFT JOIN contacts c ON c.lead_id = s.lead_id
LEFT JOIN deals d ON d.lead_id = s.lead_id
GROUP BY s.lead_id"""
