"""The database that `tables.database` names, by a path or a URL: DuckDB, SQLite, PostgreSQL or
MySQL (docs/databases.md, docs/adr/0028).

It is attached as `crm`, read-only. Its password comes from the environment and goes into a secret
of DuckDB, so that no message and no catalog shows it.
"""

from __future__ import annotations

import difflib
import os
import re
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import duckdb

from features.contract.extensions import load_extension
from features.errors import BadInput
from features.sql import literal, quoted

CONNECT_SECONDS = 10
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
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_OPTIONS = {  # of a URL, behind its "?"
    "postgres": ["host", "sslmode", "sslrootcert", "sslcert", "sslkey", "passfile", "options"],
    "mysql": ["socket", "ssl_mode", "ssl_ca", "ssl_cert", "ssl_key"],
    "sqlite": [],
    "duckdb": [],
}
_PORTS = {"postgres": 5432, "mysql": 3306}
_DEFAULT_SCHEMA = {"postgres": "public", "sqlite": "main", "duckdb": "main"}
_SYSTEM_SCHEMAS = ("information_schema", "pg_catalog", "mysql", "performance_schema", "sys")


@contextmanager
def one_moment(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One transaction, so that all tables of a server are read as of one moment.

    It is rolled back by hand: a connection that was cut would otherwise end the process when
    DuckDB rolls back on closing (1.5.5, postgres_scanner).
    """
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def cause(error: Exception) -> str:
    """The cause out of an error of DuckDB, on one line: what the server says, where one says it.

    >>> cause(ValueError('Failed to prepare COPY "COPY (SELECT 1)": ERROR:  permission denied'))
    'permission denied'
    >>> cause(ValueError("IO Error: server closed the connection unexpectedly\\n\\tThis means"))
    'server closed the connection unexpectedly'
    """
    text = re.split(r"\n\s*LINE \d|\n\n", str(error))[0]
    text = re.split(r"(?:ERROR|FATAL): +", text)[-1]
    text = text.partition("\n\t")[0]
    text = re.sub(r'^[\w ]*Error: |Unable to connect to Postgres at ".*?": ', "", text)
    return re.sub(r'^Failed to connect to MySQL .*?parameters ".*?": ', "", text.strip())


@dataclass(frozen=True)
class Place:
    """Where a database is. `shown` is how messages name it, the password masked.

    kind: "duckdb", "sqlite", "postgres" or "mysql"; `path` is of the first two.
    schema: whose tables need no schema before their name.
    """

    kind: str
    shown: str
    schema: str
    path: Path | None = None
    login: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    def masked(self, error: Exception) -> str:
        """What an error says, without the password."""
        password = self.login.get("PASSWORD")
        return cause(error).replace(password, "***") if password else cause(error)


def read_place(named: str, folder: Path) -> Place:
    """Where `tables.database` is: a path, relative to `folder`, or a URL.

    ${NAME} is replaced from the environment. Raises BadInput for a variable that is not set, for a
    password written out, and for what is no URL.
    """
    whole = _VARIABLE.fullmatch(named.strip())
    url = _from_environment(named.strip()) if whole else named.strip()
    if "://" not in url:
        path = folder / _from_environment(url)
        return _file_place(path, str(path), None)
    parts = _URL.fullmatch(url)
    kind = _SCHEMES.get(url.partition("://")[0].partition("+")[0].lower())
    if parts is None or kind is None:
        raise BadInput(
            "tables.database is no URL of a known kind: postgresql://user:${PASSWORD}@host:5432/"
            f"database?schema=name; others begin with {', '.join(_SCHEMES)}."
        )
    text = {
        key: _from_environment(unquote(value or "")) for key, value in parts.groupdict().items()
    }
    given = [(key, _from_environment(value)) for key, value in parse_qsl(text["query"])]
    options = dict(given)
    schema = options.pop("schema", None)
    unknown = sorted(options.keys() - set(_OPTIONS[kind]))
    if unknown:
        known = ", ".join(["schema", *_OPTIONS[kind]])
        raise BadInput(f"tables.database: a {kind} URL has no option {unknown[0]}, only {known}.")
    if kind in ("duckdb", "sqlite"):
        path = folder / text["path"]
        return _file_place(path, f"{kind}:///{text['path']}", schema)
    if parts["password"] and not whole and not _VARIABLE.search(unquote(parts["password"])):
        raise BadInput(
            "tables.database has its password written out, where everybody who sees the file reads "
            f"it. Write {parts['scheme']}://{parts['user']}:${{CRM_PASSWORD}}@{parts['host']}... "
            "and set the environment variable: export CRM_PASSWORD='...'"
        )
    return _server_place(kind, text, schema, options)


def _server_place(
    kind: str, text: Mapping[str, str], schema: str | None, options: dict[str, str]
) -> Place:
    shown = f"{text['scheme']}://{text['user']}{':***' * bool(text['password'])}"
    shown += f"{'@' * bool(text['user'])}{text['host']}{text['port'] and ':' + text['port']}"
    shown += f"/{text['path']}"
    if text["port"] and not text["port"].isdecimal():
        raise BadInput(f"tables.database: {shown} has a port that is no number.")
    if not text["path"]:
        raise BadInput(f"tables.database: {shown} names no database: add /name.")
    if kind == "mysql" and schema:
        raise BadInput(
            f"tables.database: {shown}?schema={schema}: a schema of MySQL is a database, "
            f"so write /{schema} for /{text['path']}."
        )
    login = {
        "HOST": options.pop("host", text["host"].strip("[]")),
        "PORT": text["port"],
        "USER": text["user"],
        "PASSWORD": text["password"],
        "DATABASE": text["path"],
    }
    own = schema or _DEFAULT_SCHEMA.get(kind) or text["path"]
    return Place(kind, shown, own, None, {k: v for k, v in login.items() if v}, options)


def _file_place(path: Path, shown: str, schema: str | None) -> Place:
    """A database file, whose first bytes say what it is."""
    if not path.is_file():
        raise BadInput(f"tables.database: there is no file {path}.")
    with path.open("rb") as file:
        start = file.read(16)
    if start == b"SQLite format 3\0":
        return Place("sqlite", shown, schema or "main", path)
    if start[8:12] == b"DUCK":
        return Place("duckdb", shown, schema or "main", path)
    raise BadInput(
        f"tables.database: {path} is neither a DuckDB nor a SQLite file. A server is named by its "
        "URL: postgresql://user:${PASSWORD}@host/database"
    )


def _from_environment(text: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise BadInput(
                f"tables.database names the environment variable {match[1]}, which is not set: "
                f"export {match[1]}='...'"
            )
        return os.environ[match[1]]

    return _VARIABLE.sub(value, text)


def attach(connection: duckdb.DuckDBPyConnection, place: Place) -> None:
    """Attach a database as `crm`, read-only. Raises BadInput where it cannot be opened."""
    if place.kind != "duckdb":
        load_extension(connection, f"{place.kind}_scanner")
    how = f"TYPE {place.kind}, READ_ONLY"
    target = str(place.path)
    if place.path is None:
        login = "".join(f", {key} {literal(value)}" for key, value in place.login.items())
        connection.execute(f"CREATE TEMPORARY SECRET crm_login (TYPE {place.kind}{login})")
        how += ", SECRET crm_login"
        options = dict(place.options)
        if place.kind == "postgres":  # keepalives: a network that went silent is noticed in 1 min
            options = {
                "connect_timeout": str(CONNECT_SECONDS),
                "application_name": "readiness",
                "keepalives_idle": "30",
                "keepalives_interval": "10",
                "keepalives_count": "3",
            } | options
        target = " ".join(f"{key}={_option(value)}" for key, value in options.items())
    try:
        if place.kind == "mysql":
            # It sends a TIMESTAMP as text, in the time zone of the session.
            connection.execute("SET mysql_session_time_zone = '+00:00'")
            _require_port(place)
        connection.execute(f"ATTACH {literal(target)} AS crm ({how})")
        schemas = [name for _, name in _names(connection, "duckdb_schemas()", "schema_name")]
        if place.path is None or place.schema != "main":
            _require(place.schema, schemas, f"tables.database: {place.shown} has no schema")
            connection.execute(
                f"SET search_path = {literal(f'memory.main,crm.{quoted(place.schema)}')}"
            )
    except (duckdb.Error, OSError) as error:
        raise BadInput(
            f"tables.database: {place.shown} cannot be opened: {place.masked(error)}."
        ) from None


def _option(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _require_port(place: Place) -> None:
    """MySQL's client has no timeout of its own."""
    if "socket" not in place.options:
        port = int(place.login.get("PORT", _PORTS[place.kind]))
        socket.create_connection((place.login["HOST"], port), CONNECT_SECONDS).close()


def detach(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave the database: what was needed of it has been copied."""
    connection.execute("SET search_path = 'memory.main'")
    connection.execute("DETACH crm")


def _names(connection: duckdb.DuckDBPyConnection, of: str, name: str) -> list[tuple[str, str]]:
    sql = f"SELECT schema_name, {name} FROM {of} WHERE database_name = 'crm'"
    rows = connection.execute(sql).fetchall()
    return [(schema, each) for schema, each in rows if schema.lower() not in _SYSTEM_SCHEMAS]


def _require(name: str, names: Collection[str], message: str) -> None:
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or sorted(names)[:10]
    raise BadInput(f"{message} {name}. It has: {', '.join(near) or 'none'}.")


def table_sql(connection: duckdb.DuckDBPyConnection, place: Place, table: str, named: str) -> str:
    """The SELECT that reads a table of the attached database.

    named: as readiness.toml names it, with or without its schema; it may hold any character. JSON
    columns keep that type, so that none is taken for text. Raises BadInput with the nearest names.
    """
    listed = _names(connection, "duckdb_tables()", "table_name")
    listed += _names(connection, "duckdb_views()", "view_name")
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
    json = _json_columns(connection, schema, name) if place.path is None else []
    kept = ", ".join(f"{quoted(column)}::JSON AS {quoted(column)}" for column in json)
    replace = f" REPLACE ({kept})" if kept else ""
    return f"SELECT *{replace} FROM crm.{quoted(schema)}.{quoted(name)}"


def _json_columns(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> list[str]:
    """DuckDB itself describes them as VARCHAR."""
    rows = connection.execute(
        "SELECT column_name FROM crm.information_schema.columns WHERE table_schema = ? "
        "AND table_name = ? AND lower(data_type) IN ('json', 'jsonb')",
        [schema, name],
    ).fetchall()
    return [column for (column,) in rows]
