"""Salesforce: API names, report headers and Fivetran's names differ in blanks and case only.

Ids have 15 or 18 characters, of which the first 15 agree; what has no such id is no row but the
footer of a report.
"""

from features.starter.mapping import Form, Select, Source

_LEAD, _OPPORTUNITY = "[lead.Id|Lead ID]", "[opportunity.Id|Opportunity ID]"
_CREATED = "[lead.CreatedDate|Create Date]"
_IS_ID = f"regexp_full_match(CAST({_LEAD} AS VARCHAR), '[A-Za-z0-9]{{15}}([A-Za-z0-9]{{3}})?')"
_DELETED = "coalesce(CAST(CAST([lead.IsDeleted|Deleted] AS VARCHAR) AS BOOLEAN), false)"
_STAGE = "[opportunity.StageName|Stage]"


def _id(column: str) -> str:
    return f"left(CAST({column} AS VARCHAR), 15)"


def _flag(column: str) -> str:
    return f"CAST(CAST({column} AS VARCHAR) AS BOOLEAN)"


_ENTERED = f"""(
    SELECT max(h.entered) FROM (
      SELECT {_id("[history.OpportunityId]")} AS id, [history.StageName] AS stage,
        CAST([history.CreatedDate] AS VARCHAR) AS entered, lag([history.StageName]) OVER (
          PARTITION BY [history.OpportunityId] ORDER BY [history.CreatedDate]) AS before
      FROM [history]) h
    WHERE h.id = {_id(_OPPORTUNITY)}
      AND h.stage = {_STAGE} AND h.before IS DISTINCT FROM h.stage)"""
_TYPED = "CAST([opportunity.CloseDate] AS VARCHAR)"

_SOURCES = {
    "lead": Source(("Id|Lead ID", "CreatedDate|Create Date", "IsConverted|Converted"), needed=True),
    "task": Source(("WhoId", "CreatedDate", "Status"), without=("StartDateTime",)),
    "event": Source(("WhoId", "StartDateTime", "CreatedDate")),
}
_SELECTS = (
    Select(
        "leads",
        (
            f"FROM [lead]\nWHERE {_IS_ID} AND NOT ({_DELETED} AND [lead.MasterRecordId] IS NULL)",
            f"FROM [lead]\nWHERE {_IS_ID} AND NOT {_DELETED}",
            f"FROM [lead]\nWHERE {_IS_ID}",
        ),
        {"lead_id": _id(_LEAD), "created_at": _CREATED, "source": "[lead.LeadSource]"},
        "leads: those deleted are left out, those merged into others are not",
    ),
    Select(
        "events",
        "FROM [task]\nWHERE CAST([task.WhoId] AS VARCHAR) LIKE '00Q%'"
        " AND CAST([task.CompletedDateTime] AS VARCHAR) <> ''",
        {
            "lead_id": _id("[task.WhoId]"),
            "occurred_at": "[task.CompletedDateTime]",
            "action": ("concat_ws(' ', 'task', lower([task.Type]))", "'task'"),
        },
        "events: tasks of leads, when completed",
    ),
    Select(
        "events",
        "FROM [event]\nWHERE CAST([event.WhoId] AS VARCHAR) LIKE '00Q%'",
        {
            "lead_id": _id("[event.WhoId]"),
            "occurred_at": "[event.CreatedDate]",
            "action": ("concat_ws(' ', 'booked', lower([event.Type]))", "'booked'"),
        },
        "events: meetings of leads, when booked (StartDateTime is planned)",
    ),
    Select(
        "merges",
        "FROM [lead]\nWHERE CAST([lead.MasterRecordId] AS VARCHAR) <> ''",
        {
            "lead_id": _id(_LEAD),
            "into_lead_id": _id("[lead.MasterRecordId]"),
            "merged_at": "[lead.LastModifiedDate|SystemModstamp]",
        },
        "merges: a lead merged into another, when it was last changed",
    ),
)
_NO_ATTRIBUTE = (
    "email|phone|fax|status|^name$|firstname|lastname|street|^id$|owner|deleted|converted|masterrecord"
    "|lastmodified|systemmodstamp|lastactivity|lastviewed|lastreferenced|fivetran|photo"
)
_PRESENT = (
    "not mapped: tasks and meetings of contacts (WhoId 003...): after the conversion they count "
    "for the contact, and which lead that was is not in them",
)

FORMS = (
    Form(
        "Salesforce, leads and opportunities",
        _SOURCES
        | {
            "opportunity": Source(
                ("Id|Opportunity ID", "StageName|Stage", "IsWon|Won"), needed=True
            ),
            "history": Source(
                ("OpportunityId", "StageName", "CreatedDate"), without=("IsWon|Won",)
            ),
        },
        (
            *_SELECTS,
            Select(
                "deals",
                "FROM [lead]\nJOIN [opportunity] ON "
                f"{_id('[lead.ConvertedOpportunityId]')} = {_id(_OPPORTUNITY)}",
                {
                    "lead_id": _id(_LEAD),
                    "outcome": f"CASE WHEN {_flag('[opportunity.IsWon|Won]')} THEN 'won' "
                    f"WHEN {_flag('[opportunity.IsClosed|Closed]')} THEN 'lost' ELSE 'open' END",
                    "closed_at": (
                        f"CASE WHEN {{outcome}} <> 'open' THEN coalesce({_ENTERED}, {_TYPED}) END",
                        f"CASE WHEN {{outcome}} <> 'open' THEN {_TYPED} END",
                    ),
                    "opened_at": "[opportunity.CreatedDate]",
                    "amount": "[opportunity.Amount]",
                },
                "deals: the opportunity that a lead was converted to; closed when the history of "
                "stages says it, else on the typed close date",
            ),
        ),
        leads_from="lead",
        values=("[lead.Status|Lead Status]", _STAGE),
        unmapped=(
            *_PRESENT,
            "not mapped: leads that were given up without an opportunity. If a value of Status "
            "means lost, add them to deals.sql with the time when it was set",
        ),
        no_attribute=_NO_ATTRIBUTE,
    ),
    Form(
        "Salesforce, leads alone",
        _SOURCES,
        (
            *_SELECTS,
            Select(
                "deals",
                f"FROM [lead]\nWHERE {_IS_ID} AND {_flag('[lead.IsConverted|Converted]')}",
                {
                    "lead_id": _id(_LEAD),
                    "closed_at": "[lead.ConvertedDate]",
                    "outcome": "'won'",
                },
                "deals: WITHOUT opportunities: a lead counts as won when it is converted",
            ),
        ),
        leads_from="lead",
        values=("[lead.Status|Lead Status]",),
        unmapped=(
            *_PRESENT,
            "is a converted lead a win for you? Export the opportunities too (Id, StageName, "
            "IsWon, IsClosed, CloseDate, CreatedDate, Amount), and run init again, if not",
        ),
        no_attribute=_NO_ATTRIBUTE,
    ),
)
