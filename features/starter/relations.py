"""What lies in a folder to be mapped: files, and the tables of its DuckDB files."""

import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.contract.extensions import connect, load_extension
from features.sql import literal, quoted

TEXT_KINDS = (".csv", ".csv.gz", ".tsv", ".txt")
_FOOTER_LINES = 12  # at most so many lines at the end of a report are no rows


@dataclass(frozen=True)
class Relation:
    """A file or table: its name without kind or schema, the SQL to follow FROM, its columns, the
    file that holds it, and whether that is a database."""

    name: str
    sql: str
    columns: tuple[str, ...]
    file: str
    in_database: bool = False

    @property
    def shown(self) -> str:
        """As messages name it."""
        return f"{self.file}: {self.name}" if self.in_database else self.file


def plain(name: str) -> str:
    """A column's name as it is compared: letters and digits, without the prefix of a connector.

    >>> plain("Created Date"), plain("created_date"), plain("property_createdate")
    ('createddate', 'createddate', 'createdate')
    """
    letters = "".join(letter for letter in name.lower() if letter.isalnum())
    return re.sub("^propert(?:y|ies)", "", letters) or letters


def relations(folder: Path) -> list[Relation]:
    """Every file with columns in a folder, and every table of its DuckDB files."""
    return [each for path in sorted(folder.iterdir()) for each in _in_file(path)]


def _in_file(path: Path) -> Iterator[Relation]:
    name = path.name.lower()
    if name.endswith(TEXT_KINDS):
        yield from _text_file(path)
    elif name.endswith(".parquet"):
        with duckdb.connect() as connection:
            rows = connection.execute(f"DESCRIBE FROM {literal(str(path))}").fetchall()
        yield Relation(path.stem, literal(path.name), tuple(row[0] for row in rows), path.name)
    elif name.endswith(".xlsx"):
        sql = f"read_xlsx({literal(path.name)}, header = true, stop_at_empty = false)"
        with connect() as connection:
            load_extension(connection, "excel")
            whole = f"read_xlsx({literal(str(path))}, header = true, stop_at_empty = false)"
            rows = connection.execute(f"DESCRIBE FROM {whole}").fetchall()
        yield Relation(path.stem, sql, tuple(row[0] for row in rows), path.name)
    elif name.endswith((".duckdb", ".db")):
        yield from _tables(path)


def _text_file(path: Path) -> Iterator[Relation]:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = file.read(1 << 16).splitlines()
    if not lines:
        return
    delimiter = max(",;\t|", key=lines[0].count)
    columns = tuple(next(csv.reader(lines[:1], delimiter=delimiter)))
    sql = literal(path.name)
    if path.suffix.lower() == ".csv" and has_footer(path, delimiter, len(columns)):
        types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
        sql = (
            f"read_csv({sql}, columns = {{{types}}}, auto_detect = false, header = true, delim = "
            f"{literal(delimiter)}, quote = '\"', escape = '\"', comment = '', null_padding = true)"
        )
    yield Relation(path.name.split(".")[0], sql, columns, path.name)


def has_footer(path: Path, delimiter: str, width: int) -> bool:
    """Whether a text file ends with lines that are no rows, as a Salesforce report does."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16)))
        text = file.read().decode("utf-8", errors="replace")
    lines = [line for line in text.splitlines()[1:] if line][-_FOOTER_LINES:]
    fields = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
    return width > 1 and bool(fields) and fields[-1] < width


def _tables(path: Path) -> Iterator[Relation]:
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            rows = connection.execute(
                "SELECT schema_name, table_name, list(column_name ORDER BY column_index) "
                "FROM duckdb_columns() WHERE NOT internal GROUP BY ALL ORDER BY ALL"
            ).fetchall()
    except duckdb.Error:
        return
    for schema, table, columns in rows:
        sql = f"crm.{quoted(schema)}.{quoted(table)}"
        yield Relation(table, sql, tuple(columns), path.name, in_database=True)


def column_of(columns: Sequence[str], names: str) -> str | None:
    """The column that is meant by `names`, spellings with | between them; None if there is none."""
    own = {plain(column): column for column in reversed(columns)}
    return next((own[plain(name)] for name in names.split("|") if plain(name) in own), None)
