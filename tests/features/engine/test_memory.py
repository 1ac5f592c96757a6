"""Two million events go through 1 GB of memory, in chunks, and give what 256 MB give."""

import duckdb
import pandas as pd
import pytest

from features.catalog import catalog
from features.config import Features
from features.engine.duckdb_engine import chunk_count, feature_frame
from features.open_database import open_database
from features.snapshots import Snapshots
from tests.features.lead_databases import at, config_for

LEADS, EVENTS = 20_000, 2_100_000
CUTOFFS = [at(f"2026-03-{day:02}") for day in (1, 29)]
SAMPLED = 200

WRITTEN = {
    "events": f"""
        SELECT (hash(i) % {LEADS})::INTEGER AS lead_id,
          make_timestamp(1767225600000000 + (hash(i * 3) % 7776000000000)::BIGINT) AS occurred_at,
          ['visit', 'mail', 'chat', 'call', 'form', 'offer'][1 + (hash(i * 5) % 6)::INTEGER]
            AS action,
          'source ' || hash(i * 7) % 5 AS source,
          '/page/' || hash(i * 11) % 50 AS content,
          CASE WHEN hash(i * 13) % 10 = 0 THEN (hash(i * 17) % 100000) / 100.0 END AS value
        FROM range({EVENTS}) t(i)""",
    "leads": f"SELECT i::INTEGER AS lead_id, TIMESTAMP '2026-01-01' AS created_at "
    f"FROM range({LEADS}) t(i)",
    "deals": "SELECT 0 AS lead_id, TIMESTAMP '2026-03-10' AS closed_at, 'won' AS outcome "
    "WHERE false",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("two_million_events")
    with duckdb.connect() as writer:
        for table, query in WRITTEN.items():
            writer.execute(f"COPY ({query}) TO '{home}/{table}.parquet'")
    return home


def features_within(folder, memory_gb, leads):
    """The features of the cohort's leads below a number, and the database's peak memory in GB."""
    specs = catalog(
        Features(windows_days=[7, 30]), ["visit", "mail", "chat", "call", "form", "offer"], {}
    )
    engine = {"memory_gb": memory_gb, "threads": 2}
    with open_database(config_for(folder, engine=engine)) as database:
        snapshots = Snapshots.open_at(database, CUTOFFS).where(f"lead_id < {leads}")
        chunks = chunk_count(snapshots, len(specs), memory_gb)
        limit = database.connection.execute("SELECT current_setting('memory_limit')").fetchone()
        frame = feature_frame(snapshots, specs, memory_gb)
    return frame, chunks, limit[0]


def test_one_gigabyte_is_enough_and_changes_nothing(folder):
    frame, chunks, limit = features_within(folder, 1, LEADS)
    assert limit == "572.2 MiB"
    assert chunks > 1
    assert len(frame) == LEADS * len(CUTOFFS)
    assert frame["count_all"].max() > 100
    sample = frame[frame["lead_id"] < SAMPLED].reset_index(drop=True)
    narrow, more_chunks, _ = features_within(folder, 0.25, SAMPLED)
    assert more_chunks > 2 * chunks
    pd.testing.assert_frame_equal(sample, narrow, check_exact=True)
