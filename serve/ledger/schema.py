"""The columns of the scores ledger, and how a ledger of an earlier release is brought up to them.

A column that a later release adds goes to the end of SCORES; scoring may then bring it.
"""

import duckdb

from features.errors import BadInput
from models.routing import ROUTED
from serve.ledger import overrides

# The first release's; every ledger has them.
_FIRST = {
    "lead_id": "VARCHAR NOT NULL",
    "cutoff": "TIMESTAMP NOT NULL",
    "state": "VARCHAR NOT NULL CHECK (state IN ('scored', 'not scored', 'outside'))",
    "state_reason": "VARCHAR",
    "readiness": "DOUBLE",
    "rule_score": "DOUBLE",
    "band": "VARCHAR",
    "route": "VARCHAR NOT NULL CHECK (route IN ('sales', 'nurture', 'disqualified'))",
    "reasons": "VARCHAR",
    "model_version": "VARCHAR NOT NULL",
    "rules_version": "VARCHAR NOT NULL",
    "scored_at": "TIMESTAMP NOT NULL",
}
SCORES = _FIRST | {
    "route_reason": "VARCHAR",
    "contact_by": "TIMESTAMP",
    "marked": "VARCHAR",
    "value": "DOUBLE",
    "disqualified": "VARCHAR",
    "source": "VARCHAR",
    "basket": "VARCHAR",
    "close_days_low": "DOUBLE",
    "close_days_median": "DOUBLE",
    "close_days_high": "DOUBLE",
    "follow_up_on": "DATE",
    "segments": "VARCHAR",
    "postponing": "BOOLEAN",
    "exploration": "BOOLEAN",
}
_ADDED = {"cutoff", "model_version", "rules_version", "scored_at", *ROUTED} - {"lead_id"}
# What scoring brings of each lead: all but what the run and the router add, and what it routes by.
ROW = {name: kind.split()[0] for name, kind in SCORES.items() if name not in _ADDED}
ROW |= {"amount": "DOUBLE", "contact_within_hours": "DOUBLE"}

_CREATE = (
    f"CREATE TABLE IF NOT EXISTS scores ({', '.join(f'{k} {v}' for k, v in SCORES.items())}, "
    "PRIMARY KEY (lead_id, cutoff, model_version, rules_version))"
)


def create_or_extend(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables where they are not there; give an earlier release's the columns it lacks,
    null in its rows. Raises BadInput for a table of that name that is no ledger's."""
    connection.execute(_CREATE)
    columns = [name for name, *_ in connection.execute("DESCRIBE scores").fetchall()]
    if not _FIRST.keys() <= set(columns) <= SCORES.keys():
        raise BadInput(
            f"The ledger's table scores has other columns than expected: {', '.join(columns)}. "
            "Is it a ledger? Move the file away, and score again."
        )
    checks = connection.execute("SELECT list(constraint_text) FROM duckdb_constraints()").fetchall()
    if len(columns) < len(SCORES) or "outside" not in str(checks):
        extend(connection)
    connection.execute(overrides.CREATE)


def extend(connection: duckdb.DuckDBPyConnection) -> None:
    """Copied, not altered: the old table's checks know fewer routes and states, and no ALTER takes
    a check away. One transaction: killed in it, the old table is there."""
    connection.execute("BEGIN TRANSACTION")
    try:
        connection.execute("DROP VIEW IF EXISTS decided")
        connection.execute("ALTER TABLE scores RENAME TO earlier_scores")
        connection.execute(_CREATE)
        connection.execute("INSERT INTO scores BY NAME SELECT * FROM earlier_scores")
        connection.execute("DROP TABLE earlier_scores")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
