"""What decides the outcome in disguise: actions, sources and values of attributes that almost only
won, or almost only lost leads have; and actions that go with the closing itself."""

from collections.abc import Iterator

from features.audit.finding import Finding, interval
from features.audit.leads import FEWEST, won_share
from features.contract.database import LeadDatabase
from features.sql import quoted

SURE = 0.95  # share of one outcome from which on it is decided
TIMES_RARER = 4  # how much rarer than among all the other outcome must surely be
MOST_OTHERS = 0.3  # and its highest likely share, however rare or frequent it is
SPANS = {"an hour": "1 HOUR", "a day": "1 DAY", "3 days": "3 DAY"}  # around the closing
LIFE = 10  # a lead's life in such spans, from which on it could have done it elsewhere
NEAR = 0.9  # share of the leads whose every such deed lies near the closing


def decided(won: int, count: int, base: float) -> str | None:
    """The outcome that `won` of `count` closed leads decide, if any, where `base` of all are won.

    At least 95 % have it, and the other outcome is surely (99 % interval) a quarter as frequent as
    among all leads or less, and at most 30 %. Calling a lead ready is no decision: where 19 % are
    won, 59 % of those that asked for a quote is an honest signal.

    >>> decided(40, 40, 0.19), decided(24, 40, 0.19), decided(0, 40, 0.19), decided(0, 400, 0.19)
    ('won', None, None, 'lost')
    """
    for outcome, hits, others in (("won", won, 1 - base), ("lost", count - won, base)):
        low, _ = interval(hits, count)
        if hits >= SURE * count and 1 - low <= min(MOST_OTHERS, others / TIMES_RARER):
            return outcome
    return None


def deciding_actions(database: LeadDatabase) -> Iterator[Finding]:
    """Actions, and sources of events, that only one outcome has."""
    yield from _deciding(database, "SELECT action AS subject, lead_id FROM acts")
    yield from _deciding(
        database,
        "SELECT DISTINCT 'event source=' || source AS subject, lead_id FROM known_deeds "
        "WHERE source IS NOT NULL",
    )


def deciding_attributes(database: LeadDatabase) -> Iterator[Finding]:
    """Values of attributes that only one outcome has; and whether there is a value at all."""
    for name, is_text in database.attributes.items():
        column = f"leads.{quoted(name)}"
        said = name.replace("'", "''")
        filled = f"CASE WHEN {column} IS NULL THEN '{said} empty' ELSE '{said} filled' END"
        found = list(_deciding(database, f"SELECT {filled} AS subject, lead_id FROM leads"))
        yield from found
        if not found:  # else its values would say the same again
            text = f"{column}::VARCHAR"
            text = text if is_text else f"regexp_replace({text}, '\\.0$', '')"
            yield from _deciding(
                database,
                f"SELECT '{said}=' || {text} AS subject, lead_id FROM leads "
                f"WHERE {column} IS NOT NULL",
            )


def _deciding(database: LeadDatabase, having: str) -> Iterator[Finding]:
    """`having` yields (subject, lead_id), each pair once."""
    base = won_share(database)
    rows = database.connection.execute(
        "SELECT subject, count(*) FILTER (outcome = 'won'), count(*), min(lead_id, 3) "
        f"FROM ({having}) JOIN audited USING (lead_id) WHERE outcome IS NOT NULL "
        f"GROUP BY subject HAVING count(*) >= {FEWEST} ORDER BY subject"
    ).fetchall()
    for subject, won, count, leads in rows:
        outcome = decided(won, count, base)
        if outcome is None:
            continue
        hits, of_all = (won, base) if outcome == "won" else (count - won, 1 - base)
        low, high = interval(hits, count)
        said = (
            f"{hits:,} of {count:,} closed leads with it were {outcome}, {hits / count:.1%} (99 % "
            f"interval {100 * low:.1f} to {100 * high:.1f}; of all closed leads {of_all:.1%})"
        )
        figures = {"leads": count, "share": hits / count, "low": low, "high": high, "base": of_all}
        first = tuple(f"lead {lead}" for lead in leads)
        yield Finding(f"decides:{outcome}", subject, said, figures, first)


def near_close(database: LeadDatabase) -> Iterator[Finding]:
    """Actions that leads do near their closing only, before or after it, and open leads hardly do.

    Looked at are leads that lived ten times the span or longer before they closed: of one closed on
    its first day everything lies near the closing.
    """
    told: set[str] = set()
    for words, span in SPANS.items():
        for finding in _near(database, words, f"INTERVAL {span}"):
            if finding.subject not in told:
                told.add(finding.subject)
                yield finding


def _near(database: LeadDatabase, words: str, span: str) -> Iterator[Finding]:
    rows = database.connection.execute(f"""
WITH seen AS (
  SELECT *, first_at >= closed_at - {span} AND last_at <= closed_at + {span} AS near
  FROM acts JOIN audited USING (lead_id)
  WHERE closed_at IS NULL OR closed_at - created_at >= {LIFE} * {span}
)
SELECT action, count(*) FILTER (near), count(*) FILTER (closed_at IS NOT NULL),
  count(*) FILTER (closed_at IS NULL), count(*) FILTER (near AND first_at >= closed_at),
  min(concat('lead ', lead_id, ': done ', first_at, ', closed ', closed_at), 3) FILTER (near)
FROM seen GROUP BY action HAVING count(*) FILTER (closed_at IS NOT NULL) >= {FEWEST}
ORDER BY action""").fetchall()
    for action, near, closed, still, after, first in rows:
        low, high = interval(near, closed)
        # Whoever did it and is open a span later shows that it closes nothing.
        if near < NEAR * closed or low < NEAR - 0.2 or still > near / 9:
            continue
        said = (
            f"{near:,} of {closed:,} closed leads ({near / closed:.1%}, 99 % interval "
            f"{100 * low:.1f} to {100 * high:.1f}) did it within {words} of their closing only, "
            f"{after:,} of them not before it; {still:,} did it and are open"
        )
        figures = {"leads": closed, "share": near / closed, "low": low, "open": still}
        yield Finding("near_close", action, said, figures, tuple(first or ()))
