"""What is in a lead database, and whether it can be trusted: the report of `readiness check`.

Breaches of the contract must be mended before anything is learnt from the data. Notes are what a
careful colleague would mention: true of many good databases, worth a look all the same.
"""

import difflib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from features.breaches import SHOWN, Breach, find_breaches
from features.catalog import MOST_ACTIONS
from features.config import Config
from features.cutoffs import grid, is_mature
from features.database import LeadDatabase
from features.described import describe_features
from features.freshness import days_without_deals
from features.labels import label_sql
from features.snapshots import cohort_sql
from features.tables import CONTRACT


@dataclass(frozen=True)
class TableSpan:
    """A table's rows, and the first and last readable value of its main time."""

    table: str
    rows: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True)
class ActionCount:
    """An action's events, leads and share of all events; whether leave_out_actions names it."""

    action: str
    events: int
    leads: int
    share: float
    left_out: bool


@dataclass(frozen=True)
class CutoffCount:
    """A cutoff of the grid: its snapshots, and those of them won within the horizon; None where
    that cannot be known, as there are no snapshots or they are censored (not mature)."""

    cutoff: datetime
    mature: bool
    snapshots: int
    won: int | None


@dataclass(frozen=True)
class Note:
    """Something worth a look that breaches nothing: how many, what to do, the first of them."""

    title: str
    count: int
    advice: str
    first: tuple[str, ...] = ()

    def __str__(self) -> str:
        first = f" (first: {'; '.join(self.first)})" if self.first else ""
        return f"{self.title}: {self.count:,}{first}. {self.advice}"


@dataclass(frozen=True)
class Report:
    """A lead database as found.

    `actions` begin with the most frequent. `deals` has won, lost and open (leads without a deal);
    `snapshots` has mature, censored and won; `features` counts each kind; `counts` has a number for
    each of LOOKS. `won_share` is the class balance of the mature snapshots, `recorded_late` the
    share of events recorded after they occurred; either is None where there are none.
    """

    data_end: datetime
    horizon_days: int
    tables: tuple[TableSpan, ...]
    actions: tuple[ActionCount, ...]
    deals: dict[str, int]
    counts: dict[str, int]
    recorded_late: float | None
    snapshots: dict[str, int]
    won_share: float | None
    cutoffs: tuple[CutoffCount, ...]
    features: dict[str, int]
    notes: tuple[Note, ...]
    breaches: tuple[Breach, ...]

    @property
    def ok(self) -> bool:
        """Whether the contract is kept. Notes do not count."""
        return not self.breaches

    def to_json(self) -> dict[str, Any]:
        """The whole report, safe for JSON: times as ISO 8601 text, notes and breaches also worded
        as `text`."""
        whole = asdict(self)
        for name, items in (("notes", self.notes), ("breaches", self.breaches)):
            whole[name] = [asdict(item) | {"text": str(item)} for item in items]
        return {"ok": self.ok, **json.loads(json.dumps(whole, default=datetime.isoformat))}


def _strangers(table: str, use: str) -> tuple[str, str, str]:
    return (
        f"{table} without a lead",
        f"SELECT 'lead ' || lead_id || ' (' || count(*) || ')' AS seen, count(*) AS n "
        f"FROM {table} ANTI JOIN leads USING (lead_id) WHERE lead_id IS NOT NULL GROUP BY lead_id",
        f"No {use} uses them. Add the leads with their creation time, or leave these rows out.",
    )


