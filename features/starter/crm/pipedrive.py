"""Pipedrive: CSV exports, where a deal names its person and not the ID, and warehouse tables."""

from features.starter.mapping import Alternatives, Form, Select, Source

_NAME = "[persons.Person - Name]"
_ONCE = f"{_NAME} IN (SELECT {_NAME} FROM [persons] GROUP BY 1 HAVING count(*) = 1)"
_PERSON = "CAST([persons.Person - ID|id] AS VARCHAR)"
_OF_DEAL = "[deals.Deal - Contact person|Deal - Person]"
_STATUS = "lower([deals.Deal - Status|status])"
_NO_ATTRIBUTE = (
    "email|phone|name|address|fivetran|^dlt|^id$|(person|deal)id$|owner|updatetime|lastactivity"
    "|nextactivity|deals|activities|stage|status|time$|title|reason|closed|probability|expected|value$"
)
_DEAL_COLUMNS: dict[str, Alternatives] = {
    "outcome": f"CASE {_STATUS} WHEN 'won' THEN 'won' WHEN 'lost' THEN 'lost' ELSE 'open' END",
    "closed_at": (
        f"CASE {_STATUS} WHEN 'won' THEN CAST([deals.Deal - Won time|won_time] AS VARCHAR) "
        "WHEN 'lost' THEN CAST([deals.Deal - Lost time|lost_time] AS VARCHAR) END",
        "CASE WHEN {outcome} <> 'open' THEN "
        "[deals.Deal - Deal closed on|Deal - Closed on|close_time] END",
    ),
    "opened_at": "[deals.Deal - Deal created|Deal - Add time|Deal - Created|add_time]",
    "amount": "[deals.Deal - Value|value]",
}
_DEALS_CSV = Source(("Deal - ID", "Deal - Status"), needed=True)

FORMS = (
    Form(
        "Pipedrive, CSV exports of people and deals",
        {
            "persons": Source(("Person - ID", "Person - Name"), needed=True),
            "deals": _DEALS_CSV,
            "activities": Source(
                ("Activity - Type", "Activity - Contact person|Activity - Person")
            ),
        },
        (
            Select(
                "leads",
                f"FROM [persons]\nWHERE {_ONCE}",
                {
                    "lead_id": _PERSON,
                    "created_at": "[persons.Person - Person created|Person - Add time"
                    "|Person - Created]",
                },
                "leads: people whose name no other person has, since a deal names its person",
            ),
            Select(
                "deals",
                f"FROM [deals]\nJOIN [persons] ON {_OF_DEAL} = {_NAME}\nWHERE {_ONCE}",
                {"lead_id": _PERSON, **_DEAL_COLUMNS},
                "deals: JOINED BY NAME, only where one person has it",
            ),
            Select(
                "events",
                "FROM [activities]\nJOIN [persons] ON "
                f"[activities.Activity - Contact person|Activity - Person] = {_NAME}\n"
                f"WHERE {_ONCE} AND "
                "CAST([activities.Activity - Marked as done time] AS VARCHAR) <> ''",
                {
                    "lead_id": _PERSON,
                    "occurred_at": "[activities.Activity - Marked as done time]",
                    "action": "lower([activities.Activity - Type])",
                },
                "events: activities when done, JOINED BY NAME",
            ),
        ),
        leads_from="persons",
        values=("[deals.Deal - Status]",),
        counts={
            "people are left out, whose name another person has: a deal names its person, not the "
            "ID": f"SELECT count(*) FROM [persons] WHERE ({_ONCE}) IS NOT TRUE",
            "deals are left out, whose person is not there or not the only one of the name": (
                f"SELECT count(*) FROM [deals] WHERE {_OF_DEAL} IS NULL OR {_OF_DEAL} NOT IN "
                f"(SELECT {_NAME} FROM [persons] GROUP BY 1 HAVING count(*) = 1)"
            ),
        },
        no_attribute=_NO_ATTRIBUTE,
    ),
    Form(
        "Pipedrive, CSV export of deals",
        {"deals": _DEALS_CSV},
        (
            Select(
                "leads",
                "FROM [deals]",
                {
                    "lead_id": "CAST([deals.Deal - ID] AS VARCHAR)",
                    "created_at": "[deals.Deal - Deal created|Deal - Add time|Deal - Created]",
                    "source": "[deals.Deal - Source channel|Deal - Source origin]",
                },
                "leads: WITHOUT people: every deal is a lead",
            ),
            Select(
                "deals",
                "FROM [deals]",
                {"lead_id": "CAST([deals.Deal - ID] AS VARCHAR)", **_DEAL_COLUMNS},
                "deals: a deal is its own lead",
            ),
        ),
        leads_from="deals",
        values=("[deals.Deal - Status]",),
        unmapped=(
            "not mapped: activities. Their export names the deal by its title, which may not be "
            "the only one",
        ),
        no_attribute=_NO_ATTRIBUTE,
    ),
    Form(
        "Pipedrive, tables of Fivetran or dlt",
        {
            "persons": Source(("id", "add_time"), (), "persons?", True),
            "deals": Source(("id", "status", "add_time"), (), "deals?", True),
            "activities": Source(("type", "marked_as_done_time"), (), "activit(y|ies)"),
        },
        (
            Select(
                "leads",
                "FROM [persons]",
                {"lead_id": _PERSON, "created_at": "[persons.add_time]"},
                "leads: people",
            ),
            Select(
                "deals",
                "FROM [deals]\nWHERE [deals.person_id|person_id__value] IS NOT NULL",
                {
                    "lead_id": "CAST([deals.person_id|person_id__value] AS VARCHAR)",
                    **_DEAL_COLUMNS,
                },
                "deals: those that have a person",
            ),
            Select(
                "events",
                "FROM [activities]\nWHERE [activities.person_id] IS NOT NULL "
                "AND [activities.marked_as_done_time] IS NOT NULL",
                {
                    "lead_id": "CAST([activities.person_id] AS VARCHAR)",
                    "occurred_at": "[activities.marked_as_done_time]",
                    "action": "lower([activities.type])",
                },
                "events: activities when done",
            ),
        ),
        leads_from="persons",
        values=("[deals.status]",),
        counts={
            "deals are left out, which have no person": "SELECT count(*) FROM [deals] "
            "WHERE [deals.person_id|person_id__value] IS NULL"
        },
        no_attribute=_NO_ATTRIBUTE,
    ),
)
