"""The sources.toml that `readiness init` writes: every source of the data in a basket guessed from
its words, without any outcome. `readiness sources` then compares it with the outcomes."""

from datetime import timedelta

from features.contract.database import LeadDatabase
from features.starter.guesses import guess_basket
from features.toml import toml_value

MOST_SOURCES = 40
FEW_WINS = 10  # with fewer, the conversion of all leads is too uncertain
UNKNOWN_CONVERSION = 0.05

HEAD = """\
# The sources of leads and their baskets, written by `readiness init`. The baskets are GUESSES from
# the names: put each source where you think it belongs, then run `readiness sources` to compare the
# baskets with the deals won. `readiness sources --apply` appends its moves at the end of this file.
# A source is a marketing activity, recognised by one of:
#   brought_by  a value of leads.source: it brought the lead
#   source      a value of leads.source or of events.source: leads touch it, at first or later.
#               Leads that come back are warmer than new ones
#   action      something that leads do

[baskets.active-1]             # the best: called first
at_least = {levels[0]:<19g} # share of its leads won within {horizon} days of the first touch
contact_within_hours = 4       # how soon sales contact a lead of this basket

[baskets.active-2]
at_least = {levels[1]:<19g} # {why}
contact_within_hours = 24

[baskets.passive-1]
at_least = {levels[2]:g}
contact_within_hours = 72

[baskets.passive-2]            # all others
contact_within_hours = 168

[moves]                        # when a source moves up or down a basket; these are the defaults
window_days = 180              # leads of so many days are counted, once their horizon is over
probability = 0.975            # least probability that its conversion is beyond the boundary
margin = 0.1                   # and by this part of it: above 11%, where the boundary is 10%
least_leads = 50               # fewer leads do not move a source
rest_days = 28                 # no further move of the source for so many days

"""


def sources_text(database: LeadDatabase, horizon_days: int) -> str:
    """The text of sources.toml for the sources and actions of a lead database: values of
    leads.source as `brought_by`, other sources of events as `source`."""
    rows = database.query(
        "SELECT source, count(*) AS rows, bool_or(brings) AS brings FROM (SELECT source, true AS "
        "brings FROM leads UNION ALL SELECT source, false FROM known_events) WHERE source <> '' "
        "GROUP BY source ORDER BY rows DESC, source"
    )
    values = rows["source"].tolist()
    kinds = ["brought_by" if brings else "source" for brings in rows["brings"]]
    listed = list(zip(values, kinds, strict=True))[:MOST_SOURCES]
    parts = [_source(value, kind) for value, kind in listed]
    if len(values) > MOST_SOURCES:
        parts.append(f"# {len(values) - MOST_SOURCES:,} rarer sources are not listed.\n")
    active = [a for a in database.actions if a not in values and guess_basket(a)[:6] == "active"]
    if active:
        parts.append("# Actions that may count as a source. Remove the # to switch one on.\n")
    parts += [_commented(_source(action, "action")) for action in active]
    levels, why = _levels(database, horizon_days)
    return HEAD.format(levels=levels, why=why, horizon=horizon_days) + "\n".join(parts)


def _source(value: str, by: str) -> str:
    name = toml_value(value)
    return f'[[source]]\nname = {name}\n{by} = {name}\nbasket = "{guess_basket(value)}"\n'


def _commented(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.rstrip("\n").split("\n"))


def _levels(database: LeadDatabase, horizon_days: int) -> tuple[list[float], str]:
    """The lower bounds of the baskets, at twice, once and half the odds of all leads to be won, so
    that no outcome of a single source is used; and a comment on them."""
    last = database.data_end - timedelta(days=horizon_days)
    row = database.connection.execute(
        "SELECT count(*), count(*) FILTER (d.closed_at < l.created_at + INTERVAL "
        f"{int(horizon_days)} DAY) FROM leads l ASOF LEFT JOIN (SELECT lead_id, closed_at FROM "
        "closings WHERE outcome = 'won') d ON d.lead_id = l.lead_id AND d.closed_at >= "
        f"l.created_at WHERE l.created_at < TIMESTAMP '{last}'"
    ).fetchone()
    leads, won = row if row else (0, 0)
    known = won >= FEW_WINS
    conversion = min(max(won / leads, 0.001), 0.6) if known else UNKNOWN_CONVERSION
    odds = [times * conversion / (1 - conversion) for times in (2, 1, 0.5)]
    why = f"the conversion of all leads, {conversion:.2g}" if known else "a guess: too few deals"
    return [float(f"{o / (1 + o):.2g}") for o in odds], why
