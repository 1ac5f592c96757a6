"""From specs to SQL text. Pure: no connection, no data; `duckdb_engine` runs the text.

The query is a row of named steps:

    asked      the snapshots of this chunk, numbered, with creation time and attributes
    deeds_     the events of this chunk's leads
    known      each snapshot beside each event known before its cutoff  (the one place of "before")
    overall    one row per snapshot: the aggregates over events of any action
    days       one row per snapshot: its distinct days counted; likewise `contents`
    by_action  one row per snapshot and action: the aggregates that ask for an action
    (final)    every asked snapshot, each action's row laid beside it; 0 or NULL where nothing was

Aggregating once by action and laying the rows side by side costs a third of one filtered aggregate
per feature (docs/adr/0003).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from features.snapshots import Chunk, Snapshots
from features.spec.parts import behaviours, inside
from features.spec.spec import (
    ActiveDays,
    Age,
    Attribute,
    Behaviour,
    Count,
    Custom,
    DaysSince,
    Decayed,
    DistinctContent,
    Faded,
    First,
    InSegment,
    Last,
    Ratio,
    Sessions,
    Share,
    Spec,
    SumValue,
    Trend,
)
from features.spec.where import Where
from features.sql import literal, quoted

DAY_US = 86_400_000_000  # microseconds in a day
SESSION_GAP = "INTERVAL 30 MINUTE"
FIXED_POINT = 2**32

# What counts once however often it was seen, by its latest event: half the cost of count(DISTINCT).
ONCE = {ActiveDays: ("days", "occurred_at::DATE"), DistinctContent: ("contents", "content")}

# Strictly before the cutoff, on when we knew. An event at 2026-03-01 00:00:00 is unknown to the
# cutoff 2026-03-01 00:00:00.
KNOWN_BEFORE = "e.known_at < s.cutoff"


def feature_sql(specs: Sequence[Spec], snapshots: Snapshots, chunk: Chunk | None = None) -> str:
    """The query for a set of snapshots: lead_id, cutoff, then one column
    per spec, named by it, in no order. Numbers are DOUBLE, texts VARCHAR, missing values NULL."""
    chunk = chunk or Chunk()
    attributes = sorted({spec.column for spec in inside(specs) if isinstance(spec, Attribute)})
    columns = "".join(f", l.{quoted(name)} AS {_beside_time(name)}" for name in attributes)
    needed = behaviours(specs)
    actions = sorted({action for spec in needed if (action := action_of(spec)) is not None})
    beside = "\n".join(
        f"LEFT JOIN {rows} {name} ON {name}.snapshot = s.snapshot"
        for name, rows in _beside(needed, actions).items()
    )
    results = ",\n  ".join(f"{_result(spec, actions)} AS {quoted(spec.name)}" for spec in specs)
    return f"""
WITH asked AS MATERIALIZED (
  SELECT row_number() OVER () AS snapshot, s.lead_id, s.cutoff, l.created_at{columns}
  FROM {snapshots.relation} s JOIN leads l ON l.lead_id = s.lead_id
  WHERE {chunk.holds("s.lead_id")}
),
{_deeds(needed, chunk)},
known AS (
  SELECT s.snapshot, s.cutoff, epoch_us(s.cutoff) - epoch_us(e.occurred_at) AS age_us,
    e.* EXCLUDE (lead_id)
  FROM asked s JOIN deeds_ e ON e.lead_id = s.lead_id AND {KNOWN_BEFORE}
),
{_overall(needed)},
{_once(needed)}{_by_action(needed)}
SELECT s.lead_id, s.cutoff,
  {results}
FROM asked s
{beside}"""


def action_of(spec: Spec) -> str | None:
    """The action that a spec asks for; None where it asks for any."""
    return getattr(spec, "action", None)


def where_of(spec: Spec) -> Where | None:
    """The condition on the events' own properties that a spec asks for, if it does."""
    return getattr(spec, "where", None)