# Rows worth a look. Each has a title, a query for what was seen and of how many rows (n), advice.
LOOKS = {
    "leads_without_events": (
        "leads without events",
        "SELECT DISTINCT 'lead ' || lead_id AS seen, 1 AS n "
        "FROM leads ANTI JOIN deeds USING (lead_id) WHERE lead_id IS NOT NULL",
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
    "events_recorded_late": (
        "events recorded after they occurred",
        "SELECT concat('lead ', lead_id, ': ', action, ' at ', occurred_at, ', recorded ', "
        "recorded_at) AS seen, 1 AS n FROM deeds WHERE recorded_at > occurred_at",
        "Nothing to do: a feature sees them from recorded_at on, as sales did.",
    ),
}


def check(database: LeadDatabase, config: Config, now: datetime) -> Report:
    """Look at everything. `now` is naive UTC: later times in the data are breaches."""
    looks = {name: _noted(database, *look) for name, look in LOOKS.items()}
    actions = _actions(database, config.features.leave_out_actions)
    cutoffs = _cutoffs(database, config)
    snapshots = _totals(cutoffs)
    notes = [
        *looks.values(),
        *_setting_notes(database, config, [counted.action for counted in actions]),
        *_cutoff_notes(database, config, cutoffs),
        Note("days without a deal before the data end", *days_without_deals(database)),
    ]
    return Report(
        data_end=database.data_end,
        horizon_days=config.time.horizon_days,
        tables=tuple(_span(database, table) for table in database.columns),
        actions=actions,
        deals=_deals(database),
        counts={name: note.count for name, note in looks.items()},
        recorded_late=_row(database, "SELECT avg((recorded_at > occurred_at)::INT) FROM deeds")[0],
        snapshots=snapshots,
        won_share=snapshots["won"] / snapshots["mature"] if snapshots["mature"] else None,
        cutoffs=cutoffs,
        features=dict(Counter(spec["kind"] for spec in describe_features(database, config))),
        notes=tuple(note for note in notes if note.count),
        breaches=tuple(find_breaches(database.connection, database.columns, now)),
    )


def _row(database: LeadDatabase, sql: str) -> tuple[Any, ...]:
    return database.connection.execute(sql).fetchall()[0]


def _noted(database: LeadDatabase, title: str, sql: str, advice: str) -> Note:
    count, first = _row(database, f"SELECT sum(n)::BIGINT, min(seen, {SHOWN}) FROM ({sql})")
    return Note(title, count or 0, advice, tuple(first or ()))


def _span(database: LeadDatabase, table: str) -> TableSpan:
    time = next(column.name for column in CONTRACT[table] if column.type == "TIMESTAMP")
    rows, first, last = _row(database, f"SELECT count(*), min({time}), max({time}) FROM {table}")
    return TableSpan(table, rows, first, last)


def _actions(database: LeadDatabase, left_out: list[str]) -> tuple[ActionCount, ...]:
    found = database.connection.execute(
        "SELECT action, count(*), count(DISTINCT lead_id), count(*) / sum(count(*)) OVER (), "
        "list_contains(?::VARCHAR[], action) "
        "FROM events WHERE action IS NOT NULL GROUP BY action ORDER BY count(*) DESC, action",
        [left_out],
    ).fetchall()
    return tuple(ActionCount(*row) for row in found)


def _deals(database: LeadDatabase) -> dict[str, int]:
    where = {
        "won": "deals WHERE outcome = 'won'",
        "lost": "deals WHERE outcome = 'lost'",
        "open": "leads ANTI JOIN deals USING (lead_id) WHERE lead_id IS NOT NULL",
    }
    return {name: database.value(f"SELECT count(*) FROM {rows}") for name, rows in where.items()}


def _cutoffs(database: LeadDatabase, config: Config) -> tuple[CutoffCount, ...]:
    horizon, end = config.time.horizon_days, database.data_end
    cutoffs = grid(config.time.first_cutoff, config.time.cutoff_every_days, end)
    if not cutoffs:
        return ()
    counted = database.connection.execute(
        f"WITH cohort AS ({cohort_sql(cutoffs)}), labels AS ({label_sql('cohort', horizon, end)}) "
        "SELECT cutoff, count(*), sum(won)::BIGINT FROM labels GROUP BY cutoff"
    ).fetchall()
    found = {cutoff: numbers for cutoff, *numbers in counted}
    return tuple(
        CutoffCount(cutoff, is_mature(cutoff, horizon, end), *found.get(cutoff, (0, None)))
        for cutoff in cutoffs
    )


def _totals(cutoffs: Sequence[CutoffCount]) -> dict[str, int]:
    return {
        "mature": sum(c.snapshots for c in cutoffs if c.mature),
        "censored": sum(c.snapshots for c in cutoffs if not c.mature),
        "won": sum(c.won or 0 for c in cutoffs),
    }


def _listed(title: str, items: Sequence[object], advice: str) -> Note:
    return Note(title, len(items), advice, tuple(str(item) for item in items[:SHOWN]))


def _setting_notes(database: LeadDatabase, config: Config, occurring: list[str]) -> list[Note]:
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


def _with_nearest(action: str, occurring: list[str]) -> str:
    near = difflib.get_close_matches(action, occurring, n=1)
    return f"{action} (is it {near[0]}?)" if near else action


def _cutoff_notes(
    database: LeadDatabase, config: Config, cutoffs: Sequence[CutoffCount]
) -> list[Note]:
    """What keeps the grid from teaching a model."""
    end = database.data_end
    first, every = config.time.first_cutoff, timedelta(days=config.time.cutoff_every_days)
    due = first + timedelta(days=config.time.horizon_days)
    if not cutoffs:
        return [_listed(f"time.first_cutoff after the data end, {end}", [first], "Set it earlier.")]
    born = _row(database, "SELECT min(created_at) FROM leads")[0]
    early = [c.cutoff for c in cutoffs if born is not None and c.cutoff <= born]
    totals = _totals(cutoffs)
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
            f"mature snapshots, {'all' if totals['won'] else 'none'} of them won",
            totals["mature"] if totals["won"] in (0, totals["mature"]) else 0,
            "A model needs both. See whether deals has both outcomes, and lead ids as in leads.",
        ),
    ]  # fmt: skip
