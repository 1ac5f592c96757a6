"""What of the lead database the audit looks at, and the leaks that lie in who is a lead at all.

Only what was known before `until` is looked at, the end of the last training label, so that the
test period stays unseen. Worked example: last training cutoff 2026-03-02, horizon 30 days, until
2026-04-01. A deal won on 2026-03-31 counts as won; one won on 2026-04-01 00:00 as not closed yet.
The one thing known later that is used: whether a lead is still open at the data end, since a column
that is filled in at closing shows against leads that never closed, not against those that will.
"""

from collections.abc import Iterator
from datetime import datetime

from features.audit.finding import Finding, interval
from features.contract.database import LeadDatabase

FEWEST = 20  # leads on each side; below it nothing is said
BORN_WITHIN = "INTERVAL 1 HOUR"
BORN_SHARE, BORN_FEWEST = 0.1, 10
APART = 0.5  # difference of two shares that no honest column reaches


def write_audited(database: LeadDatabase, until: datetime) -> None:
    """Create, for the audit's queries:

    audited(lead_id, created_at, closed_at, outcome, opened_at, still_open): each usable lead
    created before `until`; closed_at and outcome null unless closed before it.
    known_deeds: the deeds known before `until`, with created_at, closed_at and outcome of the lead.
    acts(action, lead_id, first_at, last_at): what each did, and when that was known.
    """
    database.connection.execute(f"""
CREATE OR REPLACE TEMP TABLE audited AS
SELECT l.lead_id, l.created_at, d.closed_at, d.outcome, d.opened_at,
  NOT EXISTS (SELECT 1 FROM deals e WHERE e.lead_id = l.lead_id) AS still_open
FROM leads l
LEFT JOIN deals d ON d.lead_id = l.lead_id AND d.closed_at < TIMESTAMP '{until}'
WHERE l.created_at < TIMESTAMP '{until}'
  AND NOT EXISTS (SELECT 1 FROM lead_faults f WHERE f.lead_id = l.lead_id)""")
    database.connection.execute(f"""
CREATE OR REPLACE TEMP VIEW known_deeds AS
SELECT known_events.*, created_at, closed_at, outcome FROM known_events JOIN audited USING (lead_id)
WHERE known_at < TIMESTAMP '{until}'""")
    database.connection.execute(
        "CREATE OR REPLACE TEMP TABLE acts AS SELECT action, lead_id, min(known_at) AS first_at, "
        "max(known_at) AS last_at FROM known_deeds GROUP BY action, lead_id"
    )


def won_share(database: LeadDatabase) -> float:
    """Share of the closed leads that was won; 0 where none is closed."""
    (row,) = database.connection.execute(
        "SELECT coalesce(avg((outcome = 'won')::INT), 0) FROM audited WHERE outcome IS NOT NULL"
    ).fetchall()
    return float(row[0])


def lead_leaks(database: LeadDatabase) -> Iterator[Finding]:
    """Leads that are there, or have a history, because of how they ended."""
    yield from _born_at_close(database)
    yield from _created_after_deal(database)
    yield from _events_only(database)


def _by_outcome(database: LeadDatabase, condition: str, rows: str) -> dict[str, tuple[int, int]]:
    """Per outcome: leads of which the condition holds, and all of them."""
    found = database.connection.execute(
        f"SELECT outcome, count(*) FILTER ({condition}), count(*) FROM {rows} "
        "WHERE outcome IS NOT NULL GROUP BY outcome"
    ).fetchall()
    none: dict[str, tuple[int, int]] = {"won": (0, 0), "lost": (0, 0)}
    return none | {outcome: (hits, count) for outcome, hits, count in found}


def _first(database: LeadDatabase, seen: str, rows: str) -> tuple[str, ...]:
    found = database.connection.execute(f"SELECT min('lead ' || {seen}, 3) FROM {rows}").fetchall()
    return tuple(found[0][0] or ())


def _born_at_close(database: LeadDatabase) -> Iterator[Finding]:
    """Won leads created within the hour of their win, as if entered for the invoice."""
    soon = f"closed_at - created_at <= {BORN_WITHIN}"
    counted = _by_outcome(database, soon, "audited")
    (won, of), (lost, of_lost) = counted["won"], counted["lost"]
    lost_share = lost / of_lost if of_lost else 0.0
    if won < BORN_FEWEST or won / of < max(BORN_SHARE, 2 * lost_share):
        return
    said = (
        f"{won:,} of {of:,} won leads ({won / of:.1%}) were created within an hour of the win or "
        f"after it, of the lost {lost_share:.1%}"
    )
    seen = "lead_id || ': created ' || created_at || ', won ' || closed_at"
    first = _first(database, seen, f"audited WHERE outcome = 'won' AND {soon}")
    figures = {"leads": won, "won_share": won / of, "lost_share": lost_share}
    yield Finding("born_at_close", "won", said, figures, first)


