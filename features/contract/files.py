"""Files that are more than one Parquet file or text: Excel workbooks, and folders of Parquet, Delta
or Iceberg tables."""

import re
import zipfile
from collections.abc import Collection
from pathlib import Path

import duckdb

from features.contract.extensions import load_extension
from features.errors import BadInput
from features.sql import literal, quoted

# Serial days from 1950 to 2099. Other numbers, such as 2026 or seconds since 1970, are no dates.
_SERIAL_DAYS = "BETWEEN 18264 AND 73050"
_NUMBER = r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?"


def is_workbook(named: str) -> bool:
    """Whether a table is named as a workbook or one of its sheets: book.xlsx, book.xlsx#Sheet."""
    return named.partition("#")[0].lower().endswith(".xlsx")


def workbook_sql(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    sheet: str,
    ids: Collection[str],
    times: Collection[str],
) -> str:
    """The SELECT that reads a sheet, the first where `sheet` is empty.

    DuckDB would take a column's type from its first row, and end at the first empty row. So every
    cell is read as text: columns of `ids` stay text, those of `times` become ISO text from cells
    that are dates (serial days, to the millisecond), others numbers where all their cells are.
    """
    load_extension(connection, "excel")
    try:
        with zipfile.ZipFile(path) as book:
            settings = book.read("xl/workbook.xml").decode("utf-8")
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        raise BadInput(f"tables.{table}: {path} is no Excel workbook (.xlsx).") from None
    if re.search(r"""date1904=["'](1|true)""", settings):
        raise BadInput(
            f"tables.{table}: {path} counts days from 1904, which would shift every date by four "
            "years. Save it with the 1900 date system, or as CSV."
        )
    where = f"{literal(str(path))}{f', sheet = {literal(sheet)}' if sheet else ''}, header = true"
    guessed = connection.execute(f"DESCRIBE FROM read_xlsx({where})").fetchall()
    kinds = {name: kind for name, kind, *_ in guessed}
    cells = f"read_xlsx({where}, all_varchar = true, stop_at_empty = false)"
    numbers = _number_columns(connection, cells, kinds.keys() - set(ids) - set(times))
    columns = [
        f"{_as_id(name)} AS {quoted(name)}"
        if name in ids
        else f"{_as_iso(name)} AS {quoted(name)}"
        if name in times or kinds[name] in ("DATE", "TIMESTAMP")
        else f"CAST({quoted(name)} AS DOUBLE) AS {quoted(name)}"
        if name in numbers
        else quoted(name)
        for name in kinds
    ]
    is_row = f"coalesce({', '.join(map(quoted, kinds))}) IS NOT NULL"
    return f"SELECT {', '.join(columns)} FROM {cells} WHERE {is_row}"


def _number_columns(
    connection: duckdb.DuckDBPyConnection, cells: str, names: Collection[str]
) -> set[str]:
    """Those of the columns that hold a number in each cell that is not empty; 007 is none."""
    if not names:
        return set()
    tests = [
        f"count({quoted(name)}) > 0 AND "
        f"bool_and({quoted(name)} IS NULL OR regexp_full_match({quoted(name)}, {literal(_NUMBER)}))"
        for name in names
    ]
    rows = connection.execute(f"SELECT {', '.join(tests)} FROM {cells}").fetchall()
    return {name for name, is_number in zip(names, rows[0], strict=True) if is_number}


def _as_id(name: str) -> str:
    """A whole number without the .0 that it has where pandas wrote ids beside missing ones."""
    return f"regexp_replace({quoted(name)}, '^(-?\\d+)\\.0+$', '\\1')"


def _as_iso(name: str) -> str:
    """Serial days as text in ISO form; other cells as they are.

    Worked example: 46024.25 is 2026-01-02 06:00, as 1899-12-30 is day 0.
    """
    cell = quoted(name)
    days = f"TRY_CAST({cell} AS DOUBLE)"
    time = f"TIMESTAMP '1899-12-30' + to_milliseconds(round({days} * 86400000)::BIGINT)"
    return f"CASE WHEN {days} {_SERIAL_DAYS} THEN ({time})::VARCHAR ELSE {cell} END"


def is_iceberg_state(named: str) -> bool:
    """Whether a table is named by the metadata file of a state of an Iceberg table."""
    return named.lower().endswith(".metadata.json")


def is_parquet_folder(path: Path) -> bool:
    """Whether a folder holds plain Parquet files: no Delta, no Iceberg table."""
    return not ((path / "_delta_log").is_dir() or (path / "metadata").is_dir())


def folder_sql(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> str:
    """The SELECT that reads a folder: a Delta table where it has _delta_log, an Iceberg table where
    it has metadata, else all Parquet files in it, at any depth.

    The partitions year=2026/month=01 are columns, of text: 01 keeps its zero. A column that some
    files lack is null there. Raises BadInput where there is nothing to read.
    """
    if not path.is_dir():
        raise BadInput(f"tables.{table}: there is no folder {path}.")
    if (path / "_delta_log").is_dir():
        load_extension(connection, "delta")
        return f"SELECT * FROM delta_scan({literal(str(path))})"
    if (path / "metadata").is_dir():
        load_extension(connection, "iceberg")
        if not (path / "metadata" / "version-hint.text").is_file():
            raise BadInput(
                f"tables.{table}: {path} has no metadata/version-hint.text, so only its catalog "
                "knows which state of the Iceberg table is current. Name that state's file in "
                f'metadata/: {table} = "{path}/metadata/....metadata.json"'
            )
        return f"SELECT * FROM iceberg_scan({literal(str(path))})"
    if next(path.rglob("*.parquet"), None) is None:
        raise BadInput(
            f"tables.{table}: there is no .parquet file in {path}, and no Delta or Iceberg table."
        )
    return parquet_sql(f"{path}/**/*.parquet")


def parquet_sql(path: str) -> str:
    """The SELECT that reads one Parquet file, or those of a pattern."""
    many = ", hive_types_autocast = false, union_by_name = true" if "*" in path else ""
    return f"SELECT * FROM read_parquet({literal(path)}{many})"
