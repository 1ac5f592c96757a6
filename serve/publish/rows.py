"""The rows that are published: one per lead of the newest list, under names that stay."""

from dataclasses import dataclass

from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run

CLOSED = "closed"  # the route of a lead that was published and is no longer open
PUBLISHED = {
    "lead_id": "VARCHAR",
    "readiness": "DOUBLE",
    "rule_score": "DOUBLE",
    "band": "VARCHAR",
    "fit": "VARCHAR",
    "engagement": "VARCHAR",
    "route": "VARCHAR",
    "contact_by": "TIMESTAMP",
    "reasons": "VARCHAR",
    "model_version": "VARCHAR",
    "computed_at": "TIMESTAMP",
    "row_hash": "VARCHAR",
}
RANKS = ("fit", "engagement")  # null where the model does not rank by them
# When it was computed makes no row another one; nor do the words of the reasons, of which most say
# "94 days ago" on one night and "95 days ago" on the next.
_NO_CHANGE = ("reasons", "computed_at", "row_hash")
_HASHED = ", ".join(f"'{name}': {name}" for name in PUBLISHED if name not in _NO_CHANGE)
_ROWS = f"""
CREATE OR REPLACE TEMP TABLE publishing AS
SELECT *, md5(to_json({{{{{_HASHED}}}}})) AS row_hash FROM (
  SELECT lead_id, round(readiness, 3) AS readiness, round(rule_score, 1) AS rule_score, band,
    fit, engagement, decided_route AS route,
    CASE WHEN decided_route = 'sales' THEN contact_by END AS contact_by, reasons, model_version,
    scored_at AS computed_at
  FROM decided WHERE {{where}})"""


@dataclass(frozen=True)
class Changes:
    """How many rows of a target are new, changed, of leads that are no longer open, and as they
    were."""

    new: int
    changed: int
    closed: int
    unchanged: int

    @property
    def written(self) -> int:
        """All that is written."""
        return self.new + self.changed + self.closed


def lay_out(ledger: Ledger, run: Run) -> None:
    """Make the table `publishing` of the ledger's DuckDB: the rows of a run, PUBLISHED.

    readiness is rounded to 0.1 percentage points and the points to 0.1, so that no noise is a
    change; route is what people decided, else what was computed. A row whose reasons alone changed
    has the same row_hash: the reasons that are published are those of computed_at.
    """
    ledger.fetched(_ROWS.format(where=run.where))
