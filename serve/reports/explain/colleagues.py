"""Who else is in the lead's account, and what they did last, as of a cutoff."""

from dataclasses import dataclass
from datetime import datetime

from features.contract.accounts import people_of
from features.contract.database import LeadDatabase

_COLLEAGUES = """
SELECT p.lead_id::VARCHAR, count(e.lead_id), max(e.occurred_at),
  arg_max(e.action, (e.occurred_at, e.action)),
  (SELECT arg_max(c.outcome, (c.closed_at, c.outcome)) FROM own_closings c
   WHERE c.lead_id = p.lead_id AND c.closed_at < $cutoff)
FROM {people} own
JOIN {people} p ON p.account_id = own.account_id AND p.lead_id <> own.lead_id
LEFT JOIN known_events e ON e.lead_id = p.lead_id AND e.known_at < $cutoff
WHERE own.lead_id::VARCHAR = $lead AND p.created_at < $cutoff
  AND coalesce(p.merged_at >= $cutoff, true)
GROUP BY p.lead_id ORDER BY max(e.occurred_at) DESC NULLS LAST, p.lead_id"""


@dataclass(frozen=True)
class Colleague:
    """Another lead of the account: how many events it has, when and what the last one was, and how
    its last deal ended; all as known before the cutoff."""

    lead_id: str
    events: int
    last_at: datetime | None
    last_action: str | None
    outcome: str | None


def colleagues_of(
    database: LeadDatabase, account: str, lead: str, cutoff: datetime
) -> tuple[Colleague, ...]:
    """The colleagues of a lead, who was active last first."""
    sql = _COLLEAGUES.format(people=people_of(database, account))
    given = {"lead": lead, "cutoff": cutoff}
    return tuple(Colleague(*row) for row in database.connection.execute(sql, given).fetchall())
