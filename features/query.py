"""From specs to SQL text. Pure: no connection, no data; `features.duckdb_engine` runs the text.

The query is a row of named steps:

    asked    the snapshots of this chunk, with the lead's creation time and attributes
    deeds_   the events of this chunk's leads
    known    each snapshot beside each event known before its cutoff   (the one place of "before")
    measured one row per snapshot: the aggregates over what was known
    (final)  every asked snapshot, with 0 or NULL where nothing was known
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from features.spec import (
    ActiveDays,
    Age,
    Attribute,
    Behaviour,
    Count,
    Custom,
    DaysSince,
    Decayed,
    DistinctContent,
    First,
    Last,
    Ratio,
    Sessions,
    Share,
    Spec,
    SumValue,
    Trend,
)
from features.tables import literal, quoted

DAY_US = 86_400_000_000  # microseconds in a day
SESSION_GAP = "INTERVAL 30 MINUTE"
FIXED_POINT = 2**32

# Strictly before the cutoff, on when we knew. An event at 2026-03-01 00:00:00 is unknown to the
# cutoff 2026-03-01 00:00:00.
KNOWN_BEFORE = "e.known_at < s.cutoff"


@dataclass(frozen=True)
class Chunk:
    """One of `count` parts of the leads, by hash of lead: 0 <= index < count."""

    index: int = 0
    count: int = 1

    def holds(self, lead_id: str) -> str:
        """The SQL condition that a lead is in this chunk."""
        return "true" if self.count == 1 else f"hash({lead_id}) % {self.count} = {self.index}"


def feature_sql(specs: Sequence[Spec], snapshots: str, chunk: Chunk | None = None) -> str:
    """The query for a relation of snapshots(lead_id, cutoff): lead_id, cutoff, then one column
    per spec, named by it. Numbers are DOUBLE, texts VARCHAR, missing values NULL."""
    chunk = chunk or Chunk()
    attributes = sorted({spec.column for spec in specs if isinstance(spec, Attribute)})
    columns = "".join(f", l.{quoted(name)}" for name in attributes)
    aggregates = ",\n    ".join(
        f"{_aggregate(spec)} AS {quoted(spec.name)}" for spec in behaviours(specs)
    )
    results = ",\n  ".join(f"{_result(spec)} AS {quoted(spec.name)}" for spec in specs)
    return f"""
WITH asked AS (
  SELECT s.lead_id, s.cutoff, l.created_at{columns}
  FROM {snapshots} s JOIN leads l ON l.lead_id = s.lead_id
  WHERE {chunk.holds("s.lead_id")}
),
{_deeds(specs, chunk)},
known AS (
  SELECT s.lead_id, s.cutoff, epoch_us(s.cutoff) - epoch_us(e.occurred_at) AS age_us, e.*
    EXCLUDE (lead_id)
  FROM asked s JOIN deeds_ e ON e.lead_id = s.lead_id AND {KNOWN_BEFORE}
),
measured AS (
  SELECT lead_id, cutoff{"," if aggregates else ""}
    {aggregates}
  FROM known GROUP BY lead_id, cutoff
)
SELECT s.lead_id, s.cutoff,
  {results}
