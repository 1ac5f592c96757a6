"""The database that `tables.database` names, by a path or a URL: DuckDB, SQLite, PostgreSQL or
MySQL (docs/databases.md, docs/adr/0028).

It is attached as `crm`, read-only. Its password comes from the environment and goes into a secret
of DuckDB, so that no message and no catalog shows it.
"""

from __future__ import annotations

import difflib
import random
import re
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, unquote

import duckdb

from features.contract.extensions import load_extension
from features.environment import VARIABLE, from_environment
from features.errors import BadInput
from features.masking import remember_secret
from features.sql import literal, quoted

CONNECT_SECONDS = 10
MYSQL_PORT = 3306
ROOM_SECONDS = 60  # how long a server that takes no more connections is waited for
_FULL = re.compile(r"too many (clients|connections)|remaining connection slots", re.IGNORECASE)
Connected = TypeVar("Connected")
_SCHEMES = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
}
_URL = re.compile(
    r"(?P<scheme>\w+)(?:\+\w+)?://"
    r"(?:(?P<user>[^:@/?]*)(?::(?P<password>[^/]*))?@)?"
    r"(?P<host>\[[^\]]*\]|[^:/?@]*)(?::(?P<port>[^/?@]*))?(?:/(?P<path>[^?]*))?(?:\?(?P<query>.*))?"
)
_OPTIONS = {  # of a URL, behind its "?"
    "postgres": [
        "schema",
        "host",
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "passfile",
        "options",
    ],
    "mysql": ["socket", "ssl_mode", "ssl_ca", "ssl_cert", "ssl_key"],
    "sqlite": [],
    "duckdb": [],
}
SYSTEM_SCHEMAS = ("information_schema", "pg_catalog", "mysql", "performance_schema", "sys")


def cause(error: Exception) -> str:
    """The cause out of an error of DuckDB, on one line: what the server says, where one says it.

    >>> cause(ValueError('Failed to prepare COPY "COPY (SELECT 1)": ERROR:  permission denied'))
    'permission denied'
    >>> cause(ValueError("IO Error: server closed the connection unexpectedly\\n\\tThis means"))
    'server closed the connection unexpectedly'
    """
    text = re.split(r"\n\s*LINE \d|\n\n|\n\* ", str(error))[0]
    text = re.split(r"(?:ERROR|FATAL): +", text)[-1]
    text = text.partition("\n\t")[0]
    text = re.sub(
        r'^[\w ]*Error: |^\[Errno -?\d+\] |Unable to connect to Postgres at ".*?": ', "", text
    )
    return re.sub(r'^Failed to connect to MySQL .*?parameters ".*?": ', "", text.strip())


@dataclass(frozen=True)
class Place:
    """Where a database is. `shown` is how messages name it, the password masked.

    kind: "duckdb", "sqlite", "postgres" or "mysql"; `path` is of the first two.
    schema: whose tables need no schema before their name; is_one_schema: the URL names it, and no
    other schema is looked at.
    """

    kind: str
    shown: str
    schema: str
    is_one_schema: bool = False
    path: Path | None = None
    login: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    key: str = "tables.database"  # of readiness.toml, for messages


def read_place(named: str, folder: Path, key: str = "tables.database") -> Place:
    """Where the database is that a `key` of readiness.toml names: a path, relative to `folder`, or
    a URL.

    ${NAME} is replaced from the environment. Raises BadInput for a variable that is not set, for a
    password written out, and for what is no URL.
    """
    whole = VARIABLE.fullmatch(named.strip())
    url = from_environment(named.strip(), key) if whole else named.strip()
    if "://" not in url:
        path = folder / from_environment(url, key)
        return _file_place(path, str(path), key)
    parts = _URL.fullmatch(url)
    kind = _SCHEMES.get(url.partition("://")[0].partition("+")[0].lower())
    if parts is None or kind is None:
        raise BadInput(
            f"{key} is no URL of a known kind: postgresql://user:${{PASSWORD}}@host:5432/"
            f"database?schema=name; others begin with {', '.join(_SCHEMES)}."
        )
    text = {
        name: from_environment(unquote(value or ""), key)
        for name, value in parts.groupdict().items()
    }
    given = [(name, from_environment(value, key)) for name, value in parse_qsl(text["query"])]
    options = dict(given)
    unknown = sorted(options.keys() - set(_OPTIONS[kind]))
    if unknown:
        known = ", ".join(_OPTIONS[kind]) or "none"
        raise BadInput(f"{key}: a {kind} URL has no option {unknown[0]}; it may have: {known}.")
    if kind in ("duckdb", "sqlite"):
        path = folder / text["path"]
        return _file_place(path, f"{kind}:///{text['path']}", key)
    if parts["password"] and not whole and not VARIABLE.search(unquote(parts["password"])):
        raise BadInput(
            f"{key} has its password written out, where everybody who sees the file reads "
            f"it. Write {parts['scheme']}://{parts['user']}:${{CRM_PASSWORD}}@{parts['host']}... "
            "and set the environment variable: export CRM_PASSWORD='...'"
        )
    return _server_place(kind, text, options, key)


