"""Actions, event sources and attribute values that almost only won, or almost only lost leads have;
and actions that happen around the closing itself."""

from collections.abc import Iterator, Sequence

from features.audit.finding import Finding, interval
from features.audit.lead_tables import FEWEST, MONTH, has_losses
from features.contract.database import LeadDatabase
from features.spec.kinds import Attribute, DaysSinceDate
from features.spec.titles import OfColumn
from features.sql import literal, quoted

SURE = 0.95  # least share of one outcome
TIMES_RARER = 4  # the other outcome is so many times rarer than among all closed leads
MOST_OTHERS = 0.3  # and has at most this share, at the upper end of the interval
SPANS = {"an hour": "1 HOUR", "a day": "1 DAY", "3 days": "3 DAY"}  # around the closing
LIFE = 10  # leads that lived fewer spans are ignored: all they did lies near the closing
MOST_CONTENTS = 1_000  # the most frequent ones are looked at
NEAR = 0.9  # least share of leads that did the action near the closing only


def decided(won: int, count: int, base: float) -> str | None:
    """The outcome that nearly all of `count` closed leads have, of which `won` are won; None where
    they are mixed. `base` is the share won of all closed leads.

    At least 95% have the outcome, and the other one has (upper end of the 99% interval) at most a
    quarter of its share among all leads, and at most 30%. A strong signal is not enough: where
    19% of all are won, 59% of those that requested a quote is honest.

    >>> decided(40, 40, 0.19), decided(24, 40, 0.19), decided(0, 40, 0.19), decided(0, 400, 0.19)
    ('won', None, None, 'lost')
    """
    for outcome, hits, others in (("won", won, 1 - base), ("lost", count - won, base)):
        low, _ = interval(hits, count)
        if hits >= SURE * count and 1 - low <= min(MOST_OTHERS, others / TIMES_RARER):
            return outcome
    return None


def deciding_actions(database: LeadDatabase) -> Iterator[Finding]:
    """Actions, actions with a value or a content, and sources of events, that nearly all end in one
    outcome."""
    about = "'action:' || action AS about, lead_id FROM"
    findings = list(_deciding(database, f"SELECT action AS subject, {about} done"))
    yield from findings
    whole = {each.about for each in findings}  # whose values and contents would repeat it
    frequent = (
        "SELECT content FROM known_by_then WHERE content IS NOT NULL GROUP BY content "
        f"HAVING count(*) >= {FEWEST} ORDER BY count(*) DESC, content LIMIT {MOST_CONTENTS}"
    )
    parts = {
        "' with a value'": "value <> 0",
        "' with content=' || content": f"content IN ({frequent})",
    }
    for part, condition in parts.items():
        rows = f"SELECT DISTINCT action || {part} AS subject, {about} known_by_then"
        for finding in _deciding(database, f"{rows} WHERE {condition}"):
            if finding.about not in whole:
                yield finding
    yield from _deciding(
        database,
        "SELECT DISTINCT 'event source=' || source AS subject, 'source:' || source AS about, "
        "lead_id FROM known_by_then WHERE source IS NOT NULL",
    )


def deciding_attributes(
    database: LeadDatabase, attributes: Sequence[OfColumn]
) -> Iterator[Finding]:
    """Attributes that nearly all end in one outcome: by having a value or none, by a value, or by a
    date that is the day of the closing, as a customer's since when: also colleagues have it, so
    that many of the lost do."""
    for spec in attributes:
        column = f"l.{quoted(spec.column)}"
        title, about = literal(spec.column), literal(f"column:{spec.column}")
        filled = f"{title} || CASE WHEN {column} IS NULL THEN ' empty' ELSE ' filled' END"
        rest = f"AS subject, {about} AS about, lead_id FROM leads l"
        findings = list(_deciding(database, f"SELECT {filled} {rest}"))
        yield from findings
        if not findings:  # otherwise its values would repeat the same finding
            text = f"{column}::VARCHAR"
            is_number = isinstance(spec, Attribute) and not spec.text
            text = f"regexp_replace({text}, '\\.0$', '')" if is_number else text
            valued = f"SELECT {title} || '=' || {text} {rest} WHERE {column} IS NOT NULL"
            yield from _deciding(database, valued)
            yield from _deciding(database, _rare(f"{text} AS value, {about} AS about", title))
            if isinstance(spec, DaysSinceDate) and has_losses(database):
                apart = f"abs(epoch(closed_at) - epoch(TRY_CAST({column} AS TIMESTAMP)))"
                near = f"{apart} <= 86400 AND closed_at - l.created_at >= {LIFE} * INTERVAL 1 DAY"
                dated = f"SELECT {title} || ' on the closing day' {rest}"
                yield from _deciding(database, f"{dated} JOIN judged USING (lead_id) WHERE {near}")


