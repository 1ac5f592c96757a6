"""How the ledger on a server is read."""

import time
from pathlib import Path

import numpy as np
import psycopg

from serve.ledger.ledger import open_ledger
from tests.serve.ledger.places import in_postgres
from tests.serve.ledger.test_ledger import RUN, part, write


def test_a_reader_of_a_large_ledger_keeps_to_one_connection(postgres, tmp_path: Path) -> None:
    """A hundred of them would else want more than a server has."""
    place = in_postgres(postgres, tmp_path / "out")
    readiness = np.random.default_rng(0).random(3_000)
    write(place, part(*((f"lead {n}", each, 1.0) for n, each in enumerate(readiness))))
    login = {"host": "127.0.0.1", "port": postgres.port, "user": "owner", "dbname": "crm"}
    with psycopg.connect(**login, password=place.url.password, autocommit=True) as watcher:
        watcher.execute(f"ANALYZE {place.schema}.scores")

        def sessions() -> int:
            time.sleep(1.2)  # a server counts them once a second
            watcher.execute("SELECT pg_stat_clear_snapshot()")
            of_database = "FROM pg_stat_database WHERE datname = current_database()"
            return watcher.execute(f"SELECT sessions {of_database}").fetchall()[0][0]

        with open_ledger(place) as ledger:
            ledger.connection.execute("SET pg_pages_per_task = 1")  # as if it had many more rows
            before = sessions()
            assert len(ledger.rows(RUN, 50)) == 50
            assert len(ledger.fetched("SELECT route FROM decided WHERE lead_id = 'lead 7'")) == 1
            assert len(ledger.query("SELECT lead_id, readiness FROM scores")) == 3_000
            assert sessions() == before
