"""Tiny exports of each system and form: the right rows, and what cannot be mapped is named."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from features.config import load
from features.contract.extensions import connect, load_extension
from features.errors import BadInput
from features.open_database import open_database
from features.starter.crm.map import FORMS, map_crm
from features.starter.starter import write_starter

Rows = Sequence[tuple[Any, ...]]


class Case(NamedTuple):
    """An export: its files, or the tables of its database; and what they hold, in the order of the
    rows. Words of each question are in `questions`; `candidates` for attributes have the values
    `as_of` the creation."""

    system: str
    form: str
    files: dict[str, str]
    leads: Rows
    deals: Rows
    events: Rows = ()
    merges: Rows = ()
    questions: tuple[tuple[str, ...], ...] = ()
    candidates: tuple[str, ...] = ()
    as_of: Rows = ()


HUBSPOT_EXPORT = Case(
    "hubspot",
    "CSV export",
    {
        "contacts.csv": (
            "Record ID - Contact,First Name,Create Date,Original Traffic Source,"
            "Associated Deal IDs,Branche,Time First Seen,Merged vids with timestamps of a contact\n"
            "1,Ann,2025-01-02 10:00,Organic Search,11;12,Mill,2025-01-01 09:00,3:1738368000000\n"
            '2,"Bob, Jr.",2025-01-03 10:00,,12,Shop,,\n'
        ),
        "deals.csv": (
            "Record ID - Deal,Deal Name,Deal Stage,Close Date,Create Date,Amount\n"
            "11,x,Closed Won,2025-02-01 10:00,2025-01-10 09:00,100\n"
            "12,y,Proposal,2026-01-01 10:00,2025-02-10 09:00,\n"
        ),
    },
    leads=[
        ("1", "2025-01-02 10:00:00", "Organic Search"),
        ("2", "2025-01-03 10:00:00", None),
    ],
    deals=[
        ("1", "2025-02-01 10:00:00", "won", "2025-01-10 09:00:00", 100.0),
        ("1", None, "open", "2025-02-10 09:00:00", None),
        ("2", None, "open", "2025-02-10 09:00:00", None),
    ],
    events=[("1", "2025-01-01 09:00:00", "first_visit", None)],
    merges=[("3", "1", "2025-02-01 00:00:00")],
    questions=(("Proposal", "Closed Won"), ("First Conversion Date",), ("Close Date", "typed")),
    candidates=("branche",),
)
FIVETRAN = Case(
    "hubspot",
    "Fivetran",
    {
        "hubspot.contact": (
            "id,property_createdate,property_email,property_hs_analytics_source,property_jobtitle,"
            "property_hs_calculated_merged_vids\n"
            "1,2025-01-02 10:00:00,Ann@x.example,ORGANIC,CEO,\n"
            "2,2025-01-03 10:00:00,bob@x.example,,Buyer,9:1738368000000\n"
        ),
        "hubspot.contact_property_history": (
            "contact_id,name,value,timestamp\n"
            "1,jobtitle,Trainee,2025-01-02 10:00:01\n"
            "1,jobtitle,CEO,2025-06-01 00:00:00\n"
            "2,jobtitle,Buyer,2025-06-01 00:00:00\n"
        ),
        "hubspot.deal": (
            "deal_id,deal_pipeline_stage_id,property_createdate,property_closedate,property_amount\n"
            "11,s7,2025-01-10 09:00:00,2025-01-31 00:00:00,100\n"
            "12,s8,2025-01-11 09:00:00,2025-03-01 00:00:00,\n"
            "13,s1,2025-01-12 09:00:00,2025-12-01 00:00:00,\n"
        ),
        "hubspot.deal_pipeline_stage": (
            "stage_id,label,is_closed,closed_won\ns1,New,false,false\ns7,Gewonnen,true,true\n"
            "s8,Verloren,true,false\n"
        ),
        "hubspot.deal_stage": (
            "deal_id,value,date_entered\n11,s1,2025-01-10 09:00:00\n11,s7,2025-02-03 15:00:00\n"
        ),
        "hubspot.deal_contact": "deal_id,contact_id\n11,1\n12,2\n13,2\n",
        "hubspot.engagement": "id,type,timestamp\n5,CALL,2025-01-05 12:00:00\n",
        "hubspot.engagement_contact": "engagement_id,contact_id\n5,2\n",
        "hubspot.email_event": ("type,created,recipient\nOPEN,2025-01-04 08:00:00,ann@x.example\n"),
        "hubspot.contact_form_submission": (
            "contact_id,timestamp,page_url\n1,2025-01-03 07:00:00,/contact\n"
        ),
    },
    leads=[("1", "2025-01-02 10:00:00", "ORGANIC"), ("2", "2025-01-03 10:00:00", None)],
    deals=[
        ("1", "2025-02-03 15:00:00", "won", "2025-01-10 09:00:00", 100.0),  # entered, not typed
        ("2", "2025-03-01 00:00:00", "lost", "2025-01-11 09:00:00", None),  # only typed
        ("2", None, "open", "2025-01-12 09:00:00", None),
    ],
    events=[
        ("1", "2025-01-03 07:00:00", "form_submitted", "/contact"),
        ("1", "2025-01-04 08:00:00", "email_open", None),
        ("2", "2025-01-05 12:00:00", "call", None),
    ],
    merges=[("9", "2", "2025-02-01 00:00:00")],
    questions=(("s7", "s8"), ("as known when the lead was created",)),
    candidates=("jobtitle",),
    as_of=[("Trainee",), (None,)],
)
DLT = Case(
    "hubspot",
    "dlt",
    {
        "main.contacts": "hs_object_id,createdate,industry\n1,2025-01-02 10:00:00,Mill\n",
        "main.deals": (
            "hs_object_id,dealstage,createdate,closedate,hs_v2_date_entered_closedwon,"
            "hs_v2_date_entered_closedlost,amount\n"
            "11,closedwon,2025-01-10 09:00:00,2025-01-31 00:00:00,2025-02-02 12:00:00,,5\n"
            "12,closedlost,2025-01-10 09:00:00,2025-01-31 00:00:00,,,\n"
        ),
        "main.deals__contacts": "value,deals_id\n1,11\n1,12\n",
        "main.engagements": "id,type,timestamp\n5,NOTE,2025-01-05 12:00:00\n",
        "main.engagement_contacts": "engagement_id,contact_id\n5,1\n",
    },
    leads=[("1", "2025-01-02 10:00:00", None)],
    deals=[
        ("1", "2025-01-31 00:00:00", "lost", "2025-01-10 09:00:00", None),
        ("1", "2025-02-02 12:00:00", "won", "2025-01-10 09:00:00", 5.0),
    ],
    events=[("1", "2025-01-05 12:00:00", "note", None)],
    questions=(("leads.source", "hs_analytics_source"), ("closedwon", "closedlost")),
    candidates=("industry",),
)
ID_A, ID_B, OPP = "00Q5g000001AbCd", "00Q5g000001AbCe", "0065g00000XyZab"
SALESFORCE = Case(
    "salesforce",
    "leads and opportunities",
    {
        "Lead.csv": (
            '"Id","CreatedDate","LeadSource","Status","IsConverted","ConvertedOpportunityId",'
            '"MasterRecordId","IsDeleted","LastModifiedDate","Industry"\n'
            f'"{ID_A}EAA","2025-01-02T10:00:00.000+0000","Web","Qualified","true","{OPP}AAA","",'
            '"false","2025-02-02T10:00:00.000+0000","Mill"\n'
            f'"{ID_B}EAB","2025-01-03T10:00:00.000+0000","","Open","false","","{ID_A}EAA","true",'
            '"2025-01-20T10:00:00.000+0000","Mill"\n'
            '"00Q5g000001AbCfEAB","2025-01-03T11:00:00.000+0000","","Open","false","","","true",'
            '"2025-01-20T10:00:00.000+0000",""\n'
        ),
        "Opportunity.csv": (
            '"Id","CreatedDate","CloseDate","StageName","IsClosed","IsWon","Amount"\n'
            f'"{OPP}","2025-01-10T09:00:00.000+0000","2025-01-31",'
            '"Closed Won","true","true","9.5"\n'
        ),
        "OpportunityHistory.csv": (
            '"OpportunityId","StageName","CreatedDate"\n'
            f'"{OPP}AAA","Closed Won","2025-01-12T09:00:00.000+0000"\n'  # reopened afterwards
            f'"{OPP}AAA","Talks","2025-01-13T09:00:00.000+0000"\n'
            f'"{OPP}AAA","Closed Won","2025-02-02T09:00:00.000+0000"\n'
            f'"{OPP}AAA","Closed Won","2025-02-09T09:00:00.000+0000"\n'  # the amount was changed
        ),
        "Task.csv": (
            '"WhoId","CreatedDate","CompletedDateTime","Status","Type"\n'
            f'"{ID_A}EAA","2025-01-04T09:00:00.000+0000","2025-01-05T09:00:00.000+0000",'
            '"Completed","Call"\n'
            f'"{ID_A}","2025-01-04T09:00:00.000+0000","","Open","Call"\n'
            '"0035g000001AbCdEAA","2025-01-04T09:00:00.000+0000","2025-01-05T09:00:00.000+0000",'
            '"Completed","Call"\n'
        ),
    },
    leads=[(ID_A, "2025-01-02 10:00:00", "Web"), (ID_B, "2025-01-03 10:00:00", None)],
    deals=[(ID_A, "2025-02-02 09:00:00", "won", "2025-01-10 09:00:00", 9.5)],
    events=[(ID_A, "2025-01-05 09:00:00", "task call", None)],
    merges=[(ID_B, ID_A, "2025-01-20 10:00:00")],
    questions=(("Qualified", "Open"), ("booked", "event"), ("given up",)),
    candidates=("industry",),
)
REPORT = Case(
    "salesforce",
    "leads alone",
    {
        "report1764.csv": (
            '"Lead ID","Create Date","Lead Source","Lead Status","Converted","Converted Date"\n'
            f'"{ID_A}","2025-01-02","Web","Qualified","1","2025-02-02"\n'
            f'"{ID_B}","2025-01-03","","Open","0",""\n'
            "\n\n\n"
            '"Leads by source"\n"Copyright (c) 2000-2025 salesforce.com, inc."\n'
            '"Confidential Information - Do Not Distribute"\n"Generated By: Ann 2025-03-01"\n'
        ),
    },
    leads=[(ID_A, "2025-01-02 00:00:00", "Web"), (ID_B, "2025-01-03 00:00:00", None)],
    deals=[(ID_A, "2025-02-02 00:00:00", "won", None, None)],
    questions=(("converted lead a win",), ("task",)),
)
SALESFORCE_FIVETRAN = Case(
    "salesforce",
    "leads and opportunities",
    {
        "salesforce.lead": (
            "id,created_date,lead_source,status,is_converted,converted_opportunity_id\n"
            f"{ID_A}EAA,2025-01-02 10:00:00,Web,Qualified,true,{OPP}AAA\n"
        ),
        "salesforce.opportunity": (
            "id,created_date,close_date,is_closed,is_won,stage_name,amount\n"
            f"{OPP}AAA,2025-01-10 09:00:00,2025-01-31,true,false,Closed Lost,\n"
        ),
        "salesforce.event": (
            "who_id,created_date,start_date_time,type\n"
            f"{ID_A}EAA,2025-01-04 09:00:00,2026-12-30 09:00:00,Demo\n"
        ),
    },
    leads=[(ID_A, "2025-01-02 10:00:00", "Web")],
    deals=[(ID_A, "2025-01-31 00:00:00", "lost", "2025-01-10 09:00:00", None)],
    events=[(ID_A, "2025-01-04 09:00:00", "booked demo", None)],
    questions=(("merges", "MasterRecordId"),),
)
PIPEDRIVE = Case(
    "pipedrive",
    "people and deals",
    {
        "people.csv": (
            "Person - ID,Person - Name,Person - Person created,Person - Label\n"
            "1,Ann Ash,2025-01-02 10:00:00,Hot\n2,Bob Birch,2025-01-03 10:00:00,\n"
            "3,Bob Birch,2025-01-04 10:00:00,\n"
        ),
        "deals.csv": (
            "Deal - ID,Deal - Title,Deal - Status,Deal - Won time,Deal - Lost time,Deal - Value,"
            "Deal - Deal created,Deal - Contact person\n"
            "11,x,Won,2025-02-01 10:00:00,,50,2025-01-10 09:00:00,Ann Ash\n"
            "12,y,Open,,,10,2025-02-10 09:00:00,Ann Ash\n"
            "13,z,Lost,,2025-02-01 10:00:00,10,2025-01-10 09:00:00,Bob Birch\n"
        ),
        "activities.csv": (
            "Activity - Type,Activity - Contact person,Activity - Marked as done time\n"
            "Call,Ann Ash,2025-01-06 10:00:00\nCall,Bob Birch,2025-01-06 10:00:00\n"
            "Call,Ann Ash,\n"
        ),
    },
    leads=[("1", "2025-01-02 10:00:00", None)],
    deals=[
        ("1", "2025-02-01 10:00:00", "won", "2025-01-10 09:00:00", 50.0),
        ("1", None, "open", "2025-02-10 09:00:00", 10.0),
    ],
    events=[("1", "2025-01-06 10:00:00", "call", None)],
    questions=(("2 people are left out",), ("1 deals are left out",)),
    candidates=("person_label",),
)
PIPEDRIVE_DEALS = Case(
    "pipedrive",
    "export of deals",
    {
        "deals.csv": (
            "Deal - ID,Deal - Status,Deal - Deal closed on,Deal - Value,Deal - Add time\n"
            "11,Lost,2025-02-01 10:00:00,50,2025-01-10 09:00:00\n"
            "12,Open,,10,2025-02-10 09:00:00\n"
        ),
    },
    leads=[("11", "2025-01-10 09:00:00", None), ("12", "2025-02-10 09:00:00", None)],
    deals=[
        ("11", "2025-02-01 10:00:00", "lost", "2025-01-10 09:00:00", 50.0),
        ("12", None, "open", "2025-02-10 09:00:00", 10.0),
    ],
    questions=(("activities", "title"), ("leads.source",)),
)
PIPEDRIVE_TABLES = Case(
    "pipedrive",
    "Fivetran or dlt",
    {
        "main.persons": "id,name,add_time\n1,Ann,2025-01-02 10:00:00\n",
        "main.deals": (
            "id,status,add_time,person_id,won_time,lost_time,value\n"
            "11,won,2025-01-10 09:00:00,1,2025-02-01 10:00:00,,7\n"
            "12,won,2025-01-10 09:00:00,,2025-02-01 10:00:00,,7\n"
        ),
        "main.activities": ("type,marked_as_done_time,person_id\nmeeting,2025-01-06 10:00:00,1\n"),
    },
    leads=[("1", "2025-01-02 10:00:00", None)],
    deals=[("1", "2025-02-01 10:00:00", "won", "2025-01-10 09:00:00", 7.0)],
    events=[("1", "2025-01-06 10:00:00", "meeting", None)],
    questions=(("1 deals are left out",),),
)
DYNAMICS = Case(
    "dynamics",
    "export of leads",
    {
        "leads.csv": (
            "(Do Not Modify) Lead,(Do Not Modify) Row Checksum,(Do Not Modify) Modified On,"
            "Created On,Lead Source,Rating,Status\n"
            "a-1,xx,2025-02-01 10:00:00,2025-01-02 10:00:00,Web,Hot,Qualified\n"
            "a-2,xy,2025-02-02 10:00:00,2025-01-03 10:00:00,Web,Cold,Disqualified\n"
            "a-3,xz,2025-02-03 10:00:00,2025-01-04 10:00:00,,Warm,Open\n"
        ),
    },
    leads=[
        ("a-1", "2025-01-02 10:00:00", "Web"),
        ("a-2", "2025-01-03 10:00:00", "Web"),
        ("a-3", "2025-01-04 10:00:00", None),
    ],
    deals=[
        ("a-1", "2025-02-01 10:00:00", "won", None, None),
        ("a-2", "2025-02-02 10:00:00", "lost", None, None),
    ],
    questions=(("Modified On",), ("opportunities",), ("Qualified", "Disqualified", "Open")),
    candidates=("rating",),
)
DYNAMICS_TABLES = Case(
    "dynamics",
    "leads and opportunities",
    {
        "main.lead": (
            "leadid,createdon,leadsourcecode,statecode,modifiedon,masterid\n"
            "a-1,2025-01-02 10:00:00,8,1,2025-02-01 10:00:00,\n"
            "a-2,2025-01-03 10:00:00,8,2,2025-02-02 10:00:00,a-1\n"
        ),
        "main.opportunity": (
            "opportunityid,originatingleadid,statecode,actualclosedate,createdon,actualvalue\n"
            "o-1,a-1,1,2025-03-01 00:00:00,2025-02-01 10:00:00,3\n"
            "o-2,a-1,0,,2025-03-02 10:00:00,\n"
        ),
        "main.activitypointer": (
            "activitytypecode,regardingobjectid,actualend\nphonecall,a-1,2025-01-05 10:00:00\n"
            "phonecall,a-1,\n"
        ),
    },
    leads=[("a-1", "2025-01-02 10:00:00", "8"), ("a-2", "2025-01-03 10:00:00", "8")],
    deals=[
        ("a-1", "2025-03-01 00:00:00", "won", "2025-02-01 10:00:00", 3.0),
        ("a-1", None, "open", "2025-03-02 10:00:00", None),
        ("a-2", "2025-02-02 10:00:00", "lost", None, None),
    ],
    events=[("a-1", "2025-01-05 10:00:00", "phonecall", None)],
    merges=[("a-2", "a-1", "2025-02-02 10:00:00")],
    questions=(("statecode",),),
)
CASES = [
    *(HUBSPOT_EXPORT, FIVETRAN, DLT, SALESFORCE, REPORT, SALESFORCE_FIVETRAN, PIPEDRIVE),
    *(PIPEDRIVE_DEALS, PIPEDRIVE_TABLES, DYNAMICS, DYNAMICS_TABLES),
]


def written(folder: Path, files: dict[str, str]) -> Path:
    """The folder with the files; names with a schema become tables of a DuckDB file there."""
    for name, text in files.items():
        if name.endswith(".csv"):
            (folder / name).write_text(text)
            continue
        schema, table = name.split(".")
        (folder / "rows.txt").write_text(text)
        with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            rows = f"read_csv('{folder}/rows.txt', header = true, delim = ',', sample_size = -1)"
            connection.execute(f"CREATE TABLE {schema}.{table} AS FROM {rows}")
        (folder / "rows.txt").unlink()
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.system}, {case.form}")
def test_a_form_is_mapped(case: Case, tmp_path: Path) -> None:
    mapped = map_crm(written(tmp_path, case.files), case.system)
    assert case.form in mapped.title
    write_starter(tmp_path, mapped)
    with open_database(load(tmp_path)) as database:

        def rows(sql: str) -> Rows:
            return database.connection.execute(sql).fetchall()

        assert (
            rows("SELECT lead_id::VARCHAR, created_at::VARCHAR, source FROM leads ORDER BY 1")
            == case.leads
        )
        assert (
            rows(
                "SELECT lead_id::VARCHAR, closed_at::VARCHAR, coalesce(outcome, 'open'), "
                "opened_at::VARCHAR, amount FROM deals ORDER BY 1, 2 NULLS LAST, 4"
            )
            == case.deals
        )
        if case.events:
            assert (
                rows(
                    "SELECT lead_id::VARCHAR, occurred_at::VARCHAR, action, content FROM events "
                    "ORDER BY 1, 2"
                )
                == case.events
            )
        assert ("merges" in mapped.queries) == bool(case.merges)
        if case.merges:
            assert (
                rows(
                    "SELECT lead_id::VARCHAR, into_lead_id::VARCHAR, merged_at::VARCHAR FROM merges"
                )
                == case.merges
            )
    if case.as_of:
        config = load(tmp_path)
        listed = config.features.model_copy(update={"attributes": list(case.candidates)})
        with open_database(config.model_copy(update={"features": listed})) as database:
            columns = ", ".join(case.candidates)
            sql = f"SELECT {columns} FROM leads ORDER BY lead_id"
            assert database.connection.execute(sql).fetchall() == case.as_of
    head = (tmp_path / "readiness.toml").read_text().split("\n\n")[0]
    assert head.count("QUESTIONS") == 1
    for words in case.questions:
        assert any(all(word in q for word in words) for q in mapped.questions), words
    offered = next((q for q in mapped.questions if "candidates" in q), ": ").rpartition(": ")[2]
    assert tuple(filter(None, offered.split(", "))) == case.candidates


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.system}, {case.form}")
def test_init_without_from_names_the_system(case: Case, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        write_starter(written(tmp_path, case.files))
    assert f"--from {case.system}" in str(refused.value)
    assert " AS lead_id" not in str(refused.value)


def test_every_form_has_a_case() -> None:
    titles = {(system, form.name) for system, forms in FORMS.items() for form in forms}
    covered = {
        (case.system, title)
        for case in CASES
        for system, title in titles
        if system == case.system and case.form in title
    }
    assert titles - covered == {("dynamics", "Dynamics, table of leads")}


def test_localised_headers_are_named_with_the_nearest(tmp_path: Path) -> None:
    files = HUBSPOT_EXPORT.files | {
        "deals.csv": HUBSPOT_EXPORT.files["deals.csv"].replace("Deal Stage", "Dealphase")
    }
    with pytest.raises(BadInput, match=r"deals\.csv has no 'Deal Stage' \(nearest: .*Dealphase"):
        map_crm(written(tmp_path, files), "hubspot")


def test_two_files_of_one_kind_are_refused(tmp_path: Path) -> None:
    files = HUBSPOT_EXPORT.files | {"old.csv": HUBSPOT_EXPORT.files["contacts.csv"]}
    with pytest.raises(BadInput, match=r"contacts.*contacts\.csv, old\.csv"):
        map_crm(written(tmp_path, files), "hubspot")


def test_a_folder_of_another_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"None of the forms.*people\.csv"):
        map_crm(written(tmp_path, PIPEDRIVE.files), "salesforce")
    with pytest.raises(BadInput, match="no folder"):
        map_crm(tmp_path / "nowhere", "salesforce")


def test_a_workbook_is_mapped_as_a_text_file_is(tmp_path: Path) -> None:
    written(tmp_path, DYNAMICS.files)
    with connect() as connection:
        load_extension(connection, "excel")
        connection.execute(
            f"COPY (FROM read_csv('{tmp_path}/leads.csv')) TO '{tmp_path}/leads.xlsx' "
            "(FORMAT xlsx, HEADER true)"
        )
    (tmp_path / "leads.csv").unlink()
    write_starter(tmp_path, map_crm(tmp_path, "dynamics"))
    with open_database(load(tmp_path)) as database:
        rows = database.connection.execute(
            "SELECT lead_id, closed_at::VARCHAR, outcome, NULL, NULL FROM deals ORDER BY 1"
        ).fetchall()
    assert rows == DYNAMICS.deals


US_TIMES = {
    "contacts.csv": (
        "Record ID,Create Date,Original Traffic Source,Associated Deal IDs\n"
        "1,12/31/2025 5:06 PM,Web,11;12\n2,3/4/2026 12:00 AM,,12\n"
    ),
    "deals.csv": (  # when 11 was opened reads in two ways, were there no other column
        "Record ID,Deal Stage,Close Date,Create Date,Amount\n"
        "11,Closed Won,3/14/2026 12:30 PM,1/2/2026 9:00 AM,100\n"
        "12,Closed Lost,2/28/2026 11:59 PM,,\n"
    ),
    "activities.csv": "Record ID,Activity date\n7,1/2/2026 9:00 AM\n",
}
GERMAN_REPORT = {
    "Leads.csv": (
        "\ufeff"
        '"Lead ID";"Create Date";"Converted";"Converted Date"\n'
        f'"{ID_A}";"31.12.2025 17:06";"1";"04.03.2026"\n'
        f'"{ID_B}EAB";"04.03.2026 00:00";"0";""\n\n"Leads 2026"\n"Vertraulich"\n'
    )
}


@pytest.mark.parametrize(
    ("system", "files", "leads", "deals"),
    [
        (
            "hubspot",
            US_TIMES,
            [("1", "2025-12-31 17:06:00"), ("2", "2026-03-04 00:00:00")],
            [
                ("1", "2026-02-28 23:59:00", "lost", None),
                ("1", "2026-03-14 12:30:00", "won", "2026-01-02 09:00:00"),
                ("2", "2026-02-28 23:59:00", "lost", None),
            ],
        ),
        (
            "salesforce",
            GERMAN_REPORT,
            [(ID_A, "2025-12-31 17:06:00"), (ID_B, "2026-03-04 00:00:00")],
            [(ID_A, "2026-03-04 00:00:00", "won", None)],
        ),
    ],
    ids=["month first, twelve hours", "day first, with points"],
)
def test_times_are_read_in_the_form_that_all_values_have(
    system: str, files: dict[str, str], leads: Rows, deals: Rows, tmp_path: Path
) -> None:
    mapped = map_crm(written(tmp_path, files), system)
    write_starter(tmp_path, mapped)
    with open_database(load(tmp_path)) as database:
        sql = "SELECT lead_id, created_at::VARCHAR FROM leads ORDER BY 1"
        assert database.connection.execute(sql).fetchall() == leads
        sql = "SELECT lead_id, closed_at::VARCHAR, outcome, opened_at::VARCHAR FROM deals "
        assert database.connection.execute(sql + "ORDER BY 1, 2").fetchall() == deals
    assert any("2025-12-31 17:06:00" in q and "UTC" in q for q in mapped.questions)


def test_a_creation_that_reads_in_several_ways_is_refused(tmp_path: Path) -> None:
    files = {name: text.replace("12/31", "12/1") for name, text in US_TIMES.items()}
    files["deals.csv"] = "Record ID,Deal Stage,Close Date\n11,Closed Won,3/4/2026 12:30 PM\n"
    with pytest.raises(BadInput, match=r"Create Date.*12/1/2025") as refused:
        map_crm(written(tmp_path, files), "hubspot")
    assert {"%d/%m/%Y", "%m/%d/%Y"} <= set(str(refused.value).split())


def by_outcome(questions: Sequence[str], column: str) -> dict[str, dict[str, int]]:
    """The values and their numbers by outcome, from the question about a column."""
    (question,) = (q for q in questions if "mapped as you mean it" in q and column in q)
    listed = question.partition("It counts as ")[2].split("; ")
    return {
        outcome: {value: int(n) for value, n in re.findall(r"'([^']+)' \((\d+)\)", values)}
        for outcome, values in (each.split(": ", 1) for each in listed)
    }


def test_each_stage_is_listed_by_what_it_counts_as(tmp_path: Path) -> None:
    stages = ["Closed Won"] * 3 + ["Closed Lost"] * 4 + ["Gewonnen"] * 5 + ["Talks"] * 2
    deals = [f"{n},{stage},2025-02-01,2025-01-10\n" for n, stage in enumerate(stages)]
    files = {  # the first deal has no contact, another has two
        "contacts.csv": "Record ID,Create Date,Email,Associated Deal IDs\n"
        f"1,2025-01-02,a@x.example,{';'.join(map(str, range(1, len(stages))))}\n"
        "2,2025-01-02,b@x.example,1\n",
        "deals.csv": "Record ID,Deal Stage,Close Date,Create Date\n" + "".join(deals),
    }
    mapped = map_crm(written(tmp_path, files), "hubspot")
    assert by_outcome(mapped.questions, "Deal Stage") == {
        "won": {"Closed Won": 3},
        "lost": {"Closed Lost": 4},
        "open": {"Gewonnen": 5, "Talks": 2},
    }


def leads_of_salesforce(converted: str) -> str:
    """A lead for each letter: converted (1) or not (0), all with one status."""
    return "Lead ID,Create Date,Lead Status,Converted,Converted Date\n" + "".join(
        f"00Q5g000001AbC{n},2025-01-02,Qualified,{flag},{'2025-02-02' if flag == '1' else ''}\n"
        for n, flag in enumerate(converted)
    )


def test_opportunities_that_do_not_say_what_was_won_are_named(tmp_path: Path) -> None:
    files = {
        "leads.csv": leads_of_salesforce("10010"),
        "opps.csv": f"Opportunity ID,Stage,Close Date,Won By\n{OPP},Gewonnen,2025-01-31,Ann\n",
    }
    mapped = map_crm(written(tmp_path, files), "salesforce")
    assert "leads alone" in mapped.title
    (named,) = (question for question in mapped.questions if "opps.csv" in question)
    assert all(words in named for words in ("'IsWon' or 'Won'", "Won By", "leads alone"))
    assert by_outcome(mapped.questions, "Lead Status") == {
        "won": {"Qualified": 2},
        "lost": {},
        "open": {"Qualified": 3},
    }
    (tmp_path / "opps.csv").unlink()
    alone = map_crm(tmp_path, "salesforce")
    assert set(mapped.questions) - set(alone.questions) == {named}


def test_a_file_that_is_not_read_is_named(tmp_path: Path) -> None:
    mapped = map_crm(written(tmp_path, US_TIMES), "hubspot")
    assert any("activities.csv" in q and "events.sql" in q for q in mapped.questions)


@pytest.mark.parametrize(
    ("footer", "is_read"),
    [
        (
            "\n\n\nLeads\n\nCopyright 2026 salesforce.com, inc. All rights reserved.\nBy: Ann\n",
            True,
        ),
        ('\n"00Q5g000001AbCfEAB","2025-01', False),  # cut off
        ('\n"00Q5g000001AbCfEAB","2025-01-04"\n', False),
    ],
)
def test_a_footer_is_passed_over_and_a_file_that_was_cut_off_is_refused(
    footer: str, is_read: bool, tmp_path: Path
) -> None:
    text = REPORT.files["report1764.csv"].partition("\n\n")[0]
    mapped = map_crm(written(tmp_path, {"report.csv": text + footer}), "salesforce")
    if is_read:
        write_starter(tmp_path, mapped)
        with open_database(load(tmp_path)) as database:
            sql = "SELECT lead_id, created_at::VARCHAR, source FROM leads ORDER BY 1"
            assert database.connection.execute(sql).fetchall() == REPORT.leads
        return
    with pytest.raises(BadInput, match=r"report\.csv"):
        write_starter(tmp_path, mapped)


def test_a_file_in_another_encoding_is_refused_with_what_to_do(tmp_path: Path) -> None:
    written(tmp_path, US_TIMES)
    text = US_TIMES["contacts.csv"].replace("Web", "Fußball")
    (tmp_path / "contacts.csv").write_bytes(text.encode("cp1252"))
    with pytest.raises(BadInput, match=r"contacts.csv.*line 2.*Fußball.*iconv"):
        map_crm(tmp_path, "hubspot")
