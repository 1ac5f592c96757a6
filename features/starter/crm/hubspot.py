"""HubSpot: the CSV export from the screen, and the tables of Fivetran (property_createdate) or dlt
(createdate)."""

from features.starter.mapping import Form, Select, Source

_CONTACT = "CAST([contacts.Record ID|Record ID - Contact|id|contact_id|hs_object_id] AS VARCHAR)"
_DEAL = "CAST([deals.Record ID|Record ID - Deal|deal_id|id|hs_object_id] AS VARCHAR)"
_CREATED = "[contacts.Create Date|createdate]"
_STAGE = "[deals.Deal Stage|dealstage|deal_pipeline_stage_id]"
_MERGED = "[contacts.Merged vids with timestamps of a contact|hs_calculated_merged_vids]"
_SOURCE = "[contacts.Original Traffic Source|Original Source|hs_analytics_source]"
_CLOSED = "[deals.Close Date|closedate]"
_BY_NAME = (
    f"CASE WHEN regexp_matches(lower({_STAGE}), '^closed ?won') THEN 'won' "
    f"WHEN regexp_matches(lower({_STAGE}), '^closed ?lost') THEN 'lost' ELSE 'open' END"
)
_NO_ATTRIBUTE = (
    "email|phone|firstname|lastname|fullname|^name$|address|fivetran|^dlt|mergedvids|objectid"
    "|recordid|^id$|^vid$|dealids|companyids|lastmodified|recent|^last|leadstatus|lifecycle|firstseen|conversion"
)
_LEADS = Select(
    "leads",
    "FROM [contacts]",
    {"lead_id": _CONTACT, "created_at": _CREATED, "source": _SOURCE},
    "leads: contacts",
)
_DEALS = {
    "amount": "[deals.Amount]",
    "opened_at": "[deals.Create Date|createdate]",
}
_MERGES = Select(
    "merges",
    f"FROM (SELECT {_CONTACT} AS id, unnest(string_split(CAST({_MERGED} AS VARCHAR), ';')) AS pair "
    f"FROM [contacts]\n  WHERE CAST({_MERGED} AS VARCHAR) <> '') merged",
    {
        "lead_id": "split_part(merged.pair, ':', 1)",
        "into_lead_id": "merged.id",
        "merged_at": "epoch_ms(CAST(split_part(merged.pair, ':', 2) AS BIGINT))",
    },
    "merges: contacts merged into another, from the survivor's column (id:milliseconds;...)",
)


def _first(column: str, action: str) -> Select:
    return Select(
        "events",
        f"FROM [contacts]\nWHERE CAST([contacts.{column}] AS VARCHAR) <> ''",
        {"lead_id": _CONTACT, "occurred_at": f"[contacts.{column}]", "action": f"'{action}'"},
        f"events: {action}",
    )


_EXPORT = Form(
    "HubSpot, CSV export of contacts and deals",
    {
        "contacts": Source(
            (
                "Record ID|Record ID - Contact",
                "Create Date",
                "Lead Status|Lifecycle Stage|Email|Associated Deal IDs|Original Traffic Source",
            ),
            without=("Deal Stage",),
            needed=True,
        ),
        "deals": Source(("Record ID|Record ID - Deal", "Deal Stage", "Close Date"), needed=True),
    },
    (
        _LEADS,
        Select(
            "deals",
            (
                f"FROM (SELECT {_CONTACT} AS lead_id, trim(unnest(string_split(CAST("
                "[contacts.Associated Deal IDs] AS VARCHAR), ';'))) AS deal_id FROM [contacts]) "
                f"pairs\nJOIN [deals] ON pairs.deal_id = {_DEAL}",
                f"FROM (SELECT {_DEAL} AS deal_id, trim(unnest(string_split(CAST("
                "[deals.Associated Contact IDs] AS VARCHAR), ';'))) AS lead_id FROM [deals]) "
                f"pairs\nJOIN [deals] ON pairs.deal_id = {_DEAL}",
            ),
            {
                "lead_id": "pairs.lead_id",
                "outcome": _BY_NAME,
                "closed_at": f"CASE WHEN {{outcome}} <> 'open' THEN {_CLOSED} END",
                **_DEALS,
            },
            "deals: every deal once for each of its contacts; closed on the typed close date",
        ),
        _first("Time First Seen", "first_visit"),
        _first("First Conversion Date", "first_form"),
        _MERGES,
    ),
    leads_from="contacts",
    values=(_STAGE,),
    unmapped=(
        "not mapped: visits, e-mails and calls. The export has only first and last ones; the last "
        "are overwritten and reveal the present. Fivetran or dlt bring them all",
        "not mapped: when a deal was closed. Close Date is typed and can be changed later",
    ),
    no_attribute=_NO_ATTRIBUTE,
)