def _server_place(kind: str, text: Mapping[str, str], options: dict[str, str], key: str) -> Place:
    shown = f"{text['scheme']}://{text['user']}{':***' * bool(text['password'])}"
    shown += f"{'@' * bool(text['user'])}{text['host']}{text['port'] and ':' + text['port']}"
    shown += f"/{text['path']}"
    if text["port"] and not text["port"].isdecimal():
        raise BadInput(f"{key}: {shown} has a port that is no number.")
    if not text["path"]:
        raise BadInput(f"{key}: {shown} names no database: add /name.")
    login = {
        "HOST": options.pop("host", text["host"].strip("[]")),
        "PORT": text["port"],
        "USER": text["user"],
        "PASSWORD": text["password"],
        "DATABASE": text["path"],
    }
    default = "public" if kind == "postgres" else text["path"]
    remember_secret(text["password"])
    schema = options.pop("schema", "")
    given = {name: value for name, value in login.items() if value}
    return Place(kind, shown, schema or default, bool(schema), None, given, options, key)


def _file_place(path: Path, shown: str, key: str) -> Place:
    """A database file, whose first bytes say what it is."""
    if not path.is_file():
        raise BadInput(f"{key}: there is no file {path}.")
    with path.open("rb") as file:
        start = file.read(16)
    if start == b"SQLite format 3\0":
        return Place("sqlite", shown, "main", path=path, key=key)
    if start[8:12] == b"DUCK":
        return Place("duckdb", shown, "main", path=path, key=key)
    raise BadInput(
        f"{key}: {path} is neither a DuckDB nor a SQLite file. A server is named by its "
        "URL: postgresql://user:${PASSWORD}@host/database"
    )


def attach(connection: duckdb.DuckDBPyConnection, place: Place, name: str = "crm") -> None:
    """Attach a database as `name`, read-only. Raises BadInput where it cannot be opened."""
    if place.kind != "duckdb":
        load_extension(connection, f"{place.kind}_scanner")
    how, target = f"TYPE {place.kind}, READ_ONLY", str(place.path)
    if place.path is None:
        login = "".join(f", {key} {literal(value)}" for key, value in place.login.items())
        connection.execute(f"CREATE TEMPORARY SECRET {name}_login (TYPE {place.kind}{login})")
        how += f", SECRET {name}_login"
        target = " ".join(f"{key}={value}" for key, value in place.options.items())
    try:
        if place.kind == "postgres":
            target = _libpq_options(place.options)
            how += f", SCHEMA {literal(place.schema)}" if place.is_one_schema else ""
        elif place.kind == "mysql":
            # It sends a TIMESTAMP as text, in the time zone of the session.
            connection.execute("SET mysql_session_time_zone = '+00:00'")
            _require_port(place)
        attached = f"ATTACH {literal(target)} AS {name} ({how})"
        when_there_is_room(lambda: connection.execute(attached))
        if place.is_one_schema:
            _require_schema(connection, place, name)
    except (duckdb.Error, OSError) as error:
        raise BadInput(f"{place.key}: {place.shown} cannot be opened: {cause(error)}.") from None


def when_there_is_room(connect: Callable[[], Connected]) -> Connected:
    """What `connect` returns. While the server has as many connections as it takes, it is tried
    again, for ROOM_SECONDS; then it raises what `connect` raised."""
    until = time.monotonic() + ROOM_SECONDS
    while True:
        try:
            return connect()
        except Exception as error:
            if not _FULL.search(str(error)) or time.monotonic() > until:
                raise
        time.sleep(random.uniform(0.05, 0.3))  # so that those who wait do not come all at once


def _require_schema(connection: duckdb.DuckDBPyConnection, place: Place, attached: str) -> None:
    sql = "SELECT nspname::text AS n FROM pg_namespace WHERE nspname !~ '^pg_'"
    rows = connection.execute(f"FROM postgres_query('{attached}', {literal(sql)})").fetchall()
    schemas = [name for (name,) in rows]
    if place.schema not in schemas:
        near = difflib.get_close_matches(place.schema, schemas) or schemas
        raise BadInput(
            f"{place.key}: {place.shown} has no schema {place.schema}. It has: {', '.join(near)}."
        )


def _libpq_options(given: Mapping[str, str]) -> str:
    options = {
        "connect_timeout": str(CONNECT_SECONDS),
        "application_name": "readiness",
        "keepalives_idle": "30",  # a network that went silent is noticed within a minute
        "keepalives_interval": "10",
        "keepalives_count": "3",
    } | dict(given)
    escaped = {k: v.replace("\\", "\\\\").replace("'", "\\'") for k, v in options.items()}
    return " ".join(f"{key}='{value}'" for key, value in escaped.items())


def _require_port(place: Place) -> None:
    """MySQL's client has no timeout of its own."""
    if "socket" not in place.options:
        port = int(place.login.get("PORT", MYSQL_PORT))
        socket.create_connection((place.login.get("HOST", ""), port), CONNECT_SECONDS).close()


