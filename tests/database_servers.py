"""A real PostgreSQL and a real MariaDB for the tests that ask for them: the distribution's, on a
free port, in a folder of their own, not as root. Where there is none, the tests are skipped."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

OWNER, READER = "owner's \\ pass", "r:e@d/er's #1"  # passwords that need every kind of escaping


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL, whose time zone is New York's. `reader` may only read."""

    programs: Path
    port: int

    def sql(self, text, database="crm"):
        """Run statements as the owner; the rows as psql prints them."""
        login = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "owner", "-d", database]
        psql = [self.programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *login]
        env = os.environ | {"PGPASSWORD": OWNER}
        done = subprocess.run(psql, input=text, text=True, capture_output=True, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def url(self, more="", user="reader", password="${CRM_PASSWORD}"):
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/crm{more}"


def _free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _home():
    """A folder with a short path (a socket will lie in it), and as whom to run what it belongs to:
    no server runs as root."""
    home = Path(tempfile.mkdtemp(prefix="db-", dir="/tmp"))
    if os.geteuid() != 0:
        return home, {}
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return home, {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def postgres_programs():
    """The folder of initdb and its like; None where there is no PostgreSQL on this machine."""
    folders = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        Path(shutil.which("initdb") or "").parent,
    ]
    return next((each for each in folders if (each / "initdb").is_file()), None)


@pytest.fixture(scope="session")
def postgres():
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL on this machine: reading from one is not tested")
    with running_postgres(programs) as server:
        yield server


@contextmanager
def running_postgres(programs):
    """A new PostgreSQL, until the block ends."""
    home, who = _home()
    (home / "password").write_text(OWNER)
    (home / "password").chmod(0o644)

    def run(program, *arguments):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": home}
        command = [programs / program, "-D", home / "data", *arguments]
        subprocess.run(command, check=True, timeout=120, **quiet, **who)

    port = _free_port()
    run("initdb", "-U", "owner", "-A", "scram-sha-256", f"--pwfile={home / 'password'}",
        "--no-sync", "-E", "UTF8", "--locale=C")  # fmt: skip
    options = f"-p {port} -h 127.0.0.1 -k {home} -F -c timezone=America/New_York"
    run("pg_ctl", "-w", "-l", home / "log", "-o", options, "start")
    try:
        server = Server(programs, port)
        server.sql("CREATE DATABASE crm;", "postgres")
        server.sql(f"CREATE ROLE reader LOGIN PASSWORD '{READER.replace(chr(39), chr(39) * 2)}';")
        yield server
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def server(postgres, monkeypatch):
    """The PostgreSQL with an empty database, and the reader's password in the environment."""
    monkeypatch.setenv("CRM_PASSWORD", READER)
    postgres.sql(
        "DROP OWNED BY reader; DROP SCHEMA IF EXISTS sales CASCADE; DROP SCHEMA public CASCADE; "
        "CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO reader; "
        "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO reader; "
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader;"
    )
    return postgres


@pytest.fixture(scope="session")
def mariadb():
    """A running MariaDB, whose time zone is that of New York in winter: a function that runs
    statements as its owner, and its port."""
    if shutil.which("mariadbd") is None:
        pytest.skip("no MariaDB on this machine: reading from MySQL is not tested")
    home, who = _home()
    where = [f"--datadir={home / 'data'}", f"--socket={home / 'socket'}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home} | who
    install = ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal"]
    subprocess.run([*install, where[0]], check=True, timeout=120, **quiet)
    port = _free_port()
    options = [f"--port={port}", "--bind-address=127.0.0.1", "--default-time-zone=-05:00"]
    client = ["mariadb", "--no-defaults", where[1], "-u", "root", "--default-character-set=utf8mb4"]

    def sql(text):
        return subprocess.run(client, input=text, text=True, check=True, capture_output=True).stdout

    running = subprocess.Popen(["mariadbd", "--no-defaults", *where, *options], **quiet)
    try:
        deadline = time.monotonic() + 60
        while subprocess.run([*client, "-e", "SELECT 1"], capture_output=True).returncode != 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield sql, port
    finally:
        running.terminate()
        running.wait(timeout=60)
        shutil.rmtree(home, ignore_errors=True)
