"""`readiness check`: what is in a lead database, and whether a model can be trained on it."""

from collections import Counter
from datetime import datetime
from typing import Any

from features.audit.audit import audit, spread_out
from features.audit.finding import Finding
from features.audit.single_features import BANDS
from features.catalog import catalog_of, describe_features
from features.check.gate import lacks, training_cutoffs
from features.check.maturity import days_without_deals, maturity
from features.check.notes import (
    account_notes,
    cutoff_notes,
    left_out_notes,
    machine_notes,
    role_notes,
    row_notes,
    sample_note,
    setting_notes,
    text_dates_note,
    title_notes,
    unrecorded_notes,
    unused_acceptance_note,
)
from features.check.plausibility import implausible
from features.check.report import ActionCount, CutoffCount, Note, Report, TableSpan, totals
from features.check.worked import worked
from features.cohort import cohort_at
from features.config import Config
from features.contract.database import LeadDatabase
from features.contract.tables import CONTRACT
from features.cutoffs import is_mature
from features.dataset import labelled
from features.labels import label_sql
from features.progress import Progress, silent
from features.spark.buckets import breaches_of
from features.spec.spec import distinct


def check(
    database: LeadDatabase, config: Config, now: datetime, progress: Progress = silent
) -> Report:
    """The report on a lead database. `now` is naive UTC: later times in the data are breaches. What
    rows there are and what is wrong with them is of leads, also where the unit is the account."""
    leads = database.of_leads
    breaches = tuple(breaches_of(database, now))
    findings = () if breaches else _audited(database, config, progress)
    unlikely = implausible(database, config, now)
    rows = row_notes(leads)
    actions = _actions(leads, config.features.leave_out_actions)
    cutoffs = _cutoffs(database, config)
    snapshots = totals(cutoffs)
    notes = [
        sample_note(database),
        *rows.values(),
        *machine_notes(leads, config.exclude),
        *left_out_notes(leads),
        *account_notes(database, config),
        *title_notes(leads, config),
        *role_notes(leads, config),
        *setting_notes(database, config, [each.action for each in actions]),
        *cutoff_notes(database, config, cutoffs),
        *unrecorded_notes(leads, config),
        text_dates_note(database),
        unused_acceptance_note(config, (*findings, *unlikely)),
        Note("days without a deal before the data end", *days_without_deals(database)),
    ]
    return Report(
        data_end=database.data_end,
        horizon_days=config.time.horizon_days,
        tables=tuple(_span(leads, table) for table in leads.columns),
        actions=actions,
        deals=_deals(leads),
        counts={name: note.count for name, note in rows.items()},
        recorded_late=_row(leads, "SELECT avg((recorded_at > occurred_at)::INT) FROM known_events")[
            0
        ],
        snapshots=snapshots,
        won_share=snapshots["won"] / snapshots["mature"] if snapshots["mature"] else None,
        cutoffs=cutoffs,
        features=dict(Counter(spec["kind"] for spec in describe_features(database, config))),
        notes=tuple(note for note in notes if note.count),
        breaches=breaches,
        findings=findings,
        implausible=unlikely,
        lacks=lacks(config, database),
        maturity=maturity(database, config),
        worked=worked(database, [each.cutoff for each in cutoffs if each.mature]),
    )


def _audited(database: LeadDatabase, config: Config, progress: Progress) -> tuple[Finding, ...]:
    """The findings of the leakage audit as a training would run it."""
    specs = catalog_of(config, database)
    cutoffs = training_cutoffs(config, database.data_end)
    some, horizon = spread_out(cutoffs), config.time.horizon_days
    any_lead = bool(some) and cohort_at(database, some).count > 0
    memory = config.engine.memory_gb
    needed = distinct((*specs, *BANDS))
    dataset = labelled(database, needed, some, horizon, memory, progress) if any_lead else None
    return audit(database, config, cutoffs, dataset, specs)


def _row(database: LeadDatabase, sql: str) -> tuple[Any, ...]:
    return database.connection.execute(sql).fetchall()[0]


def _span(database: LeadDatabase, table: str) -> TableSpan:
    time = next(column.name for column in CONTRACT[table] if column.type == "TIMESTAMP")
    rows, first, last = _row(database, f"SELECT count(*), min({time}), max({time}) FROM {table}")
    return TableSpan(table, rows, first, last)


def _actions(database: LeadDatabase, left_out: list[str]) -> tuple[ActionCount, ...]:
    rows = database.connection.execute(
        "SELECT action, count(*), count(DISTINCT lead_id), count(*) / sum(count(*)) OVER (), "
        "list_contains(?::VARCHAR[], action) "
        "FROM events WHERE action IS NOT NULL GROUP BY action ORDER BY count(*) DESC, action",
        [left_out],
    ).fetchall()
    return tuple(ActionCount(*row) for row in rows)


def _deals(database: LeadDatabase) -> dict[str, int]:
    where = {
        "won": "deals WHERE closed_at IS NOT NULL AND outcome = 'won'",
        "lost": "deals WHERE closed_at IS NOT NULL AND outcome = 'lost'",
        "open": "open_periods WHERE closes_at IS NULL",
    }
    return {name: database.value(f"SELECT count(*) FROM {rows}") for name, rows in where.items()}


def _cutoffs(database: LeadDatabase, config: Config) -> tuple[CutoffCount, ...]:
    horizon, end = config.time.horizon_days, database.data_end
    cutoffs = config.time.cutoffs(end)
    if not cutoffs:
        return ()
    labels = label_sql(cohort_at(database, cutoffs), horizon, end)
    rows = database.connection.execute(
        f"SELECT cutoff, count(*), sum(won)::BIGINT FROM ({labels}) GROUP BY cutoff"
    ).fetchall()
    counts = {cutoff: numbers for cutoff, *numbers in rows}
    return tuple(
        CutoffCount(cutoff, is_mature(cutoff, horizon, end), *counts.get(cutoff, (0, None)))
        for cutoff in cutoffs
    )
