"""What moved between two lists: became hot, joined or left the list for sales, reached a threshold.

By what people decided: a lead that somebody took off the list has left it.

Worked example: on 2026-03-02 lead 7 is warm, at 24.0%, in nurture; on 2026-03-09 hot, at 41.0%, to
sales. With a threshold of 0.3 it has moved: 'newly hot; on the list; reached 30.0%'. Lead 8 was to
sales and its deal was closed on 2026-03-05: it is in no row of 2026-03-09, and has moved 'off the
list'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from features.contract.extensions import connect
from features.csv_guard import write_rows
from features.errors import BadInput
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run

HOT, ON, OFF = "newly hot", "on the list", "off the list"
GONE = "no longer open: closed, or no longer in the data"
# What a mover is: what `readiness movers` and the webhook show of it.
COLUMNS = (
    *("lead_id", "moved", "moved_because", "readiness_before", "readiness"),
    *("rule_score_before", "rule_score", "band_before", "band", "route_before", "route"),
    "contact_by",
)
_BOTH = """
SELECT n.lead_id, {moved} AS moved, {because} AS moved_because,
  b.readiness AS readiness_before, n.readiness, b.rule_score AS rule_score_before, n.rule_score,
  b.band AS band_before, n.band, b.decided_route AS route_before, n.decided_route AS route,
  n.contact_by, b.lead_id IS NULL AS is_new, n.state, n.state_reason, b.state AS state_before,
  b.state_reason AS state_reason_before, n.reasons, n.route_reason, n.disqualified, n.exploration,
  b.holdout AS holdout_before,
  n.decided_because, b.decided_because AS decided_because_before
FROM {now} n LEFT JOIN {before} b USING (lead_id)
WHERE {moved} <> ''
"""
_LEFT = f"""
UNION ALL BY NAME
SELECT b.lead_id, '{OFF}' AS moved, '{GONE}' AS moved_because,
  b.readiness AS readiness_before, b.rule_score AS rule_score_before, b.band AS band_before,
  b.decided_route AS route_before
FROM {{before}} b ANTI JOIN {{now}} n USING (lead_id)
WHERE b.decided_route = 'sales'
"""
_ORDER = "ORDER BY readiness DESC NULLS LAST, rule_score DESC NULLS LAST, lead_id"


@dataclass(frozen=True)
class Movers:
    """What moved between a list and one before it. rows: a frame with COLUMNS, the readiest first,
    leads that are no longer open last; before: None where there is no list before."""

    run: Run
    before: Run | None
    rows: pd.DataFrame

    @property
    def counts(self) -> dict[str, int]:
        """How many made each move; one lead can make several."""
        return {
            str(move): int(count)
            for move, count in self.rows["moved"].str.split("; ").explode().value_counts().items()
        }

    def json_fields(self) -> dict[str, Any]:
        """What `movers --json` prints, and what the webhook sends."""
        return {
            "cutoff": self.run.cutoff,
            "model_version": self.run.model_version,
            "rules_version": self.run.rules_version,
            "since": self.before and self.before.cutoff,
            "counts": self.counts,
            "movers": self.rows,
        }


def stored_movers(ledger: Ledger, run: Run) -> Movers:
    """The movers of a list as they were stored when it was scored, and who is no longer open."""
    before = ledger.before(run.cutoff)
    if before is None:
        return Movers(run, None, pd.DataFrame(columns=list(COLUMNS)))
    return Movers(run, before.run, moves_between(ledger, run, before.run)[list(COLUMNS)])


def list_of(ledger: Ledger, cutoff: datetime) -> Run:
    """The list of a cutoff, as seen. Raises BadInput, with the nearest, where there is none."""
    cutoffs = {each.cutoff for each in ledger.runs}
    if cutoff not in cutoffs:
        near = sorted(cutoffs, key=lambda each: abs(each - cutoff))[:3]
        raise BadInput(
            f"The ledger has no list of {cutoff:%Y-%m-%d %H:%M}. The nearest: "
            f"{', '.join(f'{each:%Y-%m-%dT%H:%M:%S}' for each in sorted(near)) or 'none'}."
        )
    return ledger.as_seen(cutoff).run


def new_moves(ledger: Ledger, view: str, before: Run, thresholds: Sequence[float]) -> pd.DataFrame:
    """The rows of a view, which is as `decided`, that moved since the list before; with all that
    explains it (serve/movers/because.py)."""
    return ledger.query(
        _BOTH.format(now=f"(FROM {view})", before=_rows(before), **_computed(thresholds))
    )


def moves_between(
    ledger: Ledger, run: Run, before: Run, thresholds: Sequence[float] | None = None
) -> pd.DataFrame:
    """What moved between two lists: COLUMNS, and what explains it, the readiest first; leads that
    are no longer open last. Without thresholds, as it was stored when the run was scored."""
    stored = {"moved": "n.moved", "because": "n.moved_because"}
    given = {"now": _rows(run), "before": _rows(before)}
    given |= stored if thresholds is None else _computed(thresholds)
    return ledger.query(f"FROM ({(_BOTH + _LEFT).format(**given)}) {_ORDER}")


def _rows(run: Run) -> str:
    return f"(FROM decided WHERE {run.where})"


def _computed(thresholds: Sequence[float]) -> dict[str, str]:
    """A lead without a line before comes from nothing, and reaches a threshold; one that had a line
    without readiness (points alone, or not scored) does not."""
    readiness = "CASE WHEN b.lead_id IS NULL THEN 0 ELSE b.readiness END"
    moves = {
        HOT: "n.band = 'hot' AND b.band IS DISTINCT FROM 'hot'",
        ON: "n.decided_route = 'sales' AND b.decided_route IS DISTINCT FROM 'sales'",
        OFF: "n.decided_route <> 'sales' AND b.decided_route = 'sales'",
    }
    for each in sorted(thresholds):
        moves[f"reached {each:.1%}"] = f"n.readiness >= {each!r} AND {readiness} < {each!r}"
        moves[f"fell below {each:.1%}"] = f"n.readiness < {each!r} AND b.readiness >= {each!r}"
    cases = (f"CASE WHEN {condition} THEN '{name}' END" for name, condition in moves.items())
    moved = f"concat_ws('; ', {', '.join(cases)})"
    return {"moved": moved, "because": "NULL::VARCHAR"}


def export(movers: Movers, path: Path) -> Path:
    """Write the movers to a .csv or .parquet file, as `csv_guard.write_rows`."""
    with connect() as connection:
        return write_rows(connection.register("movers", movers.rows), "FROM movers", path)
