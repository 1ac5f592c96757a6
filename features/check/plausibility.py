"""What is hardly true of a lead database and would change what a model learns from it: dates far
from the rest, one placeholder date for many rows, a last record that stands alone, names that look
alike, ids that lost digits, one account that stands for unknown.

`check` and `score` name each; `train` refuses until it is corrected, or accepted as a finding of
the audit is. docs/plausibility.md has the codes and the limits.

Times are judged by days: the records of a column are cut into groups wherever a whole year has
none. The main group is the largest that spans more than two days. Worked example, created_at:

    1970-01-01          200 rows    one day, a hundredth of all or more: a placeholder date
    2008-05-02            1 row     12 years before the main group: an early lead, nothing to say
    2020-03-01 to now 1,800 rows    the main group

One row of the year 20 in the place of the 200 would be 20 years or more before the main group: a
far date.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from re import sub

from features.audit.finding import Finding, marked, refuse
from features.config import Config
from features.contract.accounts import account_sizes
from features.contract.breaches import SHOWN
from features.contract.database import LeadDatabase
from features.contract.observed import KNOWN_AT
from features.contract.tables import CONTRACT
from features.spec.accounts import account_column
from features.spec.wording import plural
from features.sql import quoted

YEAR = timedelta(days=365)
FAR = 20 * YEAR  # before the main group
FEWEST_SHARED, SHARED = 5, 0.01  # rows of a placeholder date, and share of the column's
BRIEF = timedelta(days=2)  # that one date may span, as written in different time zones
ALONE = 3  # records, at most, that stand alone at the end
SILENCE = timedelta(days=14)  # before them, at least; and twice the longest of the year before
RHYTHM, FEWEST_SILENCES = timedelta(days=56), 5  # what is a usual time without events
ONE_DAY = timedelta(days=1)
BUSY_DAYS = 20  # of that year, at least, with records: fewer have no rhythm
LONG_ID, EXACT_DIGITS = 16, 15  # a spreadsheet makes zeros of the digits after the 15th
ROUNDED, FEWEST_IDS = 0.9, 10  # share of the long ids that end in these zeros, and how many
# Of an account that stands for many: its people, share of those in accounts, times the mean other.
MANY_PEOPLE, ACCOUNT_SHARE, TIMES_OTHERS = 20, 0.01, 10

# The tables whose records end the data, as features/contract/observed.py reads them.
_ENDS = {
    "events": (f"(SELECT *, {KNOWN_AT} AS known_at FROM events)", "known_at"),
    "leads": ("leads", "created_at"),
    "deals": ("closings", "closed_at"),
}


@dataclass(frozen=True)
class Days:
    """The records of consecutive days, or of one: how many, and the first and last moment."""

    records: int
    first: datetime
    last: datetime

    def __add__(self, later: "Days") -> "Days":
        return Days(self.records + later.records, self.first, later.last)


def implausible(database: LeadDatabase, config: Config, now: datetime) -> tuple[Finding, ...]:
    """Every finding, those that [audit] accepts marked. Times after `now` are breaches, not seen
    here. On Spark it looks at the sample; of accounts, at the rows of their leads."""
    return _implausible(database.of_leads, config, now, _days_of_events(database.of_leads, now))


def implausible_at(
    database: LeadDatabase, config: Config, now: datetime, cutoff: datetime
) -> tuple[str, ...]:
    """What scoring at a cutoff notes: the findings that are not accepted, and events that end too
    long before it. One scan of the events."""
    of_events = _days_of_events(database.of_leads, now)
    findings = _implausible(database.of_leads, config, now, of_events)
    texts = [str(each) for each in findings if not each.accepted]
    return (*late_events(of_events["known_at"], cutoff), *texts)


def late_events(days: Iterable[Days], cutoff: datetime) -> Iterator[str]:
    """Events that end longer before a cutoff than they ever were silent in the eight weeks before,
    and by more than a day: did the export run? Too few days have no rhythm.

    Worked example: events from 8 to 18 o'clock, Monday to Friday. The longest silence is a weekend,
    62 hours. At midnight to a Monday the newest event, of Friday at 18, is 54 hours old, as ever;
    where the export of Monday did not run it is 78 hours old at midnight to Tuesday.
    """
    before = [day for day in days if day.first < cutoff]
    if not before:
        return
    newest = min(before[-1].last, cutoff)
    recent = [day for day in before if newest - day.last <= RHYTHM]
    silences = [later.first - earlier.last for earlier, later in pairwise(recent)]
    age = cutoff - newest
    if len(silences) >= FEWEST_SILENCES and age > max(ONE_DAY, *silences):
        yield (
            f"The newest event is of {newest:%Y-%m-%d %H:%M} UTC, {age / ONE_DAY:.1f} days before "
            f"the cutoff. In the {RHYTHM.days} days before it the longest time without any was "
            f"{max(silences) / ONE_DAY:.1f} days. Did the export of the events run?"
        )


def _implausible(
    database: LeadDatabase, config: Config, now: datetime, of_events: Mapping[str, Sequence[Days]]
) -> tuple[Finding, ...]:
    findings = [*_dates(database, of_events, now), *_names(database), *_rounded_ids(database)]
    findings += _shared_account(database, config.features.account)
    if config.time.data_end is None:
        findings += _lone_end(database, of_events["known_at"], now)
    return marked(findings, config)


def refuse_implausible(database: LeadDatabase, config: Config, now: datetime) -> None:
    """Raises Refused with every finding that readiness.toml does not accept, and the advice."""
    refuse(
        implausible(database, config, now),
        config,
        "{things} in the lead database can hardly be true, and would change what is learnt",
        "Correct each (docs/plausibility.md). To accept what is true",
    )


def _days(database: LeadDatabase, rows: str, moment: str, now: datetime) -> list[Days]:
    """The records of each day that has some, in order."""
    counts = database.connection.execute(
        f"SELECT count(*), min({moment}), max({moment}) FROM {rows} WHERE {moment} <= ? "
        f"GROUP BY {moment}::DATE ORDER BY min({moment})",
        [now],
    ).fetchall()
    return [Days(*row) for row in counts]


def _days_of_events(database: LeadDatabase, now: datetime) -> dict[str, list[Days]]:
    """The same of each time of the events, in one scan: by both days first, which are few, and of
    which the later one is that of known_at."""
    times = {"occurred_at": "occurred_at", "recorded_at": "recorded_at", "known_at": KNOWN_AT}
    past = ", ".join(f"CASE WHEN {t} <= $now THEN {t} END AS {name}" for name, t in times.items())
    ends = ", ".join(
        f"count({t}) AS n_{t}, min({t}) AS min_{t}, max({t}) AS max_{t}" for t in times
    )
    each = " UNION ALL ".join(
        f"SELECT '{t}', sum(n_{t})::BIGINT, min(min_{t}) AS first, max(max_{t}) FROM counted "
        f"WHERE n_{t} > 0 GROUP BY min_{t}::DATE"
        for t in times
    )
    counts = database.connection.execute(
        f"WITH counted AS MATERIALIZED (SELECT {ends} FROM (SELECT {past} FROM events) "
        f"GROUP BY occurred_at::DATE, recorded_at::DATE) {each} ORDER BY first",
        {"now": now},
    ).fetchall()
    return {t: [Days(*row) for name, *row in counts if name == t] for t in times}


def _groups(days: Sequence[Days]) -> list[Days]:
    """The days, put together where less than a year lies between them."""
    groups = [*days[:1]]
    for day in days[1:]:
        if day.first - groups[-1].last < YEAR:
            groups[-1] += day
        else:
            groups.append(day)
    return groups


def odd_groups(days: Sequence[Days]) -> dict[str, list[Days]]:
    """The groups of days that are placeholder dates, and those far before the rest, by kind."""
    groups, total = _groups(days), sum(day.records for day in days)
    periods = [each for each in groups if each.last - each.first > BRIEF]
    main = max(periods, key=lambda each: each.records, default=None)
    odd: dict[str, list[Days]] = {"placeholder_date": [], "far_date": []}
    for each in groups if main else ():
        shared = each.records >= max(FEWEST_SHARED, SHARED * total)
        if each is not main and each.last - each.first <= BRIEF and shared:
            odd["placeholder_date"].append(each)
        elif main and main.first - each.last >= FAR:
            odd["far_date"].append(each)
    return odd


def _dates(
    database: LeadDatabase, of_events: Mapping[str, Sequence[Days]], now: datetime
) -> Iterator[Finding]:
    for table, types in database.columns.items():
        dates = [c.name for c in CONTRACT[table] if c.type == "TIMESTAMP" and c.name in types]
        if table == "leads":
            dates += [name for name, kind in database.attributes.items() if kind == "date"]
        for column in dict.fromkeys(dates):
            is_event = table == "events"
            days = of_events[column] if is_event else _days(database, table, _moment(column), now)
            for kind, groups in odd_groups(days).items():
                # An attribute may be of another age, such as when a company was founded.
                if groups and (kind == "placeholder_date" or column not in database.attributes):
                    yield _odd_dates(database, table, column, kind, groups)


def _moment(column: str) -> str:
    return f"{quoted(column)}::TIMESTAMP"


def _odd_dates(
    database: LeadDatabase, table: str, column: str, kind: str, groups: Sequence[Days]
) -> Finding:
    days = ", ".join(f"{each.first:%Y-%m-%d} ({each.records:,})" for each in groups[:SHOWN])
    records = sum(each.records for each in groups)
    what = (
        "at one date, a year or more from any other"
        if kind[0] == "p"
        else "20 years or more before the rest"
    )
    return Finding(
        kind,
        f"{table}.{column}",
        f"column:{column}" if table == "leads" else f"table:{table}",
        f"{plural(records, 'row')} {what}: {days}",
        {"rows": records},
        _leads(database, table, _moment(column), groups),
    )


def _leads(
    database: LeadDatabase, rows: str, moment: str, groups: Sequence[Days]
) -> tuple[str, ...]:
    """The first records within these days."""
    within = " OR ".join(
        f"{moment} BETWEEN TIMESTAMP '{each.first}' AND TIMESTAMP '{each.last}'" for each in groups
    )
    ((first,),) = database.connection.execute(
        f"SELECT min(concat('lead ', lead_id, ': ', {moment}), {SHOWN}) FROM {rows} WHERE {within}"
    ).fetchall()
    return tuple(first or ())


def lone_end(days: Sequence[Days]) -> int | None:
    """Where the records that stand alone at the end begin, as an index of `days` in order; None
    where the end is like the rest.

    At most three records, after a silence of 14 days or more that is also twice the longest of the
    year before. Exports of each Monday are 7 days apart: only after 14 days would one stand alone.
    """
    after, start = 0, None
    for end in range(len(days) - 1, 0, -1):
        after += days[end].records
        if after > ALONE:
            break
        before = [day for day in days[:end] if days[end - 1].last - day.first <= YEAR]
        gaps = [later.first - earlier.last for earlier, later in pairwise(before)]
        silence = days[end].first - days[end - 1].last
        if len(before) >= BUSY_DAYS and silence >= max(SILENCE, 2 * max(gaps)):
            start = end
    return start


def _lone_end(
    database: LeadDatabase, of_events: Sequence[Days], now: datetime
) -> Iterator[Finding]:
    """Records that alone move the end of the data, by which labels mature.

    Worked example, horizon 30 days: all else ends on 2026-05-30, one deal is dated 2026-06-29.
    The data end moves by 30 days, and the test cutoffs from 2026-05-01 on, of which few wins are
    known yet, count as mature.
    """
    named = [
        (day, table)
        for table, end in _ENDS.items()
        for day in (of_events if table == "events" else _days(database, *end, now))
    ]
    named.sort(key=lambda each: each[0].first)
    days = _one_per_day([day for day, _ in named])
    start = lone_end(days)
    if start is None:
        return
    end, alone = max(day.last for day in days[:start]), days[start:]
    tables = sorted({table for day, table in named if day.first >= alone[0].first})
    records = sum(day.records for day in alone)
    yield Finding(
        "lone_last_record",
        ",".join(tables),
        f"table:{tables[0]}",
        f"{plural(records, 'record')} at {alone[0].first}, {(alone[0].first - end).days} days "
        f"after all others, would be the data end; without, it is {end}: "
        f"time.data_end = {end.isoformat()}",
        {"records": records, "days": (alone[0].first - end) / ONE_DAY},
        tuple(text for table in tables for text in _leads(database, *_ENDS[table], alone))[:SHOWN],
    )


def _one_per_day(days: Sequence[Days]) -> list[Days]:
    """Those of several tables, in order of their first moment, put together by day."""
    joined: dict[object, Days] = {}
    for day in days:
        key = day.first.date()
        known = joined.get(key)
        joined[key] = (
            Days(known.records + day.records, known.first, max(known.last, day.last))
            if known
            else day
        )
    return list(joined.values())


def plain(name: str) -> str:
    """A name without what is easily mistyped: case, invisible letters, blanks around it, and
    whether its words are parted by blanks, hyphens or underscores.

    >>> plain("Visited-Pricing "), plain("visited\\u200b pricing"), plain("step 1-2") == "step_12"
    ('visited_pricing', 'visited_pricing', False)
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    visible = "".join(each for each in text if unicodedata.category(each) not in ("Cf", "Cc"))
    return sub(r"[\s_-]+", "_", visible).strip("_")


