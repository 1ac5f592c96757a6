"""Merged leads: what belongs to the survivor of a merge, and from when on.

Worked example: lead A is merged into lead B on 2026-02-10 09:00. To the cutoff 2026-02-10 00:00
they are two leads, each with its own events. To 2026-02-11 00:00 there is B alone, with the events
of both, each at the time when it occurred; A is in no cohort any more. B is won on 2026-02-20: that
is a win of B, and of A at the cutoffs before the merge, for it is the same person's.

Merges add up: A into B, and B into C later, makes A's events C's from the later of the two on.
"""

import duckdb

# Every lead that a lead was merged into, directly or by the next merge, from when on.
_SURVIVORS = """
CREATE TABLE survivors AS
WITH RECURSIVE s AS (
  SELECT lead_id, into_lead_id, merged_at FROM merges
  WHERE lead_id IS NOT NULL AND merged_at IS NOT NULL AND into_lead_id <> lead_id
  UNION
  SELECT s.lead_id, m.into_lead_id, greatest(s.merged_at, m.merged_at)
  FROM s JOIN merges m ON m.lead_id = s.into_lead_id
  WHERE m.into_lead_id <> s.lead_id AND m.into_lead_id <> s.into_lead_id
    AND m.merged_at IS NOT NULL
)
SELECT lead_id, into_lead_id, min(merged_at) AS merged_at FROM s GROUP BY lead_id, into_lead_id"""

# The absorbed lead's events, for whoever it was merged into.
INHERITED_EVENTS = """
SELECT e.* REPLACE (s.into_lead_id AS lead_id, greatest(e.known_at, s.merged_at) AS known_at)
FROM own_events e JOIN survivors s ON s.lead_id = e.lead_id"""

# What closes the leads of a merge besides their own deals.
INHERITED_CLOSINGS = """
SELECT s.into_lead_id, greatest(d.closed_at, s.merged_at), d.outcome
FROM own_closings d JOIN survivors s ON s.lead_id = d.lead_id
UNION ALL
SELECT s.lead_id, d.closed_at, d.outcome
FROM own_closings d JOIN survivors s ON s.into_lead_id = d.lead_id WHERE d.closed_at >= s.merged_at
UNION ALL
SELECT lead_id, min(merged_at), 'merged' FROM survivors GROUP BY lead_id"""


def write_survivors(connection: duckdb.DuckDBPyConnection) -> None:
    """Create survivors(lead_id, into_lead_id, merged_at) from the table merges."""
    connection.execute(_SURVIVORS)
