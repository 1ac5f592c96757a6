"""The notes of `readiness check`: what is allowed in a lead database and deserves a look."""

import difflib
from collections.abc import Sequence
from datetime import timedelta
from math import ceil

from features.audit.finding import Finding, accepts
from features.catalog import MOST_ACTIONS
from features.check.maturity import PATIENCE_DAYS
from features.check.report import CutoffCount, Note, totals
from features.conditions.roles import OTHER, load_roles
from features.config import Config, Exclude
from features.contract.accounts import account_sizes
from features.contract.breaches import SHOWN
from features.contract.database import LeadDatabase
from features.contract.machine_events import machine_sql, seen_sql
from features.contract.tables import CONTRACT
from features.contract.text_values import fits
from features.spark.whole import SparkSample
from features.spec.accounts import account_column
from features.spec.titles import load_titles
from features.spec.wording import plural
from features.sql import quoted


def _without_lead(table: str, use: str) -> tuple[str, str, str]:
    return (
        f"{table} whose lead is not in tables.leads",
        f"SELECT 'lead ' || lead_id || ' (' || count(*) || ')' AS text, count(*) AS n "
        f"FROM {table} ANTI JOIN leads USING (lead_id) WHERE lead_id IS NOT NULL GROUP BY lead_id",
        f"No {use} uses these rows. Add their leads with the time of creation, or leave them out.",
    )


MANY_EVENTS, MANY_SHARE = 10_000, 0.01  # more events than a person causes; share of all events

# Rows that deserve a look: a title, a query (the text to show, and its number n of rows), advice.
ROWS = {
    "leads_without_events": (
        "leads without events",
        "SELECT DISTINCT 'lead ' || lead_id AS text, 1 AS n "
        "FROM leads ANTI JOIN known_events USING (lead_id) WHERE lead_id IS NOT NULL",
        "Their readiness rests on age and attributes alone. If there are many, check that both "
        "tables write lead_id in the same way.",
    ),
    "events_without_leads": _without_lead("events", use="feature"),
    "deals_without_leads": _without_lead("deals", use="label"),
    "duplicate_events": (
        "duplicate events (equal in every column that is read)",
        "SELECT concat('lead ', lead_id, ': ', action, ' at ', occurred_at, ', ', count(*), "
        "' times') AS text, count(*) - 1 AS n FROM events "
        f"GROUP BY {', '.join(column.name for column in CONTRACT['events'])} HAVING count(*) > 1",
        "Each copy counts as an event. If an import ran twice, read them with SELECT DISTINCT.",
    ),
    "leads_with_very_many_events": (
        f"leads with more than {MANY_EVENTS:,} events and {MANY_SHARE:.0%} of all events",
        "SELECT concat('lead ', lead_id, ': ', count(*), ' events') AS text, 1 AS n FROM "
        f"known_events GROUP BY lead_id HAVING count(*) > {MANY_EVENTS} AND count(*) > "
        f"{MANY_SHARE} * (SELECT count(*) FROM known_events)",
        "Is it a crawler, a test account or a shared address? Leave it out in the query of "
        "tables.events. It also slows the features down: one core computes all events of a lead.",
    ),
    "events_recorded_late": (
        "events recorded after they occurred",
        "SELECT concat('lead ', lead_id, ': ', action, ' at ', occurred_at, ', recorded ', "
        "recorded_at) AS text, 1 AS n FROM known_events WHERE recorded_at > occurred_at",
        "Nothing to do: features use them from recorded_at on, when sales could know them.",
    ),
}


def row_notes(database: LeadDatabase) -> dict[str, Note]:
    """The note of each of ROWS; its count is 0 where there are none."""
    notes = {}
    for name, (title, sql, advice) in ROWS.items():
        summary = f"SELECT sum(n)::BIGINT, min(text, {SHOWN}) FROM ({sql})"
        ((count, first),) = database.connection.execute(summary).fetchall()
        notes[name] = Note(title, count or 0, advice, tuple(first or ()))
    return notes


