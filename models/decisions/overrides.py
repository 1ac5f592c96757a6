"""The table `overrides`: routes that people decided for single leads.

Append-only: each decision is a row, a withdrawal too, so the history says who decided what, why and
when. A decision holds for the cutoffs in [since, until). At a cutoff the last decision made counts,
of those that hold from it or before; where that one is withdrawn or over, the machine's route does.

Worked example: on 2026-03-02 somebody sends lead 7 to nurture, from the list of that morning until
2026-03-09. The lists of 03-02 to 03-08 say nurture, those before and from 03-09 on what the machine
says. Withdrawn on 03-05, the lists of 03-02 to 03-04 still say nurture: so it was.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    select,
)

TABLE = Table(
    "overrides",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("lead_id", Text, nullable=False, index=True),
    Column("route", Text, CheckConstraint("route IN ('sales', 'nurture', 'disqualified')")),
    Column("because", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", DateTime, nullable=False),
    Column("since", DateTime, nullable=False),
    Column("until", DateTime),
)


@dataclass(frozen=True)
class Override:
    """A decision about one lead. route None: what was decided before is withdrawn. number: from 1,
    None before it is stored."""

    lead_id: str
    route: str | None
    because: str
    decided_by: str | None
    decided_at: datetime
    since: datetime
    until: datetime | None = None
    number: int | None = None


def add(connection: Connection, *decided: Override) -> None:
    """Append decisions, in this order."""
    for each in decided:
        row = {name: value for name, value in asdict(each).items() if name != "number"}
        connection.execute(insert(TABLE), row)


def all_of(connection: Connection, lead_id: str | None = None) -> Sequence[Override]:
    """Every decision (about one lead), in the order made."""
    sql = select(TABLE).order_by(TABLE.c.number)
    if lead_id is not None:
        sql = sql.where(TABLE.c.lead_id == lead_id)
    return [Override(**row._mapping) for row in connection.execute(sql)]


def forget(connection: Connection, lead_id: str) -> int:
    """Delete every decision about a lead, its history with it; how many there were."""
    return connection.execute(delete(TABLE).where(TABLE.c.lead_id == lead_id)).rowcount


def in_force(decided: Sequence[Override], cutoff: datetime) -> Override | None:
    """Of the decisions about one lead, in the order made, the one that counts at a cutoff.

    >>> day = lambda n: datetime(2026, 3, n)
    >>> made = Override("7", "nurture", "asked to wait", None, day(2), day(2), day(9))
    >>> [n for n in range(1, 11) if in_force([made], day(n))]
    [2, 3, 4, 5, 6, 7, 8]
    """
    begun = [each for each in decided if each.since <= cutoff]
    last = begun[-1] if begun else None
    if last is None or last.route is None or (last.until is not None and last.until <= cutoff):
        return None
    return last
