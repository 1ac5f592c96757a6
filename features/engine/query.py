"""From leaf specs to SQL text. Pure: no connection, no data; `one_pass` runs the text.

The query is a row of named steps:

    snapshots_  the snapshots of this chunk, numbered, with what is known of their leads
    events_     the events of this chunk's leads
    known       each snapshot beside each event known before its cutoff (the one place of "before")
    by_action   one row per snapshot and action: the aggregates over the events of an action
    (final)     every snapshot; beside it a row of aggregates over events of any action, one over
                what counts once (days, or contents), and one for each action

Aggregating once by action and laying the rows side by side costs a third of one filtered aggregate
per feature (docs/adr/0003).
"""

from collections.abc import Iterable, Sequence

from features.snapshots import Chunk, Snapshots
from features.spec.spec import Leaf, OfEvents, action_of
from features.sql import literal, quoted

# Strictly before the cutoff, on when we knew. An event at 2026-03-01 00:00:00 is unknown to the
# cutoff 2026-03-01 00:00:00.
KNOWN_BEFORE = "e.known_at < s.cutoff"


def feature_sql(leaves: Sequence[Leaf], snapshots: Snapshots, chunk: Chunk | None = None) -> str:
    """The query for a set of snapshots: lead_id, cutoff, then one column
    per leaf, named by it, ordered by cutoff and lead. Numbers are DOUBLE, texts VARCHAR, missing
    values NULL."""
    chunk = chunk or Chunk()
    of_events = [leaf for leaf in leaves if isinstance(leaf, OfEvents)]
    measures = {sql: f"m{n}" for n, sql in enumerate(dict.fromkeys(e.aggregate for e in of_events))}
    rows = {row: f"r{n}" for n, row in enumerate(dict.fromkeys(map(_row_of, of_events)))}
    by_action = [leaf for leaf in of_events if action_of(leaf) is not None]
    of_lead, values = "", []
    for leaf in leaves:
        if not isinstance(leaf, OfEvents):
            of_lead += f", {leaf.sql} AS {quoted(leaf.name)}"
            value = f"s.{quoted(leaf.name)}"
        else:
            value = leaf.result(f"{rows[_row_of(leaf)]}.{measures[leaf.aggregate]}")
        values.append(f"{value} AS {quoted(leaf.name)}")

    def measured(of: Iterable[OfEvents]) -> str:
        needed = dict.fromkeys(leaf.aggregate for leaf in of)
        return "".join(f",\n    {sql} AS {measures[sql]}" for sql in needed)

    def select(row: tuple[str | None, str | None]) -> str:
        action, thing = row
        if action is not None:
            return f"SELECT * FROM by_action WHERE done = {literal(action)}"
        columns = measured(leaf for leaf in of_events if _row_of(leaf) == row)
        if thing is None:
            return f"SELECT snapshot{columns} FROM known GROUP BY snapshot"
        return f"""SELECT snapshot{columns}
  FROM (SELECT snapshot, {thing} AS thing, min(age_us) AS age_us FROM known GROUP BY ALL)
  WHERE thing IS NOT NULL GROUP BY snapshot"""

    # any_value, because DuckDB would push the choice of actions in the final step down through a
    # plain key, and compare each row of `known` with each action.
    return f"""
WITH snapshots_ AS MATERIALIZED (
  SELECT row_number() OVER () AS snapshot, s.lead_id, s.cutoff{of_lead}
  FROM {snapshots.relation} s JOIN leads l ON l.lead_id = s.lead_id
  WHERE {chunk.holds("s.lead_id")}
),
events_ AS (
  SELECT lead_id, occurred_at, known_at, action, source, content, value{_more_columns(of_events)}
  FROM known_events WHERE {chunk.holds("lead_id")}
),
known AS (
  SELECT s.snapshot, s.cutoff, epoch_us(s.cutoff) - epoch_us(e.occurred_at) AS age_us,
    e.* EXCLUDE (lead_id)
  FROM snapshots_ s JOIN events_ e ON e.lead_id = s.lead_id AND {KNOWN_BEFORE}
),
by_action AS MATERIALIZED (
  SELECT snapshot, any_value(action) AS done{measured(by_action)}
  FROM known GROUP BY snapshot, action
)
SELECT s.lead_id, s.cutoff,
  {", ".join(values)}
FROM snapshots_ s
{"".join(f"LEFT JOIN ({select(row)}) {r} ON {r}.snapshot = s.snapshot " for row, r in rows.items())}
ORDER BY s.cutoff, s.lead_id"""


def _row_of(leaf: OfEvents) -> tuple[str | None, str | None]:
    """The row that its aggregate stands in: that of an action, of what counts once, or of all."""
    return action_of(leaf), leaf.once


def _more_columns(of_events: Iterable[OfEvents]) -> str:
    more = {name: sql for leaf in of_events for name, sql in leaf.event_columns.items()}
    return "".join(f",\n    {sql} AS {name}" for name, sql in more.items())
