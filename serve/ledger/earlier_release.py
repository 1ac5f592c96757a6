"""`ledger.duckdb`, the ledger of earlier releases: taken over once, into run files and decisions.

Killed in between, the next who opens the ledger begins again: what is there already is left. Only
when all is there is the old file renamed, to `ledger.duckdb.taken-over`; it may be deleted then.
"""

import os
from collections.abc import Callable

import duckdb

from features.contract.databases import cause
from features.contract.extensions import connect
from features.errors import BadInput
from models.decisions import overrides
from models.decisions.overrides import Override
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions, transaction
from serve.ledger.run_files import RunFiles
from serve.ledger.runs import RUN, Run, figures_of
from serve.ledger.schema import FIRST, SCORES

NAME = "ledger.duckdb"
TAKEN_OVER = f"{NAME}.taken-over"
_DECIDED = "lead_id, route, because, decided_by, decided_at, since, until"


def take_over(files: RunFiles, place: LedgerPlace, notify: Callable[[str], None]) -> None:
    """Take over the old ledger of `out`, if there is one. Raises BadInput where it cannot be read,
    and the new one is as it was."""
    old = place.folder / NAME
    if not old.is_file():
        return
    with files.writing():
        if not old.is_file():  # another process did it meanwhile
            return
        notify(f"Taking over the ledger of an earlier release, {old}.")
        try:
            with connect(old) as connection:
                _take_over(connection, files, place)
        except duckdb.Error as error:
            raise BadInput(
                f"The ledger of an earlier release, {old}, cannot be read: {cause(error)}. Put it "
                "back from a backup, or move it away and score again."
            ) from None
        os.replace(old, old.with_name(TAKEN_OVER))


def _take_over(connection: duckdb.DuckDBPyConnection, files: RunFiles, place: LedgerPlace) -> None:
    tables = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    if "scores" not in tables:
        raise BadInput(f"{place.folder / NAME} has no table scores: it is no ledger. Move it away.")
    present = {name for name, *_ in connection.execute("DESCRIBE scores").fetchall()}
    if not FIRST.keys() <= present <= SCORES.keys():
        raise BadInput(
            f"{place.folder / NAME}: its table scores has other columns than expected: "
            f"{', '.join(sorted(present))}. Is it a ledger? Move the file away, and score again."
        )
    columns = ", ".join(
        name if name in present else f"NULL::{kind} AS {name}" for name, kind in SCORES.items()
    )
    listed = "SELECT DISTINCT cutoff, model_version, rules_version FROM scores ORDER BY ALL"
    there = {each.run for each in files.runs()}
    for run in (Run(*row) for row in connection.execute(listed).fetchall()):
        if run not in there:
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE whole_run AS SELECT {columns} FROM scores "
                f"WHERE {RUN}",
                run.key,
            )
            files.save(connection, figures_of(connection, run))
    if "overrides" in tables:
        rows = connection.execute(f"SELECT {_DECIDED} FROM overrides ORDER BY number").fetchall()
        with open_decisions(place) as store, transaction(store):
            if not overrides.all_of(store):
                overrides.add(store, *(Override(*row) for row in rows))
