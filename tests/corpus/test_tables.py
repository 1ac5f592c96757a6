"""What tables are named by: files, folders, databases and queries, there or not."""

import os
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.corpus.company import (
    Case,
    Edit,
    Rows,
    Same,
    both,
    breach,
    case,
    each,
    message,
    name,
    prove,
    recode,
    replace,
    write,
)


def remove(file: str) -> Edit:
    return lambda folder: (folder / file).unlink()


def database(sql: str = "", kind: str = "TABLE", names: str = "leads events deals") -> Edit:
    """The tables in crm.duckdb, and readiness.toml names them there; then `sql` on it."""

    def edit(folder: Path) -> None:
        with duckdb.connect(str(folder / "crm.duckdb")) as connection:
            for table in ("leads", "events", "deals"):
                read = f"read_csv('{folder / table}.csv')"
                connection.execute(f"CREATE TABLE {table}_ AS FROM {read}")
                connection.execute(f"CREATE {kind} {table} AS SELECT * FROM {table}_")
            for statement in filter(None, sql.split(";")):
                connection.execute(statement)
        text = (folder / "readiness.toml").read_text()
        for table in names.split():
            text = text.replace(f'"{table}.csv"', f'"{table}"')
        text = text.replace("[tables]", '[tables]\ndatabase = "crm.duckdb"')
        (folder / "readiness.toml").write_text(text)

    return edit


def parquet(table: str, sql: str = "SELECT * FROM it", file: str | None = None) -> Edit:
    """A table as a Parquet file of a query over it, and readiness.toml names it."""

    def edit(folder: Path) -> None:
        target = folder / (file or f"{table}.parquet")
        target.parent.mkdir(exist_ok=True)
        with duckdb.connect() as connection:
            csv = str(folder / f"{table}.csv")
            connection.execute(f"CREATE VIEW it AS FROM read_csv('{csv}', all_varchar = true)")
            connection.execute(f"COPY ({sql}) TO '{target}' (FORMAT parquet)")

    return edit


def as_parquet(table: str, sql: str = "SELECT * FROM it") -> Edit:
    return both(parquet(table, sql), name(table, f'"{table}.parquet"'))


def cut(file: str, size: int) -> Edit:
    return lambda folder: (folder / file).write_bytes((folder / file).read_bytes()[:size])


def make_folder(file: str) -> Edit:
    return lambda folder: (folder / file).mkdir()


def moved_and_linked(file: str, target: str) -> Edit:
    def edit(folder: Path) -> None:
        if target == "there.csv":
            (folder / file).rename(folder / target)
        else:
            (folder / file).unlink()
        (folder / file).symlink_to(folder / target)

    return edit


