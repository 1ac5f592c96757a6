"""CSV that people open in a spreadsheet: no text of the data begins a formula there.

A text cell that begins with = + - @, tab, CR or LF, after any apostrophes, gets an apostrophe in
front, as OWASP advises (CSV injection). Numbers stay numbers. Undone by taking one apostrophe off
the cells that match `'+[=+\\-@\\t\\r\\n]`; nothing else is changed, so that nothing is lost.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from features.sql import literal, quoted
from features.whole_file import whole

BEGINS_A_FORMULA = "(?s)'*[=+\\-@\\t\\r\\n].*"


def guarded(columns: Mapping[str, str]) -> str:
    """The list of a SELECT, in DuckDB's SQL, that guards the text among the columns, which have
    these types.

    >>> guarded({"points": "DOUBLE"})
    '"points"'
    """
    return ", ".join(
        _guarded(quoted(name)) if kind.startswith(("VARCHAR", "ENUM")) else quoted(name)
        for name, kind in columns.items()
    )


def write_rows(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    path: Path,
    given: Mapping[str, Any] | None = None,
) -> Path:
    """Write the rows of a query with the parameters `given` to a .csv file, guarded, or a .parquet
    file, whole or not at all and without holding them in memory. Makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    select, form = "*", "PARQUET"
    if path.suffix == ".csv":
        columns = connection.execute(f"DESCRIBE {rows}", given).fetchall()
        select, form = guarded({name: kind for name, kind, *_ in columns}), "CSV, HEADER"
    with whole(path) as unfinished:
        connection.execute(
            f"COPY (SELECT {select} FROM ({rows})) TO {literal(str(unfinished))} (FORMAT {form})",
            given,
        )
    return path


def _guarded(column: str) -> str:
    formula = f"regexp_full_match({column}::VARCHAR, {literal(BEGINS_A_FORMULA)})"
    return f"CASE WHEN {formula} THEN '''' || {column} ELSE {column}::VARCHAR END AS {column}"