def any_action(spec: Behaviour | Custom) -> Behaviour | Custom:
    """The same measure over events of any action: what `by_action` computes for each action.

    >>> any_action(Count("chat", 7)).name
    'count_7d'
    """
    if isinstance(spec, ActiveDays | Count | DaysSince | Decayed | Faded | SumValue | Trend):
        return replace(spec, action=None)
    return spec


def _measures(specs: Iterable[Behaviour | Custom], once: bool = False) -> str:
    measures = {_measure(spec): _aggregate(any_action(spec), once) for spec in specs}
    return "".join(f",\n    {sql} AS {column}" for column, sql in measures.items())


def _measure(spec: Behaviour | Custom) -> str:
    """The column of a measure. Names of columns differ by more than capital letters on DuckDB, so
    a condition is spelled in digits: /Pricing is not /pricing."""
    spec = any_action(spec)
    where = where_of(spec)
    if where is None:
        return quoted(spec.name)
    return quoted(spec.name.removesuffix(where.name) + f" where {where.name.encode().hex()}")


def _step_of(spec: Behaviour | Custom) -> str:
    """The step that measures a feature of any action."""
    is_plain = action_of(spec) is None and where_of(spec) is None
    return ONCE[type(spec)][0] if is_plain and type(spec) in ONCE else "overall"


def _overall(needed: Sequence[Behaviour | Custom]) -> str:
    anyone = [spec for spec in needed if action_of(spec) is None]
    measures = _measures(spec for spec in anyone if _step_of(spec) == "overall")
    return f"overall AS (\n  SELECT snapshot{measures}\n  FROM known GROUP BY snapshot\n)"


def _once(needed: Sequence[Behaviour | Custom]) -> str:
    steps = ""
    for name, thing in ONCE.values():
        if measures := _measures((s for s in needed if _step_of(s) == name), once=True):
            steps += f"""{name} AS (
  SELECT snapshot{measures}
  FROM (SELECT snapshot, {thing} AS thing, min(age_us) AS age_us FROM known GROUP BY ALL)
  WHERE thing IS NOT NULL GROUP BY snapshot
),
"""
    return steps


def _by_action(needed: Sequence[Behaviour | Custom]) -> str:
    measures = _measures(spec for spec in needed if action_of(spec) is not None)
    # any_value, because DuckDB would push the choice of actions in the final step down through a
    # plain key, and compare each row of `known` with each action.
    return f"""by_action AS MATERIALIZED (
  SELECT snapshot, any_value(action) AS done{measures}
  FROM known GROUP BY snapshot, action
)"""


def _beside(needed: Sequence[Behaviour | Custom], actions: Sequence[str]) -> dict[str, str]:
    """The rows that are laid beside each snapshot, by the name they go by there."""
    steps = {_step_of(spec) for spec in needed}
    once = {name: name for name, _ in ONCE.values() if name in steps}
    each = {
        f"a{place}": f"(SELECT * FROM by_action WHERE done = {literal(action)})"
        for place, action in enumerate(actions)
    }
    return {"overall": "overall"} | once | each


def _deeds(needed: Sequence[Behaviour | Custom], chunk: Chunk) -> str:
    """The chunk's events; where sessions are counted, with the time from which on each is known
    not to begin one."""
    follows = ""
    if any(isinstance(spec, Sessions) for spec in needed):
        # An event begins a session at a cutoff iff no event known before that cutoff lies in the
        # 30 minutes up to it. So keep, per event, when the first such forerunner became known;
        # of events at one instant, those known later are told from the first one at once.
        follows = f""",
    CASE WHEN occurred_at = lag(occurred_at) OVER (PARTITION BY lead_id
        ORDER BY occurred_at, known_at) THEN known_at
      ELSE min(known_at) OVER (PARTITION BY lead_id ORDER BY occurred_at
        RANGE BETWEEN {SESSION_GAP} PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING)
    END AS follows_from"""
    return f"""deeds_ AS (
  SELECT lead_id, occurred_at, known_at, action, source, content, value{follows}
  FROM known_events WHERE {chunk.holds("lead_id")}
)"""


