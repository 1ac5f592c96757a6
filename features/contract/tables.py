"""The contract of a lead database: its tables, their columns and types, and how they are read.

A table is named in readiness.toml as a file (.parquet, .xlsx, or a text file: text_files.py), a
folder/, a query (.sql, or SELECT ...) or a table of `database`. Whatever it is, it is staged once
into the contract's own types: times as naive UTC microseconds, missing values as NULL (never NaN),
lead ids as integers where every table has integers, else as text.
"""

import difflib
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.config import Tables
from features.contract import text_values
from features.contract.databases import (
    Place,
    attach,
    cause,
    detach,
    one_moment,
    read_place,
    table_sql,
)
from features.contract.extensions import execute, load_extension
from features.contract.files import (
    folder_sql,
    is_iceberg_state,
    is_parquet_folder,
    is_workbook,
    parquet_sql,
    workbook_sql,
)
from features.contract.text_files import TextFiles, is_text_file
from features.errors import BadInput
from features.masking import remember_secrets
from features.sql import literal, quoted
from features.toml import read_text


@dataclass(frozen=True)
class Column:
    """A column of the contract. `type` is the staged SQL type; `nullable` false means that a null
    is a breach."""

    name: str
    type: str
    required: bool = True
    nullable: bool = False


def _optional(name: str, sql_type: str) -> Column:
    return Column(name, sql_type, required=False, nullable=True)


LEAD_ID = Column("lead_id", "LEAD_ID")

CONTRACT: dict[str, tuple[Column, ...]] = {
    "leads": (
        LEAD_ID,
        Column("created_at", "TIMESTAMP"),
        _optional("source", "VARCHAR"),
        _optional("objected_at", "TIMESTAMP"),
    ),
    "events": (
        LEAD_ID,
        Column("occurred_at", "TIMESTAMP"),
        Column("action", "VARCHAR"),
        _optional("source", "VARCHAR"),
        _optional("content", "VARCHAR"),
        _optional("value", "DOUBLE"),
        _optional("recorded_at", "TIMESTAMP"),
    ),
    "deals": (
        LEAD_ID,
        Column("closed_at", "TIMESTAMP", nullable=True),  # null in an open deal
        Column("outcome", "VARCHAR", nullable=True),
        _optional("opened_at", "TIMESTAMP"),
        _optional("amount", "DOUBLE"),
        _optional("recorded_at", "TIMESTAMP"),
    ),
    "contacts": (
        LEAD_ID,
        Column("contacted_at", "TIMESTAMP"),
        _optional("by", "VARCHAR"),
        _optional("accepted", "BOOLEAN"),
        _optional("reason", "VARCHAR"),
    ),
    "stages": (LEAD_ID, Column("stage", "VARCHAR"), Column("entered_at", "TIMESTAMP")),
    "merges": (LEAD_ID, Column("into_lead_id", "LEAD_ID"), Column("merged_at", "TIMESTAMP")),
}


# Infinity (how PostgreSQL may say "not yet") and years that no calendar reaches are no times.
_READABLE = "BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59'"


def is_query(named: str) -> bool:
    """Whether a table is named by a query."""
    return re.match(r"\s*(SELECT|WITH)\s", named, re.IGNORECASE) is not None


def has_suffix(named: str, *suffixes: str) -> bool:
    """Whether a table is named by a file of such a kind."""
    return named.lower().removesuffix(".gz").rpartition(".")[2] in suffixes


def is_folder(named: str) -> bool:
    """Whether a table is named by a folder: events/."""
    return not is_query(named) and named.endswith("/")


def _is_file(named: str) -> bool:
    other = is_workbook(named) or is_iceberg_state(named)
    return other or has_suffix(named, "parquet", "sql") or is_text_file(named)


def source_sql(
    texts: TextFiles,
    table: str,
    named: str,
    folder: Path,
    data: Path,
    place: Place | None,
    needed: Collection[str],
) -> str:
    """The SELECT that reads a table as readiness.toml names it, from the attached `place` where it
    is no file. `folder` is where it is looked for, `data` where the files in a query are; `needed`
    are the columns that will be read.

    Of text files the columns of the contract stay texts, and are cast by it: an id like 007 keeps
    its zeros. Further columns of leads may become attributes, so their types are found.
    Raises BadInput for a file or a table that is not there.
    """
    connection = texts.connection
    if is_query(named):
        texts.name_in(table, _one_query(connection, f"tables.{table}", named), data)
        return named
    if is_folder(named):
        return folder_sql(connection, table, folder / named)
    if place is not None and not _is_file(named):
        return table_sql(connection, place, table, named, needed)
    file, _, sheet = named.partition("#") if is_workbook(named) else (named, "", "")
    path = folder / file
    if not path.is_file() and "*" not in named:
        raise BadInput(
            f"tables.{table}: there is no file {path}. Correct the path in readiness.toml (files "
            "are looked for in tables.folder, queries beside readiness.toml)."
        )
    if has_suffix(named, "sql"):
        text = read_text(path).strip()
        query = _one_query(connection, f"tables.{table}: {path}", text).rstrip(";")
        texts.name_in(table, query, data)
        return query
    if has_suffix(named, "parquet"):
        return parquet_sql(str(path))
    required = [c.name for c in CONTRACT[table] if c.required]
    ids = [c.name for c in CONTRACT[table] if c.type == "LEAD_ID"]
    times = [c.name for c in CONTRACT[table] if c.type == "TIMESTAMP"]
    if is_workbook(named):
        return workbook_sql(connection, table, path, sheet, ids, times)
    if is_iceberg_state(named):
        load_extension(connection, "iceberg")
        return f"SELECT * FROM iceberg_scan({literal(str(path))})"
    of_contract = [column.name for column in CONTRACT[table]]
    return texts.sql(table, path, required, of_contract if table == "leads" else None)


