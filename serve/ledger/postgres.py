"""The ledger in PostgreSQL: the tables `scores`, `shadows` and `runs`, beside the decisions'.

A run is one transaction, and one process writes at a time. Read through DuckDB, attached read-only,
so that every report asks the same SQL of files and of a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, text

from features.contract.databases import attach
from features.contract.extensions import load_extension
from features.sql import literal, quoted
from features.whole_file import unfinished_name
from models.decisions.place import LedgerPlace
from models.decisions.store import (
    open_decisions,
    require_known,
    set_version,
    transaction,
    version_of,
)
from serve.ledger.runs import COLUMNS, FIGURES, Run, RunFigures
from serve.ledger.schema import MOVED, NEVER_NULL, SCORES, SHADOWS

PART = "scores"  # of schema_versions
_TYPES = {"VARCHAR": "text", "DOUBLE": "double precision"}


def _columns(columns: dict[str, str], never_null: set[str]) -> str:
    return ", ".join(
        f"{name} {_TYPES.get(kind, kind)}{' NOT NULL' * (name in never_null)}"
        for name, kind in columns.items()
    )


_KEY = "cutoff, model_version, rules_version"
_LATER = {*MOVED, "holdout", "fit", "engagement"}  # by an ALTER TABLE
_AT_FIRST = {name: kind for name, kind in SCORES.items() if name not in _LATER}
# Schema version n is the first n entries. Append only; a new column of SCORES is an ALTER TABLE.
MIGRATIONS = (
    f"CREATE TABLE runs ({_columns(COLUMNS, {'cutoff', 'model_version', 'rules_version'})}, "
    f"PRIMARY KEY ({_KEY}));"
    f"CREATE TABLE scores ({_columns(_AT_FIRST, NEVER_NULL)}, PRIMARY KEY ({_KEY}, lead_id));"
    "CREATE INDEX scores_of_a_lead ON scores (lead_id);"
    f"CREATE INDEX the_list ON scores ({_KEY}, route, value DESC NULLS LAST, "
    "readiness DESC NULLS LAST, rule_score DESC NULLS LAST, lead_id)",
    "ALTER TABLE scores ADD COLUMN moved text, ADD COLUMN moved_because text",
    "ALTER TABLE scores ADD COLUMN holdout boolean",
    f"CREATE TABLE shadows ({_columns(SHADOWS, set(SHADOWS))}, "
    f"PRIMARY KEY ({_KEY}, shadow_version, lead_id));"
    "CREATE INDEX shadows_of_a_lead ON shadows (lead_id)",
    "ALTER TABLE scores ADD COLUMN fit text, ADD COLUMN engagement text",
)
_RUN = "{0}cutoff = :cutoff AND {0}model_version = :model AND {0}rules_version = :rules"
_OF, _OF_S = _RUN.format(""), _RUN.format("s.")
_TAKEN = (
    "SELECT count(*) FROM pg_locks WHERE relation = to_regclass('runs') AND granted "
    "AND mode = 'ExclusiveLock'"
)
TABLES = ("shadows", "scores", "runs")
WAIT_SECONDS = 600.0


class PostgresScores:
    """The scores on a server."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        place: LedgerPlace,
        notify: Callable[[str], None],
    ) -> None:
        self.place, self.notify, self._reader = place, notify, connection
        self._writer: Connection | None = None
        with open_decisions(self.place) as server:
            if version_of(server, PART) != len(MIGRATIONS):
                self._migrate(server)
        assert place.server is not None
        load_extension(connection, "postgres_scanner")
        # One for each reader, or a hundred of them would want more than a server has.
        connection.execute("SET pg_pool_max_connections = 1")
        connection.execute("SET pg_pool_acquire_mode = 'wait'")
        connection.execute("SET pg_pool_idle_timeout_millis = 0")  # it stays open meanwhile
        # A scan by parts of the table opens further ones, whatever the pool, and uses no index.
        connection.execute("SET pg_use_ctid_scan = false")
        attach(connection, place.server, "ledger")
        connection.execute("SET pg_use_text_protocol = false")

    def __str__(self) -> str:
        return str(self.place)

    def _migrate(self, server: Connection) -> None:
        with transaction(server):
            version = version_of(server, PART)  # another process may have done it meanwhile
            require_known(str(self.place), version, len(MIGRATIONS))
            for statements in MIGRATIONS[version:]:
                for statement in statements.split(";"):
                    server.exec_driver_sql(statement)
            set_version(server, PART, len(MIGRATIONS))

    def runs(self) -> Sequence[RunFigures]:
        """All runs, without reading their rows."""
        sql = text(f"SELECT {', '.join(COLUMNS)} FROM runs")
        if self._writer is not None:
            return [RunFigures(*row) for row in self._writer.execute(sql)]
        with open_decisions(self.place) as server:
            return [RunFigures(*row) for row in server.execute(sql)]

    def stamp(self, run: Run) -> object:
        """Another one whenever a run's rows are others: each write replaces the run's own row."""
        row = f"SELECT xmin::text FROM {quoted(self.place.schema)}.runs WHERE {run.where}"
        sql = f"SELECT * FROM postgres_query('ledger', {literal(row)})"
        return self._reader.execute(sql).fetchone()

    def create_view(
        self, connection: duckdb.DuckDBPyConnection, runs: Sequence[Run], hidden: Sequence[Run]
    ) -> None:
        """Create the view `scores` of the runs, without those hidden, in the DuckDB."""
        self._view(connection, "scores", SCORES, hidden)

    def create_shadow_view(
        self, connection: duckdb.DuckDBPyConnection, runs: Sequence[Run], hidden: Sequence[Run]
    ) -> None:
        """Create the view `shadows` of the runs, without those hidden, in the DuckDB."""
        self._view(connection, "shadows", SHADOWS, hidden)

    def _view(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        columns: Iterable[str],
        hidden: Sequence[Run],
    ) -> None:
        out = " AND ".join(f"NOT ({run.where})" for run in hidden)
        table = f"ledger.{quoted(self.place.schema)}.{name}"
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {', '.join(columns)} FROM {table}"
            + (f" WHERE {out}" if out else "")
        )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction, and one process at a time; it is in whole or not at all."""
        with open_decisions(self.place) as server:
            if server.exec_driver_sql(_TAKEN).scalar():
                self.notify("Another process writes to the ledger; waiting for it.")
            server.exec_driver_sql(f"SET lock_timeout = '{WAIT_SECONDS:.0f}s'")
            with transaction(server, lock="runs"):
                self._writer = server
                try:
                    yield
                finally:
                    self._writer = None

    def _execute(self, sql: str, run: Run) -> None:
        assert self._writer is not None, "within `writing` only"
        self._writer.execute(text(sql), run.key)

    def save(self, connection: duckdb.DuckDBPyConnection, figures: RunFigures) -> None:
        """Add the table `fresh` to a run, and its new segments. Within `writing` only."""
        run, server = figures.run, self._writer
        assert server is not None, "within `writing` only"
        server.exec_driver_sql("CREATE TEMP TABLE incoming (LIKE scores) ON COMMIT DROP")
        server.exec_driver_sql(
            "CREATE TEMP TABLE renamed (lead_id text, segments text) ON COMMIT DROP"
        )
        copy_rows(connection, "fresh", SCORES, server, "incoming", self.place.folder)
        names = ("lead_id", "segments")
        copy_rows(connection, "renamed", names, server, "renamed", self.place.folder)
        self._execute(
            f"DELETE FROM scores s USING incoming i WHERE s.lead_id = i.lead_id AND {_OF_S}", run
        )
        server.exec_driver_sql("INSERT INTO scores SELECT * FROM incoming")
        self._execute(
            f"UPDATE scores s SET segments = r.segments FROM renamed r WHERE r.lead_id = s.lead_id "
            f"AND {_OF_S}",
            run,
        )
        listed = ", ".join(COLUMNS)
        values = ", ".join(f":{name}" for name in COLUMNS)
        self._execute(f"DELETE FROM runs WHERE {_OF}", run)
        insert = text(f"INSERT INTO runs ({listed}) VALUES ({values})")
        server.execute(insert, figures.json_fields())

    def save_shadow(self, connection: duckdb.DuckDBPyConnection, run: Run, version: str) -> None:
        """Add the table `shadow_rows`, of a run and a challenger. Within `writing` only."""
        assert self._writer is not None, "within `writing` only"
        copy_rows(connection, "shadow_rows", SHADOWS, self._writer, "shadows", self.place.folder)

    def withdraw(self, run: Run) -> None:
        """A withdrawn run's rows are deleted: the decisions have who withdrew it, and why. Within
        `writing` only."""
        for table in TABLES:
            self._execute(f"DELETE FROM {table} WHERE {_OF}", run)

    def delete_before(self, cutoff: datetime) -> None:
        """Delete the runs of earlier cutoffs. Within `writing` only."""
        assert self._writer is not None, "within `writing` only"
        for table in TABLES:
            sql = text(f"DELETE FROM {table} WHERE cutoff < :cutoff")
            self._writer.execute(sql, {"cutoff": cutoff})

    def forget(self, connection: duckdb.DuckDBPyConnection, lead_id: str) -> int:
        """Delete a lead's rows, and bring the figures of its runs up to date; how many rows there
        were. Within `writing` only."""
        assert self._writer is not None, "within `writing` only"
        deleted = text(f"DELETE FROM scores WHERE lead_id = :lead RETURNING {_KEY}")
        runs = [Run(*row) for row in self._writer.execute(deleted, {"lead": lead_id})]
        shadows = text("DELETE FROM shadows WHERE lead_id = :lead")
        of_shadows = self._writer.execute(shadows, {"lead": lead_id}).rowcount
        figures = ", ".join(FIGURES)
        for run in runs:
            self._execute(
                f"UPDATE runs SET ({figures}) = (SELECT {', '.join(FIGURES.values())} FROM scores "
                f"WHERE {_OF}) WHERE {_OF} AND EXISTS (SELECT FROM scores WHERE {_OF})",
                run,
            )
            self._execute(
                f"DELETE FROM runs WHERE {_OF} AND NOT EXISTS (SELECT FROM scores WHERE {_OF})", run
            )
        return len(runs) + of_shadows


def copy_rows(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    columns: Iterable[str],
    server: Connection,
    table: str,
    folder: Path,
) -> None:
    """From a table of a DuckDB into one of a PostgreSQL, by way of a file in `folder` and COPY."""
    listed = ", ".join(columns)
    path = unfinished_name(folder / "ledger-copy")
    raw: Any = server.connection.driver_connection
    try:
        connection.execute(
            f"COPY (SELECT {listed} FROM {source}) TO {literal(str(path))} "
            "(FORMAT csv, HEADER false, NULLSTR '\\N', FORCE_QUOTE *)"
        )
        into = f"COPY {table} ({listed}) FROM STDIN (FORMAT csv, NULL '\\N')"
        with raw.cursor() as cursor, cursor.copy(into) as copy, path.open("rb") as file:
            while block := file.read(1 << 20):
                copy.write(block)
    finally:
        path.unlink(missing_ok=True)
