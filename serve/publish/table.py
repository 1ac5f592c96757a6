"""`current_scores`: one row per lead in a table of a PostgreSQL; only changed rows are written.

In one transaction, under a lock that lets others read: a kill leaves the table as it was, and a
second run writes nothing. A lead that is no longer open keeps its row and its last scores; its
route is 'closed' and its contact_by null, so that nobody calls it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from features.config import Config
from features.contract.databases import cause, read_place, when_there_is_room
from features.errors import BadInput, Refused
from features.sql import literal, quoted
from models.decisions.place import LedgerPlace
from models.decisions.store import BUSY, WAIT_SECONDS
from serve.ledger.ledger import Ledger
from serve.ledger.postgres import copy_rows
from serve.publish.rows import CLOSED, PUBLISHED, RANKS, Changes

KEY = "publish.database"
_TYPES = {
    "VARCHAR": ("text", "character varying"),
    "DOUBLE": ("double precision",),
    "TIMESTAMP": ("timestamp with time zone",),
}
COLUMNS = {name: _TYPES[kind] for name, kind in PUBLISHED.items()}
COLUMNS["changed_at"] = _TYPES["TIMESTAMP"]
_DEFINED = {name: kinds[0] for name, kinds in COLUMNS.items()}
_IS = (
    "SELECT attname, split_part(format_type(atttypid, atttypmod), '(', 1) FROM pg_attribute "
    "WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped"
)
_COUNTS = """
SELECT count(*) FILTER (WHERE t.lead_id IS NULL),
  count(*) FILTER (WHERE t.lead_id IS NOT NULL AND t.row_hash IS DISTINCT FROM p.row_hash),
  count(*) FILTER (WHERE t.row_hash = p.row_hash),
  (SELECT count(*) FROM {table} g WHERE g.route <> '{closed}'
    AND NOT EXISTS (SELECT FROM publishing p WHERE p.lead_id = g.lead_id))
FROM publishing p LEFT JOIN {table} t USING (lead_id)"""
# What has not changed is not even locked: an ON CONFLICT alone would rewrite its page.
_UPSERT = """
INSERT INTO {table} AS t ({names}, changed_at)
SELECT {p_names}, now() FROM publishing p LEFT JOIN {table} old USING (lead_id)
WHERE old.row_hash IS DISTINCT FROM p.row_hash
ON CONFLICT (lead_id) DO UPDATE SET {sets}, changed_at = excluded.changed_at"""
_CLOSE = """
UPDATE {table} g
SET route = '{closed}', contact_by = NULL, row_hash = '{closed}', changed_at = now()
WHERE g.route <> '{closed}' AND NOT EXISTS (SELECT FROM publishing p WHERE p.lead_id = g.lead_id)"""


def publish_table(config: Config, ledger: Ledger, dry_run: bool) -> Changes:
    """Bring the table up to the rows of `publishing` (serve/publish/rows.py). A table or schema
    that is not there is made.

    dry_run: only count what would change. Raises BadInput where the server refuses, or the table
    has other columns, and Refused where another process writes to it: then nothing was written.
    """
    config.out_folder.mkdir(parents=True, exist_ok=True)
    with _transaction(config) as (connection, schema, name):
        changes = _publish(connection, ledger, name, schema, dry_run, config.out_folder)
        if dry_run:
            connection.rollback()
    return changes


def forget_published(config: Config, lead_id: str) -> int:
    """Delete a lead's row from the table; how many there were. Raises as publish_table."""
    with _transaction(config) as (connection, _, name):
        if not _check(connection, name):
            return 0
        sql = text(f"DELETE FROM {name} WHERE lead_id = :lead")
        return int(connection.execute(sql, {"lead": lead_id}).rowcount)


