"""Leads are read from PostgreSQL and SQLite as from files; nothing is written there, no password is
shown, and what cannot be read ends in one message."""

import json
import sqlite3
import subprocess
import sys
import threading
import time

import duckdb
import psycopg
import pytest

from features.contract import databases
from features.contract.databases import read_place
from features.contract.extensions import EXTRAS, connect, load_extension
from features.errors import BadInput
from features.open_database import open_database
from tests.database_servers import OWNER, READER
from tests.features.lead_databases import at, config_for, refusal, staged_events

EVENTS = "SELECT lead_id, occurred_at, action FROM crm."
ROWS = [("7", at("2026-01-02 08:00"), "visit", None, None, None, None)]
TABLE = """CREATE TABLE {} AS
    SELECT '7' AS lead_id, TIMESTAMP '2026-01-02 08:00' AS occurred_at, 'visit' AS action;"""


def staged(folder, table, columns, **tables):
    with open_database(config_for(folder, tables=tables)) as database:
        sql = f"SELECT {columns} FROM {table} ORDER BY ALL"
        return database.connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("more", "events"),
    [
        ("", "log"),
        ("", "public.log"),
        ("", "sales.log"),
        ("", "crm.sales.log"),
        ("", f"{EVENTS}log"),
        ("", f"{EVENTS}sales.log -- and a remark"),
        ("?schema=sales", "log"),
        ("?schema=sales", f"{EVENTS}log"),
        ("?schema=crm", f"{EVENTS}log"),
        ("?schema=crm", f"{EVENTS}crm.log"),
        ("", 'odd "x".y z'),
        ("?sslmode=prefer", "LOG"),
    ],
)
def test_a_table_of_postgres_by_its_name_its_schema_or_a_query(server, folder, more, events):
    server.sql("DROP SCHEMA IF EXISTS crm CASCADE; CREATE SCHEMA crm; CREATE SCHEMA sales;")
    for name in ("public.log", "sales.log", "crm.log", 'public."odd ""x"".y z"'):
        server.sql(TABLE.format(name))
    assert staged_events(folder, database=server.url(more), events=events) == ROWS


def test_types_of_postgres(server, folder):
    """The server stands in New York: 08:00 of TIMESTAMPTZ there is 13:00 UTC. A time without a zone
    is UTC."""
    server.sql(
        """
        DROP TYPE IF EXISTS result;
        CREATE TYPE result AS ENUM ('won', 'lost');
        CREATE TABLE leads (lead_id uuid, created_at timestamptz, source varchar(20));
        INSERT INTO leads VALUES ('0b0e0000-0000-0000-0000-000000000001', '2026-01-02 08:00', 'ü');
        CREATE TABLE log (lead_id uuid, occurred_at timestamptz, action text, value numeric);
        INSERT INTO log VALUES
            ('0b0e0000-0000-0000-0000-000000000001', '2026-07-02 08:00:00.000001', 'visit', 0.1),
            ('0b0e0000-0000-0000-0000-000000000001', '2026-07-02 08:00+00', 'visit', NULL),
            ('0b0e0000-0000-0000-0000-000000000001', '-infinity', 'visit', NULL);
        CREATE TABLE deals
            (lead_id uuid, closed_at timestamp, outcome result, amount numeric(12,2));
        INSERT INTO deals VALUES
            ('0b0e0000-0000-0000-0000-000000000001', '2026-08-01', 'won', 9.99);
        CREATE TABLE contacts (lead_id uuid, contacted_at date, accepted boolean);
        INSERT INTO contacts VALUES ('0b0e0000-0000-0000-0000-000000000001', '2026-01-03', true);
        """
    )
    lead = "0b0e0000-0000-0000-0000-000000000001"
    tables = {name: name for name in ("leads", "deals", "contacts")} | {"events": "log"}
    tables["database"] = server.url()
    assert staged(folder, "leads", "lead_id, created_at, source", **tables) == [
        (lead, at("2026-01-02 13:00"), "ü")
    ]
    assert staged(folder, "events", "occurred_at, value", **tables) == [
        (at("2026-07-02 08:00"), None),
        (at("2026-07-02 12:00:00.000001"), 0.1),
        (None, None),
    ]
    deals = staged(folder, "deals", "closed_at, outcome, amount", **tables)
    assert deals == [(at("2026-08-01"), "won", 9.99)]
    contacts = staged(folder, "contacts", "contacted_at, accepted", **tables)
    assert contacts == [(at("2026-01-03"), True)]


