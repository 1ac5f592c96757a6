"""current_scores on a running PostgreSQL, read by its own client: only changed rows are written."""

import os
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from features.errors import BadInput, Refused
from models.decisions.overrides import Override
from models.decisions.place import LedgerPlace
from serve.ledger.decide import add_override
from serve.ledger.ledger import open_ledger
from serve.publish import table as module
from serve.publish.publish import publish
from tests.database_servers import OWNER
from tests.serve.publish.lists import MONDAY, NEXT, config_of, write

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(server, tmp_path, monkeypatch):
    monkeypatch.setenv("OWNER_PASSWORD", OWNER)
    url = server.url(user="owner", password="${OWNER_PASSWORD}")
    settings = f'[publish]\ndatabase = "{url}"\ntable = "sales.current_scores"\n'
    return config_of(tmp_path / "project", settings)


def published(config, ledger, dry_run=False):
    result = publish(config, ledger, dry_run).table
    return (result.new, result.changed, result.closed, result.unchanged)


def stored(server, columns="lead_id, readiness, route"):
    listed = server.sql(f"SELECT {columns} FROM sales.current_scores ORDER BY lead_id")
    return [tuple(line.split("|")) for line in listed.splitlines()]


def test_only_changed_rows_are_written(server, config, place):
    with open_ledger(place) as ledger:
        write(ledger, MONDAY, {"a": 0.9, "b": 0.4, "c": 0.2, "d": 0.1231})
        assert published(config, ledger, dry_run=True) == (4, 0, 0, 0)
        assert server.sql("SELECT to_regclass('sales.current_scores')") == ""
        assert published(config, ledger) == (4, 0, 0, 0)
        assert stored(server) == [
            ("a", "0.9", "sales"),
            ("b", "0.4", "nurture"),
            ("c", "0.2", "nurture"),
            ("d", "0.123", "nurture"),
        ]
        first = stored(server, "lead_id, xmin, ctid, xmax, changed_at, computed_at")
        assert published(config, ledger) == (0, 0, 0, 4)
        assert stored(server, "lead_id, xmin, ctid, xmax, changed_at, computed_at") == first
        write(ledger, NEXT, {"b": 0.8, "c": 0.2, "d": 0.1229, "e": 0.3})
        assert published(config, ledger, dry_run=True) == (1, 1, 1, 2)
        assert published(config, ledger) == (1, 1, 1, 2)
        assert published(config, ledger) == (0, 0, 0, 4)
    after = stored(server, "lead_id, xmin, ctid, xmax, changed_at, computed_at")
    assert after[2:4] == first[2:4]
    assert [row[0] for row in after if row not in first] == ["a", "b", "e"]
    assert stored(server, "lead_id, readiness, route, contact_by IS NULL")[:2] == [
        ("a", "0.9", "closed", "t"),
        ("b", "0.8", "sales", "f"),
    ]


def test_a_decision_of_people_is_the_route_and_a_lead_comes_back(server, config, place):
    with open_ledger(place) as ledger:
        write(ledger, MONDAY, {"a": 0.9, "b": 0.4})
        write(ledger, NEXT, {"b": 0.4})
        publish(config, ledger)
        add_override(ledger, Override("b", "nurture", "on leave", "ann", NEXT, NEXT))
        assert published(config, ledger) == (0, 1, 0, 0)
        assert stored(server, "lead_id, route, contact_by IS NULL") == [("b", "nurture", "t")]
        write(ledger, datetime(2026, 3, 16), {"a": 0.9})
        assert published(config, ledger) == (1, 0, 1, 0)
        write(ledger, datetime(2026, 3, 23), {"b": 0.4})
        assert published(config, ledger) == (0, 1, 1, 0)
    assert stored(server, "lead_id, route") == [("a", "closed"), ("b", "nurture")]


def test_what_the_table_says_is_what_the_ledger_says(server, config, tmp_path):
    ready = {"a|b\n\"'\\N": 0.9, "=1+1": 0.4, "ü": 0.25}
    with open_ledger(LedgerPlace(tmp_path / "out")) as ledger:
        run = write(ledger, MONDAY, ready, ranks=dict.fromkeys(ready, ("A", "4")))
        publish(config, ledger)
        rows = ledger.rows(run).set_index("lead_id")
    with psycopg.connect(
        host="127.0.0.1", port=server.port, user="owner", password=OWNER, dbname="crm"
    ) as connection:
        listed = connection.execute(
            "SELECT lead_id, readiness, rule_score, band, fit, engagement, route, reasons, "
            "model_version, contact_by AT TIME ZONE 'UTC', computed_at AT TIME ZONE 'UTC' "
            "FROM sales.current_scores"
        ).fetchall()
    assert {row[0] for row in listed} == set(rows.index)
    for lead, *values, contact_by, computed_at in listed:
        row = rows.loc[lead]
        names = ["readiness", "rule_score", "band", "fit", "engagement", "route", "reasons"]
        names.append("model_version")
        assert values == row[names].tolist()
        assert computed_at == row["scored_at"]
        assert contact_by == (row["contact_by"] if row["route"] == "sales" else None)


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("CREATE TABLE sales.current_scores (lead_id text PRIMARY KEY)", "ADD COLUMN row_hash"),
        (
            "CREATE TABLE sales.current_scores (lead_id int PRIMARY KEY, readiness float, "
            "rule_score float, band text, fit text, engagement text, route text, "
            "contact_by timestamptz, reasons text, "
            "model_version text, computed_at timestamptz, row_hash text, changed_at timestamptz)",
            "lead_id is integer, not text",
        ),
        ("CREATE VIEW sales.current_scores AS SELECT 1 AS lead_id", "lead_id is integer"),
    ],
)
def test_a_table_with_other_columns_is_refused(server, config, tmp_path, before, message):
    server.sql(f"CREATE SCHEMA sales; {before}")
    with open_ledger(LedgerPlace(tmp_path / "out")) as ledger:
        write(ledger, MONDAY, {"a": 0.9})
        with pytest.raises(BadInput, match=message):
            publish(config, ledger)


