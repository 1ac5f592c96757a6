"""The ledger in files: one Parquet file per run in `out/ledger`, written whole and renamed.

A run that gets late leads is written anew, and replaces its file. So readers never wait and never
see half a run, a kill leaves the file of before or the new one, and any tool reads the folder. One
process writes at a time. A file carries its run's figures, and is refused under another run's name.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import BadInput, Refused
from features.sql import literal
from features.whole_file import whole
from serve.ledger.runs import Run, RunFigures, figures_of
from serve.ledger.schema import FIRST, SCORES, SHADOWS

WAIT_SECONDS, LOOK_SECONDS = 600.0, 0.2
ROW_GROUP = 50_000  # rows sorted by lead: one lead lies in one group of each file
SHADOW_FOLDER, _SHADOW = "shadows", "_shadow-"
_FIGURES = b"readiness.run"  # the key of a file's own metadata


class RunFiles:
    """The run files of one folder. `notify` is called with a sentence where a writer waits."""

    def __init__(self, folder: Path, notify: Callable[[str], None]) -> None:
        self.folder, self.notify = folder, notify

    def __str__(self) -> str:
        return str(self.folder)

    def path(self, run: Run) -> Path:
        """The file of a run."""
        versions = f"model-{quote(run.model_version, '')}_rules-{quote(run.rules_version, '')}"
        return self.folder / f"{run.cutoff:%Y-%m-%dT%H%M%S.%f}_{versions}.parquet"

    def runs(self) -> Sequence[RunFigures]:
        """All runs. Raises BadInput for a file that is damaged, or is not of the run that its name
        says."""
        stored = []
        for path in sorted(self.folder.glob("[!.]*.parquet")):
            try:
                stat = path.stat()
                figures = _figures(path, stat.st_mtime_ns, stat.st_size)
            except FileNotFoundError:  # withdrawn or deleted since it was listed
                continue
            except (OSError, pa.ArrowException, ValueError, TypeError, KeyError) as error:
                cause = str(error).partition(". ")[0].rstrip(".")
                raise BadInput(
                    f"The ledger's file {path} is damaged: {cause}. Put it back from a backup; or "
                    "move it away, and score that cutoff again."
                ) from None
            if self.path(figures.run).name != path.name:
                raise BadInput(
                    f"The ledger's file {path} holds another run, that of {figures.run}. Give it "
                    f"the name {self.path(figures.run).name}, or put back the right one."
                )
            stored.append(figures)
        return stored

    def stamp(self, run: Run) -> object:
        """Another one whenever a run's rows are others; None where it is not there."""
        try:
            stat = self.path(run).stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def create_view(
        self, connection: duckdb.DuckDBPyConnection, runs: Sequence[Run], hidden: Sequence[Run]
    ) -> None:
        """Create the view `scores` of the runs, without those hidden, in a DuckDB."""
        if runs:
            listed = ", ".join(literal(str(self.path(run))) for run in runs)
            source = f"read_parquet([{listed}], union_by_name = true)"
            present = {
                name for (name, *_) in connection.execute(f"DESCRIBE FROM {source}").fetchall()
            }
            if strange := present - SCORES.keys() or FIRST.keys() - present:
                raise BadInput(
                    f"The ledger {self.folder} has other columns than this release knows: "
                    f"{', '.join(sorted(strange))}. Was it written by a later one?"
                )
        else:
            source, present = "(SELECT 1 WHERE false)", set()
        columns = (
            name if name in present else f"NULL::{kind} AS {name}" for name, kind in SCORES.items()
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW scores AS SELECT {', '.join(columns)} FROM {source}"
        )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Only one process at a time. Raises Refused where another writes for WAIT_SECONDS."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a+") as file:
            deadline, noted = time.monotonic() + WAIT_SECONDS, False
            while not _locked(file.fileno()):
                if time.monotonic() > deadline:
                    raise Refused(
                        f"Another process has been writing to the ledger {self.folder} for "
                        f"{WAIT_SECONDS / 60:.0f} minutes. Try again when it is done."
                    )
                if not noted:
                    self.notify(
                        f"Another process writes to the ledger; waiting for it, at most "
                        f"{WAIT_SECONDS / 60:.0f} minutes."
                    )
                    noted = True
                time.sleep(LOOK_SECONDS)
            yield

    def save(self, connection: duckdb.DuckDBPyConnection, figures: RunFigures) -> None:
        """Write the table `whole_run` as the file of a run. Within `writing` only."""
        metadata = literal(json.dumps(figures.json_fields(), default=datetime.isoformat))
        with whole(self.path(figures.run)) as unfinished:
            connection.execute(
                f"COPY (FROM whole_run ORDER BY lead_id) TO {literal(str(unfinished))} (FORMAT "
                f"parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}, KV_METADATA "
                f"{{{literal(_FIGURES.decode())}: {metadata}}})"
            )
            with unfinished.open("rb") as file:  # what is in outlives the power
                os.fsync(file.fileno())

    def _shadow_paths(self, runs: Sequence[Run]) -> list[Path]:
        """What challengers said, one file per run and challenger: those of the runs that have
        any."""
        of = {self.path(run).stem for run in runs}
        return [path for path in self._all_shadows() if path.stem.rpartition(_SHADOW)[0] in of]

    def _all_shadows(self) -> list[Path]:
        return sorted((self.folder / SHADOW_FOLDER).glob("[!.]*.parquet"))

    def create_shadow_view(
        self, connection: duckdb.DuckDBPyConnection, runs: Sequence[Run], hidden: Sequence[Run]
    ) -> None:
        """Create the view `shadows` of the runs, without those hidden, in a DuckDB."""
        paths = ", ".join(literal(str(path)) for path in self._shadow_paths(runs))
        empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in SHADOWS.items())
        source = f"SELECT {', '.join(SHADOWS)} FROM read_parquet([{paths}])"
        source = source if paths else f"SELECT {empty} WHERE false"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW shadows AS {source}")

    def save_shadow(self, connection: duckdb.DuckDBPyConnection, run: Run, version: str) -> None:
        """Add the table `shadow_rows`, of a run and a challenger. Within `writing` only."""
        stem = f"{self.path(run).stem}{_SHADOW}{quote(version, '')}"
        path = self.folder / SHADOW_FOLDER / f"{stem}.parquet"
        path.parent.mkdir(exist_ok=True)
        before = f" UNION ALL FROM read_parquet({literal(str(path))})" if path.is_file() else ""
        _write_shadow(connection, f"FROM shadow_rows{before}", path)

    def _delete_shadows(self, run: Run) -> None:
        for path in self._shadow_paths([run]):
            path.unlink()

    def delete_before(self, cutoff: datetime) -> None:
        """Delete the runs of earlier cutoffs, the withdrawn too. Within `writing` only."""
        for files in (self, self._withdrawn):
            for each in files.runs():
                if each.cutoff < cutoff:
                    files._delete_shadows(each.run)
                    files.path(each.run).unlink()

    def forget(self, connection: duckdb.DuckDBPyConnection, lead_id: str) -> int:
        """Delete a lead's rows: each file that has some is written anew, the withdrawn and the
        challengers' too; how many there were. Within `writing` only."""
        rows = sum(_forget_shadow(connection, path, lead_id) for path in self._all_shadows())
        for files in (self, self._withdrawn):
            for each in files.runs():
                path = files.path(each.run)
                source = f"FROM read_parquet({literal(str(path))}) WHERE lead_id"
                of_lead = connection.execute(f"SELECT count(*) {source} = $1", [lead_id])
                (count,) = of_lead.fetchone() or (0,)
                rows += count
                if count == each.leads:
                    path.unlink()
                elif count:
                    connection.execute(
                        f"CREATE OR REPLACE TEMP VIEW whole_run AS {source} <> {literal(lead_id)}"
                    )
                    files.save(connection, figures_of(connection, each.run))
        return rows

    @property
    def _withdrawn(self) -> RunFiles:
        return RunFiles(self.folder / "withdrawn", self.notify)

    def withdraw(self, run: Run) -> None:
        """Move a run's file out of what readers list; what challengers said is deleted. Within
        `writing` only."""
        self._delete_shadows(run)
        aside = self._withdrawn
        aside.folder.mkdir(exist_ok=True)
        os.replace(self.path(run), aside.path(run))


