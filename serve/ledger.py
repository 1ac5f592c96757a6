"""The scores ledger: what was said of which lead, when, by which model and rules.

A DuckDB file. A run is one transaction: either all of its rows are in, or none. The key is (lead,
cutoff, model version, rules version), so that a second run of the same adds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd

from features.errors import BadInput
from features.tables import literal

_CREATE = """
CREATE TABLE IF NOT EXISTS scores (
  lead_id VARCHAR NOT NULL,
  cutoff TIMESTAMP NOT NULL,
  state VARCHAR NOT NULL CHECK (state IN ('scored', 'not scored')),
  state_reason VARCHAR,
  readiness DOUBLE,
  rule_score DOUBLE,
  band VARCHAR,
  route VARCHAR NOT NULL CHECK (route IN ('sales', 'nurture')),
  reasons VARCHAR,
  model_version VARCHAR NOT NULL,
  rules_version VARCHAR NOT NULL,
  scored_at TIMESTAMP NOT NULL,
  PRIMARY KEY (lead_id, cutoff, model_version, rules_version)
)"""

ROW = {
    "lead_id": "VARCHAR",
    "state": "VARCHAR",
    "state_reason": "VARCHAR",
    "readiness": "DOUBLE",
    "rule_score": "DOUBLE",
    "band": "VARCHAR",
    "reasons": "VARCHAR",
}
COLUMNS = re.findall(r"^  ([a-z_]+) [A-Z]+", _CREATE, re.MULTILINE)[:12]
_INCOMING = f"CREATE TEMP TABLE incoming ({', '.join(f'{k} {v}' for k, v in ROW.items())})"
_OF_RUN = "cutoff = $cutoff AND model_version = $model AND rules_version = $rules"

_SORTED = (
    f"SELECT * FROM scores WHERE {_OF_RUN} ORDER BY route = 'sales' DESC, "
    "readiness DESC NULLS LAST, rule_score DESC NULLS LAST, lead_id"
)
MEMORY = "1GB"  # of the ledger's own DuckDB, beside that of the features

# The list for sales: by readiness, ties by points, then by lead id, so that every run makes the
# same list. Where a list was made before (late data brought more leads), it stands: a newcomer
# joins it only if it is as ready as the last lead on it.
_ROUTE = """
INSERT INTO scores
WITH list AS (
  SELECT min(readiness) AS edge FROM scores WHERE cutoff = $cutoff
    AND model_version = $model AND rules_version = $rules AND route = 'sales'
), ranked AS (
  SELECT *, row_number() OVER (
    ORDER BY readiness DESC NULLS LAST, rule_score DESC NULLS LAST, lead_id) AS place
  FROM incoming
)
SELECT lead_id, $cutoff, state, state_reason, readiness, rule_score, band,
  CASE WHEN state = 'scored' AND (
    CASE WHEN list.edge IS NULL THEN place <= $slots ELSE readiness >= list.edge END
  ) THEN 'sales' ELSE 'nurture' END,
  reasons, $model, $rules, $scored_at
FROM ranked, list
ON CONFLICT DO UPDATE SET state = excluded.state, state_reason = excluded.state_reason,
  readiness = excluded.readiness, rule_score = excluded.rule_score, band = excluded.band,
  route = excluded.route, reasons = excluded.reasons, scored_at = excluded.scored_at"""


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
        connection.execute(_CREATE)
        found = [name for name, *_ in connection.execute("DESCRIBE scores").fetchall()]
        if found != COLUMNS:
            raise BadInput(
                f"The ledger's table scores has other columns than expected: {', '.join(found)}. "
                "Is it a ledger? Move the file away, and score again."
            )

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
        slots: float,
        scored_at: datetime,
    ) -> int:
        """Add a run's rows, given in parts with the columns ROW, and route them: the `slots` most
        ready to sales, all others to nurture. Leads that the run already has are left as they are,
        but one that could not be scored then and can be now is put right.

        All or nothing: an error in any part leaves the ledger as it was, and so does a lead lost
        or doubled on the way (RuntimeError): `expected` leads must come in, each once. Returns the
        number of rows added.
        """
        self.connection.execute("BEGIN TRANSACTION")
        try:
            self.connection.execute(_INCOMING)
            for part in parts:
                self.connection.register("part", part[list(ROW)])
                self.connection.execute("INSERT INTO incoming SELECT * FROM part")
                self.connection.unregister("part")
            self._require(expected)
            self.connection.execute(
                "DELETE FROM incoming i WHERE EXISTS (SELECT 1 FROM scores s "
                f"WHERE s.lead_id = i.lead_id AND {_OF_RUN} "
                "AND (s.state = 'scored' OR i.state = 'not scored'))",
                run.key,
            )
            added = self._count("SELECT count(*) FROM incoming")
            places = {"slots": max(1, round(slots)), "scored_at": scored_at}
            self.connection.execute(_ROUTE, run.key | places)
            self.connection.execute("DROP TABLE incoming")
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        return added

    def _require(self, expected: int) -> None:
        row = self.connection.execute("SELECT count(*), count(DISTINCT lead_id) FROM incoming")
        rows, leads = row.fetchone() or (0, 0)
        if not rows == leads == expected:
            raise RuntimeError(
                f"{expected} open leads should be scored, but {rows} rows of {leads} leads came; "
                "nothing was written"
            )

    def rows(self, run: Run, most: int | None = None) -> pd.DataFrame:
        """A run's rows, the list for sales first, each route by readiness; at most `most`."""
        limit = "" if most is None else f" LIMIT {int(most)}"
        return self.connection.execute(f"{_SORTED}{limit}", run.key).df()

    def counts(self, run: Run, column: str) -> dict[str, int]:
        """How many of a run's rows have each value of a column, nulls left out."""
        found = self.connection.execute(
            f"SELECT {column}, count(*) FROM scores WHERE {_OF_RUN} AND {column} IS NOT NULL "
            "GROUP BY 1 ORDER BY 1",
            run.key,
        ).fetchall()
        return {str(value): int(count) for value, count in found}

    def export(self, run: Run, path: Path) -> Path:
        """Write a run's rows to a .csv or .parquet file, whole or not at all, without holding them
        in memory. Raises BadInput for other files."""
        require_exportable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        form = "CSV, HEADER" if path.suffix == ".csv" else "PARQUET"
        try:
            self.connection.execute(
                f"COPY ({_SORTED}) TO {literal(str(unfinished))} (FORMAT {form})", run.key
            )
            unfinished.replace(path)
        except duckdb.IOException as error:
            raise BadInput(f"{path} cannot be written: {error}") from None
        finally:
            unfinished.unlink(missing_ok=True)
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