def _names(database: LeadDatabase) -> Iterator[Finding]:
    """Names of actions and sources that differ in what `plain` removes."""
    counts = (
        "SELECT {0}, sum(events) FROM observed_ WHERE events > 0 AND {0} IS NOT NULL GROUP BY 1"
    )
    for what, column, about, sql in (
        ("action", "action", "action", counts.format("action")),
        ("source", "source", "source", counts.format("source")),
        (
            "leads.source",
            "source",
            "column",
            "SELECT source, count(*) FROM leads WHERE source IS NOT NULL GROUP BY 1",
        ),
    ):
        alike: dict[str, list[tuple[str, int]]] = {}
        for name, count in database.connection.execute(sql).fetchall():
            alike.setdefault(plain(name), []).append((name, int(count)))
        for key, names in sorted(alike.items()):
            if len(names) > 1:
                names.sort(key=lambda each: (-each[1], each[0]))
                shown = ", ".join(f"{visible(name)} ({count:,})" for name, count in names[:5])
                more = f" and {len(names) - 5} more" if len(names) > 5 else ""
                yield Finding(
                    "lookalike_names",
                    f"{what}={key}",
                    f"{about}:{'source' if about == 'column' else key}",
                    f"{len(names)} spellings that may be one: {shown}{more}. "
                    f"As one, in the query: {alike_sql(column, [name for name, _ in names])}",
                    {"names": len(names)},
                )


