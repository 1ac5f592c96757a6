"""Little lead databases for the tests: written as Parquet from lists of rows, opened as a user's.

Rows are dicts as in oracle.py; a column that a row does not name is null.
"""

import tempfile
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.config import Config
from features.errors import BadInput
from features.open_database import open_database

TIME = pa.timestamp("us")
COLUMNS = {
    "leads": {"created_at": TIME, "source": pa.string()},
    "events": {
        "occurred_at": TIME,
        "action": pa.string(),
        "source": pa.string(),
        "content": pa.string(),
        "value": pa.float64(),
        "recorded_at": TIME,
    },
    "deals": {
        "closed_at": TIME,
        "outcome": pa.string(),
        "opened_at": TIME,
        "recorded_at": TIME,
    },
}
MICROSECOND = timedelta(microseconds=1)


def at(text):
    """A time as people write it: at("2026-03-02 08:30")."""
    return datetime.fromisoformat(text)


def event(lead_id, occurred_at, action="visit", **more):
    return {"lead_id": lead_id, "occurred_at": occurred_at, "action": action} | more


LEADS = [
    {"lead_id": "007", "created_at": at("2026-01-02 08:00")},
    {"lead_id": "7", "created_at": at("2026-01-03")},
]
EVENTS = [
    event("007", at("2026-01-02 08:00:00.000001"), "visit", source="ads", value=1.5),
    event("7", at("2026-01-04"), "mail", content="a, b"),
]
DEALS = [{"lead_id": "7", "closed_at": at("2026-02-01"), "outcome": "won"}]


def write_table(path, rows, columns, id_type):
    schema = pa.schema({"lead_id": id_type} | columns)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def write_database(folder, leads, events, deals=(), attributes=None):
    """Write the three tables; `attributes` are the Arrow types of further columns of leads."""
    ids = pa.string() if any(isinstance(lead["lead_id"], str) for lead in leads) else pa.int64()
    for table, rows in {"leads": leads, "events": events, "deals": deals}.items():
        columns = COLUMNS[table] | ((attributes or {}) if table == "leads" else {})
        write_table(folder / f"{table}.parquet", list(rows), columns, ids)


def config_for(folder, **sections):
    """The settings for the files in a folder, a section changed here and there."""
    tables = {table: f"{table}.parquet" for table in COLUMNS}
    given = {
        "tables": tables | sections.pop("tables", {}),
        "time": {"first_cutoff": datetime(2026, 1, 1)} | sections.pop("time", {}),
        "capacity": {"share": 0.1},
        "path": Path(folder) / "readiness.toml",
    }
    return Config.model_validate(given | sections)


@contextmanager
def opened(leads, events, deals=(), attributes=None, **sections):
    """The database of these rows, opened."""
    with tempfile.TemporaryDirectory() as folder:
        write_database(Path(folder), leads, events, deals, attributes)
        with open_database(config_for(folder, **sections)) as database:
            yield database


def staged_events(home, **tables):
    """The events as staged, of a database with some tables named otherwise."""
    with open_database(config_for(home, tables=tables)) as database:
        sql = "SELECT * FROM events ORDER BY occurred_at"
        return database.connection.execute(sql).fetchall()


def refusal(folder, **sections):
    """What a user reads who cannot open the database with these settings."""
    with pytest.raises(BadInput) as refused, open_database(config_for(folder, **sections)):
        pass
    return str(refused.value)