def machine_notes(database: LeadDatabase, exclude: Exclude) -> list[Note]:
    """Events that machines seem to have caused, left out or not."""
    kinds = (
        ("machine_clicks", "in bursts, as link scanners click", exclude.machine_clicks),
        ("machine_opens", "right after a sending, as mail programs open", exclude.machine_opens),
    )
    notes = []
    for key, what, is_on in kinds:
        caused = machine_sql(exclude, key == "machine_clicks", key == "machine_opens")
        ((count, first),) = database.connection.execute(
            "SELECT count(*), min(concat('lead ', lead_id, ': ', action, ' at ', occurred_at), "
            f"{SHOWN}) FROM ({seen_sql(exclude, 'own_events')}) WHERE {caused}"
        ).fetchall()
        advice = "They are left out." if is_on else f"Leave them out with [exclude] {key} = true."
        notes.append(Note(f"events {what}", count, advice, tuple(first or ())))
    return notes


def left_out_notes(database: LeadDatabase) -> list[Note]:
    """Leads that objected or are excluded, by their reasons."""
    titles = {"objected": "leads that objected to profiling", "excluded": "leads that are excluded"}
    notes = []
    for kind, title in titles.items():
        ((count, first),) = database.connection.execute(
            f"SELECT count(*), min('lead ' || lead_id || ': ' || reason, {SHOWN}) "
            f"FROM left_out WHERE kind = '{kind}'"
        ).fetchall()
        advice = "They are never trained on nor scored; the ledger names them."
        notes.append(Note(title, count, advice, tuple(first or ())))
    return notes


def _listed(title: str, items: Sequence[object], advice: str) -> Note:
    return Note(title, len(items), advice, tuple(str(item) for item in items[:SHOWN]))


def setting_notes(database: LeadDatabase, config: Config, occurring: list[str]) -> list[Note]:
    """Data that the settings leave unused, and names in the settings that the data do not have."""
    account = config.features.account
    used = {"lead_id", "created_at", *config.features.attributes}
    used |= set() if account is None else {account_column(account)[0]}
    used |= {str(config.features.title)}
    unused = tuple(name for name in database.columns["leads"] if name not in used)
    left_out, measured = config.features.leave_out_actions, config.features.measured_actions
    return [
        Note(
            "columns of leads that are not used as features", len(unused),
            "List in features.attributes those that were known when the lead was created. A column "
            "that is filled in later would reveal the outcome.", unused,
        ),
        _listed(
            f"actions beyond the {MOST_ACTIONS} most frequent", database.actions[MOST_ACTIONS:],
            "They have no features of their own and count as any activity only. Merge similar ones "
            "(the name of a page belongs in events.content).",
        ),
        _listed(
            "settings for exploration only",
            ['training.split = "random"'] * (config.training.split == "random"),
            "The days are artificial, so nothing below can tell what was known before an outcome, "
            "how long one takes, or whether win rates move. No model is ever promoted.",
        ),
        _listed(
            "actions in features.leave_out_actions that never occur",
            [_with_nearest(name, occurring) for name in left_out if name not in occurring],
            "Correct the spelling: otherwise the action that was meant stays among the features.",
        ),
        _listed(
            "actions in features.measured_actions that never occur",
            [_with_nearest(name, occurring) for name in measured if name not in occurring],
            "Correct the spelling: otherwise the mean value that was meant is no feature.",
        ),
    ]  # fmt: skip


def account_notes(database: LeadDatabase, config: Config) -> list[Note]:
    """Which leads have an account, and the largest; nothing where no setting names one."""
    account = config.features.account
    if account is None:
        return []
    sizes = account_sizes(database, account)
    everyone = database.of_leads.value("SELECT count(*) FROM leads")
    if not sizes:
        return [
            Note(
                f"leads in no account ({account})", everyone,
                "No lead has one, so features of colleagues tell nothing. Name the column of leads "
                'that holds accounts in features.account, or "domain(COLUMN)" of e-mail addresses.'
            )
        ]  # fmt: skip
    leads = sum(size for _, size in sizes)
    largest = tuple(f"{name}: {plural(size, 'lead')}" for name, size in sizes[:SHOWN])
    return [
        Note(
            f"leads in {plural(len(sizes), 'account')} ({account})", leads,
            f"Of {plural(everyone, 'lead')}. Each of the others is an account of its own. The "
            "largest accounts are named.", largest,
        ),
    ]  # fmt: skip


