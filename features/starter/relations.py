"""What is there to be mapped: the files of a folder, and the tables of its database files or of a
server."""

import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from features.contract.databases import SYSTEM_SCHEMAS, attach, detach, read_place
from features.contract.extensions import connect, load_extension
from features.errors import BadInput
from features.sql import literal, quoted

TEXT_KINDS = (".csv", ".csv.gz", ".tsv", ".txt")
DATABASE_KINDS = (".duckdb", ".db", ".sqlite", ".sqlite3")
_FOOTER_LINES = 24  # at most so many lines at the end of a report, blank ones too, are no rows


@dataclass(frozen=True)
class Relation:
    """A file or table: its name without kind or schema, the SQL to follow FROM, its columns, the
    file that holds it, and whether that is a database (or `file` the URL of one)."""

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


def relations(folder: Path, database: str | None = None) -> list[Relation]:
    """Every file with columns in a folder, and every table of `database` (a path or URL as
    `tables.database` has it), else of the folder's database files."""
    files = [each for path in sorted(folder.iterdir()) for each in _in_file(path)]
    if database is not None:
        return [*files, *tables_of(database, folder)]
    return files + [each for name in database_files(folder) for each in tables_of(name, folder)]


def database_files(folder: Path) -> list[str]:
    """The DuckDB and SQLite files of a folder, by their content."""
    names = []
    for path in sorted(folder.iterdir()):
        if path.name.lower().endswith(DATABASE_KINDS):
            with suppress(BadInput):
                read_place(path.name, folder)
                names.append(path.name)
    return names


def tables_of(database: str, folder: Path) -> list[Relation]:
    """The tables of a database, named as `tables.database` names it. Raises BadInput where it
    cannot be opened."""
    with connect() as connection:
        place = read_place(database, folder)
        attach(connection, place)
        rows = connection.execute(
            "SELECT schema_name, table_name, list(column_name ORDER BY column_index) "
            "FROM duckdb_columns() WHERE database_name = 'crm' GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        detach(connection)
    return [
        Relation(table, f"crm.{quoted(schema)}.{quoted(table)}", tuple(columns), database, True)
        for schema, table, columns in rows
        if schema.lower() not in SYSTEM_SCHEMAS
    ]


def _in_file(path: Path) -> Iterator[Relation]:
    name = path.name.lower()
    if name.endswith(TEXT_KINDS):
        yield from _text_file(path)
    elif name.endswith(".parquet"):
        with connect() as connection:
            rows = connection.execute(f"DESCRIBE FROM {literal(str(path))}").fetchall()
        yield Relation(path.stem, literal(path.name), tuple(row[0] for row in rows), path.name)
    elif name.endswith(".xlsx"):
        sql = f"read_xlsx({literal(path.name)}, header = true, stop_at_empty = false)"
        with connect() as connection:
            load_extension(connection, "excel")
            whole = f"read_xlsx({literal(str(path))}, header = true, stop_at_empty = false)"
            rows = connection.execute(f"DESCRIBE FROM {whole}").fetchall()
        yield Relation(path.stem, sql, tuple(row[0] for row in rows), path.name)


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


def require_utf8(folder: Path, relation: Relation) -> None:
    """Raises BadInput where a text file is in another encoding, for which the queries over it have
    no place."""
    if relation.in_database or not relation.file.lower().endswith(TEXT_KINDS):
        return
    opened = gzip.open if relation.file.lower().endswith(".gz") else open
    with opened(folder / relation.file, "rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                start = max(0, error.start - 12)
                word = line[start : error.start + 12].decode("cp1252", errors="replace").strip()
                raise BadInput(
                    f"{relation.file} is not UTF-8 text, the first line {number}: {word!r} as "
                    "cp1252 (Windows). Save it as 'CSV UTF-8', or write it anew by: iconv -f "
                    f"cp1252 -t utf-8 {relation.file} -o new.csv"
                ) from None


def has_footer(path: Path, delimiter: str, width: int) -> bool:
    """Whether a text file ends, after a blank line, with lines that are no rows, as a Salesforce
    report does. Without the blank line the file was cut off."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16)))
        text = file.read().decode("utf-8", errors="replace")
    lines = text.splitlines()[1:][-_FOOTER_LINES:]
    fields = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
    last_row = max((n for n, each in enumerate(fields) if each == width), default=None)
    after = [] if last_row is None else fields[last_row + 1 :]
    return width > 1 and any(after) and after[0] == 0


def column_of(columns: Sequence[str], names: str) -> str | None:
    """The column that is meant by `names`, spellings with | between them; None if there is none."""
    own = {plain(column): column for column in reversed(columns)}
    return next((own[plain(name)] for name in names.split("|") if plain(name) in own), None)
