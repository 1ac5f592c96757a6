"""The table `written_files`: exports and pages that were written elsewhere than in `out`.

They may hold leads, and a lead that is forgotten must be found in them (readiness forget).
"""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Column, Connection, DateTime, MetaData, Table, Text, delete, insert, select

from features.cutoffs import utc_now

TABLE = Table(
    "written_files",
    MetaData(),
    Column("path", Text, primary_key=True),
    Column("written_at", DateTime, nullable=False),
)


def add(connection: Connection, path: Path) -> None:
    """Record that a file is written now, whether or not it was before."""
    remove(connection, path)
    connection.execute(insert(TABLE), {"path": str(path), "written_at": utc_now()})


def remove(connection: Connection, path: Path) -> None:
    """Record that a file is gone."""
    connection.execute(delete(TABLE).where(TABLE.c.path == str(path)))


def all_of(connection: Connection) -> Sequence[Path]:
    """Every one, sorted."""
    return [Path(path) for path in connection.scalars(select(TABLE.c.path).order_by(TABLE.c.path))]