def title_notes(database: LeadDatabase, config: Config) -> list[Note]:
    """Which titles are recognised, and the most frequent that are not; nothing where no setting
    names their column."""
    column = config.features.title
    if column is None:
        return []
    seniority, department = load_titles(config).features(column)
    titles, known = f"l.{quoted(column)}", "seniority IS NOT NULL OR department IS NOT NULL"
    ((count, recognised, *of_axes),) = database.connection.execute(
        f"SELECT count(title), count(title) FILTER ({known}), count(seniority), count(department) "
        f"FROM (SELECT {titles} AS title, {seniority.sql} AS seniority, "
        f"{department.sql} AS department FROM leads l)"
    ).fetchall()
    others = database.connection.execute(
        f"SELECT title, count(*) FROM (SELECT trim({titles}::VARCHAR) AS title, "
        f"{seniority.sql} AS seniority, {department.sql} AS department FROM leads l) "
        f"WHERE title IS NOT NULL AND NOT ({known}) GROUP BY title ORDER BY 2 DESC, 1"
    ).fetchall()
    return [
        Note(
            f"leads whose {column} is recognised", recognised,
            f"Of {count:,} that have one; {of_axes[0]:,} have a seniority, {of_axes[1]:,} a "
            "department. The others' are unknown to the model.",
        ),
        Note(
            f"different values of {column} that are not recognised", len(others),
            "The most frequent are named. Add words for them to titles.toml, which `readiness "
            "titles` writes (docs/titles.md).",
            tuple(f"{title} ({plural(leads, 'lead')})" for title, leads in others[:SHOWN]),
        ),
    ]  # fmt: skip


def role_notes(database: LeadDatabase, config: Config) -> list[Note]:
    """The actions that no group of roles.toml knows; nothing where no setting names accounts."""
    if config.features.account is None:
        return []
    roles = load_roles(config)
    others = [action for action in database.actions if roles.group_of(action) == OTHER]
    return [
        _listed(
            "actions that no group of roles.toml knows", others,
            "The roles of an account's people do not look at them. Add words of their names to a "
            "group of roles.toml, which `readiness titles` writes (docs/roles.md).",
        )
    ]  # fmt: skip


_LIKE_A_DATE = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}.*"


def text_dates_note(database: LeadDatabase) -> Note:
    """Attributes that are dates to people and texts to the model."""
    texts = [name for name, kind in database.attributes.items() if kind == "text"]
    dates = []
    for name in texts:
        text = f"{quoted(name)}::VARCHAR"
        sql = f"SELECT bool_and({fits(_LIKE_A_DATE, text)}), min({text}) FROM leads"
        ((is_date, first),) = database.connection.execute(sql).fetchall()
        dates += [f"{name}, such as {first}"] if is_date else []
    return _listed(
        "attributes that look like dates and are read as texts", dates,
        "A model learns them as categories. Make them dates in the query of tables.leads: "
        "strptime(renews_on, '%d.%m.%Y')::DATE AS renews_on, or renews_on::DATE.",
    )  # fmt: skip


def unused_acceptance_note(config: Config, findings: Sequence[Finding]) -> Note:
    """What readiness.toml accepts and is not among the findings."""
    known = sorted({text for each in findings for text in (each.code, each.about)})
    unused = [
        _with_nearest(pattern, known)
        for pattern in config.audit.accepted
        if not any(accepts(pattern, each) for each in findings)
    ]
    return _listed(
        "entries of audit.accepted that the audit does not find", unused,
        "Delete them, or correct the spelling.",
    )  # fmt: skip


def _with_nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} (is it {near[0]}?)" if near else name