FROM asked s LEFT JOIN measured m ON m.lead_id = s.lead_id AND m.cutoff = s.cutoff
ORDER BY s.lead_id, s.cutoff"""


def behaviours(specs: Iterable[Spec]) -> list[Behaviour | Custom]:
    """The specs that need an aggregate over events, those inside ratios included, each once."""
    found: dict[str, Behaviour | Custom] = {}
    for spec in specs:
        if isinstance(spec, Ratio):
            found |= {inner.name: inner for inner in behaviours([spec.over, spec.under])}
        elif not isinstance(spec, Age | Attribute):
            found[spec.name] = spec
    return list(found.values())


def _deeds(specs: Sequence[Spec], chunk: Chunk) -> str:
    """The chunk's events; where sessions are counted, with the time from which on each is known
    not to begin one."""
    follows = ""
    if any(isinstance(spec, Sessions) for spec in behaviours(specs)):
        # An event begins a session at a cutoff iff no event known before that cutoff lies in the
        # 30 minutes up to it. So keep, per event, when the first such forerunner became known.
        follows = f""",
    least(
      min(known_at) OVER (PARTITION BY lead_id ORDER BY occurred_at
        RANGE BETWEEN {SESSION_GAP} PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING),
      min(known_at) OVER (PARTITION BY lead_id, occurred_at ORDER BY known_at
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ) AS follows_from"""
    return f"""deeds_ AS (
  SELECT lead_id, occurred_at, known_at, action, source, content, value{follows}
  FROM deeds WHERE {chunk.holds("lead_id")}
)"""


def _where(action: str | None, window: int | None, *more: str) -> str:
    """FILTER clause for an action and the window [cutoff - w, cutoff): an event exactly w days
    before the cutoff is inside."""
    terms = [] if action is None else [f"action = {literal(action)}"]
    terms += [] if window is None else [f"age_us <= {window * DAY_US}"]
    terms += more
    return f" FILTER (WHERE {' AND '.join(terms)})" if terms else ""


_PART = {
    "night": "(hour(occurred_at) >= 22 OR hour(occurred_at) < 6)",
    "weekend": "isodow(occurred_at) >= 6",
}


def _aggregate(spec: Behaviour | Custom) -> str:
    """The aggregate over `known`, before missing values are settled."""
    match spec:
        case Count(action, window):
            return f"count(*){_where(action, window)}"
        case DaysSince(action):
            return f"min(age_us){_where(action, None)}"
        case ActiveDays(window):
            return f"count(DISTINCT occurred_at::DATE){_where(None, window)}"
        case Sessions(window):
            starts = "(follows_from IS NULL OR follows_from >= cutoff)"
            return f"count(*){_where(None, window, starts)}"
        case First(column):
            return f"min({_dated(column)}){_where(None, None, f'{column} IS NOT NULL')}"
        case Last(column):
            return f"max({_dated(column)}){_where(None, None, f'{column} IS NOT NULL')}"
        case Trend(action, window):
            recent = f"count(*){_where(action, window)}"
            return f"{recent} / nullif(count(*){_where(action, 2 * window)}, 0)::DOUBLE"
        case Share(part, window):
            inside = f"count(*){_where(None, window, _PART[part])}"
            return f"{inside} / nullif(count(*){_where(None, window)}, 0)::DOUBLE"
        case DistinctContent(window):
            return f"count(DISTINCT content){_where(None, window)}"
        case Decayed(action, half_life, window):
            weight = f"pow(0.5::DOUBLE, age_us / {half_life * DAY_US!r}::DOUBLE)"
            fixed = f"round({weight} * {FIXED_POINT})::BIGINT"
            return f"sum({fixed}){_where(action, window)} / {FIXED_POINT}::DOUBLE"
        case SumValue(action, window):
            return f"sum(round(value * 10000)::HUGEINT){_where(action, window)} / 10000::DOUBLE"
        case Custom():
            return spec.sql


def _dated(column: str) -> str:
    return f"struct_pack(moment := occurred_at, said := {column})"


def _result(spec: Spec) -> str:
    """The column as delivered: counts and sums are 0 where nothing was known."""
    aggregate = f"m.{quoted(spec.name)}"
    match spec:
        case Age():
            return f"(epoch_us(s.cutoff) - epoch_us(s.created_at)) / {DAY_US}::DOUBLE"
        case Attribute(column, text):
            return f"CAST(s.{quoted(column)} AS {'VARCHAR' if text else 'DOUBLE'})"
        case Ratio(over, under):
            return f"({_result(over)}) / nullif({_result(under)}, 0)"
        case First() | Last():
            return f"{aggregate}.said"
        case DaysSince():
            return f"{aggregate} / {DAY_US}::DOUBLE"
        case Trend() | Share() | Custom():
            return f"CAST({aggregate} AS DOUBLE)"
    return f"CAST(coalesce({aggregate}, 0) AS DOUBLE)"
