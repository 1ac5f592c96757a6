"""The lines of one lead in the ledger: every one that was ever written, in order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from serve.ledger.ledger import Ledger

BARS = "▁▂▃▄▅▆▇█"
_LINES = """
SELECT cutoff, scored_at, model_version, rules_version, state_reason, readiness, rule_score, band,
  route, decided_route, decided_because, decided_by, route_reason, contact_by, marked, source,
  basket, segments
FROM decided WHERE lead_id = $lead AND cutoff <= $until
ORDER BY cutoff, scored_at, model_version, rules_version"""


@dataclass(frozen=True)
class LedgerLine:
    """A line of the ledger. `decided_route` is the route that people decided, else `route`; a lead
    that could not be scored has a `state_reason` and neither readiness nor points. segments: their
    names, "; " between them."""

    cutoff: datetime
    scored_at: datetime
    model_version: str
    rules_version: str
    state_reason: str | None
    readiness: float | None
    rule_score: float | None
    band: str | None
    route: str
    decided_route: str
    decided_because: str | None = None
    decided_by: str | None = None
    route_reason: str | None = None
    contact_by: datetime | None = None
    marked: str | None = None
    source: str | None = None
    basket: str | None = None
    segments: str | None = None


def lines_of(ledger: Ledger, lead: str, until: datetime = datetime.max) -> tuple[LedgerLine, ...]:
    """Every line about a lead, of the cutoffs up to and with `until`."""
    rows = ledger.fetched(_LINES, {"lead": lead, "until": until})
    return tuple(LedgerLine(*row) for row in rows)


def as_seen(history: Sequence[LedgerLine]) -> list[LedgerLine]:
    """One line per cutoff: where it was scored more than once, that of the list which was scored
    last is the one that sales saw (serve/reports/feedback/contacted.py)."""
    last = {line.cutoff: line for line in sorted(history, key=lambda line: line.scored_at)}
    return [last[cutoff] for cutoff in sorted(last)]


def sparkline(values: Sequence[float | None]) -> str:
    """Values as bars of eight heights from 0 (or the least, if that is below) to the greatest; a
    gap where there is none.

    >>> sparkline([0.0, 0.1, None, 0.4, 0.2])
    '▁▃ █▅'
    >>> sparkline([0.0, 0.0])
    '▁▁'
    """
    known = [value for value in values if value is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    step = (high - low) / (len(BARS) - 1) or 1.0
    return "".join(" " if v is None else BARS[round((v - low) / step)] for v in values)
