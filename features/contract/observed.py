"""What the events of a lead database hold, learnt in one scan of them."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from features.config import Features
from features.errors import BadInput
from features.sql import literal

# An event is known from the later of its two times on: a deed recorded before it happened (a booked
# visit) is still no deed until it does.
KNOWN_AT = "greatest(occurred_at, coalesce(recorded_at, occurred_at))"


@dataclass(frozen=True)
class Observed:
    """How many events are deeds; their actions, most frequent first; and their sources, in
    alphabetical order."""

    deeds: int
    actions: tuple[str, ...]
    sources: tuple[str, ...]


def is_deed(features: Features) -> str:
    """The condition that an event counts: all that must be there is, and it is not left out."""
    left_out = ", ".join(literal(action) for action in features.leave_out_actions)
    kept = f"AND action NOT IN ({left_out})" if left_out else ""
    return f"lead_id IS NOT NULL AND occurred_at IS NOT NULL AND action IS NOT NULL {kept}"


def observe(connection: duckdb.DuckDBPyConnection, features: Features, now: datetime) -> Observed:
    """Create the table said_ in one scan of the events: per action and source, how many are deeds
    and the latest time. A time in the future is a breach, told by `check`; it must not move the end
    of the data."""
    try:
        connection.execute(
            "CREATE TEMP TABLE said_ AS SELECT action, source, "
            f"count(*) FILTER ({is_deed(features)}) AS deeds, "
            f"max({KNOWN_AT}) FILTER ({KNOWN_AT} <= ?) AS latest FROM events GROUP BY ALL",
            [now],
        )
    except duckdb.Error as error:
        raise BadInput(f"tables.events cannot be read: {error}") from None
    deeds = connection.execute("SELECT coalesce(sum(deeds), 0)::BIGINT FROM said_").fetchone()
    return Observed(
        deeds=deeds[0] if deeds else 0,
        actions=_said(connection, "action", "sum(deeds) DESC, action"),
        sources=_said(connection, "source", "source"),
    )


def latest_time(connection: duckdb.DuckDBPyConnection, now: datetime) -> datetime:
    """The latest past time in any table, once the events are observed. Raises BadInput for none."""
    row = connection.execute(
        "SELECT max(moment) FROM (SELECT latest AS moment FROM said_ "
        "UNION ALL SELECT created_at FROM leads UNION ALL SELECT closed_at FROM deals) "
        "WHERE moment <= ?",
        [now],
    ).fetchone()
    if row is None or row[0] is None:
        raise BadInput("The tables hold no readable time at all: nothing can be learnt from them.")
    end: datetime = row[0]
    return end


def _said(connection: duckdb.DuckDBPyConnection, column: str, order: str) -> tuple[str, ...]:
    """The actions or sources of the deeds."""
    rows = connection.execute(
        f"SELECT {column} FROM said_ WHERE deeds > 0 AND {column} IS NOT NULL "
        f"GROUP BY {column} ORDER BY {order}"
    ).fetchall()
    return tuple(text for (text,) in rows)