def _one_query(connection: duckdb.DuckDBPyConnection, where: str, text: str) -> str:
    """The text, if it is one query. Raises BadInput for none, several, and other statements. What
    is secret in it, as of a server in a function's arguments, is masked from then on."""
    remember_secrets(text)
    kinds = [each.type.name for each in connection.extract_statements(text)]
    if kinds != ["SELECT"]:
        raise BadInput(
            f"{where} should be one query, SELECT ... FROM ..., and holds "
            f"{' and '.join(kinds) or 'none'}."
        )
    return text


def open_sources(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    folder: Path,
    scratch: Path,
    attributes: Collection[str] = (),
) -> dict[str, dict[str, str]]:
    """Create raw_<table> for each named table; return each one's columns and their types. Text
    files that DuckDB does not read as they are become others in the folder `scratch`.

    Parquet and text are views, which read where the files lie. All else is copied, with only the
    columns of the contract and the `attributes` of leads: from a server as of one moment, and then
    it is left alone. Raises BadInput naming the table for what cannot be read and for missing
    columns.
    """
    data = (folder / tables.folder).resolve()
    connection.execute(f"SET file_search_path = {literal(str(data))}")
    place = read_place(tables.database, data) if tables.database else None
    if place:
        attach(connection, place)
    columns: dict[str, dict[str, str]] = {}
    texts = TextFiles(connection, tables.encoding, scratch)
    with one_moment(connection, place):
        for table in CONTRACT:
            named = getattr(tables, table)
            if named is None:
                continue
            if not place and not is_query(named) and not is_folder(named) and not _is_file(named):
                raise BadInput(
                    f"tables.{table} = {named!r} is neither a .parquet, .csv, .xlsx or .sql file, "
                    "a folder/ nor a query, so it should be a table: name its database (a DuckDB "
                    "or SQLite file, or a URL) as tables.database."
                )
            home = folder if named.lower().endswith(".sql") else data
            try:
                needed = {column.name for column in CONTRACT[table]}
                needed |= set(attributes) if table == "leads" else set()
                query = source_sql(texts, table, named, home, data, place, needed)
                columns[table] = _describe(connection, table, query)
                if _is_read_where_it_lies(named, home):
                    connection.execute(f"CREATE VIEW raw_{table} AS {query}")
                    source = literal(literal(named))
                    connection.execute(f"COMMENT ON VIEW raw_{table} IS {source}")  # for cures.py
                else:
                    _copy(connection, table, query, columns[table], needed)
            except (duckdb.Error, OSError) as error:
                shown = f"{named}, {place.shown}" if place else named
                raise BadInput(f"tables.{table} cannot be read ({shown}): {cause(error)}") from None
    if place:
        detach(connection)
    return columns


def _copy(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    query: str,
    types: dict[str, str],
    needed: Collection[str],
) -> None:
    """Create raw_<table> of the columns that are needed. What SQLite hands over without a type is
    bytes: in the contract's columns they are text, in UTF-8."""
    columns = {name: quoted(name) for name in types if name in needed}
    for name in (column.name for column in CONTRACT[table]):
        if types.get(name) == "BLOB":
            bare, types[name] = quoted(name), "VARCHAR"
            columns[name] = f"coalesce(TRY(decode({bare})), {bare}::VARCHAR) AS {bare}"
    copied = ", ".join(columns.values())
    connection.execute(f"CREATE TABLE raw_{table} AS SELECT {copied} FROM ({query}\n)")


def _is_read_where_it_lies(named: str, folder: Path) -> bool:
    if is_folder(named):
        return is_parquet_folder(folder / named)
    return not is_query(named) and (has_suffix(named, "parquet") or is_text_file(named))