def _within(window: int | None, *more: str, where: Where | None = None) -> str:
    """FILTER clause for the window [cutoff - w, cutoff): an event exactly w days before the cutoff
    is inside. (That it is before the cutoff is settled in `known`.)"""
    terms = [] if window is None else [f"age_us <= {window * DAY_US}"]
    terms += [*more, *(where.sql if where else ())]
    return f" FILTER (WHERE {' AND '.join(terms)})" if terms else ""


_PART = {
    "night": "(hour(occurred_at) >= 22 OR hour(occurred_at) < 6)",
    "weekend": "isodow(occurred_at) >= 6",
}


def _aggregate(spec: Behaviour | Custom, once: bool) -> str:
    """The aggregate over `known` (if `once`: over each thing's latest event), whatever the action,
    before missing values are settled."""
    match spec:
        case ActiveDays(window, _, where) if not once:
            return f"count(DISTINCT occurred_at::DATE){_within(window, where=where)}"
        case Count(_, window, where):
            return f"count(*){_within(window, where=where)}"
        case ActiveDays(window) | DistinctContent(window):
            return f"count(*){_within(window)}"
        case DaysSince(_, where):
            return f"min(age_us){_within(None, where=where)}"
        case Sessions(window):
            return f"count(*){_within(window, '(follows_from IS NULL OR follows_from >= cutoff)')}"
        case First(column):
            return f"min({_dated(column)}) FILTER (WHERE {column} IS NOT NULL)"
        case Last(column):
            return f"max({_dated(column)}) FILTER (WHERE {column} IS NOT NULL)"
        case Trend(_, window):
            earlier = f"nullif(count(*){_within(2 * window)}, 0)::DOUBLE"
            return f"count(*){_within(window)} / {earlier}"
        case Share(part, window):
            everything = f"nullif(count(*){_within(window)}, 0)::DOUBLE"
            return f"count(*){_within(window, _PART[part])} / {everything}"
        case Decayed(_, half_life, window, where):
            weight = f"pow(0.5::DOUBLE, age_us / {float(half_life * DAY_US)!r}::DOUBLE)"
            return f"{_fixed_sum(weight)}{_within(window, where=where)} / {FIXED_POINT}::DOUBLE"
        case Faded(_, days, where):
            weight = f"(1 - age_us / {float(days * DAY_US)!r}::DOUBLE)"
            return f"{_fixed_sum(weight)}{_within(days, where=where)} / {FIXED_POINT}::DOUBLE"
        case SumValue(_, window, where):
            fixed = "TRY_CAST(round(value * 10000) AS BIGINT)"
            return f"sum({fixed}){_within(window, where=where)} / 10000::DOUBLE"
        case Custom():
            return spec.sql


def _fixed_sum(weight: str) -> str:
    return f"sum(round({weight} * {FIXED_POINT})::BIGINT)"


def _beside_time(attribute: str) -> str:
    """The attribute's name in `asked`, where an attribute may be called cutoff, too."""
    return quoted(f"attribute({attribute})")


def _dated(column: str) -> str:
    return f"struct_pack(moment := occurred_at, said := {column})"


def _result(spec: Spec, actions: Sequence[str]) -> str:
    """The column as delivered: counts and sums are 0 where nothing was known."""
    match spec:
        case InSegment():
            raise TypeError(f"{spec!r} is read off the frame, by features.segments")
        case Age():
            return f"(epoch_us(s.cutoff) - epoch_us(s.created_at)) / {DAY_US}::DOUBLE"
        case Attribute(column, text):
            return f"TRY_CAST(s.{_beside_time(column)} AS {'VARCHAR' if text else 'DOUBLE'})"
        case Ratio(over, under):
            return f"({_result(over, actions)}) / nullif({_result(under, actions)}, 0)"
    action = action_of(spec)
    beside = _step_of(spec) if action is None else f"a{actions.index(action)}"
    measured = f"{beside}.{_measure(spec)}"
    match spec:
        case First() | Last():
            return f"{measured}.said"
        case DaysSince():
            return f"{measured} / {DAY_US}::DOUBLE"
        case Trend() | Share() | Custom():
            return f"CAST({measured} AS DOUBLE)"
    return f"CAST(coalesce({measured}, 0) AS DOUBLE)"
