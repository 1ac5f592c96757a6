"""What a careful colleague would mention of a lead database: the notes of `readiness check`."""

import difflib
from collections.abc import Sequence
from datetime import timedelta

from features.audit.finding import Finding
from features.catalog import MOST_ACTIONS
from features.check.report import CutoffCount, Note, totals
from features.config import Config
from features.contract.breaches import SHOWN
from features.contract.database import LeadDatabase
from features.contract.tables import CONTRACT
from features.spark.whole import SparkSample


def _strangers(table: str, use: str) -> tuple[str, str, str]:
    return (
        f"{table} without a lead",
        f"SELECT 'lead ' || lead_id || ' (' || count(*) || ')' AS seen, count(*) AS n "
        f"FROM {table} ANTI JOIN leads USING (lead_id) WHERE lead_id IS NOT NULL GROUP BY lead_id",
        f"No {use} uses them. Add the leads with their creation time, or leave these rows out.",
    )


MANY_EVENTS, MUCH = 10_000, 0.01  # of one lead, and of all events: nobody does that much by hand

# Rows worth a look. Each has a title, a query for what was seen and of how many rows (n), advice.
LOOKS = {
    "leads_without_events": (
        "leads without events",
        "SELECT DISTINCT 'lead ' || lead_id AS seen, 1 AS n "
        "FROM leads ANTI JOIN known_events USING (lead_id) WHERE lead_id IS NOT NULL",
        "Only age and attributes speak for them. Many? Do both tables spell lead_id alike?",
    ),
    "events_without_leads": _strangers("events", use="feature"),
    "deals_without_leads": _strangers("deals", use="label"),
    "duplicate_events": (
        "duplicate events (alike in every column that is read)",
        "SELECT concat('lead ', lead_id, ': ', action, ' at ', occurred_at, ', ', count(*), "
        "' times') AS seen, count(*) - 1 AS n FROM events "
        f"GROUP BY {', '.join(column.name for column in CONTRACT['events'])} HAVING count(*) > 1",
        "Each copy counts as a deed. If an import ran twice, read the events with SELECT DISTINCT.",
    ),
    "leads_with_very_many_events": (
        f"leads with more than {MANY_EVENTS:,} events and {MUCH:.0%} of all",
        "SELECT concat('lead ', lead_id, ': ', count(*), ' events') AS seen, 1 AS n "
        "FROM known_events "
        f"GROUP BY lead_id HAVING count(*) > {MANY_EVENTS} "
        f"AND count(*) > {MUCH} * (SELECT count(*) FROM known_events)",
        "A crawler, a test account, an address that many share? Leave it out in the query of "
        "tables.events: it also keeps one core busy while all others wait.",
    ),
    "events_recorded_late": (
        "events recorded after they occurred",
        "SELECT concat('lead ', lead_id, ': ', action, ' at ', occurred_at, ', recorded ', "
        "recorded_at) AS seen, 1 AS n FROM known_events WHERE recorded_at > occurred_at",
        "Nothing to do: a feature sees them from recorded_at on, as sales did.",
    ),
}


def looked(database: LeadDatabase) -> dict[str, Note]:
    """The note of each of LOOKS; its count is 0 where there is nothing to see."""
    return {name: _noted(database, *look) for name, look in LOOKS.items()}


def _noted(database: LeadDatabase, title: str, sql: str, advice: str) -> Note:
    seen = f"SELECT sum(n)::BIGINT, min(seen, {SHOWN}) FROM ({sql})"
    count, first = database.connection.execute(seen).fetchall()[0]
    return Note(title, count or 0, advice, tuple(first or ()))


def _listed(title: str, items: Sequence[object], advice: str) -> Note:
    return Note(title, len(items), advice, tuple(str(item) for item in items[:SHOWN]))


def setting_notes(database: LeadDatabase, config: Config, occurring: list[str]) -> list[Note]:
    """What of the data the settings leave unused, and what they name in vain."""
    used = {"lead_id", "created_at", *config.features.attributes}
    unused = tuple(name for name in database.columns["leads"] if name not in used)
    left_out = config.features.leave_out_actions
    return [
        Note(
            "columns of leads that are no features", len(unused),
            "List in features.attributes what was known at the lead's creation; a column filled in "
            "later would tell the outcome.", unused,
        ),
        _listed(
            f"actions beyond the {MOST_ACTIONS} most frequent", database.actions[MOST_ACTIONS:],
            "They count as any activity only. Join kindred ones (a page belongs in content).",
        ),
        _listed(
            "actions in features.leave_out_actions that never occur",
            [_with_nearest(name, occurring) for name in left_out if name not in occurring],
            "Mend the spelling, or a deciding action stays among the features.",
        ),
    ]  # fmt: skip


def accepted_in_vain(config: Config, findings: Sequence[Finding]) -> Note:
    """Codes that readiness.toml accepts and the audit does not find."""
    found = {each.code for each in findings}
    return _listed(
        "codes in audit.accepted that the audit does not find",
        [_with_nearest(code, sorted(found)) for code in config.audit.accepted if code not in found],
        "Take them out, or mend the spelling.",
    )


def _with_nearest(action: str, occurring: list[str]) -> str:
    near = difflib.get_close_matches(action, occurring, n=1)
    return f"{action} (is it {near[0]}?)" if near else action


def cutoff_notes(
    database: LeadDatabase, config: Config, cutoffs: Sequence[CutoffCount]
) -> list[Note]:
    """What keeps the grid from teaching a model."""
    end = database.data_end
    first, every = config.time.first_cutoff, timedelta(days=config.time.cutoff_every_days)
    due = first + timedelta(days=config.time.horizon_days)
    if not cutoffs:
        return [_listed(f"time.first_cutoff after the data end, {end}", [first], "Set it earlier.")]
    ((born,),) = database.connection.execute("SELECT min(created_at) FROM leads").fetchall()
    early = [c.cutoff for c in cutoffs if born is not None and c.cutoff <= born]
    found = totals(cutoffs)
    return [
        _listed(
            f"cutoffs at which no lead exists yet (the first is created {born})", early,
            f"Set time.first_cutoff to {first + len(early) * every}.",
        ),
        _listed(
            "cutoffs, none of them mature", [c.cutoff for c in cutoffs if not cutoffs[0].mature],
            f"The first will be on {due}, the data end on {end}. Come back with later data, begin "
            "earlier, or shorten time.horizon_days.",
        ),
        Note(
            f"mature snapshots, {'all' if found['won'] else 'none'} of them won",
            found["mature"] if found["won"] in (0, found["mature"]) else 0,
            "A model needs both. See whether deals has both outcomes, and lead ids as in leads.",
        ),
    ]  # fmt: skip


def sample_note(database: LeadDatabase) -> Note:
    """That the figures are of some of the leads, where they are."""
    whole = database.whole if isinstance(database, SparkSample) else None
    return Note(
        "leads in all",
        whole.leads if whole and whole.share < 1 else 0,
        f"All but the breaches is counted over {0 if whole is None else whole.share:.1%} of them, "
        "drawn by hash (engine.spark.most_leads).",
    )
