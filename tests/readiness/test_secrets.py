"""Passwords stand nowhere but where people wrote them: a whole company is run with canaries in its
settings and its environment, and everything that it printed or wrote is searched for them."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest

from features import masking
from features.contract.extensions import connect, load_extension
from features.sql import literal
from tests.conftest import edit
from tests.database_servers import OWNER, READER
from tests.readiness.running import readiness

TRACKING = "c4n4ry/of: tr@cking's"  # MLflow's password
TOKEN = "c4n4ry-token-of-spark"
CANARIES = [
    text
    for canary in (TRACKING, READER, TOKEN, OWNER)
    for text in (canary, quote(canary, safe=""), quote(canary), canary.replace("'", "''"))
]


def leaks(content: str | bytes) -> list[str]:
    """The canaries in a text."""
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    return [canary for canary in CANARIES if canary.encode() in content]


def content(path: Path) -> bytes:
    """What is in a file, of whatever kind: unpacked, and rows as text."""
    if path.suffix == ".parquet":
        return repr(duckdb.sql(f"FROM {literal(str(path))}").fetchall()).encode()
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = [name for (name,) in connection.execute("SHOW TABLES").fetchall()]
            rows = [connection.execute(f"FROM {name}").fetchall() for name in tables]
            return repr(rows).encode()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            return b"".join(map(packed.read, packed.namelist()))
    return path.read_bytes()


@pytest.fixture(autouse=True)
def secrets_of_this_test_alone(monkeypatch):
    monkeypatch.setattr(masking, "_known", set())


@pytest.fixture
def secretive(demo_folder, server, tmp_path, monkeypatch):
    """The demo, its tables in PostgreSQL, its MLflow in another database of it."""
    secret = TRACKING.replace("'", "''")
    server.sql("DROP DATABASE IF EXISTS mlflow WITH (FORCE);", "postgres")
    server.sql(f"DROP ROLE IF EXISTS tracker; CREATE ROLE tracker LOGIN PASSWORD '{secret}';")
    server.sql("CREATE DATABASE mlflow OWNER tracker;", "postgres")
    with connect() as connection:
        load_extension(connection, "postgres_scanner")
        login = f"host=127.0.0.1 port={server.port} user=owner dbname=crm password="
        login += "'" + OWNER.replace("\\", "\\\\").replace("'", "\\'") + "'"
        connection.execute(f"ATTACH {literal(login)} AS crm (TYPE postgres)")
        for table in ("leads", "events", "deals"):
            file = literal(str(demo_folder / f"{table}.parquet"))
            connection.execute(f"CREATE TABLE crm.public.{table} AS FROM {file}")
    server.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;")
    for file in (*demo_folder.glob("*.toml"), demo_folder / "contacts.parquet"):
        shutil.copy(file, tmp_path)
    monkeypatch.setenv("CRM_PASSWORD", READER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_settings(folder, server, tracking):
    leads = "SELECT * FROM crm.public.leads"
    edit(folder, uri=f'"{tracking}"', events='"events"', leads=f'"{leads}"', deals='"deals"')
    path = folder / "readiness.toml"
    text = path.read_text().replace("[tables]", f'[tables]\ndatabase = "{server.url()}"', 1)
    path.write_text(f'{text}\n[engine.spark]\naddress = "sc://127.0.0.1:1/;token={TOKEN}"\n')


@pytest.mark.long
def test_no_secret_leaves(secretive, server):
    url = f"postgresql+psycopg://tracker:{quote(TRACKING, safe='')}@127.0.0.1:{server.port}"
    write_settings(secretive, server, f"{url}/mlflow")
    because = ("--force", "--because", f"seen by postgresql://ann:{quote(OWNER, safe='')}@db")
    runs = {
        "check": readiness("check", secretive),
        "train": readiness("train", secretive),
        "promote": readiness("promote", secretive, *because),
        "score": readiness("score", secretive, "--export", secretive / "list.csv"),
        "explain": readiness("explain", "1999", secretive),
        "compare": readiness("compare", secretive, "--json"),
        "monitor": readiness("monitor", secretive, "--json"),
        "history": readiness("history", secretive, "--json"),
        "card": readiness("card", secretive),
    }
    assert {verb: ran.code for verb, ran in runs.items() if ran.code > 1} == {}
    assert "tracker:***@127.0.0.1" in runs["train"].out
    for verb, ran in runs.items():
        assert (verb, leaks(ran.out + ran.err)) == (verb, [])

    written = [path for path in secretive.rglob("*") if path.is_file()]
    assert len(written) > 20
    written.remove(secretive / "readiness.toml")
    leaking = {path: leaks(content(path)) for path in written}
    assert {path: canaries for path, canaries in leaking.items() if canaries} == {}

    dump = [server.programs / "pg_dump", "-h", "127.0.0.1", "-p", str(server.port), "-U", "owner"]
    stored = subprocess.run(
        [*dump, "mlflow"], capture_output=True, env=os.environ | {"PGPASSWORD": OWNER}, check=True
    ).stdout
    assert b"test_model_roc_auc" in stored
    assert leaks(stored) == []


@pytest.mark.slow
def test_no_secret_in_what_failed(secretive, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    login, closed = f"tracker:{quote(TRACKING, safe='')}", "127.0.0.1:1"
    sound = (secretive / "readiness.toml").read_text()
    for tracking in (
        f"http://{login}@{closed}",
        f"postgresql+psycopg://{login}@{closed}/mlflow",
        f"nosuch://{login}@{closed}/mlflow",
        f"postgresql+psycopg://{closed}/mlflow?user=tracker&password={quote(TRACKING)}",
    ):
        (secretive / "readiness.toml").write_text(sound)
        write_settings(secretive, server, tracking)
        for extra in ((), ("--json",)):
            ran = readiness("score", secretive, *extra)
            assert ran.code in (2, 70)
            assert (tracking, leaks(ran.out + ran.err)) == (tracking, [])
