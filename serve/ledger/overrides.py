"""What people decided otherwise than the machine: beside its route in the ledger, never over it.

Append-only: each decision is a row, a withdrawal too, so the history says who decided what, why and
when. A decision holds for the cutoffs in [since, until). At a cutoff the last decision made counts,
of those that hold from it or before; where that one is withdrawn or over, the machine's route does.

Worked example: on 2026-03-02 somebody sends lead 7 to nurture, from the list of that morning until
2026-03-09. The lists of 03-02 to 03-08 say nurture, those before and from 03-09 on what the machine
says. Withdrawn on 03-05, the lists of 03-02 to 03-04 still say nurture: so it was.
"""

from dataclasses import astuple, dataclass
from datetime import datetime

import duckdb
import pandas as pd

from features.errors import BadInput
from models.routing import ROUTES

CREATE = """
CREATE TABLE IF NOT EXISTS overrides (
  number INTEGER PRIMARY KEY,
  lead_id VARCHAR NOT NULL,
  route VARCHAR CHECK (route IN ('sales', 'nurture', 'disqualified')),
  because VARCHAR NOT NULL,
  decided_by VARCHAR,
  decided_at TIMESTAMP NOT NULL,
  since TIMESTAMP NOT NULL,
  until TIMESTAMP
);
CREATE VIEW IF NOT EXISTS decided AS
WITH held AS (
  SELECT s.lead_id, s.cutoff, max(o.number) AS number
  FROM overrides o JOIN (SELECT DISTINCT lead_id, cutoff FROM scores) s
    ON s.lead_id = o.lead_id AND s.cutoff >= o.since
  GROUP BY ALL
)
SELECT s.*, coalesce(o.route, s.route) AS decided_route, o.because AS decided_because, o.decided_by
FROM scores s
LEFT JOIN held ON held.lead_id = s.lead_id AND held.cutoff = s.cutoff
LEFT JOIN overrides o ON o.number = held.number AND o.route IS NOT NULL
  AND (o.until IS NULL OR s.cutoff < o.until)
"""


@dataclass(frozen=True)
class Override:
    """A decision about one lead. route None: what was decided before is withdrawn."""

    lead_id: str
    route: str | None
    because: str
    decided_by: str | None
    decided_at: datetime
    since: datetime
    until: datetime | None = None


def last_cutoff(connection: duckdb.DuckDBPyConnection) -> datetime:
    """The cutoff of the newest list. Raises BadInput for an empty ledger."""
    row = connection.execute("SELECT max(cutoff) FROM scores").fetchone()
    if row is None or row[0] is None:
        raise BadInput("The ledger is empty: run readiness score first.")
    newest: datetime = row[0]
    return newest


def add_override(connection: duckdb.DuckDBPyConnection, decided: Override) -> None:
    """Append a decision. Raises BadInput for one without a reason, that ends before it holds, about
    a lead that the ledger does not know, or that withdraws what is not in force."""
    _require_sound(connection, decided)
    connection.execute(
        "INSERT INTO overrides SELECT coalesce(max(number), 0) + 1, ?, ?, ?, ?, ?, ?, ? "
        "FROM overrides",
        list(astuple(decided)),
    )


def _require_sound(connection: duckdb.DuckDBPyConnection, decided: Override) -> None:
    lead, since = decided.lead_id, decided.since
    if decided.route is not None and decided.route not in ROUTES:
        raise BadInput(f"There is no route {decided.route!r}: give one of {', '.join(ROUTES)}.")
    if not decided.because.strip():
        raise BadInput("Say why, in a few words: whoever reads the list later will ask.")
    if decided.until is not None and decided.until <= since:
        raise BadInput(
            f"It would end on {decided.until:%Y-%m-%d %H:%M}, but it holds from the list of "
            f"{since:%Y-%m-%d %H:%M} on: name a later end."
        )
    known = connection.execute("SELECT 1 FROM scores WHERE lead_id = ? LIMIT 1", [lead])
    if not known.fetchone():
        raise BadInput(f"The ledger has no lead {lead!r}. Is the id right? Has it been scored?")
    if decided.route is None and override_of(connection, lead, since) is None:
        raise BadInput(
            f"No decision about lead {lead} is in force at the list of {since:%Y-%m-%d %H:%M}: "
            "there is nothing to withdraw."
        )


def override_of(
    connection: duckdb.DuckDBPyConnection, lead_id: str, cutoff: datetime
) -> str | None:
    """The route decided for a lead that is in force at a cutoff, or None."""
    row = connection.execute(
        "SELECT CASE WHEN until IS NULL OR until > $cutoff THEN route END FROM overrides "
        "WHERE lead_id = $lead AND since <= $cutoff ORDER BY number DESC LIMIT 1",
        {"lead": lead_id, "cutoff": cutoff},
    ).fetchone()
    return row[0] if row else None


def history(connection: duckdb.DuckDBPyConnection, lead_id: str) -> pd.DataFrame:
    """Every decision about a lead, in the order made."""
    return connection.execute(
        "SELECT * FROM overrides WHERE lead_id = ? ORDER BY number", [lead_id]
    ).df()
