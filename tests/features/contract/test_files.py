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
        assert database.attributes == {"employees": "number", "postcode": "text"}
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


def avro(path, name, fields, rows):
    """An Avro file. fields: name -> (field id of Iceberg, "int", "long", "string" or fields)."""

    def schema(name, fields):
        kinds = {
            key: kind if isinstance(kind, str) else schema(key, kind)
            for key, (_, kind) in fields.items()
        }
        listed = [
            {"name": key, "type": kinds[key], "field-id": number}
            for key, (number, _) in fields.items()
        ]
        return {"type": "record", "name": name, "fields": listed}

    def number(value):
        value, out = value << 1, b""
        while value > 127:
            value, out = value >> 7, out + bytes([value & 127 | 128])
        return out + bytes([value])

    def text(value):
        return number(len(value)) + value

    def cell(kind, value):
        if isinstance(kind, dict):
            return b"".join(cell(kind[key][1], value[key]) for key in kind)
        return text(value.encode()) if kind == "string" else number(value)

    settings = {"avro.schema": json.dumps(schema(name, fields)), "avro.codec": "null"}
    pairs = b"".join(text(k.encode()) + text(v.encode()) for k, v in settings.items())
    block = b"".join(cell(fields, row) for row in rows)
    mark = b"readiness's mark"
    path.write_bytes(
        b"Obj\x01" + number(len(settings)) + pairs + b"\0" + mark
        + number(len(rows)) + text(block) + mark
    )  # fmt: skip


def write_iceberg(path, rows):
    """An Iceberg table of one snapshot, and a file beside it that is of none."""
    (path / "metadata").mkdir(parents=True)
    described = duckdb.sql(f"DESCRIBE {rows}").fetchall()
    ids = ", ".join(f"{name}: {i}" for i, (name, *_) in enumerate(described, start=1))
    for name in ("one", "unfinished"):
        duckdb.sql(f"COPY ({rows}) TO '{path}/{name}.parquet' (FIELD_IDS {{{ids}}})")
    data = {
        "content": (134, "int"),
        "file_path": (100, "string"),
        "file_format": (101, "string"),
        "partition": (102, {}),
        "record_count": (103, "long"),
        "file_size_in_bytes": (104, "long"),
    }
    avro(
        path / "metadata" / "manifest.avro",
        "manifest_entry",
        {
            "status": (0, "int"),
            "snapshot_id": (1, "long"),
            "sequence_number": (3, "long"),
            "data_file": (2, data),
        },
        [
            {
                "status": 1,
                "snapshot_id": 5,
                "sequence_number": 1,
                "data_file": {
                    "content": 0,
                    "file_path": f"{path}/one.parquet",
                    "file_format": "PARQUET",
                    "partition": {},
                    "record_count": 1,
                    "file_size_in_bytes": (path / "one.parquet").stat().st_size,
                },
            }
        ],
    )
    manifest = path / "metadata" / "manifest.avro"
    numbers = {
        "manifest_length": (501, manifest.stat().st_size),
        "partition_spec_id": (502, 0),
        "content": (517, 0),
        "sequence_number": (515, 1),
        "min_sequence_number": (516, 1),
        "added_snapshot_id": (503, 5),
        "added_files_count": (504, 1),
        "existing_files_count": (505, 0),
        "deleted_files_count": (506, 0),
        "added_rows_count": (512, 1),
        "existing_rows_count": (513, 0),
        "deleted_rows_count": (514, 0),
    }
    avro(
        path / "metadata" / "snap.avro",
        "manifest_file",
        {"manifest_path": (500, "string")} | {k: (i, "long") for k, (i, _) in numbers.items()},
        [{"manifest_path": str(manifest)} | {k: v for k, (_, v) in numbers.items()}],
    )
    types = {"BIGINT": "long", "VARCHAR": "string", "DOUBLE": "double"}
    fields = [
        {"id": i, "name": name, "required": False, "type": types.get(kind, "timestamptz")}
        for i, (name, kind, *_) in enumerate(described, start=1)
    ]
    state = {
        "format-version": 2,
        "table-uuid": "0b0e0000-0000-0000-0000-000000000001",
        "location": str(path),
        "last-sequence-number": 1,
        "last-updated-ms": 0,
        "last-column-id": len(fields),
        "current-schema-id": 0,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": fields}],
        "default-spec-id": 0,
        "partition-specs": [{"spec-id": 0, "fields": []}],
        "last-partition-id": 999,
        "default-sort-order-id": 0,
        "sort-orders": [{"order-id": 0, "fields": []}],
        "current-snapshot-id": 5,
        "snapshots": [
            {
                "snapshot-id": 5,
                "sequence-number": 1,
                "timestamp-ms": 0,
                "manifest-list": f"{path}/metadata/snap.avro",
                "summary": {"operation": "append"},
                "schema-id": 0,
            }
        ],
    }
    (path / "metadata" / "v1.metadata.json").write_text(json.dumps(state))
    (path / "metadata" / "version-hint.text").write_text("1")


def test_an_iceberg_table(folder):
    lake = folder / "lake" / "log"
    write_iceberg(
        lake,
        "SELECT 7::BIGINT AS lead_id, TIMESTAMPTZ '2026-01-02 08:00:00+00' AS occurred_at, "
        "'visit' AS action, 1.5::DOUBLE AS value",
    )
    expected = [("7", at("2026-01-02 08:00"), "visit", None, None, 1.5, None)]
    assert staged_events(folder, events="lake/log/") == expected
    (lake / "metadata" / "version-hint.text").unlink()
    assert staged_events(folder, events="lake/log/metadata/v1.metadata.json") == expected
    message = refusal(folder, tables={"events": "lake/log/"})
    assert "version-hint.text" in message
    assert f'events = "{lake}/metadata/' in message
