"""Questions to the tables of a folder that is being mapped."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from features.contract.databases import attach, read_place
from features.contract.extensions import connect, load_extension
from features.sql import literal, quoted
from features.starter.mapping import Ask
from features.starter.relations import TEXT_KINDS, Relation

NUMBERS = ("BIGINT", "DOUBLE")
TIMES = ("DATE", "TIMESTAMP")  # in any form that DuckDB recognises


@contextmanager
def asking(
    folder: Path,
    there: Iterable[Relation],
    types: Sequence[str] = (*NUMBERS, *TIMES),
    texts: Iterable[str] = (),
) -> Iterator[Ask]:
    """Runs queries that read what is `there` in a folder, the tables of a database as crm. Columns
    of text files have one of the `types`, else they are texts (without BOOLEAN yes stays yes), as
    are those named in `texts`, which all text files have.

    What cannot be read has no rows here; opening the lead database says why.
    """
    with connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET file_search_path = {literal(str(folder.resolve()))}")
        for database in sorted({each.file for each in there if each.in_database}):
            attach(connection, read_place(database, folder))
        if any(each.file.lower().endswith(".xlsx") for each in there):
            load_extension(connection, "excel")
        candidates = ", ".join(map(literal, (*types, "VARCHAR")))
        options = f"auto_type_candidates = [{candidates}]"
        if fixed := ", ".join(f"{literal(name)}: 'VARCHAR'" for name in texts):
            options += f", types = {{{fixed}}}"
        for each in there:
            if each.file.lower().endswith(TEXT_KINDS):
                read = f"read_csv({literal(each.file)}, {options})"
                with suppress(duckdb.Error):
                    connection.execute(f"CREATE VIEW {quoted(each.file)} AS FROM {read}")

        def ask(sql: str) -> Sequence[tuple[object, ...]]:
            try:
                return connection.execute(sql).fetchall()
            except duckdb.Error:
                return ()

        yield ask