@contextmanager
def _transaction(config: Config) -> Iterator[tuple[Connection, str, str]]:
    """A transaction on the server, the schema of the table, and the table as SQL text."""
    named = config.publish.database
    assert named is not None
    server = read_place(named, config.folder, KEY)
    if server.kind != "postgres":
        raise BadInput(f"{KEY}: the table is one of a PostgreSQL, not of {server.kind}.")
    given, _, table = config.publish.table.rpartition(".")
    schema = given or server.schema
    name = f"{quoted(schema)}.{quoted(table)}"
    place = LedgerPlace(config.out_folder, server)  # which knows the server's URL
    engine = create_engine(place.url, poolclass=NullPool)
    try:
        with when_there_is_room(engine.connect) as connection:
            yield connection, schema, name
            connection.commit()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == BUSY:
            raise Refused(f"{KEY}: another process writes to {name}. Try again.") from None
        raise BadInput(
            f"{KEY}: {server.shown}, table {name}: {cause(error.orig or error)}. Nothing was "
            "written to it."
        ) from None


def _publish(
    server: Connection, ledger: Ledger, name: str, schema: str, dry_run: bool, folder: Path
) -> Changes:
    execute = server.exec_driver_sql
    execute("SET LOCAL timezone = 'UTC'")
    execute(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'")
    present = _check(server, name)
    if not present and not dry_run:
        _create(server, name, schema)
    columns = ", ".join(f"{each} {_DEFINED[each]}" for each in PUBLISHED)
    execute(f"CREATE TEMP TABLE publishing ({columns}) ON COMMIT DROP")
    _fill(server, ledger, folder)
    if not present and dry_run:
        return Changes(int(execute("SELECT count(*) FROM publishing").scalar_one()), 0, 0, 0)
    if not dry_run:
        execute(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")
        lacking = [each for each in RANKS if present and each not in present]
        if lacking:  # an earlier release made the table
            execute(f"ALTER TABLE {name} {_additions(lacking)}")
    counts = execute(_COUNTS.format(table=name, closed=CLOSED)).one()
    new, changed, unchanged, closed = map(int, counts)
    if not dry_run:
        names = ", ".join(PUBLISHED)
        sets = ", ".join(f"{each} = excluded.{each}" for each in PUBLISHED if each != "lead_id")
        p_names = ", ".join(f"p.{each}" for each in PUBLISHED)
        execute(_UPSERT.format(table=name, names=names, p_names=p_names, sets=sets))
        execute(_CLOSE.format(table=name, closed=CLOSED))
    return Changes(new, changed, closed, unchanged)


def _fill(server: Connection, ledger: Ledger, folder: Path) -> None:
    copy_rows(ledger.connection, "publishing", PUBLISHED, server, "publishing", folder)
    server.exec_driver_sql("CREATE UNIQUE INDEX ON publishing (lead_id)")
    server.exec_driver_sql("ANALYZE publishing")


def _create(server: Connection, name: str, schema: str) -> None:
    if (
        server.exec_driver_sql(f"SELECT to_regnamespace({literal(quoted(schema))})").scalar()
        is None
    ):
        server.exec_driver_sql(f"CREATE SCHEMA {quoted(schema)}")
    columns = ", ".join(f"{each} {kind}" for each, kind in _DEFINED.items())
    server.exec_driver_sql(f"CREATE TABLE {name} ({columns}, PRIMARY KEY (lead_id))")


def _additions(columns: Iterable[str]) -> str:
    return ", ".join(f"ADD COLUMN {each} {_DEFINED[each]}" for each in columns)


def _check(server: Connection, name: str) -> set[str]:
    """The columns of the table, none where it is not there. Raises BadInput where it lacks a
    column that every release has had, or has another type."""
    rows = server.exec_driver_sql(_IS.format(literal(name)))
    present = {str(column): str(kind) for column, kind in rows}
    if not present:
        return set()
    missing = [each for each in COLUMNS if each not in {*present, *RANKS}]
    other = [
        f"{each} is {present[each]}, not {kinds[0]}"
        for each, kinds in COLUMNS.items()
        if each in present and present[each] not in kinds
    ]
    if missing or other:
        cure = f" Mend it: ALTER TABLE {name} {_additions(missing)};" if missing else ""
        lacks = f"it lacks {len(missing)} of {len(COLUMNS)} columns" if missing else ""
        raise BadInput(
            f"publish.table: {name} is no table of published scores: "
            f"{'; '.join(filter(None, [lacks, *other]))}.{cure} Or name another table, which is "
            "then made. Nothing was written to it."
        )
    return set(present)