def alike_sql(column: str, names: Sequence[str]) -> str:
    r"""The column, these names of it written as `plain` has them (but for rare forms of letters);
    with classes of Unicode, and so for a .sql file, only where some letter needs them.

    >>> alike_sql("action", ["Visited", "visited "])
    "trim(regexp_replace(lower(action), '[ _-]+', '_', 'g'), '_') AS action"
    """
    if all(name.isprintable() for name in names):
        return f"trim(regexp_replace(lower({column}), '[ _-]+', '_', 'g'), '_') AS {column}"
    shown = rf"regexp_replace({column}, '[\p{{Cf}}\p{{Cc}}]', '', 'g')"
    alike = rf"regexp_replace(lower({shown}), '[\pZ_-]+', '_', 'g')"
    return f"trim({alike}, '_') AS {column} (in a .sql file)"


def visible(name: str) -> str:
    r"""A name in quotes; what does not show on a screen is written out.

    >>> print(visible("visited_pricing "), visible("caf\u00e9"), visible("cafe\u0301"))
    'visited_pricing ' 'café' 'cafe\u0301'
    """
    return repr(name) if unicodedata.is_normalized("NFKC", name) else ascii(name)


def as_shown(name: str) -> str:
    """A name for a table: as it is, unless something in it does not show on a screen.

    >>> print(as_shown("visited pricing"), as_shown("visited_pricing "))
    visited pricing 'visited_pricing '
    """
    plainly = name.isprintable() and name == name.strip() and visible(name) == repr(name)
    return name if plainly else visible(name)


