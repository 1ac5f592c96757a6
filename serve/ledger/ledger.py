"""The scores ledger: what was said of which lead, when, by which model and rules.

A DuckDB file. A run is one transaction: either all of its rows are in, or none. The key is (lead,
cutoff, model version, rules version), so that a second run of the same adds nothing. What people
decided otherwise stands beside it (serve/ledger/overrides.py): the view `decided` holds both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from features.csv_guard import guarded
from features.errors import BadInput
from features.sql import literal
from features.whole_file import whole
from models.routing import LastListed, Router
from serve.ledger.schema import ROW, create_or_extend

_INCOMING = f"CREATE TEMP TABLE incoming ({', '.join(f'{k} {v}' for k, v in ROW.items())})"
_OF_RUN = "cutoff = $cutoff AND model_version = $model AND rules_version = $rules"
# Segments only name leads, so a later run brings them up to the segments.toml of its day.
_LISTED = "($segment IS NULL OR list_contains(string_split(segments, '; '), $segment))"
_LAST = ", ".join(
    f"min({name}) FILTER (NOT coalesce(exploration, false))"
    for name in ("readiness", "value", "rule_score")
)
_RENAME = f"""
UPDATE scores SET segments = i.segments FROM incoming i
WHERE scores.lead_id = i.lead_id AND i.state = 'scored' AND {_OF_RUN}
  AND scores.segments IS DISTINCT FROM i.segments"""
_SORTED = (
    f"SELECT * FROM decided WHERE {_OF_RUN} AND {_LISTED} "
    "ORDER BY list_position(['sales', 'nurture', 'disqualified'], decided_route), "
    "value DESC NULLS LAST, readiness DESC NULLS LAST, rule_score DESC NULLS LAST, lead_id"
)
MEMORY = "1GB"  # of the ledger's own DuckDB, beside that of the features

# A lead is new to a run that has it not, or has it as one that could not be scored and now can be.
_COHORT = f"""
SELECT i.lead_id, i.state, i.state_reason, i.readiness, i.rule_score, i.disqualified, i.amount,
  i.contact_within_hours, NOT EXISTS (
    SELECT 1 FROM scores s WHERE s.lead_id = i.lead_id AND {_OF_RUN}
      AND (s.state = 'scored' OR i.state <> 'scored')) AS is_new
FROM incoming i"""
_ADD = """
INSERT OR REPLACE INTO scores BY NAME
SELECT i.* EXCLUDE (amount, contact_within_hours), r.* EXCLUDE (lead_id), $cutoff AS cutoff,
  $model AS model_version, $rules AS rules_version, $scored_at AS scored_at
