"""The part of the lead database that is audited, and the leaks in the table of leads: who is in it,
and columns that were filled in once the outcome was known or that only identify the lead.

Only what was known before `until` is used, the end of the last training label, so that the test
period stays unseen. Worked example: last training cutoff 2026-03-02, horizon 30 days, until
2026-04-01. A deal won on 2026-03-31 counts as won; one won on 2026-04-01 00:00 as not closed yet.
The one exception is whether a lead is still open at the data end: a column that is filled in at
closing is compared with leads that never closed, not with those that soon will. data_end.py also
looks at what was done and filled in up to there.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from features.audit.finding import Finding, interval
from features.contract.database import LeadDatabase
from features.spec.kinds import Attribute
from features.spec.titles import OfColumn
from features.sql import quoted

FEWEST = 20  # leads on each side; with fewer there is no finding
BORN_WITHIN = "INTERVAL 1 HOUR"
BORN_SHARE, BORN_FEWEST = 0.1, 10
APART = 0.5  # difference of two shares that no honest column reaches
UNIQUE, FEWEST_VALUES = 0.9, 50  # different values per filled lead; fewest filled leads
IN_ORDER = 0.95  # correlation of a number's order with that of creation
DENSE = 10  # a running number uses at least every tenth number of its range
# Leads created in one month and active for about as long are alike but for their outcome; `active`
# is the days from creation to the last event, before the closing.
MONTH = "date_trunc('month', created_at)"
ALIKE = f"{MONTH}, CASE WHEN active < 1 THEN 0 WHEN active < 7 THEN 1 WHEN active < 30 THEN 2 "
ALIKE += "WHEN active < 90 THEN 3 ELSE 4 END"


def write_audited(database: LeadDatabase, until: datetime) -> None:
    """Create, for the audit's queries:

    audited(lead_id, created_at, closed_at, outcome, opened_at, still_open): each usable lead
    created before `until`, once; the deal is the first of its deals to close, null where that
    was not before `until`; still_open where none was ever closed.
    known_by_then: the events known before `until`, with the lead's created_at, closed_at, outcome.
    done(action, lead_id, first_at, last_at): the actions of each lead, and when they were known.
    histories: audited, with has_events and `active`, the days from the creation to the latest of
    the first and last events of each action that were known before the closing; 0 without any.
    judged: those of histories that are closed, with `won` (true or false); where hardly any lead is
    recorded as lost, also those still open, as not won.
    """
    database.connection.execute(f"""
CREATE OR REPLACE TEMP TABLE audited AS
WITH first_deals AS (
  SELECT DISTINCT ON (lead_id) lead_id, closed_at, outcome, opened_at FROM deals
  WHERE outcome IN ('won', 'lost') AND closed_at IS NOT NULL
  ORDER BY lead_id, closed_at, outcome DESC -- at one instant the win
)
SELECT l.lead_id, l.created_at, d.closed_at, d.outcome, d.opened_at,
  NOT EXISTS (SELECT 1 FROM closings c WHERE c.lead_id = l.lead_id) AS still_open
FROM leads l
LEFT JOIN first_deals d ON d.lead_id = l.lead_id AND d.closed_at < TIMESTAMP '{until}'
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
    database.connection.execute("""
CREATE OR REPLACE TEMP TABLE histories AS
SELECT a.*, coalesce(greatest(0, epoch(last_at - a.created_at) / 86400), 0) AS active,
  EXISTS (SELECT 1 FROM known_events e WHERE e.lead_id = a.lead_id) AS has_events
FROM audited a LEFT JOIN (
  SELECT lead_id, max(CASE WHEN last_at < coalesce(closed_at, 'infinity') THEN last_at
    WHEN first_at < closed_at THEN first_at END) AS last_at
  FROM done JOIN audited USING (lead_id) GROUP BY lead_id
) USING (lead_id)""")
    others = "outcome = 'lost'" if has_losses(database) else "outcome = 'lost' OR still_open"
    database.connection.execute(
        "CREATE OR REPLACE TEMP VIEW judged AS SELECT *, coalesce(outcome = 'won', false) AS won "
        f"FROM histories WHERE outcome = 'won' OR {others}"
    )


def has_losses(database: LeadDatabase) -> bool:
    """Whether enough leads are recorded as lost to compare the won with; else `judged` takes those
    still open for the others."""
    return database.value("SELECT count(*) FROM audited WHERE outcome = 'lost'") >= FEWEST


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
    yield Finding("born_at_close", "won", "table:leads", evidence, figures, first)


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
    yield Finding("created_after_deal", "opened_at", "table:leads", evidence, figures, first)


