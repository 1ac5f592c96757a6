"""The BPI Challenge 2012 example: its SQL against the figures in the data's README."""

import gzip
import importlib.util
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import duckdb
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "bpic2012"
DATA = ROOT.parent / "shared" / "data" / "bpic2012"
LOG = "BPI_Challenge_2012.parquet"
Query = Callable[[str], list[tuple]]

needs_data = pytest.mark.skipif(
    not (DATA / LOG).exists(), reason=f"the log is not ours to ship: no {LOG} in {DATA}"
)


@pytest.fixture(scope="module")
def query() -> Iterator[Query]:
    """Run a statement over the log and the three tables made from it."""
    with duckdb.connect(config={"threads": 2}) as connection:
        # Any session time zone must give the same UTC times.
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        connection.execute(f"SET file_search_path = '{DATA}'")
        for table in ("events", "leads", "deals", "contacts"):
            sql = (EXAMPLE / f"{table}.sql").read_text("utf-8")
            connection.execute(f"CREATE TABLE {table} AS {sql}")
        yield lambda statement: connection.execute(statement).fetchall()


@needs_data
def test_outcomes_are_those_of_the_data_readme(query: Query) -> None:
    assert query("SELECT outcome, count(*) FROM deals GROUP BY 1 ORDER BY 1") == [
        ("lost", 10_442),
        ("won", 2_246),
    ]
    assert query("SELECT count(*) FROM leads ANTI JOIN deals USING (lead_id)") == [(399,)]
    assert query("SELECT count(*), count(DISTINCT lead_id) FROM leads") == [(13_087, 13_087)]
    assert query("SELECT count(*), count(DISTINCT lead_id) FROM deals") == [(12_688, 12_688)]
    assert query(f"SELECT count(*), count(DISTINCT \"case:concept:name\") FROM '{LOG}'") == [
        (262_200, 13_087)
    ]


@needs_data
def test_times_are_utc_and_in_order(query: Query) -> None:
    # In the log: 2011-10-01T00:38:44.546+02:00 and 2012-03-14T16:04:54.681+01:00.
    assert query("SELECT min(occurred_at), max(occurred_at) FROM events") == [
        (datetime(2011, 9, 30, 22, 38, 44, 546000), datetime(2012, 3, 14, 15, 4, 54, 681000))
    ]
    types = "SELECT DISTINCT typeof(occurred_at), typeof(created_at), typeof(closed_at) FROM"
    joined = "events JOIN leads USING (lead_id) JOIN deals USING (lead_id)"
    assert query(f"{types} {joined}") == [("TIMESTAMP", "TIMESTAMP", "TIMESTAMP")]
    assert query(f"SELECT count(*) FROM {joined} WHERE closed_at < created_at") == [(0,)]
    assert query(f"SELECT count(*) FROM {joined} WHERE occurred_at < created_at") == [(0,)]


@needs_data
def test_columns_are_those_of_the_contract(query: Query) -> None:
    columns = "SELECT column_name FROM (DESCRIBE {})"
    assert query(columns.format("events")) == [
        ("lead_id",),
        ("occurred_at",),
        ("action",),
        ("content",),
    ]
    assert query(columns.format("leads")) == [("lead_id",), ("created_at",), ("amount_requested",)]
    assert query(columns.format("deals")) == [
        ("lead_id",),
        ("closed_at",),
        ("outcome",),
        ("opened_at",),
        ("amount",),
    ]
    assert query("SELECT count(*) FROM leads WHERE created_at IS NULL") == [(0,)]
    assert query("SELECT count(*) FROM leads WHERE amount_requested IS NULL") == [(0,)]
    assert query("SELECT count(*) FROM events WHERE occurred_at IS NULL OR action IS NULL") == [
        (0,)
    ]


@needs_data
def test_events_are_those_listed_and_none_decides(query: Query) -> None:
    counts = dict(query("SELECT action, count(*) FROM events GROUP BY 1"))
    readme = (EXAMPLE / "README.md").read_text("utf-8")
    assert len(counts) == 15
    for action, rows in counts.items():
        assert f"| `{action}` | {rows:,} |" in readme
    deciding = """
        SELECT count(*) FROM events JOIN deals USING (lead_id)
        WHERE occurred_at = closed_at AND action NOT LIKE 'called%'
    """
    assert query(deciding) == [(0,)]  # nothing but calls being wrapped up at the same moment


@pytest.mark.parametrize(
    "activity",
    [
        "A_APPROVED",
        "A_REGISTERED",
        "A_ACTIVATED",
        "A_DECLINED",
        "A_CANCELLED",
        "O_ACCEPTED",
        "O_DECLINED",
        "O_CANCELLED",
        "W_Wijzigen contractgegevens",
    ],
)
def test_no_deciding_activity_is_mapped(activity: str) -> None:
    assert f"'{activity}'" not in (EXAMPLE / "events.sql").read_text("utf-8")


