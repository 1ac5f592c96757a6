"""The part of the lead database that is audited, and the leaks in the table of leads: who is in it,
and columns that were filled in once the outcome was known or that only identify the lead.

Only what was known before `until` is used, the end of the last training label, so that the test
period stays unseen. Worked example: last training cutoff 2026-03-02, horizon 30 days, until
2026-04-01. A deal won on 2026-03-31 counts as won; one won on 2026-04-01 00:00 as not closed yet.
The one exception is whether a lead is still open at the data end: a column that is filled in at
closing is compared with leads that never closed, not with those that soon will.
"""

from collections.abc import Iterator
from datetime import datetime

from features.audit.finding import Finding, interval
from features.contract.database import LeadDatabase
from features.sql import quoted

FEWEST = 20  # leads on each side; with fewer there is no finding
BORN_WITHIN = "INTERVAL 1 HOUR"
BORN_SHARE, BORN_FEWEST = 0.1, 10
APART = 0.5  # difference of two shares that no honest column reaches
UNIQUE, FEWEST_VALUES = 0.9, 50  # different values per filled lead; fewest filled leads
IN_ORDER = 0.95  # correlation of a number's order with that of creation
DENSE = 10  # a running number uses at least every tenth number of its range


def write_audited(database: LeadDatabase, until: datetime) -> None:
    """Create, for the audit's queries:

    audited(lead_id, created_at, closed_at, outcome, opened_at, still_open): each usable lead
    created before `until`; closed_at and outcome null unless closed before it.
    known_by_then: the events known before `until`, with the lead's created_at, closed_at, outcome.
    done(action, lead_id, first_at, last_at): the actions of each lead, and when they were known.
    """
    database.connection.execute(f"""
CREATE OR REPLACE TEMP TABLE audited AS
SELECT l.lead_id, l.created_at, d.closed_at, d.outcome, d.opened_at,
  NOT EXISTS (SELECT 1 FROM closings e WHERE e.lead_id = l.lead_id) AS still_open
FROM leads l
LEFT JOIN (
  SELECT lead_id, min(closed_at) AS closed_at, arg_min(outcome, closed_at) AS outcome,
    arg_min(opened_at, closed_at) AS opened_at
  FROM deals WHERE outcome IN ('won', 'lost') AND closed_at < TIMESTAMP '{until}' GROUP BY lead_id
) d ON d.lead_id = l.lead_id
WHERE l.created_at < TIMESTAMP '{until}'
  AND NOT EXISTS (SELECT 1 FROM left_out f WHERE f.lead_id = l.lead_id)""")
    database.connection.execute(f"""
CREATE OR REPLACE TEMP VIEW known_by_then AS
SELECT known_events.*, created_at, closed_at, outcome FROM known_events JOIN audited USING (lead_id)
WHERE known_at < TIMESTAMP '{until}'""")
    database.connection.execute(
        "CREATE OR REPLACE TEMP TABLE done AS SELECT action, lead_id, min(known_at) AS first_at, "
        "max(known_at) AS last_at FROM known_by_then GROUP BY action, lead_id"
    )


def won_share(database: LeadDatabase) -> float:
    """Share of the closed leads that was won; 0 where none is closed."""
    (row,) = database.connection.execute(
        "SELECT coalesce(avg((outcome = 'won')::INT), 0) FROM audited WHERE outcome IS NOT NULL"
    ).fetchall()
    return float(row[0])


def lead_leaks(database: LeadDatabase) -> Iterator[Finding]:
    """Leads that are in the data, or have events, because of their outcome."""
    yield from _born_at_close(database)
    yield from _created_after_deal(database)
    yield from _events_only(database)


def _by_outcome(database: LeadDatabase, condition: str, rows: str) -> dict[str, tuple[int, int]]:
    """Per outcome: leads that meet the condition, and all leads."""
    counts = database.connection.execute(
        f"SELECT outcome, count(*) FILTER ({condition}), count(*) FROM {rows} "
        "WHERE outcome IS NOT NULL GROUP BY outcome"
    ).fetchall()
    none: dict[str, tuple[int, int]] = {"won": (0, 0), "lost": (0, 0)}
    return none | {outcome: (hits, count) for outcome, hits, count in counts}


def _first(database: LeadDatabase, text: str, rows: str) -> tuple[str, ...]:
    """The first three rows, as `lead ` and the SQL `text`."""
    ((first,),) = database.connection.execute(
        f"SELECT min('lead ' || {text}, 3) FROM {rows}"
    ).fetchall()
    return tuple(first or ())


def _born_at_close(database: LeadDatabase) -> Iterator[Finding]:
    """Won leads created within an hour of their win, as if entered for the invoice."""
    soon = f"closed_at - created_at <= {BORN_WITHIN}"
    counted = _by_outcome(database, soon, "audited")
    (won, of), (lost, of_lost) = counted["won"], counted["lost"]
    lost_share = lost / of_lost if of_lost else 0.0
    if won < BORN_FEWEST or won / of < max(BORN_SHARE, 2 * lost_share):
        return
    evidence = (
        f"{won:,} of {of:,} won leads ({won / of:.1%}) were created within an hour before the win, "
        f"or after it; of the lost leads {lost_share:.1%} were created so late"
    )
    text = "lead_id || ': created ' || created_at || ', won ' || closed_at"
    first = _first(database, text, f"audited WHERE outcome = 'won' AND {soon}")
    figures = {"leads": won, "won_share": won / of, "lost_share": lost_share}
    yield Finding("born_at_close", "won", evidence, figures, first)