def _events_only(database: LeadDatabase) -> Iterator[Finding]:
    """Events that mostly the won, mostly the lost, or mostly the closed leads have."""
    counted = _by_outcome(database, "has_events", "histories")
    ((still, of_still),) = database.connection.execute(
        "SELECT count(*) FILTER (has_events), count(*) FROM histories WHERE still_open"
    ).fetchall()
    if min(count for _, count in counted.values()) >= FEWEST:
        shares = {name: hits / count for name, (hits, count) in counted.items()}
        fuller, other = sorted(shares, key=shares.__getitem__, reverse=True)
        # Where leads still open are as empty as the other closed ones, and most events are theirs,
        # whoever did nothing is merely not won: a bought list that hardly anybody answered.
        is_empty = of_still and still / of_still < (shares[fuller] + shares[other]) / 2
        honest = is_empty and counted[fuller][0] < 2 * (counted[other][0] + still)
        if shares[fuller] - shares[other] >= APART and not honest:
            evidence = f"{shares[fuller]:.1%} of the {fuller} leads have events, "
            evidence += f"{shares[other]:.1%} of the {other} leads"
            figures = {f"{name}_share": share for name, share in shares.items()}
            without = f"histories WHERE outcome = '{other}' AND NOT has_events"
            first = _first(database, "lead_id || ' has none'", without)
            yield Finding("events_only", fuller, "table:events", evidence, figures, first)
    if 2 * still < sum(hits for hits, _ in counted.values()):  # otherwise the open have many, too
        yield from only_when_closed(
            database, "events_only", "closed", "table:events", "has_events", "histories", MONTH
        )


def only_when_closed(
    database: LeadDatabase,
    kind: str,
    subject: str,
    about: str,
    condition: str,
    rows: str,
    strata: str,
) -> Iterator[Finding]:
    """The finding that closed leads meet a condition and leads still open do not.

    They are compared within the strata, weighted as by Mantel and Haenszel (1959): a column that is
    filled only from some month on, or for the leads that ever came back, is no finding.
    """
    (row,) = database.connection.execute(f"""
WITH strata AS (
  SELECT count(*) FILTER (outcome IS NOT NULL) AS closed, count(*) FILTER (still_open) AS opened,
    count(*) FILTER (outcome IS NOT NULL AND ({condition})) AS closed_with,
    count(*) FILTER (still_open AND ({condition})) AS opened_with
  FROM {rows} GROUP BY {strata}
), weighed AS (
  SELECT *, closed * opened / (closed + opened) AS w FROM strata WHERE closed > 0 AND opened > 0
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
        f"{' and active for as long' * (strata == ALIKE)}"
    )
    first = _first(
        database,
        "lead_id || ': open, without it'",
        f"{rows} WHERE still_open AND NOT ({condition})",
    )
    figures = {"closed_share": closed_share, "open_share": open_share, "leads": int(opened)}
    yield Finding(kind, subject, about, evidence, figures, first)


def attribute_leaks(database: LeadDatabase, attributes: Sequence[OfColumn]) -> Iterator[Finding]:
    """Columns of leads that are filled at the closing, or that identify the lead."""
    for spec in attributes:
        column, about = quoted(spec.column), f"column:{spec.column}"
        joined = "histories JOIN leads AS attributes_ USING (lead_id, created_at)"
        rows = f"(SELECT histories.*, attributes_.{column} IS NOT NULL AS filled_ FROM {joined})"
        yield from only_when_closed(
            database, "filled_after_close", spec.column, about, "filled_", rows, ALIKE
        )
        yield from _identifier(database, spec)


def _identifier(database: LeadDatabase, spec: OfColumn) -> Iterator[Finding]:
    """Texts that are nearly all different; numbers that are and that count up, too; never dates,
    nor titles, of which the model sees only what is read from them.

    An amount may well differ for each lead and is honest; a customer number is not.
    """
    if not isinstance(spec, Attribute):
        return
    column = quoted(spec.column)
    ((filled, values, first),) = database.connection.execute(
        f"SELECT count({column}), count(DISTINCT {column}), min({column}::VARCHAR, 3) FROM leads"
    ).fetchall()
    if filled < FEWEST_VALUES or values < UNIQUE * filled:
        return
    if spec.text or _counts_up(database, column, filled):
        evidence = f"{filled:,} leads have it, with {values:,} different values"
        figures, about = {"leads": filled, "values": values}, f"column:{spec.column}"
        yield Finding("identifier", spec.column, about, evidence, figures, tuple(first))


def _counts_up(database: LeadDatabase, column: str, filled: int) -> bool:
    """Whether whole numbers are dense, or rise with the time of creation."""
    ((whole, span, order),) = database.connection.execute(f"""
SELECT bool_and({column} = round({column})), (max({column}) - min({column}))::DOUBLE,
  corr(by_value, by_time)
FROM (SELECT {column}, rank() OVER (ORDER BY {column}) AS by_value,
  rank() OVER (ORDER BY created_at) AS by_time FROM leads WHERE {column} IS NOT NULL)""").fetchall()
    return bool(whole) and (span < DENSE * filled or abs(order or 0) >= IN_ORDER)
