"""The scores ledger: what was scored of which lead, when, by which model and rules.

A run is written whole or not at all. The key is (lead, cutoff, model version, rules version), so
that a second run of the same adds nothing. What people decided otherwise stands beside it, never
over it (models/decisions/overrides.py): the view `decided` holds both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import astuple
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pandas as pd
import pyarrow as pa

from features.config import Config
from features.contract.databases import cause
from features.contract.extensions import connect
from features.csv_guard import write_rows
from features.errors import BadInput
from features.sql import literal
from features.whole_file import unfinished_name
from models.decisions import overrides, withdrawn_runs
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions
from models.decisions.withdrawn_runs import WithdrawnRun
from models.routing import LastListed, Router
from serve.ledger.run_files import RunFiles
from serve.ledger.runs import COLUMNS, RUN, Run, RunFigures, figures_of
from serve.ledger.schema import ROW, SCORES

MEMORY = "512MB"  # of the ledger's own DuckDB, beside that of the features
_INCOMING = f"CREATE OR REPLACE TEMP TABLE incoming ({', '.join(map(' '.join, ROW.items()))})"
# Segments only name leads, so a later run brings them up to the segments.toml of its day.
_LISTED = "($segment IS NULL OR list_contains(string_split(segments, '; '), $segment))"
_LAST = ", ".join(
    f"min({name}) FILTER (NOT coalesce(exploration, false))"
    for name in ("readiness", "value", "rule_score")
)
# Who is to be called now is not to be come back to on another day.
_DECIDED = """
CREATE OR REPLACE TEMP VIEW {view} AS
WITH held AS (
  SELECT s.lead_id, s.cutoff, max(o.number) AS number
  FROM overrides o JOIN (SELECT DISTINCT lead_id, cutoff FROM {scores}
    WHERE lead_id IN (SELECT lead_id FROM overrides)) s
    ON s.lead_id = o.lead_id AND s.cutoff >= o.since
  GROUP BY ALL
), in_force AS (
  SELECT held.*, o.route, o.because, o.decided_by
  FROM held JOIN overrides o USING (number)
  WHERE o.route IS NOT NULL AND (o.until IS NULL OR held.cutoff < o.until)
)
SELECT s.* REPLACE (CASE WHEN coalesce(o.route, s.route) IS DISTINCT FROM 'sales'
    THEN s.follow_up_on END AS follow_up_on),
  coalesce(o.route, s.route) AS decided_route, o.because AS decided_because, o.decided_by
FROM {scores} s
LEFT JOIN in_force o ON o.lead_id = s.lead_id AND o.cutoff = s.cutoff"""
# The order of the list: to sales first, each in the order of the router.
ROUTE_ORDER = (
    "value DESC NULLS LAST, readiness DESC NULLS LAST, rule_score DESC NULLS LAST, lead_id"
)
LIST_ORDER = f"list_position(['sales', 'nurture', 'disqualified'], decided_route), {ROUTE_ORDER}"
_SORTED = f"SELECT * FROM decided WHERE {RUN} AND {_LISTED} ORDER BY {LIST_ORDER}"

# A lead is new to a run that has it not, or has it as one that could not be scored and now can be.
_COHORT = f"""
SELECT i.lead_id, i.state, i.state_reason, i.readiness, i.rule_score, i.disqualified, i.amount,
  i.basket, i.contact_within_hours, i.fit, i.engagement,
  s.lead_id IS NULL OR (s.state <> 'scored' AND i.state = 'scored') AS is_new
