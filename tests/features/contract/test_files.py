"""Excel workbooks, folders of Parquet, Delta and Iceberg tables are read like plain files."""

import json

import duckdb

from features.config import Features
from features.open_database import open_database
from tests.features.contract.workbooks import write_workbook
from tests.features.lead_databases import at, config_for, refusal, staged_events

HEADER = ["lead_id", "occurred_at", "action", "value"]


def test_a_workbook_cell_by_cell(folder):
    """The first row decides no type; an empty row ends nothing; 45000 without a date's format is a
    date where a time belongs, a year is none."""
    rows = [
        HEADER,
        ["007", None, None, None],
        [7, at("2026-01-02 08:00:00.001"), "visit", 1.5],
        [],
        [8.0, at("2026-07-04 13:14:15"), "a, b", "0.1"],
        ["x", "2026-01-05 00:00:00", 7, True],
        [9, 46026.5, "visit", None],
        [10, 2026, "visit", None],
    ]
    write_workbook(folder / "crm.xlsx", {"Log": rows, "Empty": [["x"]]})
    events = staged_events(folder, events="crm.xlsx")
    assert sorted((row[0], row[1], row[2], row[5]) for row in events if row[1]) == [
        ("7", at("2026-01-02 08:00:00.001"), "visit", 1.5),
        ("8", at("2026-07-04 13:14:15"), "a, b", 0.1),
        ("9", at("2026-01-04 12:00"), "visit", None),
        ("x", at("2026-01-05"), "7", 1.0),
    ]
    assert sorted(row[0] for row in events if row[1] is None) == ["007", "10"]


def test_a_sheet_by_its_name(folder):
    row = [7, at("2026-01-02"), "visit", None]
    write_workbook(folder / "crm.xlsx", {"Notes": [["x"], ["y"]], "My log": [HEADER, row]})
    assert len(staged_events(folder, events="crm.xlsx#My log")) == 1
    query = "SELECT * REPLACE (lead_id::INT AS lead_id) FROM read_xlsx('crm.xlsx', sheet='My log')"
    assert [row[:2] for row in staged_events(folder, events=query)] == [("7", at("2026-01-02"))]
    assert "My log" in refusal(folder, tables={"events": "crm.xlsx#My lgo"})
    assert "lead_id" in refusal(folder, tables={"events": "crm.xlsx"})


def test_attributes_of_a_workbook(folder):
    """A number where every cell is one; else text, as of a postcode that begins with 0."""
    leads = [
        ["lead_id", "created_at", "employees", "postcode"],
        [7, at("2026-01-01"), None, "0100"],
        [8, at("2026-01-01"), 12.5, "9000"],
    ]
    write_workbook(folder / "leads.xlsx", {"Leads": leads})
    config = config_for(
        folder,
        tables={"leads": "leads.xlsx"},
        features=Features(attributes=["employees", "postcode"]).model_dump(),
    )
    with open_database(config) as database:
        assert database.attributes == {"employees": False, "postcode": True}
        rows = database.query("SELECT employees, postcode FROM leads ORDER BY lead_id")
    assert rows["employees"].tolist()[1] == 12.5
    assert rows["postcode"].tolist() == ["0100", "9000"]


def test_what_is_no_workbook(folder):
    (folder / "crm.xlsx").write_text("lead_id,occurred_at\n")
    assert "no Excel workbook" in refusal(folder, tables={"events": "crm.xlsx"})
    write_workbook(folder / "crm.xlsx", {"Log": [HEADER]}, '<workbookPr date1904="1"/>')
    assert "1904" in refusal(folder, tables={"events": "crm.xlsx"})
    assert "no file" in refusal(folder, tables={"events": "gone.xlsx#Log"})


def test_partitions_are_columns_of_text(folder):
    """The action 007 stays three digits; files may differ in their columns."""
    lead = "SELECT 7 AS lead_id, TIMESTAMP '2026-01-0{}' AS occurred_at"
    for day, action, more in ((2, "007", ""), (3, "mail", ", 1.5 AS value")):
        part = folder / "log" / "year=2026" / f"action={action}"
        part.mkdir(parents=True)
        duckdb.sql(f"COPY ({lead.format(day)}{more}) TO '{part}/part.parquet'")
    for events in ("log/", "log/*/*/*.parquet", "log/**/*.parquet"):
        rows = staged_events(folder, events=events)
        assert [(row[1], row[2], row[5]) for row in rows] == [
            (at("2026-01-02"), "007", None),
            (at("2026-01-03"), "mail", 1.5),
        ]


def test_folders_that_hold_no_table(folder):
    assert "no folder" in refusal(folder, tables={"events": "gone/"})
    (folder / "log").mkdir()
    assert "no .parquet file" in refusal(folder, tables={"events": "log/"})


def write_delta(path, rows):
    """A Delta table of one commit. Its other file is of no commit."""
    (path / "_delta_log").mkdir(parents=True)
    for name in ("one", "unfinished"):
        duckdb.sql(f"COPY ({rows}) TO '{path}/{name}.parquet'")
    types = {"BIGINT": "long", "VARCHAR": "string", "DOUBLE": "double"}
    described = duckdb.sql(f"DESCRIBE {rows}").fetchall()
    kinds = {name: types.get(kind, "timestamp") for name, kind, *_ in described}
    fields = [{"name": k, "type": v, "nullable": True, "metadata": {}} for k, v in kinds.items()]
    actions = [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {
            "metaData": {
                "id": "log",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": fields}),
                "partitionColumns": [],
                "configuration": {},
            }
        },
        {
            "add": {
                "path": "one.parquet",
                "partitionValues": {},
                "size": (path / "one.parquet").stat().st_size,
                "modificationTime": 0,
                "dataChange": True,
            }
        },
    ]
    log = path / "_delta_log" / f"{0:020}.json"
    log.write_text("\n".join(map(json.dumps, actions)))


def test_a_delta_table(folder):
    write_delta(
        folder / "lake" / "log",
        "SELECT 7::BIGINT AS lead_id, TIMESTAMPTZ '2026-01-02 08:00:00+00' AS occurred_at, "
        "'visit' AS action, 1.5::DOUBLE AS value",
    )
    expected = [("7", at("2026-01-02 08:00"), "visit", None, None, 1.5, None)]
    assert staged_events(folder, events="lake/log/") == expected
    assert (
        staged_events(folder, events=f"SELECT * FROM delta_scan('{folder}/lake/log')") == expected
    )


def test_an_iceberg_table_without_a_current_state(folder):
    (folder / "log" / "metadata").mkdir(parents=True)
    message = refusal(folder, tables={"events": "log/"})
    assert "version-hint.text" in message
    assert 'events = "log/metadata/' in message
