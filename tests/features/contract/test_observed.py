"""What one scan learns of the events, wherever they are read from."""

import duckdb
import pytest

from features.open_database import open_database
from tests.features.lead_databases import at, config_for, write_database


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ("events.parquet", "VIEW"),
        ("SELECT * FROM 'events.parquet'", "VIEW"),  # over what the query yielded, copied once
        ("as_text.parquet", "BASE TABLE"),  # times as text would be read anew by every query
    ],
)
def test_typed_parquet_is_read_where_it_lies_and_gives_the_same(tmp_path, events, kind):
    rows = [
        {"lead_id": 1, "occurred_at": at("2026-02-01"), "action": "chat", "source": "fair"},
        {"lead_id": 1, "occurred_at": at("2026-02-02"), "action": "chat", "source": "advert"},
        {"lead_id": 1, "occurred_at": at("2026-02-03"), "action": "visit", "source": None},
        {"lead_id": 1, "occurred_at": at("2026-02-04"), "action": None, "source": "no action"},
        {"lead_id": 1, "occurred_at": at("2999-01-01"), "action": "visit", "source": None},
    ]
    write_database(tmp_path, [{"lead_id": 1, "created_at": at("2026-01-01")}], rows)
    duckdb.sql(
        f"COPY (SELECT * REPLACE (occurred_at::VARCHAR AS occurred_at) "
        f"FROM '{tmp_path}/events.parquet') TO '{tmp_path}/as_text.parquet'"
    )
    with open_database(config_for(tmp_path, tables={"events": events})) as database:
        kinds = database.connection.execute(
            "SELECT table_type FROM information_schema.tables WHERE table_name = 'events'"
        ).fetchall()
        assert kinds == [(kind,)]
        assert database.actions == ("chat", "visit")
        assert database.sources == ("advert", "fair")
        assert database.events_count == 4
        assert database.data_end == at("2026-02-04")