FROM incoming i LEFT JOIN (SELECT lead_id, state FROM scores WHERE {RUN}) s USING (lead_id)"""
# The same, and the first earlier list on which each lead had a place.
_COHORT_WITH_HOLDOUT = f"""
FROM ({_COHORT}) LEFT JOIN (
  SELECT lead_id, min(cutoff) AS first_listed, arg_min(holdout, cutoff) AS held_back
  FROM scores WHERE cutoff < $cutoff AND (route = 'sales' OR holdout) GROUP BY lead_id
) USING (lead_id)"""
_FRESH = f"""
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT {", ".join(SCORES)} FROM (
  SELECT i.* EXCLUDE (amount, contact_within_hours), r.* EXCLUDE (lead_id),
    $cutoff::TIMESTAMP AS cutoff, $model::VARCHAR AS model_version,
    $rules::VARCHAR AS rules_version, $scored_at::TIMESTAMP AS scored_at,
    NULL::VARCHAR AS moved, NULL::VARCHAR AS moved_because
  FROM incoming i JOIN routed r ON r.lead_id = i.lead_id)"""
_RENAMED = f"""
CREATE OR REPLACE TEMP TABLE renamed AS
SELECT s.lead_id, i.segments
FROM (SELECT lead_id, segments FROM scores WHERE {RUN}) s JOIN incoming i USING (lead_id)
WHERE i.state = 'scored' AND s.segments IS DISTINCT FROM i.segments
  AND s.lead_id NOT IN (SELECT lead_id FROM fresh)"""
_MOVED = """
UPDATE fresh SET moved = m.moved, moved_because = m.moved_because
FROM moves m WHERE m.lead_id = fresh.lead_id"""
_WHOLE_RUN = """
CREATE OR REPLACE TEMP VIEW whole_run AS
SELECT s.* REPLACE (CASE WHEN r.lead_id IS NULL THEN s.segments ELSE r.segments END AS segments)
FROM (SELECT * FROM scores WHERE {run}) s LEFT JOIN renamed r USING (lead_id)
WHERE s.lead_id NOT IN (SELECT lead_id FROM fresh)
UNION ALL FROM fresh"""


class Store(Protocol):
    """Where the scores rest: files (serve/ledger/run_files.py) or PostgreSQL (postgres.py)."""

    def runs(self) -> Sequence[RunFigures]: ...
    def stamp(self, run: Run) -> object: ...
    def create_view(
        self, connection: duckdb.DuckDBPyConnection, runs: Sequence[Run], hidden: Sequence[Run]
    ) -> None: ...
    @contextmanager
    def writing(self) -> Iterator[None]: ...
    def save(self, connection: duckdb.DuckDBPyConnection, figures: RunFigures) -> None: ...
    def create_shadow_view(
        self, connection: duckdb.DuckDBPyConnection, runs: Sequence[Run], hidden: Sequence[Run]
    ) -> None: ...
    def save_shadow(
        self, connection: duckdb.DuckDBPyConnection, run: Run, version: str
    ) -> None: ...
    def withdraw(self, run: Run) -> None: ...
    def delete_before(self, cutoff: datetime) -> None: ...
    def forget(self, connection: duckdb.DuckDBPyConnection, lead_id: str) -> int: ...


class Ledger:
    """An open ledger. `connection` is a DuckDB with the views `scores` and `decided` and the tables
    `runs` and `overrides`, as they were when it was opened or last written to; read them by
    `query`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, store: Store, place: LedgerPlace
    ) -> None:
        self.connection, self.store, self.place = connection, store, place
        self.refresh()

    def refresh(self) -> None:
        """See what is there now."""
        self.withdrawn: Sequence[WithdrawnRun] = ()
        decided: Sequence[overrides.Override] = ()
        if self.place.has_decisions:
            with open_decisions(self.place) as decisions:
                decided = overrides.all_of(decisions)
                self.withdrawn = withdrawn_runs.all_of(decisions)
        hidden = {
            Run(each.cutoff, each.model_version, each.rules_version): each.withdrawn_at
            for each in self.withdrawn
        }
        stored = self.store.runs()
        self.hidden = [
            each.run for each in stored if each.run in hidden and each.scored_at <= hidden[each.run]
        ]
        self.runs = sorted(
            (each for each in stored if each.run not in self.hidden), key=lambda each: each.run
        )
        with self._errors():
            runs = [each.run for each in self.runs]
            self.store.create_view(self.connection, runs, self.hidden)
            self._table("runs", COLUMNS, map(astuple, self.runs))
            self._table("overrides", _OVERRIDES, map(astuple, decided))
            self.connection.execute(_DECIDED.format(view="decided", scores="scores"))

    def _table(
        self, name: str, columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]
    ) -> None:
        listed = ", ".join(map(" ".join, columns.items()))
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({listed})")
        given = list(rows)
        if given:
            values = ", ".join("?" * len(columns))
            self.connection.executemany(f"INSERT INTO {name} VALUES ({values})", given)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What the store's files or server fail with, in one line."""
        try:
            yield
        except duckdb.Error as error:
            raise BadInput(f"The ledger {self.store}: {cause(error)}.") from None

    def query(self, sql: str, given: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Read. Raises BadInput where files or server fail."""
        with self._errors():
            return self.connection.execute(sql, given).df()

    def fetched(self, sql: str, given: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Read, as values of Python."""
        with self._errors():
            return self.connection.execute(sql, given).fetchall()

    def records(self, sql: str, given: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Read, each row by the names of its columns."""
        with self._errors():
            rows: list[dict[str, Any]] = (
                self.connection.execute(sql, given).to_arrow_table().to_pylist()
            )
            return rows

    def batches(self, sql: str, given: Mapping[str, Any], rows: int) -> Iterator[pa.RecordBatch]:
        """Read, at most so many rows at a time."""
        with self._errors():
            yield from self.connection.execute(sql, given).to_arrow_reader(rows)

    def value(self, sql: str, given: Mapping[str, Any] | None = None) -> Any:
        """The first value of the first row; None without a row."""
        with self._errors():
            row = self.connection.execute(sql, given).fetchone()
        return row[0] if row else None

    def known(self, run: Run) -> int:
        """How many leads a run has in the ledger."""
        return sum(each.leads for each in self.runs if each.run == run)

    def newest_cutoff(self) -> datetime:
        """The cutoff of the newest list. Raises BadInput for an empty ledger."""
        if not self.runs:
            raise BadInput("The ledger is empty: run readiness score first.")
        return self.runs[-1].cutoff

    def newest(self) -> RunFigures:
        """The newest list: of the runs of the newest cutoff the one that was scored last. Raises
        BadInput for an empty ledger."""
        return self.as_seen(self.newest_cutoff())

    def as_seen(self, cutoff: datetime) -> RunFigures:
        """Of the runs of a cutoff that was scored, the one that was scored last: sales saw that."""
        return max(
            (each for each in self.runs if each.cutoff == cutoff),
            key=lambda each: (each.scored_at, each.run),
        )

    def before(self, cutoff: datetime) -> RunFigures | None:
        """The list before a cutoff, as seen; None where there is none."""
        earlier = [each.cutoff for each in self.runs if each.cutoff < cutoff]
        return self.as_seen(max(earlier)) if earlier else None

    def only_run(self, cutoff: datetime, model: str | None, rules: str | None) -> Run:
        """The run of a cutoff, by a version of the model and of the rules (its first digits) where
        they are given. Raises BadInput where there is none, or several."""
        of_cutoff = [each.run for each in self.runs if each.cutoff == cutoff]
        chosen = [
            run
            for run in of_cutoff
            if model in (None, run.model_version) and run.rules_version.startswith(rules or "")
        ]
        if len(chosen) == 1:
            return chosen[0]
        if of_cutoff:
            raise BadInput(
                f"Of the cutoff {cutoff:%Y-%m-%d %H:%M} the ledger has {len(of_cutoff)} runs, and "
                f"{len(chosen)} of them are meant: {'; '.join(map(str, of_cutoff))}. Name one with "
                "--model and --rules."
            )
        near = sorted({each.cutoff for each in self.runs}, key=lambda each: abs(each - cutoff))[:3]
        gone = [each for each in self.withdrawn if each.cutoff == cutoff]
        since = f" It was withdrawn on {gone[-1].withdrawn_at:%Y-%m-%d %H:%M}." if gone else ""
        raise BadInput(
            f"The ledger has no run of the cutoff {cutoff:%Y-%m-%d %H:%M}.{since} The nearest: "
            f"{', '.join(f'{each:%Y-%m-%dT%H:%M:%S}' for each in near) or 'none'}."
        )

    def write(
        self,
        run: Run,
        parts: Iterable[pd.DataFrame],
        expected: int,
        router: Router,
        scored_at: datetime,
        movers: Callable[[str], pd.DataFrame] | None = None,
    ) -> int:
        """Add a run's rows, each with its route. The parts have columns of ROW; one that is left
        out is null. `movers`, given the view of the new rows, which is as `decided`, returns
        lead_id and the columns MOVED of those that moved since the list before. Leads that the run
        already has are left as they are but for the names of their segments, and so is its list for
        sales; but one that could not be scored then and can be now is put right.

        All or nothing: an error in any part leaves the ledger as it was, and so does a lead lost
        or doubled on the way (RuntimeError): `expected` leads must come in, each once. Returns the
        number of rows added.
        """
        self._collect(parts, expected)
        with self.store.writing():
            self.refresh()
            self._put_aside()
            with self._errors():
                added = self._prepare(run, router, scored_at)
                if added and movers:
                    self._mark(movers)
            if added or self.value("SELECT count(*) FROM renamed"):
                with self._errors():
                    figures = figures_of(self.connection, run)
                self._save(figures)
        self.refresh()
        self.connection.execute("DROP TABLE incoming; DROP TABLE fresh; DROP TABLE renamed")
        return added

    def _save(self, figures: RunFigures) -> None:
        try:
            with self._errors():
                self.store.save(self.connection, figures)
        except OSError as error:
            raise BadInput(f"The ledger {self.store} cannot be written: {error}.") from None

    def _collect(self, parts: Iterable[pd.DataFrame], expected: int) -> None:
        self.connection.execute(_INCOMING)
        for part in parts:
            rows = part[[name for name in ROW if name in part]]
            self.connection.register("part", pa.Table.from_pandas(rows, preserve_index=False))
            with self._errors():
                self.connection.execute("INSERT INTO incoming BY NAME SELECT * FROM part")
            self.connection.unregister("part")
        row = self.connection.execute("SELECT count(*), count(DISTINCT lead_id) FROM incoming")
        rows, leads = row.fetchone() or (0, 0)
        if not rows == leads == expected:
            raise RuntimeError(
                f"{expected} open leads should be scored, but {rows} rows of {leads} leads came; "
                "nothing was written"
            )

    def _prepare(self, run: Run, router: Router, scored_at: datetime) -> int:
        new, routed = self._routed(run, router)
        self.connection.register("routed", routed)
        self.connection.execute(_FRESH, run.key | {"scored_at": scored_at})
        self.connection.unregister("routed")
        added = int(self.value("SELECT count(*) FROM fresh"))
        if added != new:
            raise RuntimeError(f"of {new} new leads {added} got a route")
        self.connection.execute(_RENAMED, run.key)
        self.connection.execute(_WHOLE_RUN.format(run=run.where))
        return added

    def _routed(self, run: Run, router: Router) -> tuple[int, pa.Table]:
        """How many leads are new in the run, and their routes. Frames of all open leads are held no
        longer than this."""
        sql = _COHORT_WITH_HOLDOUT if router.routing.holdout else _COHORT
        cohort = self.connection.execute(sql, run.key).df()
        routed = router.route(cohort, self._standing(run))
        return int(cohort["is_new"].sum()), pa.Table.from_pandas(routed, preserve_index=False)

    def _mark(self, movers: Callable[[str], pd.DataFrame]) -> None:
        self.connection.execute(_DECIDED.format(view="fresh_decided", scores="fresh"))
        self.connection.register("moves", movers("fresh_decided"))
        self.connection.execute(_MOVED)
        self.connection.unregister("moves")

    def _standing(self, run: Run) -> LastListed | None:
        """The end of the list for sales that the run has already, if it has one."""
        row = self.connection.execute(
            f"SELECT {_LAST}, count(*) FROM scores WHERE {RUN} AND (route = 'sales' OR holdout)",
            run.key,
        ).fetchone()
        return LastListed(*row[:-1]) if row and row[-1] else None

    def rows(self, run: Run, most: int | None = None, segment: str | None = None) -> pd.DataFrame:
        """A run's rows with what people decided of them, the list for sales first, each in the
        order of the list; at most `most`, and only those of the segment if one is named."""
        limit = "" if most is None else f" LIMIT {int(most)}"
        return self.query(f"{_SORTED}{limit}", run.key | {"segment": segment})

    def counts(self, run: Run, column: str, segment: str | None = None) -> dict[str, int]:
        """How many of a run's rows (of a segment) have each value of a column, nulls left out."""
        rows = self.fetched(
            f"SELECT {column}, count(*) FROM decided WHERE {RUN} AND {_LISTED} "
            f"AND {column} IS NOT NULL GROUP BY 1 ORDER BY 1",
            run.key | {"segment": segment},
        )
        return {str(value): int(count) for value, count in rows}

    def withdraw(self, run: Run, because: str, by: str, at: datetime) -> WithdrawnRun:
        """Take a run out of the ledger; who, why and when stay in the decisions. Raises BadInput
        without a reason, or for a run that is not there."""
        if not because.strip():
            raise BadInput("Say why, in a few words: whoever reads the history later will ask.")
        self.refresh()
        figures = next((each for each in self.runs if each.run == run), None)
        if figures is None:
            raise BadInput(f"The ledger has no run of {run}. See: readiness ledger runs")
        at = max(at, figures.scored_at)  # its newest row may be of this very second
        withdrawn = WithdrawnRun(
            **vars(run),
            leads=figures.leads,
            because=because.strip(),
            withdrawn_by=by,
            withdrawn_at=at,
        )
        with open_decisions(self.place) as decisions:
            withdrawn_runs.add(decisions, withdrawn)  # from here on no reader sees it
        with self.store.writing():
            self.refresh()
            self._put_aside()
        self.refresh()
        return withdrawn

    def _put_aside(self) -> None:
        """Move the withdrawn runs: also those of a command that was killed before it did."""
        for run in self.hidden:
            self.store.withdraw(run)

    def keep(self, days: int) -> Sequence[Run]:
        """Delete the runs whose cutoff is more than `days` before the newest, those that were
        withdrawn too; returns them, without the withdrawn."""
        with self.store.writing():
            self.refresh()
            if not self.runs:
                return ()
            since = self.newest_cutoff() - timedelta(days=days)
            self._put_aside()
            self.store.delete_before(since)
        old = [each.run for each in self.runs if each.cutoff < since]
        self.refresh()
        return old

    def forget(self, lead_id: str) -> int:
        """Delete a lead's rows from every run, the withdrawn and what challengers said too; how
        many there were. A run that had no other lead is gone. What was decided stays
        (models/decisions)."""
        with self.store.writing(), self._errors():
            self.refresh()
            self._put_aside()
            rows = self.store.forget(self.connection, lead_id)
        self.refresh()
        return rows

    def export(self, run: Run, path: Path, segment: str | None = None) -> Path:
        """Write a run's rows (of a segment) to a .csv or .parquet file, as `export_rows`."""
        return self.export_rows(_SORTED, run.key | {"segment": segment}, path)

    def export_rows(self, sql: str, given: Mapping[str, Any], path: Path) -> Path:
        """Write the rows of a query over `decided`, as `csv_guard.write_rows`. Raises BadInput for
        files other than .csv and .parquet."""
        require_exportable(path)
        try:
            return write_rows(self.connection, sql, path, given)
        except (duckdb.IOException, OSError) as error:
            raise BadInput(f"{path} cannot be written: {error}") from None


_OVERRIDES = {
    "lead_id": "VARCHAR",
    "route": "VARCHAR",
    "because": "VARCHAR",
    "decided_by": "VARCHAR",
    "decided_at": "TIMESTAMP",
    "since": "TIMESTAMP",
    "until": "TIMESTAMP",
    "number": "INTEGER",
}


def silent(message: str) -> None:
    """Nobody to be notified."""


@contextmanager
def open_ledger(place: LedgerPlace, notify: Callable[[str], None] = silent) -> Iterator[Ledger]:
    """Open the ledger, which may be empty; that of an earlier release is taken over first.

    Any number of processes read while one writes; `notify` is called with a sentence where this one
    has to wait. Raises BadInput where it cannot be read.
    """
    connection = connect()
    try:
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute("SET enable_external_file_cache = false")  # files are replaced
        spill = unfinished_name(place.folder / "ledger-spill")  # swept, where it is left behind
        connection.execute(f"SET temp_directory = {literal(str(spill))}")
        yield Ledger(connection, _store(connection, place, notify), place)
    finally:
        connection.close()


def open_ledger_of(
    config: Config, notify: Callable[[str], None] = silent
) -> AbstractContextManager[Ledger]:
    """Open the ledger of a project, or of one of its questions, as `open_ledger` does."""
    return open_ledger(LedgerPlace.of(config), notify)


def _store(
    connection: duckdb.DuckDBPyConnection, place: LedgerPlace, notify: Callable[[str], None]
) -> Store:
    if place.server is None:
        from serve.ledger.earlier_release import take_over

        files = RunFiles(place.folder / "ledger", notify)
        take_over(files, place, notify)
        return files
    from serve.ledger.postgres import PostgresScores

    return PostgresScores(connection, place, notify)


def require_exportable(path: Path) -> None:
    """Raises BadInput unless `Ledger.export` can write such a file: ask before long work."""
    if path.suffix not in (".csv", ".parquet"):
        raise BadInput(f"Export to a .csv or .parquet file, not {path.name}.")
