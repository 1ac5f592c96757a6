"""The sources.toml that `readiness init` writes: every source found, in a basket guessed from its
words, as a person would who has seen no outcome. `readiness sources` then holds it against them."""

from datetime import timedelta

from features.contract.database import LeadDatabase
from features.starter.text import begins_word
from features.toml import toml_value

MOST_SOURCES = 40
FEW_WINS = 10  # below this the conversion of all leads is not worth a level
UNKNOWN_CONVERSION = 0.05

# A source begins in the basket of the first pattern that begins one of its words.
GUESSES = (
    ("newsletter|social|display|banner|e?mail|facebook|instagram|linkedin|twitter", "passive-2"),
    ("referr|recommend|partner|demo|quot|order|trial|call|meeting|appointment", "active-1"),
    ("direct|pric|forms?(?![a-z])|contact|chat|request|proposal|cart|fair|expo", "active-2"),
    ("", "passive-1"),
)
HEAD = """\
# The sources of leads and their baskets, written by `readiness init`. The baskets are GUESSES from
# the names: put each source where you think it belongs, then run `readiness sources` to hold it
# against what was won. `readiness sources --apply` appends its moves at the end of this file.
# A source is a marketing activity, recognised by one of:
#   brought_by  a value of leads.source: it is what brought the lead
#   source      a value of leads.source or of events.source: leads touch it, now or later. Those who
#               come back are warmer than new ones, by whatever they come back
#   action      something that leads do

[baskets.active-1]             # the best: called first
at_least = {levels[0]:<19g} # this share of its leads is won within {horizon} days of first touch
contact_within_hours = 4       # how soon sales contact a lead of this basket

[baskets.active-2]
at_least = {levels[1]:<19g} # {why}
contact_within_hours = 24

[baskets.passive-1]
at_least = {levels[2]:g}
contact_within_hours = 72

[baskets.passive-2]            # what is left
contact_within_hours = 168

[moves]                        # when a source rises or falls by one basket; these are the defaults
window_days = 180              # leads of so many days are measured, once their horizon is over
probability = 0.975            # how surely its conversion lies beyond the boundary
margin = 0.1                   # so far beyond it, as a part of it: above 11 %, not above 10 %
least_leads = 50               # fewer leads move nothing
rest_days = 28                 # after a move a source rests so long

"""


def guess_basket(name: str) -> str:
    """A basket for a source, from its words alone.

    >>> guess_basket("Referral"), guess_basket("paid_search"), guess_basket("direct_mail")
    ('active-1', 'passive-1', 'passive-2')
    """
    return next(basket for words, basket in GUESSES if begins_word(words, name))


def sources_text(database: LeadDatabase, horizon_days: int) -> str:
    """The text of sources.toml for the sources and actions found in a lead database: values of
    leads.source as what brought the lead, others as what is touched."""
    found = database.query(
        "SELECT source, count(*) AS rows, bool_or(brings) AS brings FROM ("
        "SELECT source, true AS brings FROM leads "
        "UNION ALL SELECT source, false FROM known_events) "
        "WHERE source <> '' GROUP BY source ORDER BY rows DESC, source"
    )
    values = found["source"].tolist()
    kinds = ["brought_by" if brings else "source" for brings in found["brings"]]
    listed = list(zip(values, kinds, strict=True))[:MOST_SOURCES]
    parts = [_source(value, kind) for value, kind in listed]
    if len(values) > MOST_SOURCES:
        parts.append(f"# {len(values) - MOST_SOURCES:,} rarer sources are not listed.\n")
    telling = [a for a in database.actions if a not in values and guess_basket(a)[:6] == "active"]
    if telling:
        parts.append("# Deeds that may count as a source, off; take the # away to switch one on.\n")
    parts += [_commented(_source(action, "action")) for action in telling]
    levels, why = _levels(database, horizon_days)
    return HEAD.format(levels=levels, why=why, horizon=horizon_days) + "\n".join(parts)


def _source(value: str, by: str) -> str:
    name = toml_value(value)
    return f'[[source]]\nname = {name}\n{by} = {name}\nbasket = "{guess_basket(value)}"\n'


def _commented(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.rstrip("\n").split("\n"))


def _levels(database: LeadDatabase, horizon_days: int) -> tuple[list[float], str]:
    """Where the baskets begin: at about twice, once and half the conversion of all leads, so that
    no outcome of a single source is looked at."""
    last = database.data_end - timedelta(days=horizon_days)
    row = database.connection.execute(
        "SELECT count(*), count(*) FILTER (d.outcome = 'won' AND d.closed_at >= l.created_at AND "
        f"d.closed_at < l.created_at + INTERVAL {int(horizon_days)} DAY) FROM leads l "
        f"LEFT JOIN deals d ON d.lead_id = l.lead_id WHERE l.created_at < TIMESTAMP '{last}'"
    ).fetchone()
    leads, won = row if row else (0, 0)
    known = won >= FEW_WINS
    conversion = min(max(won / leads, 0.001), 0.6) if known else UNKNOWN_CONVERSION
    odds = [times * conversion / (1 - conversion) for times in (2, 1, 0.5)]
    why = f"the conversion of all leads, {conversion:.2g}" if known else "a guess: too few deals"
    return [float(f"{o / (1 + o):.2g}") for o in odds], why