@needs_data
def test_figures_behind_what_is_left_out(query: Query) -> None:
    log = f"""(
        SELECT
            CAST("case:concept:name" AS BIGINT) AS lead_id,
            "concept:name" AS name,
            CAST("time:timestamp" AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS at_utc
        FROM '{LOG}'
    )"""
    timing = f"""
        SELECT
            name,
            count(*) FILTER (at_utc < closed_at OR closed_at IS NULL),
            count(*) FILTER (at_utc = closed_at),
            count(*) FILTER (at_utc > closed_at)
        FROM {log} LEFT JOIN deals USING (lead_id)
        WHERE name IN ('O_ACCEPTED', 'O_DECLINED', 'O_CANCELLED')
        GROUP BY name ORDER BY name
    """
    assert query(timing) == [
        ("O_ACCEPTED", 545, 1_698, 0),
        ("O_CANCELLED", 2_015, 1_582, 58),
        ("O_DECLINED", 0, 779, 23),
    ]
    replaced = f"""
        SELECT count(*) FROM (
            SELECT
                count(*) FILTER (
                    name = 'O_CANCELLED' AND (at_utc < closed_at OR closed_at IS NULL)
                ) AS replaced,
                count(*) FILTER (name = 'O_SENT') AS sent
            FROM {log} LEFT JOIN deals USING (lead_id) GROUP BY lead_id
        ) WHERE replaced <> greatest(sent - 1, 0)
    """
    assert query(replaced) == [(0,)]


def load_converter() -> ModuleType:
    spec = importlib.util.spec_from_file_location("from_xes", EXAMPLE / "from_xes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="concept.xesext"/>
  <global scope="event"><string key="concept:name" value="name"/></global>
  <string key="concept:name" value="a log"/>
  <trace>
    <date key="REG_DATE" value="2011-10-01T00:38:44.546+02:00"/>
    <string key="concept:name" value="173688"/>
    <event>
      <string key="org:resource" value="112"/>
      <string key="concept:name" value="A_SUBMITTED"/>
      <date key="time:timestamp" value="2011-10-01T00:38:44.546+02:00"/>
    </event>
    <event>
      <string key="concept:name" value="W_Completeren aanvraag"/>
      <date key="time:timestamp" value="2011-10-01T11:36:46.437+02:00"/>
    </event>
  </trace>
  <trace>
    <string key="concept:name" value="173691"/>
    <string key="AMOUNT_REQ" value="5000"/>
    <event><string key="concept:name" value="A_SUBMITTED"/></event>
  </trace>
</log>
"""


@pytest.mark.parametrize("gzipped", [False, True])
def test_from_xes_writes_one_row_per_event_all_text(tmp_path: Path, gzipped: bool) -> None:
    source = tmp_path / ("log.xes.gz" if gzipped else "log.xes")
    source.write_bytes(gzip.compress(XES.encode()) if gzipped else XES.encode())
    assert load_converter().convert(source, tmp_path / "log.parquet") == 3
    table = pq.read_table(tmp_path / "log.parquet")
    assert {str(field.type) for field in table.schema} == {"string"}
    first, second, third = table.to_pylist()
    assert first == {
        "org:resource": "112",
        "concept:name": "A_SUBMITTED",
        "time:timestamp": "2011-10-01T00:38:44.546+02:00",
        "case:REG_DATE": "2011-10-01T00:38:44.546+02:00",
        "case:concept:name": "173688",
        "case:AMOUNT_REQ": None,
    }
    assert second["org:resource"] is None
    assert second["time:timestamp"] == "2011-10-01T11:36:46.437+02:00"
    assert (third["case:concept:name"], third["case:AMOUNT_REQ"]) == ("173691", "5000")
    assert third["case:REG_DATE"] is None


@needs_data
def test_contacts_are_the_calls_that_staff_began(query: Query) -> None:
    calls = {"W_Nabellen offertes", "W_Nabellen incomplete dossiers", "W_Afhandelen leads"}
    names = ("case:concept:name", "time:timestamp", "org:resource")
    log = pq.read_table(DATA / LOG).to_pylist()
    began = {
        tuple(row[name] for name in names)
        for row in log
        if row["concept:name"] in calls and row["lifecycle:transition"] == "START"
    }
    message = query("SELECT count(*), count(DISTINCT lead_id), min(contacted_at) FROM contacts")
    first = min(datetime.fromisoformat(time) for _, time, _ in began).astimezone(UTC)
    leads = {lead for lead, _, _ in began}
    assert message == [(len(began), len(leads), first.replace(tzinfo=None))]
