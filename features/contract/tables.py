"""The contract of a lead database: its tables, their columns and types, and how they are read.

A table is named in readiness.toml as a file (.parquet, or a text file: text_files.py), a query
(.sql, or SELECT ...) or a table of `database`. Whatever it is, it is staged once into the
contract's own types: times as naive UTC microseconds, missing values as NULL (never NaN), lead ids
as integers where every table has integers, else as text.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.config import Tables
from features.contract import text_values
from features.contract.text_files import TextFiles, is_text_file
from features.errors import BadInput
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
    "leads": (LEAD_ID, Column("created_at", "TIMESTAMP"), _optional("source", "VARCHAR")),
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
        Column("closed_at", "TIMESTAMP"),
        Column("outcome", "VARCHAR"),
        _optional("opened_at", "TIMESTAMP"),
        _optional("amount", "DOUBLE"),
    ),
    "contacts": (
        LEAD_ID,
        Column("contacted_at", "TIMESTAMP"),
        _optional("by", "VARCHAR"),
        _optional("accepted", "BOOLEAN"),
        _optional("reason", "VARCHAR"),
    ),
    "stages": (LEAD_ID, Column("stage", "VARCHAR"), Column("entered_at", "TIMESTAMP")),
}


# Infinity (how PostgreSQL may say "not yet") and years that no calendar reaches are no times.
_READABLE = "BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59'"


def is_query(named: str) -> bool:
    """Whether a table is named by a query."""
    return re.match(r"\s*(SELECT|WITH)\s", named, re.IGNORECASE) is not None


def has_suffix(named: str, *suffixes: str) -> bool:
    """Whether a table is named by a file of such a kind."""
    return named.lower().removesuffix(".gz").rpartition(".")[2] in suffixes


def _is_file(named: str) -> bool:
    return has_suffix(named, "parquet", "sql") or is_text_file(named)


def source_sql(texts: TextFiles, table: str, named: str, folder: Path, data: Path) -> str:
    """The SELECT that reads a table as readiness.toml names it; `folder` is where that is looked
    for, `data` where the files in a query are.

    Of text files the columns of the contract stay texts, and are cast by it: an id like 007 keeps
    its zeros. Further columns of leads may become attributes, so their types are found.
    Raises BadInput for a file that is not there.
    """
    if is_query(named):
        texts.name_in(table, named, data)
        return named
    if not _is_file(named):
        return f"SELECT * FROM crm.{quoted(named)}"
    path = folder / named
    if not path.is_file() and "*" not in named:
        raise BadInput(
            f"tables.{table}: there is no file {path}. Correct the path in readiness.toml (files "
            "are looked for in tables.folder, queries beside readiness.toml)."
        )
    if has_suffix(named, "sql"):
        query = read_text(path).strip().rstrip(";")
        texts.name_in(table, query, data)
        return query
    if has_suffix(named, "parquet"):
        return f"SELECT * FROM read_parquet({literal(str(path))})"
    required = [column.name for column in CONTRACT[table] if column.required]
    of_contract = [column.name for column in CONTRACT[table]]
    return texts.sql(table, path, required, of_contract if table == "leads" else None)


def open_sources(
    connection: duckdb.DuckDBPyConnection, tables: Tables, folder: Path, scratch: Path
) -> dict[str, dict[str, str]]:
    """Create a view raw_<table> for each named table; return each one's columns and their types.
    Text files that DuckDB does not read as they are become others in the folder `scratch`.

    Raises BadInput naming the table for what cannot be read and for missing columns.
    """
    data = (folder / tables.folder).resolve()
    connection.execute(f"SET file_search_path = {literal(str(data))}")
    if tables.database:
        path = data / tables.database
        if not path.is_file():
            raise BadInput(f"tables.database: there is no file {path}.")
        try:
            connection.execute(f"ATTACH {literal(str(path))} AS crm (TYPE duckdb, READ_ONLY)")
        except duckdb.Error as error:
            raise BadInput(f"tables.database: {path} cannot be opened: {error}") from None
    columns: dict[str, dict[str, str]] = {}
    texts = TextFiles(connection, tables.encoding, scratch)
    for table in CONTRACT:
        named = getattr(tables, table)
        if named is None:
            continue
        if not tables.database and not is_query(named) and not _is_file(named):
            raise BadInput(
                f"tables.{table} = {named!r} is neither a .parquet, .csv or .sql file nor a query, "
                "so it should be a table: name its DuckDB file as tables.database."
            )
        home = folder if named.lower().endswith(".sql") else data
        try:
            query = source_sql(texts, table, named, home, data)
            connection.execute(f"CREATE VIEW raw_{table} AS {query}")
            if not is_query(named) and not has_suffix(named, "sql"):  # for cures.py
                source = literal(named) if _is_file(named) else f"crm.{named}"
                connection.execute(f"COMMENT ON VIEW raw_{table} IS {literal(source)}")
            columns |= describe_sources(connection, [table])
        except duckdb.Error as error:
            raise BadInput(f"tables.{table} cannot be read ({named}): {error}") from None
    return columns


def describe_sources(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[str]
) -> dict[str, dict[str, str]]:
    """The columns and their types of each view raw_<table>. Raises BadInput for missing columns."""
    columns = {}
    for table in tables:
        described = connection.execute(f"DESCRIBE raw_{table}").fetchall()
        columns[table] = {name: kind for name, kind, *_ in described}
        require_columns(table, list(columns[table]))
    return columns


def require_columns(table: str, columns: Sequence[str]) -> None:
    """Raises BadInput where required columns are missing, with the nearest names."""
    missing = [c.name for c in CONTRACT[table] if c.required and c.name not in columns]
    if not missing:
        return
    near = {name: difflib.get_close_matches(name, columns, n=1) for name in missing}
    hints = [f"{name} (is it {near[name][0]}?)" if near[name] else name for name in missing]
    raise BadInput(
        f"tables.{table} lacks the column{'s' * (len(missing) > 1)} {', '.join(hints)}. It has: "
        f"{', '.join(columns)}. Map your own names with one query, for example\n"
        f'  {table} = "SELECT your_id AS lead_id, ... FROM your_table"'
    )


def is_read_in_place(table: str, named: str, types: dict[str, str]) -> bool:
    """Whether reading a table again costs no more than reading a copy of it: Parquet whose times
    and numbers are no text. `types` are its columns and their types."""
    parsed = [c.name for c in CONTRACT[table] if c.type in ("TIMESTAMP", "DOUBLE")]
    is_typed = all(types.get(name) != "VARCHAR" for name in parsed)
    return not is_query(named) and has_suffix(named, "parquet") and is_typed


def lead_id_type(columns: dict[str, dict[str, str]]) -> str:
    """BIGINT where every table's lead ids are integers, else VARCHAR."""
    kinds = {types["lead_id"] for types in columns.values()}
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
        if kind in ("DOUBLE", "FLOAT"):  # integers beside a missing one, as pandas keeps them
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