def _created_after_deal(database: LeadDatabase) -> Iterator[Finding]:
    """Leads created with or after their deal: all of them after it, or the won ones with it."""
    opened = "(SELECT * FROM audited WHERE opened_at IS NOT NULL)"
    after = _by_outcome(database, "created_at > opened_at", opened)
    since = _by_outcome(database, "created_at >= opened_at", opened)
    late, of = (sum(part) for part in zip(*after.values(), strict=True))
    shares = {name: hits / count if count else 0.0 for name, (hits, count) in since.items()}
    known = min(count for _, count in since.values()) >= FEWEST
    told_apart = known and shares["won"] - shares["lost"] >= APART
    if not told_apart and (late < FEWEST or late < BORN_SHARE * of):
        return
    said = (
        f"{late:,} of {of:,} leads with a deal were created after deals.opened_at; with it or after"
        f" it {shares['won']:.1%} of the won, {shares['lost']:.1%} of the lost"
    )
    seen = "lead_id || ': deal opened ' || opened_at || ', created ' || created_at"
    first = _first(database, seen, f"{opened} WHERE created_at >= opened_at AND outcome = 'won'")
    figures = {"leads": late, "won_share": shares["won"], "lost_share": shares["lost"]}
    yield Finding("created_after_deal", "opened_at", said, figures, first)


def _events_only(database: LeadDatabase) -> Iterator[Finding]:
    """A history that only the won, only the lost, or only the closed leads have."""
    database.connection.execute(
        "CREATE OR REPLACE TEMP TABLE histories AS SELECT *, "
        "EXISTS (SELECT 1 FROM known_events e WHERE e.lead_id = audited.lead_id) AS kept "
        "FROM audited"
    )
    counted = _by_outcome(database, "kept", "histories")
    (won, of_won), (lost, of_lost) = counted["won"], counted["lost"]
    if min(of_won, of_lost) >= FEWEST:
        shares = {"won": won / of_won, "lost": lost / of_lost}
        fuller, other = sorted(shares, key=shares.__getitem__, reverse=True)
        if shares[fuller] - shares[other] >= APART:
            said = f"{shares[fuller]:.1%} of the {fuller} leads have events, {shares[other]:.1%} of"
            figures = {f"{name}_share": share for name, share in shares.items()}
            without = f"histories WHERE outcome = '{other}' AND NOT kept"
            first = _first(database, "lead_id || ' has none'", without)
            yield Finding("events_only", fuller, f"{said} the {other}", figures, first)
    yield from only_when_closed(database, "events_only", "closed", "kept", "histories")


def only_when_closed(
    database: LeadDatabase, kind: str, subject: str, condition: str, rows: str
) -> Iterator[Finding]:
    """The finding that a condition holds of closed leads and not of those still open.

    Compared among leads created in the same month, each month weighed as in Mantel-Haenszel (1959),
    so that a column which began to be filled, or ceased to be, in some month is no finding.
    """
    (row,) = database.connection.execute(f"""
WITH months AS (
  SELECT count(*) FILTER (outcome IS NOT NULL) AS closed, count(*) FILTER (still_open) AS opened,
    count(*) FILTER (outcome IS NOT NULL AND ({condition})) AS closed_with,
    count(*) FILTER (still_open AND ({condition})) AS opened_with
  FROM {rows} GROUP BY date_trunc('month', created_at)
), weighed AS (
  SELECT *, closed * opened / (closed + opened) AS w FROM months WHERE closed > 0 AND opened > 0
)
SELECT sum(closed), sum(opened), sum(opened_with), sum(w * closed_with / closed) / sum(w),
  sum(w * opened_with / opened) / sum(w) FROM weighed""").fetchall()
    closed, opened, opened_with, closed_share, open_share = row
    if min(closed or 0, opened or 0) < FEWEST or closed_share - open_share < APART:
        return
    _, high = interval(int(opened_with), int(opened))
    if high >= closed_share:
        return
    said = (
        f"{closed_share:.1%} of {int(closed):,} closed leads have it, {open_share:.1%} of "
        f"{int(opened):,} still open that were created in the same months"
    )
    first = _first(
        database,
        "lead_id || ': open, without it'",
        f"{rows} WHERE still_open AND NOT ({condition})",
    )
    figures = {"closed_share": closed_share, "open_share": open_share, "leads": int(opened)}
    yield Finding(kind, subject, said, figures, first)