@pytest.mark.parametrize("kind", ["numeric", "numeric(12,2)"])
def test_not_a_number_of_type_numeric_is_not_read_as_0(server, folder, kind):
    """As DuckDB reads it; of type float8 it is read right."""
    server.sql(
        f"CREATE TABLE log (lead_id text, occurred_at timestamp, action text, value {kind}); "
        "INSERT INTO log VALUES ('7', '2026-01-02', 'visit', 'NaN'), ('7', now(), 'visit', 0.1)"
    )
    message = refusal(folder, tables={"database": server.url(), "events": "log"})
    assert message.startswith("tables.events.value: 1 rows")
    cure = "SELECT lead_id, occurred_at, action, value::float8 FROM log"
    events = f"SELECT * FROM postgres_query('crm', '{cure}')"
    rows = staged_events(folder, database=server.url(), events=events)
    assert [row[5] for row in rows] == [None, 0.1]


def test_ids_that_floating_point_would_join_are_refused(server, folder):
    server.sql(
        "CREATE TABLE log AS SELECT 12345678901234567::numeric AS lead_id, "
        "now()::timestamp AS occurred_at, 'visit' AS action"
    )
    message = refusal(folder, tables={"database": server.url(), "events": "log"})
    assert message.startswith("tables.events.lead_id: 1 rows")
    server.sql("ALTER TABLE log ALTER lead_id TYPE numeric(20, 0)")
    rows = staged_events(folder, database=server.url(), events="log")
    assert [row[0] for row in rows] == ["12345678901234567"]


def test_json_is_no_attribute(server, folder):
    server.sql(
        "CREATE TABLE leads AS SELECT '7' AS lead_id, now() AS created_at, '{}'::jsonb AS answers;"
    )
    tables = {"database": server.url(), "leads": "leads"}
    message = refusal(folder, tables=tables, features={"attributes": ["answers"]})
    assert "answers" in message
    assert "JSON" in message


def test_no_column_is_read_that_is_not_needed(server, folder):
    """The reader may read just those, so that reading any other would be denied."""
    server.sql(
        """
        CREATE TABLE leads AS
            SELECT '7' AS lead_id, now() AS created_at, 'AT' AS country, 'secret' AS notes;
        CREATE TABLE log AS
            SELECT '7' AS lead_id, now() AS occurred_at, 'visit' AS action, 'secret' AS body;
        REVOKE ALL ON leads, log FROM reader;
        GRANT SELECT (lead_id, created_at, country) ON leads TO reader;
        GRANT SELECT (lead_id, occurred_at, action) ON log TO reader;
        """
    )
    tables = {"database": server.url(), "leads": "leads", "events": "log"}
    config = config_for(folder, tables=tables, features={"attributes": ["country"]})
    with open_database(config) as database:
        assert database.query("SELECT country FROM leads")["country"].tolist() == ["AT"]
    message = refusal(folder, tables=tables, features={"attributes": ["notes"]})
    assert "permission denied for table leads" in message


def test_nothing_is_written_even_by_who_may_write(server, folder, monkeypatch):
    monkeypatch.setenv("CRM_PASSWORD", OWNER)
    server.sql(
        TABLE.format("log") + "CREATE FUNCTION wipe() RETURNS text LANGUAGE sql AS "
        "$$ DELETE FROM log; SELECT '7' $$"
    )
    delete = "SELECT wipe() AS lead_id, occurred_at, action FROM log"
    url = server.url(user="owner")
    message = refusal(
        folder,
        tables={"database": url, "events": f"SELECT * FROM postgres_query('crm', '{delete}')"},
    )
    assert "read-only transaction" in message
    assert server.sql("SELECT count(*) FROM log") == "1"


def wait_for_reading(server, table):
    """Until the reader is in the middle of a table."""
    running = f"FROM pg_stat_activity WHERE usename = 'reader' AND query LIKE '%COPY%\"{table}\"%'"
    deadline = time.monotonic() + 60
    while server.sql(f"SELECT count(*) {running} AND state = 'active'") == "0":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return running


SLOW = """CREATE VIEW log AS SELECT '7' AS lead_id, TIMESTAMP '2026-01-02 08:00' AS occurred_at,
    'visit' AS action FROM generate_series(1, {}) WHERE pg_sleep({}) IS NOT NULL;"""


