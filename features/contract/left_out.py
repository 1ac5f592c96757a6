"""The leads that are never trained on, judged or scored, each with its reason: leads whose rows
breach the contract, so that their state at a cutoff cannot be known; leads that objected to
profiling; and those that [exclude] names. None is lost: scoring lists each with its reason.
"""

from collections.abc import Iterator, Sequence

import duckdb

from features.config import Exclude
from features.contract.breaches import Check
from features.spec.where import fits_sql
from features.sql import literal, quoted


def write_left_out(
    connection: duckdb.DuckDBPyConnection, exclude: Exclude, checks: Sequence[Check]
) -> None:
    """Create left_out(lead_id, reason, kind): each such lead once, with the first of its reasons;
    kind is fault (by one of `checks`), objected or excluded. A lead that objected is left out at
    every cutoff, also before it did."""
    rows = [
        f"SELECT lead_id, {place} AS place, reason, '{kind}' AS kind FROM ({sql})"
        for place, (sql, kind) in enumerate(_reasons(exclude, checks))
    ]
    connection.execute(
        "CREATE TABLE left_out AS SELECT lead_id, min_by(reason, place) AS reason, "
        f"min_by(kind, place) AS kind FROM ({' UNION ALL '.join(rows)}) "
        "WHERE lead_id IS NOT NULL GROUP BY lead_id"
    )


def _reasons(exclude: Exclude, checks: Sequence[Check]) -> Iterator[tuple[str, str]]:
    """Queries for lead_id and reason, each with its kind, the first that count first."""
    for check in checks:
        text = literal(f"{check.table}.{check.column}: ")
        yield f"SELECT lead_id, {text} || seen AS reason FROM ({check.sql})", "fault"
    # Where there are no such leads, as usual, the events are not read.
    yield (
        "SELECT DISTINCT lead_id, 'events: the lead has events but no row in leads' AS reason "
        "FROM known_events SEMI JOIN (FROM event_leads ANTI JOIN leads USING (lead_id) UNION ALL "
        "SELECT into_lead_id FROM survivors ANTI JOIN leads ON leads.lead_id = into_lead_id) "
        "USING (lead_id) ANTI JOIN merges USING (lead_id)",
        "fault",
    )
    yield (
        "SELECT lead_id, 'objected to profiling on ' || strftime(objected_at, '%Y-%m-%d') "
        "AS reason FROM leads WHERE objected_at IS NOT NULL",
        "objected",
    )
    for column, patterns in exclude.leads.items():
        text = f"{quoted(column)}::VARCHAR"
        fits = [fits_sql(f"lower({text})", pattern.lower()) for pattern in patterns]
        reason = f"{literal(f'excluded: {column} is ')} || {text}"
        rows = f"FROM leads WHERE {' OR '.join(fits) or 'false'}"
        yield f"SELECT lead_id, {reason} AS reason {rows}", "excluded"