_WAREHOUSE = Form(
    "HubSpot, tables of Fivetran or dlt",
    {
        "contacts": Source(("id|contact_id|hs_object_id", "createdate"), (), "contacts?", True),
        "deals": Source(
            ("deal_id|id|hs_object_id", "dealstage|deal_pipeline_stage_id"), (), "deals?", True
        ),
        "links": Source(
            ("deal_id|deals_id", "contact_id|value"), (), "deal_contacts?|deals__contacts", True
        ),
        "stages": Source(("stage_id", "closed_won", "is_closed"), (), ".*stages?"),
        "entered": Source(("deal_id", "value", "date_entered"), (), "deal_stages?"),
        "history": Source(("contact_id", "name", "value", "timestamp")),
        "engagements": Source(("id", "type", "timestamp"), (), "engagements?"),
        "engaged": Source(("engagement_id", "contact_id"), (), "engagement_contacts?"),
        "mails": Source(("type", "created", "recipient")),
        "forms": Source(("contact_id", "timestamp", "page_url")),
        "audit": Source(("vid_to_merge", "contact_id|canonical_vid", "timestamp")),
    },
    (
        _LEADS,
        Select(
            "deals",
            f"FROM [links]\nJOIN [deals] ON CAST([links.deal_id|deals_id] AS VARCHAR) = {_DEAL}",
            {
                "lead_id": "CAST([links.contact_id|value] AS VARCHAR)",
                "outcome": (
                    "coalesce((SELECT CASE WHEN bool_or([stages.closed_won]) THEN 'won' WHEN "
                    "bool_or([stages.is_closed]) THEN 'lost' ELSE 'open' END FROM [stages] "
                    f"WHERE [stages.stage_id] = {_STAGE}), 'open')",
                    _BY_NAME,
                ),
                "closed_at": (
                    "CASE WHEN {outcome} <> 'open' THEN coalesce((SELECT max("
                    "CAST([entered.date_entered] AS VARCHAR)) FROM [entered] WHERE "
                    f"CAST([entered.deal_id] AS VARCHAR) = {_DEAL} AND "
                    f"[entered.value] = {_STAGE}), CAST({_CLOSED} AS VARCHAR)) END",
                    "CASE WHEN {outcome} <> 'open' THEN coalesce(CASE {outcome} WHEN 'won' "
                    "THEN CAST([deals.hs_v2_date_entered_closedwon] AS VARCHAR) ELSE "
                    "CAST([deals.hs_v2_date_entered_closedlost] AS VARCHAR) END, "
                    f"CAST({_CLOSED} AS VARCHAR)) END",
                    f"CASE WHEN {{outcome}} <> 'open' THEN {_CLOSED} END",
                ),
                **_DEALS,
            },
            "deals: every deal once for each of its contacts; closed when it entered its stage, "
            "where that is recorded, else on the typed close date",
        ),
        Select(
            "events",
            "FROM [engagements]\nJOIN [engaged] ON [engaged.engagement_id] = [engagements.id]",
            {
                "lead_id": "CAST([engaged.contact_id] AS VARCHAR)",
                "occurred_at": "[engagements.timestamp]",
                "action": "lower([engagements.type])",
            },
            "events: calls, meetings, notes and e-mails of sales",
        ),
        Select(
            "events",
            "FROM [mails]\nJOIN [contacts] ON lower([mails.recipient]) = lower([contacts.email])",
            {
                "lead_id": _CONTACT,
                "occurred_at": "[mails.created]",
                "action": "'email_' || lower([mails.type])",
            },
            "events: marketing e-mails, by the contact's present address",
        ),
        Select(
            "events",
            "FROM [forms]",
            {
                "lead_id": "CAST([forms.contact_id] AS VARCHAR)",
                "occurred_at": "[forms.timestamp]",
                "action": "'form_submitted'",
                "content": "[forms.page_url]",
            },
            "events: forms",
        ),
        _MERGES,
        Select(
            "merges",
            "FROM [audit]",
            {
                "lead_id": "CAST([audit.vid_to_merge] AS VARCHAR)",
                "into_lead_id": "CAST([audit.canonical_vid|contact_id] AS VARCHAR)",
                "merged_at": "[audit.timestamp]",
            },
            "merges: contacts merged into another, from the merge audit",
        ),
    ),
    leads_from="contacts",
    values=(_STAGE,),
    no_attribute=_NO_ATTRIBUTE,
    as_of="(SELECT arg_max([history.value], [history.timestamp]) FROM [history] WHERE "
    f"CAST([history.contact_id] AS VARCHAR) = {_CONTACT} AND [history.name] = {{name}} AND "
    f"[history.timestamp] <= {_CREATED} + INTERVAL 1 MINUTE)",
)

FORMS = (_EXPORT, _WAREHOUSE)