def test_all_tables_are_read_as_of_one_moment(server, folder):
    server.sql(SLOW.format(1, 2))
    server.sql("CREATE TABLE deals (lead_id text, closed_at timestamp, outcome text);")

    def close_a_deal():
        wait_for_reading(server, "log")
        server.sql("INSERT INTO deals VALUES ('7', '2026-01-03', 'won');")

    meanwhile = threading.Thread(target=close_a_deal)
    meanwhile.start()
    tables = {"database": server.url(), "events": "log", "deals": "deals"}
    assert staged(folder, "deals", "outcome", **tables) == []
    meanwhile.join()
    assert len(staged(folder, "deals", "outcome", **tables)) == 1


def test_a_connection_cut_while_reading_is_one_message(server, folder):
    """In a process of its own: DuckDB would end one whose transaction it cannot roll back."""
    server.sql(SLOW.format(100_000, 0.001))
    (folder / "readiness.toml").write_text(
        f'[tables]\ndatabase = "{server.url()}"\nevents = "log"\nleads = "leads.parquet"\n'
        'deals = "deals.parquet"\n[time]\nfirst_cutoff = 2026-01-01\n[capacity]\nshare = 0.1\n'
    )
    command = [sys.executable, "-m", "readiness.main", "check", str(folder), "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        running = wait_for_reading(server, "log")
        server.sql(f"SELECT pg_terminate_backend(pid) {running}")
        output, errors = run.communicate(timeout=60)
    assert run.returncode == 2
    message = json.loads(output)["error"]
    assert message.startswith(
        "tables.events cannot be read (log, postgresql://reader:***@127.0.0.1"
    )
    assert "terminat" in message or "closed the connection" in message
    assert "Traceback" not in errors
    assert READER not in output + errors


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("CRM_PASSWORD", "WRONG"), ["password authentication failed", "reader:***@127.0.0.1"]),
        (("127.0.0.1", "no.such.host.invalid"), ["no.such.host.invalid"]),
        (("{port}", "1"), ["refused"]),
        (("/crm", "/cmr"), ['database "cmr" does not exist']),
        (("/crm", "/"), ["names no database"]),
        (("{port}", "54x2"), ["port"]),
        (("/crm", "/crm?schema=slaes"), ["no schema slaes", "It has: sales"]),
        (("/crm", "/crm?shcema=sales"), ["shcema", "schema"]),
        (("/crm", "/crm?sslmode=require"), ["SSL"]),
        (("CRM_PASSWORD", "CRM_PASSWROD"), ["CRM_PASSWROD", "not set"]),
        (("${CRM_PASSWORD}", READER), ["written out", "${CRM_PASSWORD}"]),
        (("postgresql://", "oracle://"), ["postgresql://", "mysql"]),
    ],
)
def test_what_cannot_be_opened_is_named_at_once(server, folder, monkeypatch, change, names):
    server.sql("CREATE SCHEMA sales;")
    monkeypatch.setenv("WRONG", "not it at all")
    url = server.url().replace(change[0].replace("{port}", str(server.port)), change[1])
    start = time.monotonic()
    message = refusal(folder, tables={"database": url, "events": "log"})
    assert time.monotonic() - start < 8
    assert message.startswith("tables.database")
    assert [name for name in names if name not in message] == []
    assert not {READER, "not it at all"} & set(message.split())
    assert READER not in message


def test_a_server_without_a_free_connection_is_waited_for(server, folder, monkeypatch):
    server.sql("CREATE SCHEMA sales;" + TABLE.format("log"))
    server.sql("ALTER ROLE reader CONNECTION LIMIT 1;")
    tables = {"database": server.url(), "events": "log"}
    login = {"host": "127.0.0.1", "port": server.port, "user": "reader", "dbname": "crm"}
    try:
        with psycopg.connect(**login, password=READER) as other:
            ending = threading.Timer(1.5, other.close)
            ending.start()
            start = time.monotonic()
            assert staged(folder, "events", "lead_id", **tables) == [("7",)]
            assert 1 < time.monotonic() - start < 30
            ending.join()
        monkeypatch.setattr(databases, "ROOM_SECONDS", 0)
        with psycopg.connect(**login, password=READER):
            assert "too many connections" in refusal(folder, tables=tables)
    finally:
        server.sql("ALTER ROLE reader CONNECTION LIMIT -1;")