def cutoff_notes(
    database: LeadDatabase, config: Config, cutoffs: Sequence[CutoffCount]
) -> list[Note]:
    """Reasons why no model can be trained on the cutoff grid."""
    end = database.data_end
    first, every = config.time.first_cutoff, timedelta(days=config.time.cutoff_every_days)
    due = first + timedelta(days=config.time.horizon_days)
    if not cutoffs:
        return [_listed(f"time.first_cutoff after the data end, {end}", [first], "Set it earlier.")]
    ((created,),) = database.connection.execute("SELECT min(created_at) FROM leads").fetchall()
    early = [c.cutoff for c in cutoffs if created is not None and c.cutoff <= created]
    total = totals(cutoffs)
    return [
        _listed(
            f"cutoffs before the first lead was created ({created})", early,
            f"Set time.first_cutoff to {first + len(early) * every}.",
        ),
        _listed(
            "cutoffs, none of them mature", [c.cutoff for c in cutoffs if not cutoffs[0].mature],
            f"The first one will be mature on {due}; the data end on {end}. Wait for later data, "
            "set time.first_cutoff earlier, or shorten time.horizon_days.",
        ),
        Note(
            f"mature snapshots, {'all' if total['won'] else 'none'} of them won",
            total["mature"] if total["won"] in (0, total["mature"]) else 0,
            "A model needs both. Check that deals has both outcomes, and the lead ids of leads.",
        ),
    ]  # fmt: skip


def unrecorded_notes(database: LeadDatabase, config: Config) -> list[Note]:
    """Leads of a time of which no deal is on record: were deals recorded at all?

    Worked example, horizon 30 days, first deal closed on 2017-12-05: a lead created on 2017-11-05
    or before was never labelled by any recorded deal within its first 30 days; with the last deal
    on 2018-11-14, neither is one created after 2018-11-21.
    """
    ((first, last),) = database.connection.execute(
        "SELECT min(closed_at), max(closed_at) FROM deals WHERE closed_at <= ?",
        [database.data_end],
    ).fetchall()
    if first is None or config.training.split == "random":
        return []
    horizon, late = timedelta(days=config.time.horizon_days), timedelta(days=PATIENCE_DAYS)
    times = config.time
    behind = ceil(max(first - times.first_cutoff, timedelta()) / timedelta(1))
    steps = ceil(behind / times.cutoff_every_days)
    proposed = times.first_cutoff + timedelta(days=steps * times.cutoff_every_days)
    leads = "SELECT 'lead ' || lead_id || ': created ' || created_at AS text FROM leads WHERE"
    notes = []
    for title, where, advice in (
        (
            f"leads created {times.horizon_days} days or more before the first deal on record "
            f"({first:%Y-%m-%d})",
            f"created_at <= TIMESTAMP '{first - horizon}'",
            "If deals were not recorded then, these are no leads that were not won. "
            + (f"Set time.first_cutoff to {proposed:%Y-%m-%d}, and l" if steps else "L")
            + "eave them out in the query of tables.leads.",
        ),
        (
            f"leads created more than {PATIENCE_DAYS} days after the last deal on record "
            f"({last:%Y-%m-%d})",
            f"created_at > TIMESTAMP '{last + late}'",
            "If deals are recorded later than leads, set time.data_end to the last day on which "
            "both were.",
        ),
    ):
        summary = f"SELECT count(*), min(text, {SHOWN}) FROM ({leads} {where})"
        ((count, examples),) = database.connection.execute(summary).fetchall()
        notes.append(Note(title, count, advice, tuple(examples or ())))
    return notes


def sample_note(database: LeadDatabase) -> Note:
    """Where the figures are of a sample of the leads: how large it is."""
    whole = database.whole if isinstance(database, SparkSample) else None
    return Note(
        "leads in all",
        whole.leads if whole and whole.share < 1 else 0,
        f"All figures but the breaches are of a sample of {whole.share if whole else 0:.1%} of "
        "them, chosen by hash (engine.spark.most_leads).",
    )