def _created_after_deal(database: LeadDatabase) -> Iterator[Finding]:
    """Leads created after their deal was opened; or at that time or after, if mostly won."""
    opened = "(SELECT * FROM audited WHERE opened_at IS NOT NULL)"
    after = _by_outcome(database, "created_at > opened_at", opened)
    since = _by_outcome(database, "created_at >= opened_at", opened)
    late, of = (sum(part) for part in zip(*after.values(), strict=True))
    shares = {name: hits / count if count else 0.0 for name, (hits, count) in since.items()}
    known = min(count for _, count in since.values()) >= FEWEST
    apart = known and shares["won"] - shares["lost"] >= APART
    if not apart and (late < FEWEST or late < BORN_SHARE * of):
        return
    evidence = (
        f"{late:,} of {of:,} leads with a deal were created after deals.opened_at; "
        f"{shares['won']:.1%} of the won and {shares['lost']:.1%} of the lost were created at that "
        "time or after it"
    )
    text = "lead_id || ': deal opened ' || opened_at || ', created ' || created_at"
    first = _first(database, text, f"{opened} WHERE created_at >= opened_at AND outcome = 'won'")
    figures = {"leads": late, "won_share": shares["won"], "lost_share": shares["lost"]}
    yield Finding("created_after_deal", "opened_at", evidence, figures, first)


def _events_only(database: LeadDatabase) -> Iterator[Finding]:
    """Events that mostly the won, mostly the lost, or mostly the closed leads have."""
    database.connection.execute(
        "CREATE OR REPLACE TEMP TABLE histories AS SELECT *, "
        "EXISTS (SELECT 1 FROM known_events e WHERE e.lead_id = audited.lead_id) AS has_events "
        "FROM audited"
    )
    counted = _by_outcome(database, "has_events", "histories")
    (won, of_won), (lost, of_lost) = counted["won"], counted["lost"]
    if min(of_won, of_lost) >= FEWEST:
        shares = {"won": won / of_won, "lost": lost / of_lost}
        fuller, other = sorted(shares, key=shares.__getitem__, reverse=True)
        if shares[fuller] - shares[other] >= APART:
            evidence = f"{shares[fuller]:.1%} of the {fuller} leads have events, "
            evidence += f"{shares[other]:.1%} of the {other} leads"
            figures = {f"{name}_share": share for name, share in shares.items()}
            without = f"histories WHERE outcome = '{other}' AND NOT has_events"
            first = _first(database, "lead_id || ' has none'", without)
            yield Finding("events_only", fuller, evidence, figures, first)
    yield from only_when_closed(database, "events_only", "closed", "has_events", "histories")


def only_when_closed(
    database: LeadDatabase, kind: str, subject: str, condition: str, rows: str
) -> Iterator[Finding]:
    """The finding that closed leads meet a condition and leads still open do not.

    They are compared within the month of creation, the months weighted as by Mantel and Haenszel
    (1959), so that a column which is filled only from some month on is no finding.
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
    evidence = (
        f"{closed_share:.1%} of {int(closed):,} closed leads have it, and {open_share:.1%} of "
        f"{int(opened):,} leads still open that were created in the same months"
    )
    first = _first(
        database,
        "lead_id || ': open, without it'",
        f"{rows} WHERE still_open AND NOT ({condition})",
    )
    figures = {"closed_share": closed_share, "open_share": open_share, "leads": int(opened)}
    yield Finding(kind, subject, evidence, figures, first)


def attribute_leaks(database: LeadDatabase) -> Iterator[Finding]:
    """Leaks in the attributes that readiness.toml lists."""
    for name, kind in database.attributes.items():
        column = f"attributes_.{quoted(name)}"
        joined = "audited JOIN leads AS attributes_ USING (lead_id, created_at)"
        rows = f"(SELECT audited.*, {column} IS NOT NULL AS filled_ FROM {joined})"
        yield from only_when_closed(database, "filled_after_close", name, "filled_", rows)
        yield from _identifier(database, name, kind == "text")


def _identifier(database: LeadDatabase, name: str, is_text: bool) -> Iterator[Finding]:
    """Texts that are nearly all different; numbers that are and that count up, too.

    An amount may well differ for each lead and is honest; a customer number is not.
    """
    column = quoted(name)
    ((filled, values, first),) = database.connection.execute(
        f"SELECT count({column}), count(DISTINCT {column}), min({column}::VARCHAR, 3) FROM leads"
    ).fetchall()
    if filled < FEWEST_VALUES or values < UNIQUE * filled:
        return
    if is_text or _counts_up(database, column, filled):
        evidence = f"{filled:,} leads have it, with {values:,} different values"
        yield Finding(
            "identifier", name, evidence, {"leads": filled, "values": values}, tuple(first)
        )


def _counts_up(database: LeadDatabase, column: str, filled: int) -> bool:
    """Whether whole numbers are dense, or rise with the time of creation."""
    ((whole, span, order),) = database.connection.execute(f"""
SELECT bool_and({column} = round({column})), (max({column}) - min({column}))::DOUBLE,
  corr(by_value, by_time)
FROM (SELECT {column}, rank() OVER (ORDER BY {column}) AS by_value,
  rank() OVER (ORDER BY created_at) AS by_time FROM leads WHERE {column} IS NOT NULL)""").fetchall()
    return bool(whole) and (span < DENSE * filled or abs(order or 0) >= IN_ORDER)
