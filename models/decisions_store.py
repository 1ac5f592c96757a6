"""`decisions.sqlite`: the few rows that people decide, in one small SQLite file beside the ledger.

In WAL mode: readers never wait, writers wait for each other. Each table has a module of its own
with its CREATE statement and its rows (models/champion_changes.py); here it is one entry of SCHEMA.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from features.errors import BadInput, Refused
from models import champion_changes

FILE_NAME = "decisions.sqlite"
WAIT_SECONDS = 30
# Schema version n, as PRAGMA user_version counts, is the first n statements. Append only.
SCHEMA = (champion_changes.CREATE,)


@contextmanager
def open_decisions(folder: Path) -> Iterator[sqlite3.Connection]:
    """The store in this folder, at the newest schema version; made where it is not there.

    Nothing is written outside of `transaction`. Raises BadInput where the file cannot be used or
    is of a later release, Refused where another process writes for longer than WAIT_SECONDS.
    """
    path = folder / FILE_NAME
    folder.mkdir(parents=True, exist_ok=True)
    try:
        connected = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
        with closing(connected) as connection:
            with suppress(sqlite3.OperationalError):  # busy: then the next who opens it switches
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # what is committed outlives the power
            _upgrade(connection, path)
            yield connection
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise Refused(f"{path}: another process writes to it. Try again.") from None
        raise BadInput(f"{path} cannot be used: {error}.") from None


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written within it or, where it raises, nothing. One process at a time."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection) == len(SCHEMA):
        return
    with transaction(connection):
        version = _version(connection)  # another process may have upgraded it meanwhile
        if version > len(SCHEMA):
            raise BadInput(
                f"{path} was written by a later release (schema {version}; this one knows "
                f"{len(SCHEMA)}). Upgrade, or put back the file of this release."
            )
        for statement in SCHEMA[version:]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(SCHEMA)}")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
