"""Dynamics 365 Sales: the Excel or CSV export of leads, and the tables of a warehouse, where
statecode is a number (lead: 0 open, 1 qualified, 2 disqualified; opportunity: 0 open, 1 won, 2
lost)."""

from features.starter.mapping import Form, Select, Source

_LEAD = "CAST([lead.(Do Not Modify) Lead|leadid|Lead ID] AS VARCHAR)"
_MODIFIED = "[lead.(Do Not Modify) Modified On|Modified On|modifiedon]"
_STATE = "CAST([lead.Status|statecode] AS VARCHAR)"
_NO_ATTRIBUTE = (
    "donotmodify|email|phone|^name$|fullname|firstname|lastname|address|street|^topic$|^subject$"
    "|modified|owner|fivetran|^dlt|versionnumber|statecode|statuscode|^status|leadid$|masterid"
)
_LEADS = Select(
    "leads",
    "FROM [lead]",
    {
        "lead_id": _LEAD,
        "created_at": "[lead.Created On|createdon]",
        "source": "CAST([lead.Lead Source|leadsourcecode] AS VARCHAR)",
    },
    "leads",
)
_ACTIVITIES = Select(
    "events",
    "FROM [activities]\nWHERE [activities.actualend] IS NOT NULL",
    {
        "lead_id": "CAST([activities.regardingobjectid|_regardingobjectid_value] AS VARCHAR)",
        "occurred_at": "[activities.actualend]",
        "action": "CAST([activities.activitytypecode] AS VARCHAR)",
    },
    "events: activities of leads, when ended",
)
_MERGES = Select(
    "merges",
    "FROM [lead]\nWHERE [lead.masterid|_masterid_value] IS NOT NULL",
    {
        "lead_id": _LEAD,
        "into_lead_id": "CAST([lead.masterid|_masterid_value] AS VARCHAR)",
        "merged_at": _MODIFIED,
    },
    "merges: leads merged into another, when last changed",
)


def _states(won: str, lost: str) -> Select:
    return Select(
        "deals",
        f"FROM [lead]\nWHERE {_STATE} IN ('{won}', '{lost}')",
        {
            "lead_id": _LEAD,
            "closed_at": _MODIFIED,
            "outcome": f"CASE {_STATE} WHEN '{won}' THEN 'won' WHEN '{lost}' THEN 'lost' "
            "ELSE 'open' END",
        },
        "deals: WITHOUT opportunities: qualified is won, disqualified is lost, closed when the "
        "lead was last changed",
    )


_NO_CLOSING = (
    "is a qualified lead a win for you?",
    "not mapped: when a lead was qualified. Modified On is its last change: a later one moves the "
    "closing. Opportunities have a closing time of their own",
)
_TABLES = {
    "lead": Source(("leadid", "createdon", "statecode"), needed=True),
    "activities": Source(("activitytypecode", "regardingobjectid|_regardingobjectid_value")),
}

FORMS = (
    Form(
        "Dynamics, export of leads",
        {"lead": Source(("(Do Not Modify) Lead", "Created On", "Status"), needed=True)},
        (_LEADS, _states("Qualified", "Disqualified")),
        leads_from="lead",
        values=("[lead.Status]",),
        unmapped=(
            *_NO_CLOSING,
            "not mapped: opportunities. Their export names the originating lead, not its id",
            "not mapped: activities. Their export names what they regard, not its id",
        ),
        no_attribute=_NO_ATTRIBUTE,
    ),
    Form(
        "Dynamics, tables of leads and opportunities",
        _TABLES
        | {
            "opportunity": Source(
                ("opportunityid", "originatingleadid|_originatingleadid_value", "statecode"),
                needed=True,
            )
        },
        (
            _LEADS,
            Select(
                "deals",
                "FROM [opportunity]\nWHERE [opportunity.originatingleadid|"
                "_originatingleadid_value] IS NOT NULL",
                {
                    "lead_id": "CAST([opportunity.originatingleadid|_originatingleadid_value] "
                    "AS VARCHAR)",
                    "outcome": "CASE CAST([opportunity.statecode] AS VARCHAR) WHEN '1' THEN 'won' "
                    "WHEN '2' THEN 'lost' ELSE 'open' END",
                    "closed_at": "CASE WHEN {outcome} <> 'open' THEN "
                    "[opportunity.actualclosedate] END",
                    "opened_at": "[opportunity.createdon]",
                    "amount": "[opportunity.actualvalue]",
                },
                "deals: opportunities of their originating lead",
            ),
            Select(
                "deals",
                f"FROM [lead]\nWHERE {_STATE} = '2'",
                {"lead_id": _LEAD, "closed_at": _MODIFIED, "outcome": "'lost'"},
                "deals: disqualified leads are lost, when they were last changed",
            ),
            _ACTIVITIES,
            _MERGES,
        ),
        leads_from="lead",
        values=("[lead.statecode]", "[opportunity.statecode]"),
        no_attribute=_NO_ATTRIBUTE,
    ),
    Form(
        "Dynamics, table of leads",
        _TABLES,
        (_LEADS, _states("1", "2"), _ACTIVITIES, _MERGES),
        leads_from="lead",
        values=("[lead.statecode]",),
        unmapped=_NO_CLOSING,
        no_attribute=_NO_ATTRIBUTE,
    ),
)
