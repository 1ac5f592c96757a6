"""Leaks in the times of events: a past that was recorded, imported or dated later."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from features.audit.finding import Finding
from features.audit.lead_tables import FEWEST
from features.config import Times
from features.contract.database import LeadDatabase

LATE = "INTERVAL 7 DAY"  # an event recorded so long after it occurred was filled in, not logged
LATE_SHARE, EARLY_SHARE, BURST_SHARE = 0.1, 0.05, 0.1  # of an action's events
FEWEST_EVENTS, FEWEST_LEADS = 30, 10
BULK_EVENTS, BULK_LEADS, BULK_SHARE = 50, 20, 0.5  # recorded at one instant; share of them late
BURST_LEADS = 20  # that did the same at the same instant
BEYOND_CHANCE = 50  # times as many as would fall on a tick of the clock if spread evenly
DAYS, DATES_SHARE = 5, 0.95  # fewest days; share of events at one or two times of the day

MONTHS, CLOSINGS_SHARE = 3, 0.9  # fewest months; share of wins on their first or last day
_MONTH_ENDS = "(day({0}) = 1 OR {0} = last_day({0}))"

_FIRST = "min(concat('lead ', lead_id, ': {} ', occurred_at, '{}', {}), 3) FILTER ({})"
# Features use recorded_at where it is later: a wrong occurred_at matters only where it is not.
_UNDATED = "(recorded_at IS NULL OR recorded_at <= occurred_at)"


def history_leaks(database: LeadDatabase, times: Times) -> Iterator[Finding]:
    """Backfilled, impossible or artificial times, by action."""
    yield from _backfilled(database)
    yield from _bulk_recorded(database)
    yield from _before_creation(database)
    yield from _date_only(database, times.first_cutoff)
    yield from _coarse_dates(database, times)
    yield from _coarse_closings(database)
    yield from _bursts(database)


def _backfilled(database: LeadDatabase) -> Iterator[Finding]:
    late, days = f"recorded_at - occurred_at > {LATE}", "epoch(recorded_at - occurred_at) / 86400"
    first = _FIRST.format("done", ", recorded ", "recorded_at", late)
    rows = _with_many(database, late, LATE_SHARE, f"{first}, median({days}) FILTER ({late})")
    for action, count, hits, examples, days_late in rows:
        evidence = (
            f"{hits:,} of {count:,} events ({hits / count:.1%}) were recorded more than 7 days "
            f"after they occurred, half of these more than {days_late:.0f} days after"
        )
        figures = {"events": hits, "share": hits / count, "median_days": days_late}
        yield Finding("backfilled", action, f"action:{action}", evidence, figures, tuple(examples))


def _with_many(
    database: LeadDatabase, condition: str, share: float, more: str
) -> list[tuple[Any, ...]]:
    """Action, events, those of them that meet the condition, and `more`: of the actions in which so
    large a share does, of enough events and leads."""
    return database.connection.execute(f"""
SELECT action, count(*), count(*) FILTER ({condition}), {more} FROM known_by_then GROUP BY action
HAVING count(*) FILTER ({condition}) >= greatest({FEWEST_EVENTS}, {share} * count(*))
  AND count(DISTINCT lead_id) FILTER ({condition}) >= {FEWEST_LEADS} ORDER BY action""").fetchall()


def _bulk_recorded(database: LeadDatabase) -> Iterator[Finding]:
    """One finding per day on which history was recorded at one instant."""
    rows = database.connection.execute(f"""
