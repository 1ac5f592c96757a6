"""init finds the tables of a database: a SQLite file in the folder, a server by its URL."""

import sqlite3

import pytest

from features.config import load
from features.errors import BadInput
from features.open_database import open_database
from features.starter.crm.map import map_crm
from features.starter.starter import write_starter

pytestmark = pytest.mark.slow
TABLES = """
CREATE TABLE leads (lead_id text, created_at timestamp, source text);
CREATE TABLE deals (lead_id text, closed_at timestamp, outcome text);
CREATE TABLE events (lead_id text, occurred_at timestamp, action text);
INSERT INTO leads VALUES ('a', '2026-01-02 08:00:00', 'web'), ('b', '2026-01-03 08:00:00', 'fair');
INSERT INTO deals VALUES ('a', '2026-02-01 12:00:00', 'won');
INSERT INTO events VALUES ('a', '2026-01-05 09:00:00', 'visited');
"""
HUBSPOT = """
CREATE SCHEMA hubspot;
CREATE TABLE hubspot.contact (id bigint, property_createdate timestamptz, property_email text);
CREATE TABLE hubspot.deal (deal_id bigint, deal_pipeline_stage_id text,
  property_createdate timestamptz, property_closedate timestamptz, property_amount numeric(12, 2));
CREATE TABLE hubspot.deal_pipeline_stage (stage_id text, label text, is_closed boolean,
  closed_won boolean);
CREATE TABLE hubspot.deal_contact (deal_id bigint, contact_id bigint);
INSERT INTO hubspot.contact VALUES (7, '2026-01-02 08:00:00+00', 'ann@client.com');
INSERT INTO hubspot.deal VALUES
  (1, 's2', '2026-01-03 08:00:00+00', '2026-02-01 12:00:00+00', 100);
INSERT INTO hubspot.deal_pipeline_stage VALUES ('s2', 'Won', true, true);
INSERT INTO hubspot.deal_contact VALUES (1, 7);
"""
LEADS = "SELECT lead_id::VARCHAR, created_at::VARCHAR FROM leads ORDER BY lead_id"
DEALS = "SELECT lead_id::VARCHAR, closed_at::VARCHAR, outcome FROM deals"


def rows_of(folder):
    with open_database(load(folder)) as database:
        run = database.connection.execute
        return run(LEADS).fetchall(), run(DEALS).fetchall()


EXPECTED = (
    [("a", "2026-01-02 08:00:00"), ("b", "2026-01-03 08:00:00")],
    [("a", "2026-02-01 12:00:00", "won")],
)


def test_a_sqlite_file_in_the_folder(tmp_path):
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.executescript(TABLES)
    connection.close()
    write_starter(tmp_path)
    assert load(tmp_path).tables.database == "crm.db"
    assert rows_of(tmp_path) == EXPECTED


def test_a_server_by_its_url_whose_password_stays_in_the_environment(server, tmp_path):
    server.sql(TABLES)
    write_starter(tmp_path, database=server.url())
    assert rows_of(tmp_path) == EXPECTED
    assert "${CRM_PASSWORD}" in (tmp_path / "readiness.toml").read_text()


def test_the_tables_that_a_connector_leaves_on_a_server(server, tmp_path):
    server.sql(f"DROP SCHEMA IF EXISTS hubspot CASCADE; {HUBSPOT}")
    mapped = map_crm(tmp_path, "hubspot", server.url())
    write_starter(tmp_path, mapped, server.url())
    leads, deals = rows_of(tmp_path)
    assert leads == [("7", "2026-01-02 08:00:00")]
    assert deals == [("7", "2026-02-01 12:00:00", "won")]


def test_a_database_that_cannot_be_opened(tmp_path):
    with pytest.raises(BadInput, match=r"tables\.database"):
        write_starter(tmp_path, database="postgresql://reader@127.0.0.1:1/crm")
    assert list(tmp_path.iterdir()) == []
