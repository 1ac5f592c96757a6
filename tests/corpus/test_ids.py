"""Lead ids of every kind."""

from pathlib import Path

import duckdb
import pandas as pd

from tests.corpus.company import (
    LEADS,
    TABLES,
    Case,
    Edit,
    Note,
    Rows,
    Same,
    append,
    both,
    breach,
    breaches,
    case,
    each,
    integers,
    prove,
    recode,
    rename_lead,
    replace,
)


def parquet(**types: str) -> Edit:
    """Tables as Parquet, whose ids, without a-, have a type."""

    def edit(folder: Path) -> None:
        for table, kind in types.items():
            with duckdb.connect() as connection:
                file = folder / f"{table}.csv"
                connection.execute(
                    "COPY (SELECT * REPLACE "
                    f"(CAST(replace(lead_id::VARCHAR, 'a-', '') AS {kind}) AS lead_id) "
                    f"FROM read_csv('{file}', nullstr = '')) "
                    f"TO '{folder / table}.parquet' (FORMAT parquet)"
                )
        text = (folder / "readiness.toml").read_text()
        for table in types:
            text = text.replace(f"{table}.csv", f"{table}.parquet")
        (folder / "readiness.toml").write_text(text)

    return edit


LONG = "x" * 5_000
COUNT = "SELECT count(*) FROM known_events WHERE lead_id = "
CASES = [
    case(
        "integers",
        integers(),
        Rows("SELECT count(DISTINCT lead_id) FROM leads", [(8,)]),
        Same(integers()),
    ),
    case(
        "integers of other types in each table",
        parquet(leads="BIGINT", events="SMALLINT", deals="UINTEGER"),
        Same(integers()),
    ),
    case(
        "integers here, texts there",
        parquet(leads="BIGINT", events="VARCHAR", deals="INTEGER"),
        Same(integers()),
    ),
    case(
        "doubles here, integers there",
        parquet(leads="DOUBLE", events="BIGINT", deals="DOUBLE"),
        Same(integers()),
    ),
    case(
        "decimals",
        parquet(leads="DECIMAL(18,0)", events="DECIMAL(18,0)", deals="DECIMAL(18,0)"),
        Same(integers()),
    ),
    case("HUGEINT", parquet(leads="HUGEINT", events="HUGEINT", deals="BIGINT"), Same(integers())),
    case(
        "decimals with places",
        parquet(leads="DECIMAL(18,2)", events="BIGINT", deals="BIGINT"),
        Same(integers()),
    ),
    case(
        "zeros before are another lead",
        both(integers(), rename_lead("1", "007"), rename_lead("7", "7")),
        Rows(
            "SELECT lead_id FROM leads WHERE lead_id IN ('007', '7') ORDER BY lead_id",
            [("007",), ("7",)],
        ),
        Rows(COUNT + "'007'", [(3,)]),
    ),
    case(
        "Snowflake's 1.00 beside the text 1.0",
        both(integers(), rename_lead("1", "1.0", "events"), parquet(leads="DECIMAL(18,2)")),
        breach("events.lead_id", 3, "lead 1.0", "in leads 1"),
    ),
    case(
        "17 digits as text",
        rename_lead("a-1", "90071992547409931"),
        Same(rename_lead("a-1", "90071992547409931")),
    ),
    case(
        "17 digits that differ in the last",
        both(rename_lead("a-1", "90071992547409931"), rename_lead("a-2", "90071992547409932")),
        Rows(COUNT + "'90071992547409931'", [(3,)]),
        Rows(COUNT + "'90071992547409932'", [(2,)]),
    ),
    case(
        "17 digits as floating point",
        both(
            rename_lead("a-1", "90071992547409931"),
            rename_lead("a-2", "90071992547409932"),
            parquet(leads="DOUBLE", events="DOUBLE", deals="DOUBLE"),
        ),
        breaches(
            {"leads.lead_id": 3, "events.lead_id": 5, "deals.lead_id": 2},
            "DOUBLE",
            "as text",
            "lead 90071992547409936: 2 rows",
        ),
    ),
    case(
        "1.23457E+16 as a spreadsheet writes it",
        rename_lead("a-1", "1.23457E+16"),
        breaches({"leads.lead_id": 1, "events.lead_id": 3, "deals.lead_id": 1}, "1.23457E+16"),
    ),
    case(
        "blanks behind, in one table",
        rename_lead("a-1", "a-1 ", "events"),
        breach("events.lead_id", 3, "lead a-1 ", "trim(lead_id)"),
    ),
    case(
        "capitals, in one table",
        rename_lead("a-1", "A-1", "deals"),
        breach("deals.lead_id", 1, "lead A-1", "in leads a-1"),
    ),
    case(
        ".0 behind, in one table",
        both(integers(), rename_lead("1", "1.0", "events")),
        breach("events.lead_id", 3, "lead 1.0", "in leads 1"),
    ),
    case(
        "zeros before it, in one table",
        both(integers(), rename_lead("1", "001", "events")),
        breach("events.lead_id", 3, "lead 001", "in leads 1", "lpad"),
    ),
    case(
        "zeros before it that tell leads apart",
        both(integers(), rename_lead("1", "01"), rename_lead("2", "1")),
        Rows(COUNT + "'01'", [(3,)]),
        Rows(COUNT + "'1'", [(2,)]),
    ),
    case(
        "capitals that tell leads apart",
        both(rename_lead("a-1", "lead"), rename_lead("a-2", "LEAD")),
        Rows(COUNT + "'lead'", [(3,)]),
        Rows(COUNT + "'LEAD'", [(2,)]),
    ),
    case(
        "a lead without an id",
        append("leads.csv", ",2024-01-05 10:00:00,web,3,DE,,\n"),
        breach("leads.lead_id", 1, "NULL"),
    ),
    case(
        "an event without an id",
        append("events.csv", ",2024-01-05 10:00:00,visited,web,,\n"),
        breach("events.lead_id", 1, "NULL"),
    ),
    case(
        "a deal without an id",
        append("deals.csv", ",2024-01-25 10:00:00,won,,\n"),
        breach("deals.lead_id", 1, "NULL"),
    ),
    case(
        "no table has an id",
        both(
            *(
                recode(
                    f"{table}.csv",
                    lambda t: "\n".join(
                        [
                            t.splitlines()[0],
                            *("," + line.partition(",")[2] for line in t.splitlines()[1:]),
                        ]
                    ).encode(),
                )
                for table in TABLES
            )
        ),
        breaches({"leads.lead_id": 8, "events.lead_id": 16, "deals.lead_id": 5}, "NULL"),
    ),
    case(
        "letters of other scripts",
        rename_lead("a-1", "Grüße-日本-🎈"),
        Rows(COUNT + "'Grüße-日本-🎈'", [(3,)]),
    ),
    case(
        "two ways to write é are two leads",
        both(rename_lead("a-1", "caf\u00e9"), rename_lead("a-2", "cafe\u0301")),
        Rows(COUNT + "'caf\u00e9'", [(3,)]),
        Rows(COUNT + "'cafe\u0301'", [(2,)]),
    ),
    case(
        "what looks like SQL",
        rename_lead("a-1", "'; DROP TABLE leads; --"),
        Rows(COUNT + "'''; DROP TABLE leads; --'", [(3,)]),
    ),
    case(
        "what looks like a format",
        rename_lead("a-1", "{0} %s {lead_id} $1"),
        Rows(COUNT + "'{0} %s {lead_id} $1'", [(3,)]),
    ),
    case(
        "what looks like markup",
        rename_lead("a-1", "[red]a[/]"),
        Rows(COUNT + "'[red]a[/]'", [(3,)]),
    ),
    case("what looks like null", rename_lead("a-1", "NULL"), Rows(COUNT + "'NULL'", [(3,)])),
    case("what looks like NaN", rename_lead("a-1", "nan"), Rows(COUNT + "'nan'", [(3,)])),
    case("an id of 5,000 letters", rename_lead("a-1", LONG), Rows(COUNT + f"'{LONG}'", [(3,)])),
    case(
        "a faulty lead with an id of 5,000 letters",
        both(rename_lead("a-1", LONG), replace("leads.csv", ("2024-01-01 08:00:00", "soon"))),
        breach("leads.created_at", 2, "soon", "5,0"),
    ),
    case(
        "a UUID",
        rename_lead("a-1", "7B0D8D1C-2F3E-4A59-8B7C-0D1E2F3A4B5C"),
        Rows(COUNT + "'7B0D8D1C-2F3E-4A59-8B7C-0D1E2F3A4B5C'", [(3,)]),
    ),
    case(
        "negative and zero",
        both(integers(), rename_lead("1", "-1"), rename_lead("2", "0")),
        Rows(COUNT + "'-1'", [(3,)]),
        Rows(COUNT + "'0'", [(2,)]),
    ),
    case(
        "twice in leads",
        append("leads.csv", "a-3,2024-01-04 00:00:00,web,3,DE,,\n"),
        breach("leads.lead_id", 1, "lead a-3: 2 rows"),
    ),
    case(
        "twice in leads, row for row",
        append("leads.csv", LEADS.splitlines()[1] + "\n"),
        breach("leads.lead_id", 1, "lead a-1: 2 rows"),
    ),
    case(
        "no id is in two tables",
        rename_lead("a-1", "b-1", "events"),
        Note("events whose lead is not in tables.leads", 3, ("lead b-1 (3)",)),
    ),
    case(
        "deals of nobody",
        append("deals.csv", "zz,2024-01-25 10:00:00,won,,\n"),
        Note("deals whose lead is not in tables.leads", 1, ("lead zz (1)",)),
    ),
    case(
        "a lead without events",
        append("leads.csv", "a-9,2024-01-05 10:00:00,web,3,DE,,\n"),
        Note("leads without events", 1, ("lead a-9",)),
    ),
]


@each(CASES)
def test_ids(one: Case, tmp_path: Path, sound: pd.DataFrame) -> None:
    prove(one, tmp_path, sound)