WITH instants AS (
  SELECT recorded_at, count(*) AS n, count(DISTINCT lead_id) AS leads,
    count(*) FILTER (recorded_at - occurred_at > {LATE}) AS late, min(occurred_at) AS since
  FROM known_by_then WHERE recorded_at IS NOT NULL GROUP BY recorded_at
  HAVING late >= {BULK_EVENTS} AND leads >= {BULK_LEADS} AND late >= {BULK_SHARE} * n
)
SELECT recorded_at::DATE, sum(late)::BIGINT, max(leads), min(since), min(recorded_at::VARCHAR, 3)
FROM instants GROUP BY ALL ORDER BY 1""").fetchall()
    for day, late, leads, since, instants in rows:
        evidence = (
            f"{late:,} events were recorded at one instant, for {leads:,} leads or more, although "
            f"they occurred more than 7 days earlier, back to {since:%Y-%m-%d}"
        )
        figures = {"events": late, "leads": leads}
        first = tuple(f"at {instant}" for instant in instants)
        yield Finding("bulk_recorded", str(day), "table:events", evidence, figures, first)


def _before_creation(database: LeadDatabase) -> Iterator[Finding]:
    early = "occurred_at < created_at"
    first = _FIRST.format("done", ", created ", "created_at", early)
    for action, count, hits, examples in _with_many(database, early, EARLY_SHARE, first):
        evidence = f"{hits:,} of {count:,} events ({hits / count:.1%}) precede the lead's creation"
        figures = {"events": hits, "share": hits / count}
        yield Finding(
            "before_creation", action, f"action:{action}", evidence, figures, tuple(examples)
        )


def _date_only(database: LeadDatabase, cutoff: datetime) -> Iterator[Finding]:
    """Actions of which only the date is known, stamped with another time of day than the cutoffs'.

    Worked example, cutoffs at 00:00 UTC: 1 March in Berlin is stamped 2026-02-28 23:00, its local
    midnight, so the cutoff 2026-03-01 00:00 sees what was done at noon of 1 March. A date stamped
    2026-03-01 00:00 is correctly not seen by it, and no finding. With summer time there are two
    such times of day.
    """
    rows = database.connection.execute(f"""
WITH times AS (
  SELECT action, occurred_at::TIME AS stamp, count(*) AS n,
    count(DISTINCT occurred_at::DATE) AS days
  FROM known_by_then WHERE {_UNDATED} GROUP BY ALL
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY action ORDER BY n DESC, stamp) AS place,
    sum(n) OVER (PARTITION BY action) AS of_all FROM times
)
SELECT action, max(of_all)::BIGINT AS of_all, sum(n)::BIGINT AS hits,
  list(left(stamp::VARCHAR, 5) ORDER BY n DESC)
FROM ranked WHERE place <= 2 AND epoch_us(stamp) % 3600000000 = 0
  AND stamp <> TIME '{cutoff:%H:%M:%S}'
GROUP BY action
HAVING hits >= greatest({FEWEST_EVENTS}, {DATES_SHARE} * max(ranked.of_all)) AND max(days) >= {DAYS}
ORDER BY action""").fetchall()
    for action, count, hits, stamps in rows:
        evidence = (
            f"{hits:,} of {count:,} events are stamped exactly {' or '.join(stamps)}, like a date "
            f"without a time; the cutoffs are at {cutoff:%H:%M}"
        )
        figures = {"events": hits, "share": hits / count}
        yield Finding("date_only", action, f"action:{action}", evidence, figures)


def _coarse_dates(database: LeadDatabase, times: Times) -> Iterator[Finding]:
    """Actions of which only the week or the month is known, stamped with its first day.

    Worked example: what was done on 20 March is stamped 2026-03-01 00:00, so that the cutoff of
    9 March sees it. A week that begins with the day of the weekly cutoffs is correctly not seen.
    """
    weekdays = set(range(1, 8))
    if times.cutoff_every_days % 7 == 0:
        weekdays.remove(times.first_cutoff.isoweekday())
    on = [f"sum(n) FILTER (isodow(day) = {each})" for each in sorted(weekdays)]
    rows = database.connection.execute(f"""
WITH days AS (
  SELECT action, occurred_at::DATE AS day, count(*) AS n
  FROM known_by_then WHERE {_UNDATED} AND occurred_at::TIME = TIME '{times.first_cutoff:%H:%M:%S}'
  GROUP BY ALL
), stamped AS (
  SELECT action, count(*) AS days, sum(n) FILTER ({_MONTH_ENDS.format("day")}) AS by_month,
    greatest({", ".join(on)}) AS by_week
  FROM days GROUP BY action
)
SELECT action, max(days), count(*), coalesce(max(by_month), 0)::BIGINT AS in_months,
  coalesce(max(by_week), 0)::BIGINT AS in_weeks