@pytest.mark.parametrize(
    ("more", "events", "nearest"),
    [
        ("", "lgo", "log"),
        ("", "sales.calsl", "sales.calls"),
        ("", "calls", "sales.calls"),
        ("?schema=sales", "call", "calls"),
    ],
)
def test_a_table_that_is_not_there_is_named_with_the_nearest(server, folder, more, events, nearest):
    server.sql("CREATE SCHEMA sales;" + TABLE.format("log") + TABLE.format("sales.calls"))
    message = refusal(folder, tables={"database": server.url(more), "events": events})
    assert message.startswith("tables.events: postgresql://reader:***@")
    assert f"no table {events}. It has: {nearest}" in message


def test_a_user_who_may_see_nothing(server, folder):
    server.sql(TABLE.format("log") + "REVOKE ALL ON log FROM reader;")
    message = refusal(folder, tables={"database": server.url(), "events": "log"})
    assert "permission denied for table log" in message


def test_the_whole_url_may_come_from_the_environment(server, folder, monkeypatch):
    server.sql(TABLE.format("log"))
    escaped = "r%3Ae%40d%2Fer's%20%231"
    url = server.url(password=escaped).replace("postgresql:", "postgresql+psycopg2:")
    monkeypatch.setenv("CRM", url)
    assert staged_events(folder, database="${CRM}", events="log") == ROWS
    monkeypatch.setenv("CRM", url.replace(escaped, "open%20sesame"))
    message = refusal(folder, tables={"database": "${CRM}", "events": "log"})
    assert "authentication failed" in message
    assert "sesame" not in message


def test_a_password_that_libpq_knows(server, folder, monkeypatch):
    server.sql(TABLE.format("log"))
    monkeypatch.setenv("PGPASSWORD", READER)
    url = server.url().replace(":${CRM_PASSWORD}", "")
    assert staged_events(folder, database=url, events="log") == ROWS


def test_the_server_is_left_alone_after_reading(server, folder):
    server.sql(TABLE.format("log"))
    with open_database(config_for(folder, tables={"database": server.url(), "events": "log"})):
        assert server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader'") == "0"


def test_spark_reads_no_database(folder, server):
    message = refusal(folder, tables={"database": server.url()}, engine={"kind": "spark"})
    assert message.startswith("tables.database")
    assert READER not in message


@pytest.fixture
def sqlite(folder):
    with sqlite3.connect(folder / "crm.db") as connection:
        connection.executescript(
            """
            CREATE TABLE log (lead_id INTEGER, occurred_at TIMESTAMP, action TEXT, value REAL, who);
            INSERT INTO log VALUES (7, '2026-01-02 08:00:00.000001', 'visit', 0.1, 'x'),
                (8, '2026-01-02T08:00:00Z', 'visit', NULL, 5), (9, 1767340800, 'visit', 2, NULL);
            CREATE VIEW mine AS SELECT lead_id, occurred_at, action || ' é' AS action FROM log;
            CREATE TABLE "odd ""x"".y z" (lead_id INTEGER, occurred_at TIMESTAMP, action TEXT);
            INSERT INTO "odd ""x"".y z" SELECT lead_id, occurred_at, action FROM log;
            CREATE TABLE mixed (lead_id INTEGER, occurred_at TIMESTAMP, action TEXT);
            INSERT INTO mixed VALUES ('seven', '2026-01-02', 'visit');
            """
        )
    return folder


@pytest.mark.parametrize("database", ["crm.db", "sqlite:///crm.db", "sqlite:///{folder}/crm.db"])
@pytest.mark.parametrize("events", ["log", 'odd "x".y z', "SELECT * FROM crm.log"])
def test_sqlite_is_known_by_its_first_bytes(sqlite, database, events):
    rows = staged_events(sqlite, database=database.format(folder=sqlite), events=events)
    assert sorted(row[:2] for row in rows) == [
        ("7", at("2026-01-02 08:00:00.000001")),
        ("8", at("2026-01-02 08:00")),
        ("9", at("2026-01-02 08:00")),
    ]


def test_text_without_a_type_in_sqlite_is_text(sqlite):
    rows = staged_events(sqlite, database="crm.db", events="mine")
    assert {row[2] for row in rows} == {"visit é"}


