"""Files for import into CRM systems: their column names, and only the rows that changed.

The state of a system, `<system>.parquet`, is what its last file brought it up to: lead_id and
row_hash of every open lead. Files are numbered, and the state names the last number. A kill after
the files and before the state makes the next run write the same number again, so that nothing is
lost, and nothing of an earlier number is overwritten.

A lead that is no longer open has one last row: its id and the route 'closed'. Importers leave
fields alone whose cells are empty.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from features.contract.databases import cause
from features.csv_guard import guarded
from features.errors import BadInput
from features.sql import literal, quoted
from features.whole_file import whole
from serve.ledger.ledger import Ledger
from serve.publish.rows import CLOSED, PUBLISHED, RANKS, Changes

_NUMBER = b"readiness.published"
_CHANGES = f"""
CREATE OR REPLACE TEMP TABLE changes AS
SELECT row_number() OVER (ORDER BY lead_id) - 1 AS place, * FROM (
  SELECT p.*, s.lead_id IS NULL AS is_new
  FROM publishing p LEFT JOIN published s USING (lead_id)
  WHERE s.row_hash IS DISTINCT FROM p.row_hash
  UNION ALL BY NAME
  SELECT s.lead_id, '{CLOSED}' AS route FROM published s ANTI JOIN publishing p USING (lead_id))"""


@dataclass(frozen=True)
class Crm:
    """The columns of a system's file, in the order of FIELDS, and how many rows one may have. A
    rank that no lead has, by fit or engagement, is no column of the file."""

    columns: tuple[str, ...]
    most_rows: int


FIELDS = tuple(name for name in PUBLISHED if name != "row_hash")
CRMS = {
    "hubspot": Crm(
        (
            *("Record ID", "Readiness", "Readiness points", "Readiness band", "Readiness fit"),
            *("Readiness engagement", "Readiness route", "Readiness contact by"),
            *("Readiness reasons", "Readiness model version"),
            "Readiness computed at",
        ),
        1_048_575,
    ),
    "salesforce": Crm(
        (
            *("Id", "Readiness__c", "Readiness_Points__c", "Readiness_Band__c"),
            *("Readiness_Fit__c", "Readiness_Engagement__c", "Readiness_Route__c"),
            *("Readiness_Contact_By__c", "Readiness_Reasons__c"),
            *("Readiness_Model_Version__c", "Readiness_Computed_At__c"),
        ),
        50_000,
    ),
    "pipedrive": Crm(
        (
            *("Person - ID", "Person - Readiness", "Person - Readiness points"),
            *("Person - Readiness band", "Person - Readiness fit"),
            *("Person - Readiness engagement", "Person - Readiness route"),
            *("Person - Readiness contact by", "Person - Readiness reasons"),
            *("Person - Readiness model version", "Person - Readiness computed at"),
        ),
        49_999,
    ),
    "dynamics": Crm(
        (
            *("leadid", "new_readiness", "new_readinesspoints", "new_readinessband"),
            *("new_readinessfit", "new_readinessengagement", "new_readinessroute"),
            *("new_readinesscontactby", "new_readinessreasons"),
            *("new_readinessmodelversion", "new_readinesscomputedat"),
        ),
        20_000,  # at 400 bytes a row 8 MB
    ),
}


def publish_files(
    ledger: Ledger, folder: Path, system: str, dry_run: bool
) -> tuple[Changes, tuple[Path, ...]]:
    """Write the changed rows of `publishing` (serve/publish/rows.py) as files of a system, none
    where nothing changed; returns what changed, and the files.

    dry_run: only count. Raises BadInput for a damaged state, and where files cannot be written.
    """
    state = folder / f"{system}.parquet"
    try:
        if dry_run:
            return _compare(ledger.connection, state), ()
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            changes = _compare(ledger.connection, state)
            if not changes.written:
                return changes, ()
            number = _number(state) + 1
            for left in folder.glob(f"{system}-{number:06}-*.csv"):  # by a run that was killed
                left.unlink()
            files = tuple(_write(ledger.connection, folder, system, number))
            _replace_state(ledger.connection, state, number)
            return changes, files
    except (duckdb.Error, OSError) as error:
        raise BadInput(f"The published files in {folder}: {cause(error)}.") from None


def _compare(connection: duckdb.DuckDBPyConnection, state: Path) -> Changes:
    source = f"read_parquet({literal(str(state))})"
    if not state.is_file():
        source = "(SELECT '' AS lead_id, '' AS row_hash WHERE false)"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE published AS FROM {source}")
    connection.execute(_CHANGES)
    row = connection.execute(
        f"SELECT count(*) FILTER (is_new), count(*) FILTER (NOT is_new), "
        f"count(*) FILTER (route = '{CLOSED}') FROM changes"
    ).fetchone()
    new, changed, closed = row or (0, 0, 0)
    of = connection.execute("SELECT count(*) FROM publishing").fetchone() or (0,)
    return Changes(new, changed, closed, of[0] - new - changed)


def _write(
    connection: duckdb.DuckDBPyConnection, folder: Path, system: str, number: int
) -> Iterator[Path]:
    crm = CRMS[system]
    names = dict(zip(FIELDS, crm.columns, strict=True))
    for rank in RANKS:
        if not connection.execute(f"FROM publishing WHERE {rank} <> '' LIMIT 1").fetchone():
            del names[rank]
    select = ", ".join(f"{_cell(name)} AS {quoted(column)}" for name, column in names.items())
    kinds = {names[name]: _as_text(PUBLISHED[name]) for name in names}
    (rows,) = connection.execute("SELECT count(*) FROM changes").fetchone() or (0,)
    for part, start in enumerate(range(0, rows, crm.most_rows), start=1):
        path = folder / f"{system}-{number:06}-{part}.csv"
        with whole(path) as unfinished:
            connection.execute(
                f"COPY (SELECT {guarded(kinds)} FROM (SELECT {select} FROM changes WHERE place >= "
                f"{start} AND place < {start + crm.most_rows} ORDER BY place)) "
                f"TO {literal(str(unfinished))} (FORMAT CSV, HEADER)"
            )
        yield path


def _as_text(kind: str) -> str:
    return "VARCHAR" if kind == "TIMESTAMP" else kind


def _cell(name: str) -> str:
    """Times as ISO 8601 in UTC, which says that it is UTC."""
    return f"strftime({name}, '%Y-%m-%dT%H:%M:%SZ')" if "TIMESTAMP" in PUBLISHED[name] else name


def _number(state: Path) -> int:
    if not state.is_file():
        return 0
    return int((pq.read_metadata(state).metadata or {})[_NUMBER])


def _replace_state(connection: duckdb.DuckDBPyConnection, state: Path, number: int) -> None:
    with whole(state) as unfinished:
        connection.execute(
            f"COPY (SELECT lead_id, row_hash FROM publishing ORDER BY lead_id) TO "
            f"{literal(str(unfinished))} (FORMAT parquet, KV_METADATA "
            f"{{{literal(_NUMBER.decode())}: '{number}'}})"
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time writes files; they take seconds, and another waits."""
    with (folder / ".lock").open("a+") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield
