"""What lacks room is reported in a line: a disk that is really full, and memory that really is."""

import sys
from pathlib import Path

import duckdb
import pytest

from features.engine import event_chunks
from features.engine.duckdb_engine import feature_frame
from features.errors import BadInput
from features.snapshots import Snapshots
from features.spec.kinds import Count
from tests.features.lead_databases import at, event, opened

LEAD = {"lead_id": 1, "created_at": at("2026-01-05")}
ASKED = "(SELECT 1 AS lead_id, TIMESTAMP '2026-03-02' AS cutoff)"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_is_refused_with_where_and_what_to_do(monkeypatch):
    """The events go to /dev/full, which has never room for a byte."""
    append = event_chunks._append
    monkeypatch.setattr(
        event_chunks,
        "_append",
        lambda files, batch: append([Path("/dev/full")] * len(files), batch),
    )
    with (
        opened([LEAD], [event(1, at("2026-03-01"))]) as database,
        pytest.raises(BadInput, match=r"No space left on device \(temporary files lie in .*TMPDIR"),
    ):
        feature_frame(Snapshots(database, ASKED), [Count()])


def test_memory_that_does_not_suffice_is_refused():
    """A query of DuckDB over more than it may hold and nowhere to go on with it."""
    many = (
        "(SELECT range::INTEGER AS lead_id, TIMESTAMP '2026-03-02' AS cutoff FROM range(9000000))"
    )
    with opened([LEAD], [event(1, at("2026-03-01"))]) as database:
        database.connection.execute(
            "SET memory_limit = '20MB'; SET max_temp_directory_size = '1MB'"
        )
        with pytest.raises(BadInput, match=r"do not fit into 4 GB. Raise engine.memory_gb"):
            feature_frame(Snapshots(database, many), [Count()])


def test_the_error_of_a_mistake_in_sql_stays_what_it_is():
    with opened([LEAD], [event(1, at("2026-03-01"))]) as database, pytest.raises(duckdb.Error):
        feature_frame(Snapshots(database, "(SELECT nothing)"), [Count()])