def _write_shadow(connection: duckdb.DuckDBPyConnection, rows: str, path: Path) -> None:
    with whole(path) as unfinished:
        connection.execute(
            f"COPY (SELECT * FROM ({rows}) ORDER BY lead_id) TO {literal(str(unfinished))} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )


def _forget_shadow(connection: duckdb.DuckDBPyConnection, path: Path, lead_id: str) -> int:
    source = f"FROM read_parquet({literal(str(path))}) WHERE lead_id"
    of_lead, others = connection.execute(
        f"SELECT count(*) FILTER (lead_id = $1), count(*) FILTER (lead_id <> $1) {source} NOTNULL",
        [lead_id],
    ).fetchone() or (0, 0)
    if not others:
        path.unlink()
    elif of_lead:
        _write_shadow(connection, f"{source} <> {literal(lead_id)}", path)
    return int(of_lead)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@lru_cache(maxsize=10_000)
def _figures(path: Path, mtime_ns: int, size: int) -> RunFigures:
    """The figures in a file's footer; mtime_ns and size: of the file, so that one which was
    replaced is read anew."""
    metadata = pq.read_metadata(path).metadata or {}
    if _FIGURES not in metadata:
        raise ValueError("it is no run of a ledger")
    stored = json.loads(metadata[_FIGURES])
    times = {name: datetime.fromisoformat(stored[name]) for name in ("cutoff", "scored_at")}
    return RunFigures(**stored | times)
