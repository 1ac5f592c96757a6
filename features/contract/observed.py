"""What the events of a lead database hold, learnt in one scan of them."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from features.config import Features
from features.errors import BadInput
from features.sql import literal

# An event is known from the later of its two times on: one that is recorded before it happens (a
# booked visit) is not known until it does.
KNOWN_AT = "greatest(occurred_at, coalesce(recorded_at, occurred_at))"


@dataclass(frozen=True)
class Observed:
    """How many events count; their actions, most frequent first; and their sources, in
    alphabetical order."""

    events_count: int
    actions: tuple[str, ...]
    sources: tuple[str, ...]


def is_counted(features: Features) -> str:
    """The condition that an event counts: all that must be there is, and it is not left out."""
    left_out = ", ".join(literal(action) for action in features.leave_out_actions)
    not_left_out = f"AND action NOT IN ({left_out})" if left_out else ""
    return f"lead_id IS NOT NULL AND occurred_at IS NOT NULL AND action IS NOT NULL {not_left_out}"


def observe(connection: duckdb.DuckDBPyConnection, features: Features, now: datetime) -> None:
    """Create the table observed_ in one scan of the events: per action and source, how many count
    and the latest time. A time in the future is a breach, reported by `check`; it must not move the
    end of the data."""
    try:
        connection.execute(
            "CREATE TABLE observed_ AS SELECT action, source, "
            f"count(*) FILTER ({is_counted(features)}) AS events, "
            f"max({KNOWN_AT}) FILTER ({KNOWN_AT} <= ?) AS latest FROM events GROUP BY ALL",
            [now],
        )
    except duckdb.Error as error:
        raise BadInput(f"events cannot be read: {error}") from None


def observed(connection: duckdb.DuckDBPyConnection) -> Observed:
    """What `observe` learnt."""
    count = "SELECT coalesce(sum(events), 0)::BIGINT FROM observed_"
    ((events_count,),) = connection.execute(count).fetchall()
    return Observed(
        events_count=events_count,
        actions=_values(connection, "action", "sum(events) DESC, action"),
        sources=_values(connection, "source", "source"),
    )


def latest_time(connection: duckdb.DuckDBPyConnection, now: datetime) -> datetime | None:
    """The latest past time in any table, once the events are observed; None where no table has
    one."""
    row = connection.execute(
        "SELECT max(moment) FROM (SELECT latest AS moment FROM observed_ "
        "UNION ALL SELECT created_at FROM leads UNION ALL SELECT closed_at FROM closings) "
        "WHERE moment <= ?",
        [now],
    ).fetchone()
    return row[0] if row else None


def _values(connection: duckdb.DuckDBPyConnection, column: str, order: str) -> tuple[str, ...]:
    """The actions or sources of the events that count."""
    rows = connection.execute(
        f"SELECT {column} FROM observed_ WHERE events > 0 AND {column} IS NOT NULL "
        f"GROUP BY {column} ORDER BY {order}"
    ).fetchall()
    return tuple(text for (text,) in rows)