MAPPED = "SELECT lead_id, occurred_at, action, source, content, value FROM"
TYPED = "SELECT * REPLACE (occurred_at::TIMESTAMP AS occurred_at, value::DOUBLE AS value) FROM it"
CASES = [
    # Files.
    case("no such file", remove("events.csv"), message("tables.events", "events.csv")),
    case(
        "a folder in its place",
        both(remove("events.csv"), make_folder("events.csv")),
        message("tables.events", "events.csv"),
    ),
    case("a link", moved_and_linked("events.csv", "there.csv"), Same()),
    case(
        "a link to nothing",
        moved_and_linked("events.csv", "nowhere.csv"),
        message("tables.events", "events.csv"),
    ),
    case(
        "a link to itself",
        moved_and_linked("events.csv", "events.csv"),
        message("tables.events", "events.csv"),
    ),
    case(
        "an absolute path is one",
        lambda folder: name("leads", f'"{folder / "leads.csv"}"')(folder),
        Same(),
    ),
    case(
        "another folder",
        both(
            make_folder("data"),
            *(
                recode(f"{t}.csv", str.encode, f"data/{t}.csv")
                for t in ("leads", "events", "deals")
            ),
            *(remove(f"{t}.csv") for t in ("leads", "events", "deals")),
            replace("readiness.toml", ("[tables]", '[tables]\nfolder = "data"')),
        ),
        Same(),
    ),
    case(
        "another folder that is not there",
        replace("readiness.toml", ("[tables]", '[tables]\nfolder = "nowhere"')),
        message("tables.leads", "nowhere"),
    ),
    case("a NUL in a path", name("events", '"eve\\u0000nts.csv"'), message("tables.events")),
    case("a path that is too long", name("events", f'"{"x" * 300}.csv"'), message("tables.events")),
    case(
        "an unknown kind of file",
        name("events", '"events.json"'),
        message("tables.events", "events.json", ".parquet"),
    ),
    case("nothing as a name", name("events", '""'), message("tables.events", "''")),
    case(
        "no table events",
        replace("readiness.toml", ('events = "events.csv"\n', "")),
        Rows("SELECT count(*) FROM known_events", [(0,)]),
    ),
    case(
        "the same file twice",
        name("deals", '"leads.csv"'),
        message("tables.deals", "closed_at", "outcome", "lead_id, created_at"),
    ),
    case(
        "a pattern that fits nothing",
        name("events", '"log-*.csv"'),
        message("tables.events", "log-*.csv"),
    ),
    case(
        "a pattern that fits two",
        both(
            recode("events.csv", lambda t: "\n".join(t.splitlines()[:9]).encode(), "log-1.csv"),
            recode(
                "events.csv",
                lambda t: "\n".join([t.splitlines()[0], *t.splitlines()[9:]]).encode(),
                "log-2.csv",
            ),
            name("events", '"log-*.csv"'),
        ),
        Same(),
    ),
    # Parquet.
    case("Parquet of texts", as_parquet("events"), Same()),
    case("Parquet of types", as_parquet("events", TYPED), Same()),
    case(
        "Parquet with times of a zone",
        as_parquet("events", "SELECT * REPLACE (occurred_at || '+00' AS occurred_at) FROM it"),
        Same(),
    ),
    case(
        "Parquet cut off",
        both(as_parquet("events"), cut("events.parquet", 300)),
        message("tables.events", "events.parquet"),
    ),
    case(
        "an empty Parquet file",
        both(write("events.parquet", ""), name("events", '"events.parquet"')),
        message("tables.events", "events.parquet"),
    ),
    case(
        "CSV called Parquet",
        both(
            recode("events.csv", str.encode, "events.parquet"), name("events", '"events.parquet"')
        ),
        message("tables.events", "events.parquet"),
    ),
    case(
        "Parquet called CSV",
        both(
            parquet("events", file="other.parquet"),
            lambda folder: (folder / "other.parquet").replace(folder / "events.csv"),
        ),
        message("tables.events", "events.csv"),
    ),
    case(
        "CSV called a workbook",
        both(recode("events.csv", str.encode, "events.xlsx"), name("events", '"events.xlsx"')),
        message("tables.events", "events.xlsx", "Excel"),
    ),
    case(
        "no rows of events in Parquet",
        as_parquet("events", "SELECT * FROM it WHERE false"),
        Rows("SELECT count(*) FROM known_events", [(0,)]),
    ),
    case(
        "no rows of leads in Parquet",
        as_parquet("leads", "SELECT * FROM it WHERE false"),
        Rows("SELECT count(*) FROM open_periods", [(0,)]),
    ),
    case(
        "a folder of Parquet",
        both(parquet("events", file="log/part.parquet"), name("events", '"log/"')),
        Same(),
    ),
    case(
        "a folder without Parquet",
        both(make_folder("log"), name("events", '"log/"')),
        message("tables.events", "log"),
    ),
    case(
        "a list where a text should be",
        as_parquet("events", "SELECT * REPLACE ([action] AS action) FROM it"),
        message("tables.events", "action", "VARCHAR[]"),
    ),
    case(
        "a struct where a time should be",
        as_parquet("events", "SELECT * REPLACE ({'at': occurred_at} AS occurred_at) FROM it"),
        message("tables.events", "occurred_at", "STRUCT"),
    ),
    case(
        "numbers where texts should be",
        as_parquet("events", "SELECT * REPLACE (length(action) AS action) FROM it"),
        Rows("SELECT DISTINCT action FROM known_events ORDER BY action", [("6",), ("7",)]),
    ),
    case(
        "whole seconds where a time should be",
        as_parquet(
            "events",
            "SELECT * REPLACE (epoch(occurred_at::TIMESTAMP)::BIGINT AS occurred_at) FROM it",
        ),
        breach("events.occurred_at", 16, "to_timestamp"),
    ),
    case(
        "bytes for ids",
        as_parquet("events", "SELECT * REPLACE (lead_id::BLOB AS lead_id) FROM it"),
        Same(),
    ),
    case(
        "an attribute that is a list",
        as_parquet("leads", "SELECT * REPLACE ([country] AS country) FROM it"),
        message("features.attributes", "country", "VARCHAR[]"),
    ),
    # Columns.
    case(
        "a column renamed",
        replace("events.csv", ("occurred_at", "occured_at")),
        message("tables.events", "occurred_at", "occured_at", "SELECT"),
    ),
    case(
        "columns in capitals",
        recode("deals.csv", lambda t: t.replace("closed_at", "Closed_At", 1).encode()),
        message("tables.deals", "closed_at", "Closed_At"),
    ),
    case(
        "an attribute that is not there",
        replace("leads.csv", (",country,", ",land,")),
        message("country", "features.attributes", "land"),
    ),
    case(
        "reserved words as columns",
        recode("leads.csv", lambda t: t.replace("email", "order", 1).encode()),
        Rows("SELECT count(*) FROM leads", [(8,)]),
        Same(),
    ),
    case(
        "an attribute called as a reserved word",
        both(
            replace("leads.csv", (",country,", ",group,")),
            replace("readiness.toml", ('"country"', '"group"')),
        ),
        Rows('SELECT count("group") FROM leads', [(8,)]),
    ),
    case(
        "an attribute with quotes and blanks",
        both(
            recode("leads.csv", lambda t: t.replace(",country,", ',"the ""land"" ",', 1).encode()),
            replace("readiness.toml", ('"country"', "'the \"land\" '")),
        ),
        Rows('SELECT count("the ""land"" ") FROM leads', [(8,)]),
    ),
    # A database.
    case("tables of a database", database(), Same()),
    case("views of a database", database(kind="VIEW"), Same()),
    case(
        "a table that the database lacks",
        database("DROP TABLE deals"),
        message("tables.deals", "crm.duckdb", "deals"),
    ),
    case(
        "a table's name misspelt",
        both(database(), replace("readiness.toml", ('"events"', '"event"'))),
        message("tables.events", "event", "events"),
    ),
    case(
        "a view that fails",
        database(
            "DROP VIEW deals; CREATE VIEW deals AS SELECT lead_id, "
            "closed_at, outcome, error('no such luck') AS amount FROM deals_",
            kind="VIEW",
        ),
        message("tables.deals", "no such luck"),
    ),
    case(
        "a database that is not there",
        replace("readiness.toml", ("[tables]", '[tables]\ndatabase = "crm.duckdb"')),
        message("tables.database", "crm.duckdb"),
    ),
    case(
        "a database that is none",
        both(
            write("crm.duckdb", "no database"),
            replace("readiness.toml", ("[tables]", '[tables]\ndatabase = "crm.duckdb"')),
        ),
        message("tables.database", "crm.duckdb", "neither"),
    ),
    case(
        "a database cut off",
        both(database(), cut("crm.duckdb", 5_000)),
        message("tables.database", "crm.duckdb"),
    ),
    case(
        "a table without a database",
        name("deals", '"deals"'),
        message("tables.deals", "'deals'", "tables.database"),
    ),
    # Queries.
    case("a query over a file", name("events", "\"SELECT * FROM 'events.csv'\""), Same()),
    case(
        "a query with a comment",
        name("events", f"\"{MAPPED} 'events.csv' -- all of them\""),
        Same(),
    ),
    case(
        "a query in a file",
        both(write("events.sql", f"{MAPPED} 'events.csv';\n"), name("events", '"events.sql"')),
        Same(),
    ),
    case(
        "a file of a query that is empty",
        both(write("events.sql", "\n"), name("events", '"events.sql"')),
        message("tables.events", "events.sql"),
    ),
    case(
        "a file of two queries",
        both(write("events.sql", "SELECT 1; SELECT 2"), name("events", '"events.sql"')),
        message("tables.events", "events.sql"),
    ),
    case(
        "a file that changes the data",
        both(write("events.sql", "DELETE FROM leads"), name("events", '"events.sql"')),
        message("tables.events", "events.sql"),
    ),
    case(
        "a query with a fault",
        name("events", '"SELECT FROM WHERE"'),
        message("tables.events", "WHERE"),
    ),
    case(
        "a query of two statements",
        name("events", "\"SELECT * FROM 'events.csv'; DROP TABLE leads\""),
        message("tables.events"),
    ),
    case(
        "a query over a file that is not there",
        name("events", "\"SELECT * FROM 'there.csv'\""),
        message("tables.events", "there.csv"),
    ),
    case(
        "a query without the columns",
        name("events", '"SELECT 1 AS lead_id"'),
        message("tables.events", "occurred_at", "action"),
    ),
    case(
        "a query that names a column twice",
        name("events", "\"SELECT *, action AS action FROM 'events.csv'\""),
        message("tables.events", "action"),
    ),
    case(
        "a query that divides by zero is null",
        name("deals", "\"SELECT * REPLACE (amount::DOUBLE / 0 AS amount) FROM 'deals.csv'\""),
        Same(),
    ),
    case(
        "a query whose cast fails late",
        name("deals", "\"SELECT * REPLACE (outcome::INTEGER AS outcome) FROM 'deals.csv'\""),
        message("tables.deals", "won"),
    ),
    case("a query of another kind", name("events", '"DROP TABLE leads"'), message("tables.events")),
]


@each(CASES)
def test_tables(one: Case, tmp_path: Path, sound: pd.DataFrame) -> None:
    prove(one, tmp_path, sound)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path, sound: pd.DataFrame) -> None:
    locked = case(
        "locked",
        lambda folder: (folder / "events.csv").chmod(0),
        message("tables.events", "events.csv", "ermission"),
    )
    prove(locked, tmp_path, sound)