def test_what_sqlite_cannot_give(sqlite):
    message = refusal(sqlite, tables={"database": "crm.db", "events": "lgo"})
    assert "no table lgo. It has: log" in message
    message = refusal(sqlite, tables={"database": "crm.db", "events": "mixed"})
    assert message.startswith("tables.events cannot be read (mixed, ")
    assert "lead_id" in message
    assert "seven" in message
    (sqlite / "crm.db").write_bytes(b"SQLite format 3\0" + bytes(1000))
    message = refusal(sqlite, tables={"database": "crm.db", "events": "log"})
    assert "crm.db" in message
    (sqlite / "crm.db").write_text("lead_id,occurred_at\n")
    message = refusal(sqlite, tables={"database": "crm.db", "events": "log"})
    assert "neither a DuckDB nor a SQLite file" in message


@pytest.mark.parametrize("name", EXTRAS)
def test_a_missing_wheel_is_named_with_its_extra(name, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    with pytest.raises(BadInput) as refused:
        load_extension(connect(), name)
    assert f"pip install -c constraints.txt -e '.[{EXTRAS[name]}]'" in str(refused.value)


def test_a_wheel_of_another_version_is_named(monkeypatch):
    monkeypatch.setattr(duckdb, "__version__", "1.5.9")
    with pytest.raises(BadInput, match=r"DuckDB is 1\.5\.9, .* is for v1\.5\.5"):
        load_extension(connect(), "excel")


def test_nothing_is_downloaded(folder):
    with open_database(config_for(folder)) as database:
        settings = database.connection.execute(
            "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions'"
        ).fetchall()
    assert dict(settings) == {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    message = refusal(folder, tables={"events": "SELECT * FROM 'https://example.org/x.parquet'"})
    assert f"duckdb-extension-httpfs=={duckdb.__version__}" in message


def test_a_place_never_shows_its_password(folder, monkeypatch):
    monkeypatch.setenv("CRM_PASSWORD", READER)
    place = read_place(
        "mysql://reader:${CRM_PASSWORD}@db.example.org/shop?ssl_mode=required", folder
    )
    assert (place.kind, place.schema, place.login["PASSWORD"]) == ("mysql", "shop", READER)
    assert place.shown == "mysql://reader:***@db.example.org/shop"
    assert READER not in repr(place)
    assert str(BadInput(f"no access with {READER}")) == "no access with ***"


def test_mysql_that_does_not_answer(folder):
    url = "mysql://reader@127.0.0.1:1/shop"
    message = refusal(folder, tables={"database": url, "events": "log"})
    assert message.startswith(f"tables.database: {url} cannot be opened: ")
    assert "refused" in message


def test_mysql(mariadb, folder, monkeypatch):
    """The server stands five hours west of UTC: a TIMESTAMP is an instant, a DATETIME is UTC; a
    zero date is no time."""
    sql, port = mariadb
    monkeypatch.setenv("CRM_PASSWORD", READER)
    quoted = READER.replace("'", "''")
    sql(
        f"""
        CREATE DATABASE crm CHARACTER SET utf8mb4; CREATE DATABASE shop;
        CREATE USER 'reader'@'127.0.0.1' IDENTIFIED BY '{quoted}';
        GRANT SELECT ON crm.* TO 'reader'@'127.0.0.1';
        USE crm; SET time_zone = '+00:00', sql_mode = '';
        CREATE TABLE log (lead_id BIGINT, occurred_at TIMESTAMP(6) NULL, local DATETIME(6),
            action VARCHAR(20), value DECIMAL(20,5));
        INSERT INTO log VALUES (7, '2026-07-02 08:00:00.000001', '2026-07-02', 'ü "x"', 1.5),
            (8, '2026-07-03', '0000-00-00', 'visit', NULL);
        """
    )
    url = f"mysql://reader:${{CRM_PASSWORD}}@127.0.0.1:{port}/crm"
    rows = [row[:3] + row[5:6] for row in staged_events(folder, database=url, events="log")]
    assert rows == [
        ("7", at("2026-07-02 08:00:00.000001"), 'ü "x"', 1.5),
        ("8", at("2026-07-03"), "visit", None),
    ]
    query = "SELECT lead_id, local AS occurred_at, action FROM crm.log"
    times = {row[1] for row in staged_events(folder, database=url, events=query)}
    assert times == {at("2026-07-02"), None}
    message = refusal(folder, tables={"database": url, "events": "lgo"})
    assert "no table lgo. It has: log" in message
    monkeypatch.setenv("CRM_PASSWORD", "not it at all")
    for wrong in (url, url.replace("/crm", "/shop")):
        message = refusal(folder, tables={"database": wrong, "events": "log"})
        assert "Access denied" in message
        assert "reader:***@" in message
        assert "not it at all" not in message
