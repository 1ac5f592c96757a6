"""The table `withdrawn_runs`: runs of the ledger that somebody took out, with who, why and when.

A run scored anew after it was withdrawn counts again: a row hides what was written before it.

Worked example: on 2026-03-02 somebody scores with --cutoff 2062-03-02, a slip of the pen that
became the newest list. Withdrawn at 09:10, the newest list is that of 2026-03-02 again.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, DateTime, Integer, MetaData, Table, Text, insert, select

TABLE = Table(
    "withdrawn_runs",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("cutoff", DateTime, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("rules_version", Text, nullable=False),
    Column("leads", Integer, nullable=False),
    Column("because", Text, nullable=False),
    Column("withdrawn_by", Text, nullable=False),
    Column("withdrawn_at", DateTime, nullable=False),
)


@dataclass(frozen=True)
class WithdrawnRun:
    """A run that was taken out; leads: how many it had."""

    cutoff: datetime
    model_version: str
    rules_version: str
    leads: int
    because: str
    withdrawn_by: str
    withdrawn_at: datetime
    number: int | None = None


def add(connection: Connection, run: WithdrawnRun) -> None:
    """Append one."""
    connection.execute(insert(TABLE), {k: v for k, v in asdict(run).items() if k != "number"})


def all_of(connection: Connection) -> Sequence[WithdrawnRun]:
    """Every one, in the order withdrawn."""
    rows = connection.execute(select(TABLE).order_by(TABLE.c.number))
    return [WithdrawnRun(**row._mapping) for row in rows]
