"""The store of what people decide: a small SQLite file in `out`, or a schema in PostgreSQL.

In SQLite's WAL mode and in PostgreSQL readers never wait; writers wait for each other, for at most
WAIT_SECONDS. Each table has a module of its own with its columns and rows.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from features.contract.databases import cause, when_there_is_room
from features.errors import BadInput, Refused
from features.sql import literal, quoted
from models.decisions import (
    champion_changes,
    outbox,
    overrides,
    withdrawn_runs,
    written_files,
)
from models.decisions.place import LedgerPlace

WAIT_SECONDS = 30
NEARLY_FULL = 1_000_000  # bytes; the store's index of unfinished writes alone takes 32 kB
# Schema version n has the tables of the first n entries. Append only.
SCHEMA: Sequence[Sequence[Table]] = (
    (champion_changes.TABLE,),
    (overrides.TABLE, withdrawn_runs.TABLE),
    (written_files.TABLE,),
    (outbox.TABLE,),
)
# PostgreSQL has no PRAGMA user_version: there the versions are rows.
VERSIONS = Table(
    "schema_versions",
    MetaData(),
    Column("part", Text, primary_key=True),
    Column("version", Integer, nullable=False),
)
DECISIONS = "decisions"
BUSY = "55P03"  # PostgreSQL: lock_not_available


@contextmanager
def open_decisions(place: LedgerPlace) -> Iterator[Connection]:
    """The store, at the newest schema version; made where it is not there.

    Nothing is written outside of `transaction`. Raises BadInput where it cannot be used or is of a
    later release, Refused where another process writes for longer than WAIT_SECONDS.
    """
    place.folder.mkdir(parents=True, exist_ok=True)
    waits = {} if place.server else {"timeout": WAIT_SECONDS}
    engine = create_engine(
        place.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=waits
    )
    name = place.decisions
    try:
        with when_there_is_room(engine.connect) as connection:
            if place.server:
                _set_up_session(connection, place.schema)
            else:
                _set_up_file(connection)
            _upgrade(connection, name)
            yield connection
    except DBAPIError as error:
        fault = error.orig
        if (
            getattr(fault, "sqlite_errorname", "").startswith("SQLITE_BUSY")
            or getattr(fault, "sqlstate", "") == BUSY
        ):
            raise Refused(f"{name}: another process writes to it. Try again.") from None
        room = "" if place.server else _room(place.folder)
        raise BadInput(f"{name} cannot be used: {cause(error.orig or error)}{room}.") from None


def _room(folder: Path) -> str:
    """Where a disk is full, which SQLite calls a disk I/O error."""
    free = shutil.disk_usage(folder).free
    return f"; {free / 1e3:,.0f} kB are free on its disk" if free < NEARLY_FULL else ""


def _set_up_file(connection: Connection) -> None:
    with suppress(OperationalError):  # busy: then the next who opens it switches
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    connection.exec_driver_sql("PRAGMA synchronous = FULL")  # what is committed outlives the power
    connection.exec_driver_sql("PRAGMA secure_delete = ON")  # what is deleted is written over


def _set_up_session(connection: Connection, schema: str) -> None:
    connection.exec_driver_sql(f"SET lock_timeout = '{WAIT_SECONDS}s'")
    connection.exec_driver_sql("SET timezone = 'UTC'")
    connection.exec_driver_sql(f"SET search_path = {quoted(schema)}")
    if connection.execute(text("SELECT to_regclass('schema_versions')")).scalar() is None:
        with _one_who_makes_it(connection):
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
            VERSIONS.create(connection, checkfirst=True)


@contextmanager
def _one_who_makes_it(connection: Connection) -> Iterator[None]:
    """IF NOT EXISTS is no protection from another process that makes the same at this moment."""
    connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('readiness'))")
    try:
        yield
    finally:
        connection.exec_driver_sql("SELECT pg_advisory_unlock(hashtext('readiness'))")


@contextmanager
def transaction(connection: Connection, lock: str = VERSIONS.name) -> Iterator[None]:
    """All that is written within it or, where it raises, nothing. One process at a time; on a
    server, of those with the same table for a lock."""
    is_file = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_file else "BEGIN")
    try:
        if not is_file:
            connection.exec_driver_sql(f"LOCK TABLE {lock} IN EXCLUSIVE MODE")
        yield
    except BaseException:
        with suppress(DBAPIError):  # the connection may be what was lost
            connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def wipe(connection: Connection) -> bool:
    """Leave no byte of rows that were deleted from a SQLite file. False where others read it, so
    that its write-ahead log still has them."""
    connection.exec_driver_sql("VACUUM")
    (busy, *_) = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    return not busy


def _upgrade(connection: Connection, name: str) -> None:
    if version_of(connection, DECISIONS) == len(SCHEMA):
        return
    with transaction(connection):
        version = version_of(connection, DECISIONS)  # another process may have upgraded meanwhile
        require_known(name, version, len(SCHEMA))
        for tables in SCHEMA[version:]:
            for table in tables:
                table.create(connection)
        set_version(connection, DECISIONS, len(SCHEMA))


def require_known(name: str, version: int, newest: int) -> None:
    """Raises BadInput for a schema that a later release has written."""
    if version > newest:
        raise BadInput(
            f"{name} was written by a later release (schema {version}; this one knows {newest}). "
            "Upgrade, or put back what this release wrote."
        )


def version_of(connection: Connection, part: str) -> int:
    """The schema version of a part of the store, 0 where it is not there yet."""
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    sql = text("SELECT version FROM schema_versions WHERE part = :part")
    return int(connection.execute(sql, {"part": part}).scalar() or 0)


def set_version(connection: Connection, part: str, version: int) -> None:
    """Within a transaction only."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")
        return
    connection.exec_driver_sql(
        f"INSERT INTO schema_versions VALUES ({literal(part)}, {version}) "
        "ON CONFLICT (part) DO UPDATE SET version = excluded.version"
    )