def _rare(columns: str, title: str) -> str:
    """SQL that yields (subject, about, lead_id) of the leads whose value, too rare to decide by
    itself, is of won leads only, or of lost ones only, in the other half of the leads: a value that
    only one lead has says nothing. `columns` are value and about."""
    return f"""
WITH halved AS (
  SELECT value, about, lead_id, won, hash(lead_id) % 2 = 0 AS half
  FROM (SELECT {columns}, lead_id FROM leads l) JOIN judged USING (lead_id)
  WHERE value IS NOT NULL
), counted AS (
  SELECT value, about, lead_id, half, count(*) OVER of_value AS n,
    count(*) OVER of_half AS mine, count(*) FILTER (won) OVER of_value AS won,
    count(*) FILTER (won) OVER of_half AS my_won
  FROM halved WINDOW of_value AS (PARTITION BY value), of_half AS (PARTITION BY value, half)
)
SELECT {title} || '=rare values of the ' || CASE WHEN won > my_won THEN 'won' ELSE 'lost' END
  AS subject, about, lead_id
FROM counted WHERE n < {FEWEST} AND n > mine AND won - my_won IN (0, n - mine)"""


def _deciding(database: LeadDatabase, pairs: str) -> Iterator[Finding]:
    """`pairs` is SQL that yields (subject, about, lead_id), each once.

    The base is the share won of the leads created in the same months: a source that sent leads in
    2024 only, when 2% were won, does not decide that they are lost. Each month's share is drawn
    towards that of all by ten leads. Where those still open stand for the lost, nothing decides
    that a lead is lost.
    """
    closed = has_losses(database)
    rows = database.connection.execute(f"""
WITH months AS (
  SELECT {MONTH} AS month,
    (count(*) FILTER (won) + 10 * (SELECT avg(won::INT) FROM judged)) / (count(*) + 10) AS base
  FROM judged GROUP BY month
)
SELECT subject, about, count(*) FILTER (won), count(*), avg(base), min(lead_id, 3)
FROM ({pairs}) JOIN judged USING (lead_id) JOIN months ON month = {MONTH}
GROUP BY subject, about HAVING count(*) >= {FEWEST} ORDER BY subject""").fetchall()
    for subject, about, won, count, base, examples in rows:
        outcome = decided(won, count, base)
        if outcome is None or (outcome == "lost" and not closed):
            continue
        hits, of_all = (won, base) if outcome == "won" else (count - won, 1 - base)
        low, high = interval(hits, count)
        leads = "closed leads" if closed else "leads, closed or still open,"
        evidence = (
            f"{hits:,} of {count:,} {leads} that have it were {outcome}: {hits / count:.1%} "
            f"(99% interval {100 * low:.1f} to {100 * high:.1f}; of all that were created in the "
            f"same months {of_all:.1%})"
        )
        figures = {"leads": count, "share": hits / count, "low": low, "high": high, "base": of_all}
        first = tuple(f"lead {lead}" for lead in examples)
        yield Finding(f"decides:{outcome}", subject, about, evidence, figures, first)


def near_close(database: LeadDatabase) -> Iterator[Finding]:
    """Actions done only near the closing, before or after it, and hardly by open leads.

    Each action is reported once, at the shortest span. Leads that closed sooner than ten spans
    after their creation are ignored: all that they did lies near the closing.
    """
    reported: set[str] = set()
    for words, span in SPANS.items():
        for finding in _near(database, words, f"INTERVAL {span}"):
            if finding.subject not in reported:
                reported.add(finding.subject)
                yield finding


def _near(database: LeadDatabase, words: str, span: str) -> Iterator[Finding]:
    rows = database.connection.execute(f"""
WITH lead_actions AS (
  SELECT *, first_at >= closed_at - {span} AND last_at <= closed_at + {span} AS near
  FROM done JOIN audited USING (lead_id)
  WHERE closed_at IS NULL OR closed_at - created_at >= {LIFE} * {span}
)
SELECT action, count(*) FILTER (near), count(*) FILTER (closed_at IS NOT NULL),
  count(*) FILTER (closed_at IS NULL), count(*) FILTER (near AND first_at >= closed_at),
  min(concat('lead ', lead_id, ': done ', first_at, ', closed ', closed_at), 3) FILTER (near)
FROM lead_actions GROUP BY action HAVING count(*) FILTER (closed_at IS NOT NULL) >= {FEWEST}
ORDER BY action""").fetchall()
    for action, near, closed, still, after, first in rows:
        low, high = interval(near, closed)
        # Leads that did it and are still open show that it does not close the deal.
        if near < NEAR * closed or low < NEAR - 0.2 or still > near / 9:
            continue
        evidence = (
            f"{near:,} of {closed:,} closed leads ({near / closed:.1%}, 99% interval "
            f"{100 * low:.1f} to {100 * high:.1f}) did it only within {words} of their closing, "
            f"{after:,} of them only after it; {still:,} leads that did it are still open"
        )
        figures = {"leads": closed, "share": near / closed, "low": low, "open": still}
        first_rows = tuple(first or ())
        yield Finding("near_close", action, f"action:{action}", evidence, figures, first_rows)