@contextmanager
def one_moment(connection: duckdb.DuckDBPyConnection, place: Place | None) -> Iterator[None]:
    """One transaction, so that all tables of a database are read as of one moment. There is none
    without a database: an error that a reader of files expects would end it.

    It is rolled back by hand: a connection that was cut would otherwise end the process when
    DuckDB rolls back on closing (1.5.5, postgres_scanner).
    """
    if place is None:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
    try:
        connection.execute("COMMIT")
    except duckdb.Error as error:
        raise BadInput(f"The connection to tables.database was lost: {cause(error)}") from None


def detach(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave the database: what was needed of it has been copied."""
    connection.execute("DETACH crm")


def _names(connection: duckdb.DuckDBPyConnection, of: str, name: str) -> list[tuple[str, str]]:
    sql = f"SELECT schema_name, {name} FROM {of} WHERE database_name = 'crm'"
    rows = connection.execute(sql).fetchall()
    return [(schema, each) for schema, each in rows if schema.lower() not in SYSTEM_SCHEMAS]


def table_sql(
    connection: duckdb.DuckDBPyConnection,
    place: Place,
    table: str,
    named: str,
    needed: Collection[str],
) -> str:
    """The SELECT that reads a table of the attached database.

    named: as readiness.toml names it, with or without its schema; it may hold any character.
    needed: the columns that will be read. JSON columns keep that type, so that none is taken for
    text. Raises BadInput with the nearest names, and for numbers that DuckDB would misread.
    """
    listed = _names(connection, "duckdb_tables()", "table_name")
    listed += _names(connection, "duckdb_views()", "view_name")
    listed.sort(key=lambda pair: pair[0] == place.schema)
    before, _, after = named.removeprefix("crm.").partition(".")
    meant = [(place.schema, named), (before, after)]
    folded = [(schema.lower(), name.lower()) for schema, name in meant]
    matches = [pair for pair in meant if pair in listed]
    matches += [
        (schema, name) for schema, name in listed if (schema.lower(), name.lower()) in folded
    ]
    if not matches:
        full = {
            name: name if schema == place.schema else f"{schema}.{name}" for schema, name in listed
        }
        near = difflib.get_close_matches(after or named, full, n=3) or sorted(full)[:10]
        hint = f"It has: {', '.join(full[name] for name in near) or 'none'}."
        if not near and place.path is None:
            hint = "It shows this user no table: grant the right to read (docs/databases.md)."
        raise BadInput(f"tables.{table}: {place.shown} has no table {named}. {hint}")
    schema, name = matches[0]
    json = []
    if place.kind == "postgres":
        types = _postgres_types(connection, schema, name)
        json = [column for column, kind in types.items() if kind in ("json", "jsonb")]
        numeric = {c: k for c, k in types.items() if k.startswith("numeric") and c in needed}
        _require_numbers(connection, place, table, (schema, name), numeric)
    as_json = ", ".join(f"{quoted(column)}::JSON AS {quoted(column)}" for column in json)
    replace = f" REPLACE ({as_json})" if json else ""
    return f"SELECT *{replace} FROM crm.{quoted(schema)}.{quoted(name)}"


def _postgres_types(
    connection: duckdb.DuckDBPyConnection, schema: str, name: str
) -> dict[str, str]:
    """PostgreSQL's types of a table's columns; "numeric wide" where no DECIMAL of DuckDB fits.
    DuckDB itself describes JSON as VARCHAR, and wide numbers as DOUBLE."""
    sql = (
        "SELECT column_name::text AS n, data_type || CASE WHEN data_type = 'numeric' AND "
        "coalesce(numeric_precision, 39) > 38 THEN ' wide' ELSE '' END AS kind "
        f"FROM information_schema.columns WHERE table_schema = {literal(schema)} "
        f"AND table_name = {literal(name)}"
    )
    return dict(connection.execute(f"FROM postgres_query('crm', {literal(sql)})").fetchall())


def _require_numbers(
    connection: duckdb.DuckDBPyConnection,
    place: Place,
    table: str,
    source: tuple[str, str],
    numeric: Mapping[str, str],
) -> None:
    """Raises BadInput for NaN and infinity of type numeric, which DuckDB 1.5.5 reads as 0, and for
    ids that are no longer apart as floating point."""
    relation = ".".join(map(quoted, source))
    for column, kind in numeric.items():
        value = quoted(column)
        faults = {"NaN or infinity": f"{value}::float8 IN ('NaN', 'Infinity', '-Infinity')"}
        if column == "lead_id" and kind == "numeric wide":
            faults["more than 15 digits"] = f"abs({value}) >= 1e15"
        for fault, where in faults.items():
            sql = f"SELECT count(*) AS n FROM {relation} WHERE {where}"
            ((count,),) = connection.execute(
                f"FROM postgres_query('crm', {literal(sql)})"
            ).fetchall()
            if count:
                as_read = f"{column}::{'text' if column == 'lead_id' else 'float8'}"
                raise BadInput(
                    f"tables.{table}.{column}: {count:,} rows of {place.shown} hold {fault} of "
                    "type numeric, which would be misread. Let the server convert it: "
                    f"{table} = \"SELECT * FROM postgres_query('crm', 'SELECT {as_read}, ... FROM "
                    f"{'.'.join(source)}')\""
                )