def test_a_table_of_an_earlier_release_gets_its_later_columns(server, config, tmp_path):
    with open_ledger(LedgerPlace(tmp_path / "out")) as ledger:
        write(ledger, MONDAY, {"a": 0.9, "b": 0.4})
        published(config, ledger)
        server.sql(
            "ALTER TABLE sales.current_scores DROP COLUMN fit, DROP COLUMN engagement, "
            "ADD COLUMN own text; UPDATE sales.current_scores SET row_hash = 'of before'"
        )
        assert published(config, ledger, dry_run=True) == (0, 2, 0, 0)
        assert "fit" not in columns_of(server)
        assert published(config, ledger) == (0, 2, 0, 0)
        assert {"fit", "engagement", "own"} <= columns_of(server)
        assert published(config, ledger) == (0, 0, 0, 2)


def columns_of(server):
    named = "SELECT column_name FROM information_schema.columns WHERE table_name = 'current_scores'"
    return set(server.sql(named).split())


def test_a_wrong_password_and_missing_rights_are_one_message(server, tmp_path, monkeypatch):
    server.sql("CREATE SCHEMA sales; GRANT USAGE ON SCHEMA sales TO reader")
    text = f'[publish]\ndatabase = "{server.url()}"\ntable = "sales.current_scores"\n'
    config = config_of(tmp_path / "project", text)
    with open_ledger(LedgerPlace(tmp_path / "out")) as ledger:
        write(ledger, MONDAY, {"a": 0.9})
        with pytest.raises(BadInput, match=r"permission denied for schema sales.*[Nn]othing"):
            publish(config, ledger)
        monkeypatch.setenv("CRM_PASSWORD", "wrong-password-7")
        with pytest.raises(BadInput, match="password authentication failed") as error:
            publish(config, ledger)
    assert "wrong-password-7" not in str(error.value)


def test_another_writer_is_waited_for_and_readers_are_not_stopped(
    server, config, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "WAIT_SECONDS", 1)
    with open_ledger(LedgerPlace(tmp_path / "out")) as ledger:
        write(ledger, MONDAY, {"a": 0.9})
        publish(config, ledger)
        write(ledger, NEXT, {"a": 0.8})
        login = {"host": "127.0.0.1", "port": server.port, "user": "owner", "dbname": "crm"}
        with psycopg.connect(**login, password=OWNER) as other:
            other.execute("UPDATE sales.current_scores SET band = 'x'")
            with pytest.raises(Refused, match="another process writes"):
                publish(config, ledger)
            other.rollback()
        assert published(config, ledger) == (0, 1, 0, 0)


CHILD = """
import sys
from pathlib import Path
from features.config import load
from models.decisions.place import LedgerPlace
from serve.ledger.ledger import open_ledger
from serve.publish.publish import publish
print("ready", flush=True)
with open_ledger(LedgerPlace(Path(sys.argv[2]))) as ledger:
    publish(load(Path(sys.argv[1])), ledger)
"""


def test_a_kill_in_the_middle_leaves_the_table_as_it_was(server, config, tmp_path):
    """A trigger makes every written row slow, so that the kill comes between two of them."""
    rows = {f"lead-{number}": 0.1 + number / 1000 for number in range(30)}
    with open_ledger(LedgerPlace(tmp_path / "out")) as ledger:
        write(ledger, MONDAY, rows)
        publish(config, ledger)
        write(ledger, NEXT, {lead: ready / 2 for lead, ready in rows.items()})
    before = stored(server, "lead_id, row_hash, xmin")
    server.sql(
        "CREATE SEQUENCE sales.writes; CREATE FUNCTION sales.slow() RETURNS trigger AS $$ BEGIN "
        "PERFORM nextval('sales.writes'), pg_sleep(0.2); RETURN NEW; END $$ LANGUAGE plpgsql; "
        "CREATE TRIGGER slow BEFORE UPDATE ON sales.current_scores FOR EACH ROW "
        "EXECUTE FUNCTION sales.slow()"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, config.path, tmp_path / "out"], env=environment
    )
    deadline = time.monotonic() + 120
    while server.sql("SELECT is_called AND last_value > 3 FROM sales.writes") != "t":
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.05)
    child.kill()
    child.wait()
    assert stored(server, "lead_id, row_hash, xmin") == before
    server.sql("DROP TRIGGER slow ON sales.current_scores")
    with open_ledger(LedgerPlace(tmp_path / "out")) as ledger:
        assert published(config, ledger) == (0, 30, 0, 0)


def test_two_at_once_write_once(server, config, tmp_path):
    with open_ledger(LedgerPlace(tmp_path / "out")) as ledger:
        write(ledger, MONDAY, {"a": 0.9})
        publish(config, ledger)
        write(ledger, NEXT, {f"{number}": 0.5 for number in range(50)})
    results = []

    def one():
        with open_ledger(LedgerPlace(tmp_path / "out")) as ledger:
            results.append(published(config, ledger))

    threads = [threading.Thread(target=one) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(results) == [(0, 0, 0, 50), (0, 0, 0, 50), (50, 0, 1, 0)]
