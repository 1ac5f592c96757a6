"""Whether the deals reach as far as the rest of the data.

An event dated months after the last deal, or an extract of deals older than that of events, makes
outcomes look complete that are not: their leads would be taught as not won.
"""

from datetime import datetime

from features.contract.database import LeadDatabase

PATIENCE_DAYS = 7


def days_without_deals(database: LeadDatabase) -> tuple[int, str]:
    """Days from the last closed deal to the data end, 0 if at most 7; and what to do about it."""
    row = database.connection.execute(
        "SELECT max(closed_at) FROM deals WHERE closed_at <= ?", [database.data_end]
    ).fetchone()
    last: datetime | None = row[0] if row else None
    if last is None:
        return 0, "No deal has closed at all."
    days = (database.data_end - last).days
    return (days if days > PATIENCE_DAYS else 0), (
        f"The last deal closed on {last:%Y-%m-%d}: wins since then would be taught as not won. Set "
        "time.data_end to when the deals were extracted, or look for a stray late date."
    )