def _rounded_ids(database: LeadDatabase) -> Iterator[Finding]:
    """Ids of 16 digits or more, most of which end in zeros from the 16th on: 1234567890123456789
    became 1234567890123450000 in a spreadsheet, as did its neighbours."""
    digits = "ltrim(lead_id::VARCHAR, '-')"
    for table in database.columns:
        rows = "event_leads" if table == "events" else table
        ((long_ids, rounded, first),) = database.connection.execute(
            f"SELECT count(*), count(*) FILTER (zeros), min('lead ' || id, {SHOWN}) FILTER (zeros) "
            f"FROM (SELECT DISTINCT {digits} AS id, regexp_full_match(substr({digits}, "
            f"{EXACT_DIGITS + 1}), '0+') AS zeros FROM {rows} WHERE length({digits}) >= {LONG_ID} "
            f"AND regexp_full_match({digits}, '[0-9]+'))"
        ).fetchall()
        if rounded >= max(FEWEST_IDS, ROUNDED * long_ids):
            yield Finding(
                "rounded_ids",
                table,
                f"table:{table}",
                f"{rounded:,} of {long_ids:,} long ids end in zeros from the 16th digit on",
                {"ids": rounded},
                tuple(first or ()),
            )


def _shared_account(database: LeadDatabase, account: str | None) -> Iterator[Finding]:
    """An account so much larger than the others that it is hardly one: "unknown", "private"."""
    sizes = [] if account is None else account_sizes(database, account)
    if account is None or not sizes:
        return
    (name, people), *others = sizes
    in_others = sum(size for _, size in others)
    mean = in_others / len(others) if others else 0.0
    least = max(MANY_PEOPLE, ACCOUNT_SHARE * (people + in_others))
    if people >= least and people >= TIMES_OTHERS * mean:
        rest = f"the other {plural(len(others), 'account')} {mean:.1f} in the mean"
        yield Finding(
            "shared_account",
            account,
            f"column:{account_column(account)[0]}",
            f"{name!r} has {people:,} people, {rest if others else 'and there is no other'}",
            {"people": people, "accounts": len(sizes)},
        )
