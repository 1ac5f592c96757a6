"""The table `outbox`: messages of the webhook, from the run that they are about until delivered.

A message is stored before it is sent, so that a kill in between sends it later. Its bytes and its
id never change, unless a lead is forgotten: whoever receives one twice sees by the id that it is
the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

TABLE = Table(
    "outbox",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("cutoff", DateTime, nullable=False, index=True),
    Column("payload", Text, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("delivered_at", DateTime),
    Column("last_error", Text),
)


@dataclass(frozen=True)
class Message:
    """A message about the list of a cutoff. delivered_at: None until it was accepted."""

    message_id: str
    cutoff: datetime
    payload: str
    created_at: datetime
    attempts: int = 0
    delivered_at: datetime | None = None
    last_error: str | None = None
    number: int | None = None


def add(connection: Connection, message: Message) -> None:
    """Append one."""
    row = {name: value for name, value in asdict(message).items() if name != "number"}
    connection.execute(insert(TABLE), row)


def of_cutoff(connection: Connection, cutoff: datetime) -> Sequence[Message]:
    """Every message about the list of a cutoff, in order."""
    rows = connection.execute(
        select(TABLE).where(TABLE.c.cutoff == cutoff).order_by(TABLE.c.number)
    )
    return [Message(**row._mapping) for row in rows]


def undelivered(connection: Connection) -> Sequence[Message]:
    """Every message that was not accepted yet, the oldest first."""
    rows = connection.execute(
        select(TABLE).where(TABLE.c.delivered_at.is_(None)).order_by(TABLE.c.number)
    )
    return [Message(**row._mapping) for row in rows]


def newest_cutoff(connection: Connection) -> datetime | None:
    """The newest that a message is about."""
    cutoff: datetime | None = connection.execute(select(func.max(TABLE.c.cutoff))).scalar()
    return cutoff


def note(
    connection: Connection, message: Message, delivered_at: datetime | None, error: str | None
) -> None:
    """Record an attempt."""
    values = {"attempts": TABLE.c.attempts + 1, "delivered_at": delivered_at, "last_error": error}
    connection.execute(update(TABLE).where(TABLE.c.number == message.number).values(**values))


def rewrite(connection: Connection, without: Callable[[str], tuple[str, int]]) -> int:
    """Take something out of every payload, by a function that gives the payload without it and how
    often it was there: what was delivered is deleted, the rest is sent so. How many had it."""
    count = 0
    for row in connection.execute(select(TABLE)).all():
        message = Message(**row._mapping)
        payload, times = without(message.payload)
        if times and message.delivered_at:
            connection.execute(delete(TABLE).where(TABLE.c.number == message.number))
        elif times:
            changed = update(TABLE).where(TABLE.c.number == message.number)
            connection.execute(changed.values(payload=payload))
        count += bool(times)
    return count


def delete_before(connection: Connection, time: datetime) -> int:
    """Delete messages that are older, delivered or not; returns how many were not."""
    old = TABLE.c.created_at < time
    lost = select(func.count()).where(old, TABLE.c.delivered_at.is_(None))
    count = int(connection.execute(lost.select_from(TABLE)).scalar_one())
    connection.execute(delete(TABLE).where(old))
    return count