FROM known_by_then JOIN stamped USING (action) GROUP BY action
HAVING greatest(in_months, in_weeks) >= greatest({FEWEST_EVENTS}, {DATES_SHARE} * count(*))
  AND max(days) >= {DAYS} AND count(DISTINCT lead_id) >= {FEWEST_LEADS}
ORDER BY action""").fetchall()
    for action, days, count, in_months, in_weeks in rows:
        hits, unit = (in_months, "month") if in_months >= in_weeks else (in_weeks, "week")
        evidence = (
            f"{hits:,} of {count:,} events are stamped with one day of the {unit}, at "
            f"{times.first_cutoff:%H:%M}, as if only the {unit} were known; on {days:,} days in all"
        )
        figures = {"events": hits, "share": hits / count, "days": days}
        yield Finding("coarse_dates", action, f"action:{action}", evidence, figures)


def _coarse_closings(database: LeadDatabase) -> Iterator[Finding]:
    """Wins on the first or last day of months, at any time of day."""
    day = "closed_at::DATE"
    ((hits, count, months),) = database.connection.execute(
        f"SELECT count(*) FILTER ({_MONTH_ENDS.format(day)}), count(*), "
        "count(DISTINCT date_trunc('month', closed_at)) FROM audited WHERE outcome = 'won'"
    ).fetchall()
    if hits < max(FEWEST, CLOSINGS_SHARE * count) or months < MONTHS:
        return
    evidence = (
        f"{hits:,} of {count:,} wins ({hits / count:.1%}) are on the first or the last day of a "
        "month, as if only the month were known"
    )
    figures = {"leads": hits, "share": hits / count}
    yield Finding("coarse_dates", "deals.closed_at", "table:deals", evidence, figures)


def _bursts(database: LeadDatabase) -> Iterator[Finding]:
    """Many leads at one instant, more than chance and a coarse clock explain.

    Worked example: of 100,000 visits in a year, stored to the minute, 0.2 fall on each minute on
    average, so 20 at one minute are not chance; of 100,000,000 visits 190 do, so 20 are. Whole
    hours are left to _date_only.
    """
    rows = database.connection.execute(f"""
WITH ticks AS (
  SELECT action, count(*) / greatest(1, epoch(max(occurred_at)) - epoch(min(occurred_at))) * CASE
    WHEN bool_and(epoch_us(occurred_at) % 60000000 = 0) THEN 60
    WHEN bool_and(epoch_us(occurred_at) % 1000000 = 0) THEN 1 ELSE 0 END AS expected
  FROM known_by_then WHERE {_UNDATED} GROUP BY action
), instants AS (
  SELECT action, occurred_at, count(*) AS n, count(DISTINCT lead_id) AS leads
  FROM known_by_then WHERE {_UNDATED} GROUP BY ALL
), judged AS (
  SELECT *, leads >= greatest({BURST_LEADS}, {BEYOND_CHANCE} * expected)
    AND epoch_us(occurred_at) % 3600000000 <> 0 AS burst
  FROM instants JOIN ticks USING (action)
)
SELECT action, sum(n)::BIGINT, sum(n) FILTER (burst)::BIGINT AS hits, count(*) FILTER (burst),
  min(concat(leads, ' leads at ', occurred_at), 3) FILTER (burst)
FROM judged GROUP BY action HAVING hits >= {BURST_SHARE} * sum(n) ORDER BY action""").fetchall()
    for action, count, hits, instants, examples in rows:
        evidence = (
            f"{hits:,} of {count:,} events ({hits / count:.1%}) happened at {instants:,} "
            f"instant{'s' * (instants != 1)}, each with {BURST_LEADS} leads or more"
        )
        figures = {"events": hits, "share": hits / count, "instants": instants}
        yield Finding("burst", action, f"action:{action}", evidence, figures, tuple(examples))
