"""The columns of the scores ledger.

A column that a later release adds goes to the end of SCORES; it is null in rows of before. Scoring
may then bring it.
"""

from models.routing import ROUTED

# The first release's; every ledger has them.
FIRST = {
    "lead_id": "VARCHAR",
    "cutoff": "TIMESTAMP",
    "state": "VARCHAR",  # 'scored', 'not scored' or 'outside'
    "state_reason": "VARCHAR",
    "readiness": "DOUBLE",
    "rule_score": "DOUBLE",
    "band": "VARCHAR",
    "route": "VARCHAR",  # 'sales', 'nurture' or 'disqualified'
    "reasons": "VARCHAR",
    "model_version": "VARCHAR",
    "rules_version": "VARCHAR",
    "scored_at": "TIMESTAMP",
}
SCORES = FIRST | {
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
    "moved": "VARCHAR",  # since the list before: 'newly hot; on the list', null for most
    "moved_because": "VARCHAR",
    "holdout": "BOOLEAN",  # of leads drawn for a holdout: held back or called; null for others
    "fit": "VARCHAR",  # 'A' to 'D'
    "engagement": "VARCHAR",  # '1' to '4'
}
# What challengers said of the leads of a run (docs/shadow.md).
SHADOWS = {
    "lead_id": "VARCHAR",
    "cutoff": "TIMESTAMP",
    "model_version": "VARCHAR",  # with rules_version and cutoff: of the run
    "rules_version": "VARCHAR",
    "shadow_version": "VARCHAR",
    "readiness": "DOUBLE",
    "scored_at": "TIMESTAMP",
}
NEVER_NULL = {"lead_id", "cutoff", "state", "route", "model_version", "rules_version", "scored_at"}
MOVED = ("moved", "moved_because")
_ADDED = {"cutoff", "model_version", "rules_version", "scored_at", *ROUTED, *MOVED} - {"lead_id"}
# What scoring brings of each lead: all but what run, router and movers add, and what it routes by.
ROW = {name: kind for name, kind in SCORES.items() if name not in _ADDED}
ROW |= {"amount": "DOUBLE", "contact_within_hours": "DOUBLE"}