FROM incoming i JOIN routed r ON r.lead_id = i.lead_id"""


@dataclass(frozen=True)
class Run:
    """What identifies a run: rows of the same lead and run are the same row."""

    cutoff: datetime
    model_version: str
    rules_version: str

    @property
    def key(self) -> dict[str, str | datetime]:
        return {"cutoff": self.cutoff, "model": self.model_version, "rules": self.rules_version}


class Ledger:
    """An open ledger."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        create_or_extend(connection)

    def known(self, run: Run) -> int:
        """How many leads a run has in the ledger."""
        return self._count(f"SELECT count(*) FROM scores WHERE {_OF_RUN}", run.key)

    def _count(self, sql: str, given: dict[str, str | datetime] | None = None) -> int:
        row = self.connection.execute(sql, given).fetchone()
        return int(row[0]) if row else 0

    def write(
        self,
        run: Run,
        parts: Iterable[pd.DataFrame],
        expected: int,
        router: Router,
        scored_at: datetime,
    ) -> int:
        """Add a run's rows, each with its route. The parts have columns of ROW; one that is left
        out is null. Leads that the run already has are left as they are but for the names of their
        segments, and so is its list for sales; but one that could not be scored then and can be now
        is put right.

        All or nothing: an error in any part leaves the ledger as it was, and so does a lead lost
        or doubled on the way (RuntimeError): `expected` leads must come in, each once. Returns the
        number of rows added.
        """
        self.connection.execute("BEGIN TRANSACTION")
        try:
            self.connection.execute(_INCOMING)
            for part in parts:
                self.connection.register("part", part[[name for name in ROW if name in part]])
                self.connection.execute("INSERT INTO incoming BY NAME SELECT * FROM part")
                self.connection.unregister("part")
            self._require(expected)
            cohort = self.connection.execute(_COHORT, run.key).df()
            routed = router.route(cohort, self._standing(run))
            self.connection.register("routed", routed)
            added = self._count(_ADD, run.key | {"scored_at": scored_at})
            self.connection.unregister("routed")
            if added != cohort["is_new"].sum():
                raise RuntimeError(f"of {cohort['is_new'].sum()} new leads {added} got a route")
            self.connection.execute(_RENAME, run.key)
            self.connection.execute("DROP TABLE incoming")
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        return added

    def _standing(self, run: Run) -> LastListed | None:
        """The end of the list for sales that the run has already, if it has one."""
        row = self.connection.execute(
            f"SELECT {_LAST}, count(*) FROM scores WHERE {_OF_RUN} AND route = 'sales'",
            run.key,
        ).fetchone()
        return LastListed(*row[:-1]) if row and row[-1] else None

    def _require(self, expected: int) -> None:
        row = self.connection.execute("SELECT count(*), count(DISTINCT lead_id) FROM incoming")
        rows, leads = row.fetchone() or (0, 0)
        if not rows == leads == expected:
            raise RuntimeError(
                f"{expected} open leads should be scored, but {rows} rows of {leads} leads came; "
                "nothing was written"
            )

    def rows(self, run: Run, most: int | None = None, segment: str | None = None) -> pd.DataFrame:
        """A run's rows with what people decided of them, the list for sales first, each in the
        order of the list; at most `most`, and only those of the segment if one is named."""
        limit = "" if most is None else f" LIMIT {int(most)}"
        return self.connection.execute(f"{_SORTED}{limit}", run.key | {"segment": segment}).df()

    def counts(self, run: Run, column: str, segment: str | None = None) -> dict[str, int]:
        """How many of a run's rows (of a segment) have each value of a column, nulls left out."""
        rows = self.connection.execute(
            f"SELECT {column}, count(*) FROM decided WHERE {_OF_RUN} AND {_LISTED} "
            f"AND {column} IS NOT NULL GROUP BY 1 ORDER BY 1",
            run.key | {"segment": segment},
        ).fetchall()
        return {str(value): int(count) for value, count in rows}

    def export(self, run: Run, path: Path, segment: str | None = None) -> Path:
        """Write a run's rows (of a segment) to a .csv or .parquet file, whole or not at all, and
        without holding them in memory; CSV is guarded (features/csv_guard.py). Raises BadInput for
        other files."""
        require_exportable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        form = "CSV, HEADER" if path.suffix == ".csv" else "PARQUET"
        columns = self.connection.execute("DESCRIBE decided").fetchall()
        select = guarded({name: kind for name, kind, *_ in columns}) if "CSV" in form else "*"
        try:
            with whole(path) as unfinished:
                self.connection.execute(
                    f"COPY (SELECT {select} FROM ({_SORTED})) TO {literal(str(unfinished))} "
                    f"(FORMAT {form})",
                    run.key | {"segment": segment},
                )
        except duckdb.IOException as error:
            raise BadInput(f"{path} cannot be written: {error}") from None
        return path


@contextmanager
def open_ledger(path: Path) -> Iterator[Ledger]:
    """Open the ledger, made if it is not there yet. Raises BadInput where another run holds it, or
    the file is no ledger."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(path), config={"memory_limit": MEMORY})
    except duckdb.IOException as error:
        raise BadInput(
            f"The ledger {path} cannot be opened: {error}. Is another run of `readiness score` "
            "writing to it? Wait until it is done."
        ) from None
    try:
        yield Ledger(connection)
    finally:
        connection.close()


def require_exportable(path: Path) -> None:
    """Raises BadInput unless `Ledger.export` can write such a file: ask before long work."""
    if path.suffix not in (".csv", ".parquet"):
        raise BadInput(f"Export to a .csv or .parquet file, not {path.name}.")
