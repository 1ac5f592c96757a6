"""Events that no person caused: link scanners click every link of a mail within seconds, and mail
programs open it as soon as it arrives.

A burst is `burst_events` or more events of one lead within `burst_seconds`; every event of it is
left out. An opening is a machine's where it comes within `opens_within_seconds` after a sending to
the same lead, or at that time. Worked example, 5 events in 3 seconds: clicks at 09:00:00, :00, :01,
:02 and :03 are a burst; one at 09:00:07 is a person's.

To tell, an event is looked at with those up to `burst_seconds` after it: at a cutoff within a burst
that much is known too early.
"""

from features.config import Exclude
from features.sql import literal


def machine_sql(exclude: Exclude, clicks: bool, opens: bool) -> str:
    """The SQL condition, after FROM machine_seen (`seen_sql`), that a machine caused an event."""
    terms = [f"burst >= {exclude.burst_events}"] if clicks else []
    if opens:
        opened = ", ".join(map(literal, exclude.opens)) or "NULL"
        soon = f"INTERVAL {exclude.opens_within_seconds} SECOND"
        terms.append(f"(action IN ({opened}) AND occurred_at - last_sent <= {soon})")
    return f"coalesce({' OR '.join(terms) or 'false'}, false)"


def seen_sql(exclude: Exclude, events: str) -> str:
    """SELECT the events of a relation, with `burst`, the most events within burst_seconds around
    each, and `last_sent`, when a mail was last sent to its lead."""
    sent = ", ".join(map(literal, exclude.sends)) or "NULL"
    span = f"INTERVAL {exclude.burst_seconds} SECOND"
    return f"""
SELECT *, max(events_before) OVER (PARTITION BY lead_id ORDER BY occurred_at
    RANGE BETWEEN CURRENT ROW AND {span} FOLLOWING) AS burst
FROM (
  SELECT *, count(*) OVER (PARTITION BY lead_id ORDER BY occurred_at
      RANGE BETWEEN {span} PRECEDING AND CURRENT ROW) AS events_before,
    max(occurred_at) FILTER (action IN ({sent})) OVER (PARTITION BY lead_id ORDER BY occurred_at
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS last_sent
  FROM {events})"""


def without_machines(exclude: Exclude, events: str) -> str:
    """SELECT the events of a relation that are left as settings have it."""
    caused = machine_sql(exclude, exclude.machine_clicks, exclude.machine_opens)
    added = "events_before, last_sent, burst"
    return f"SELECT * EXCLUDE ({added}) FROM ({seen_sql(exclude, events)}) WHERE NOT {caused}"
