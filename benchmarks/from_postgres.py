"""A night from PostgreSQL and back: tables read from a server, scores with reasons written to it.

    .venv/bin/python -m benchmarks.from_postgres DIR [LEADS [MEMORY_GB]]

DIR is a folder with a champion, as `make demo` leaves it. Its open leads are taken over and over,
under new ids, until there are LEADS (1,000,000) of them; their tables are put into a PostgreSQL of
the benchmark's own, where the ledger is too. Measured is the command `readiness score` as a process
of its own, under engine.memory_gb = MEMORY_GB: wall time, CPU of it and its peak of memory; the
server works beside it.
"""

import math
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.end_to_end import TABLES
from features.cohort import cohort_at
from features.config import load
from features.contract.extensions import connect, load_extension
from features.cutoffs import utc_now
from features.open_database import open_database
from features.sql import literal
from serve.scoring.scored import default_cutoff
from tests.database_servers import OWNER, postgres_programs, running_postgres


def main(folder: Path, leads: int, memory_gb: float) -> int:
    programs = postgres_programs()
    if programs is None:
        print("No PostgreSQL on this machine.")
        return 2
    config = load(folder)
    with open_database(config) as database:
        cutoff = default_cutoff(database.data_end, utc_now())
        open_ones = cohort_at(database, [cutoff]).frame[["lead_id"]].astype(str)
    times = math.ceil(leads / len(open_ones))
    with tempfile.TemporaryDirectory() as name, running_postgres(programs) as server:
        os.environ["LEDGER_PASSWORD"] = OWNER
        url = server.url("", "owner", "${LEDGER_PASSWORD}")
        connection = connect()
        load_extension(connection, "postgres_scanner")
        _fill(connection, folder, open_ones, times, server)
        to = Path(name) / "leads"
        _settings(folder, to, url, memory_gb)
        command = [sys.executable, "-m", "readiness.main", "score", str(to)]
        started = time.perf_counter()
        done = subprocess.run([*command, "--cutoff", f"{cutoff:%Y-%m-%dT%H:%M:%S}"], check=False)
        wall = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        stored = server.sql("SELECT count(*), count(reasons) FROM readiness.scores")
    print(
        f"\n{times * len(open_ones):,} open leads, from PostgreSQL and back, memory_gb = "
        f"{memory_gb:g}: {wall:.0f} s, "
        f"{used.ru_utime + used.ru_stime:.0f} CPU s, peak {used.ru_maxrss / 1e6:.2f} GB; "
        f"rows and rows with reasons in the ledger: {stored.replace('|', ' and ')}."
    )
    return done.returncode


def _fill(connection, folder, open_ones, times, server):
    """The tables of the open leads, so many times over, into the server."""
    connection.register("open_ones", open_ones)
    login = {"HOST": "127.0.0.1", "PORT": str(server.port), "USER": "owner", "PASSWORD": OWNER}
    given = ", ".join(f"{key} {literal(value)}" for key, value in login.items())
    connection.execute(f"CREATE SECRET filled (TYPE postgres, DATABASE 'crm', {given})")
    connection.execute("ATTACH '' AS filled (TYPE postgres, SECRET filled)")
    for table in TABLES:
        connection.execute(
            f"CREATE TABLE filled.public.{table} AS "
            f"SELECT lead_id::VARCHAR || '-' || copy AS lead_id, t.* EXCLUDE (lead_id) "
            f"FROM '{folder / table}.parquet' t, range({times}) c(copy) "
            "WHERE lead_id::VARCHAR IN (SELECT lead_id FROM open_ones)"
        )
    connection.execute("DETACH filled")


def _settings(folder, to, url, memory_gb):
    """The folder's settings and models, with tables and ledger on the server."""
    ignored = shutil.ignore_patterns("*.parquet", "ledger*", "*.html")
    shutil.copytree(folder, to, ignore=ignored)
    text = (to / "readiness.toml").read_text("utf-8")
    tables = f'[tables]\ndatabase = "{url}"\n'
    tables += "".join(f'{table} = "{table}"\n' for table in TABLES)
    text = re.sub(r"(?ms)^\[tables\].*?(?=^\[|\Z)", tables + "\n", text)
    text = re.sub(r"(?m)^\[ledger\].*$", f'[ledger]\nurl = "{url}"', text)
    text = re.sub(r"(?m)^memory_gb = [\d.]+", f"memory_gb = {memory_gb:g}", text)
    (to / "readiness.toml").write_text(text, "utf-8")


if __name__ == "__main__":
    leads, memory_gb = [*sys.argv[2:], *("1000000", "4")[len(sys.argv[2:]) :]]
    sys.exit(main(Path(sys.argv[1]), int(leads), float(memory_gb)))