def describe_sources(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[str], *, are_frames: bool = False
) -> dict[str, dict[str, str]]:
    """The columns and their types of each view raw_<table>. Raises BadInput for columns that are
    missing, there twice, or hold several values, in the words of frames where they are some."""
    return {t: _describe(connection, t, f"FROM raw_{t}", are_frames) for t in tables}


def _describe(
    connection: duckdb.DuckDBPyConnection, table: str, query: str, is_frame: bool = False
) -> dict[str, str]:
    described = execute(connection, f"DESCRIBE {query}").fetchall()
    columns = {name: kind for name, kind, *_ in described}
    require_columns(table, list(columns), is_frame)
    require_once(table, [name for name, *_ in described], is_frame)
    contract = {c.name: columns.get(c.name, "") for c in CONTRACT[table]}
    nested = [f"{name}, a {kind}" for name, kind in contract.items() if is_nested(kind)]
    if nested:
        raise BadInput(
            f"{_named(table, is_frame)} has {'; '.join(nested)}, where one value is needed. Choose "
            f"one{'' if is_frame else ' in a query'}."
        )
    return columns


def _named(table: str, is_frame: bool) -> str:
    """As messages name a table: by its setting, or as a frame."""
    return f"the frame {table}" if is_frame else f"tables.{table}"


def require_once(table: str, columns: Sequence[str], is_frame: bool = False) -> None:
    """Raises BadInput where a column is there twice, capitals or not: DuckDB would rename one."""
    counts = Counter(str(name).lower() for name in columns)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        shown = ", ".join(twice)
        raise BadInput(f"{_named(table, is_frame)} has the column {shown} more than once.")


def is_nested(kind: str) -> bool:
    """Whether a column of this type holds several values in one: VARCHAR[], STRUCT(...), MAP."""
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))


def require_columns(table: str, columns: Sequence[str], is_frame: bool = False) -> None:
    """Raises BadInput where required columns are missing, with the nearest names."""
    missing = [c.name for c in CONTRACT[table] if c.required and c.name not in columns]
    if not missing:
        return
    near = {name: difflib.get_close_matches(name, columns, n=1) for name in missing}
    hints = [f"{name} (is it {near[name][0]}?)" if near[name] else name for name in missing]
    how = (
        "Rename your own columns to these."
        if is_frame
        else "Map your own names with one query, for example\n"
        f'  {table} = "SELECT your_id AS lead_id, ... FROM your_table"'
    )
    raise BadInput(
        f"{_named(table, is_frame)} lacks the column{'s' * (len(missing) > 1)} {', '.join(hints)}. "
        f"It has: {', '.join(map(str, columns))}. {how}"
    )


def is_read_in_place(table: str, named: str, types: dict[str, str]) -> bool:
    """Whether reading a table again costs no more than reading a copy of it: any but text files,
    whose times and numbers are no text. `types` are its columns and their types."""
    parsed = [c.name for c in CONTRACT[table] if c.type in ("TIMESTAMP", "DOUBLE")]
    is_typed = all(types.get(name) != "VARCHAR" for name in parsed)
    return is_typed and (is_query(named) or not has_suffix(named, "csv"))


def lead_id_type(columns: dict[str, dict[str, str]]) -> str:
    """BIGINT where every table's lead ids are integers, else VARCHAR."""
    kinds = {
        types[column.name]
        for table, types in columns.items()
        for column in CONTRACT[table]
        if column.type == "LEAD_ID"
    }
    whole = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
    return "BIGINT" if kinds <= whole else "VARCHAR"


def cast(column: Column, types: dict[str, str], id_type: str) -> str:
    """The expression that reads a raw column as the contract's type; NULL where it does not fit."""
    if column.name not in types:
        return f"CAST(NULL AS {id_type if column.type == 'LEAD_ID' else column.type})"
    name, kind = quoted(column.name), types[column.name]
    is_text = kind == "VARCHAR" or kind.startswith("ENUM")
    text = f"{name}::VARCHAR" if kind.startswith("ENUM") else name
    if column.type == "LEAD_ID":
        # Integers beside a missing one, as pandas keeps them, or as NUMBER(18,2).
        if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
            whole = f"TRY_CAST({name} AS HUGEINT)"
            name = f"CASE WHEN {name} = {whole} THEN {whole}::VARCHAR ELSE {name}::VARCHAR END"
        return f"CAST({name} AS {id_type})"
    if column.type == "TIMESTAMP":
        if is_text:
            return text_values.time(text)
        time = f"TRY_CAST({name} AS TIMESTAMP)"
        return f"CASE WHEN {time} {_READABLE} THEN {time} END"
    if column.type == "DOUBLE":  # NaN and infinity are no values
        number = text_values.number(text) if is_text else f"TRY_CAST({name} AS DOUBLE)"
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    if column.type == "BOOLEAN":  # a number is a flag where it is 1 or 0
        return text_values.flag(text if is_text else f"{name}::VARCHAR")
    return f"TRY_CAST({name} AS {column.type})"
