"""What `readiness init` proposes where the tables of a folder have other names: a query for each
table that can be guessed from names, types and a sample of the rows, for people to complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.contract.databases import read_place
from features.contract.tables import CONTRACT
from features.errors import BadInput
from features.sql import literal, quoted
from features.starter.ask import asking
from features.starter.flat import (
    CLOSED,
    CREATED,
    Column,
    Outcome,
    columns_of,
    ends_in_id,
    outcomes,
    select,
)
from features.starter.guesses import DECIDING, LOSING, WINNING, begins_word
from features.starter.mapping import Ask, snake
from features.starter.relations import Relation, plain, relations

MOST_ROWS = 200_000  # of a file that are looked at
MOST_ACTIONS = 200  # different texts of a column of actions
LEAD_WORDS = "lead|case|customer|client|contact|person|prospect|visitor|user|account|applica"
DEAL_WORDS = "deal|clos|won|opportunit|order|sale|contract|purchas"
ACTION_WORDS = ("action|activit|event|concept", "type|name|step|status|what")
SOURCE_WORDS = "source|origin|channel|medium|campaign"
AMOUNT_WORDS = "amount|value|revenue|price|volume"
_NUMBERS = ("BIGINT", "DOUBLE", "INTEGER", "FLOAT", "DECIMAL", "HUGEINT")


@dataclass(frozen=True)
class _Table:
    """A file that may be one of the tables. times: the SQL of each column that holds times."""

    relation: Relation
    rows: int
    columns: Sequence[Column]
    times: Mapping[str, str]
    outcome: Outcome | None

    @property
    def ids(self) -> list[Column]:
        """The columns that may identify a lead, the likeliest first: named after people, then with
        the most values."""
        named = [
            column
            for column in self.columns
            if column.name not in self.times
            and not column.type.startswith(("DOUBLE", "FLOAT"))
            and (ends_in_id(column.name) or begins_word(LEAD_WORDS, column.name))
        ]
        return sorted(named, key=lambda c: (not begins_word(LEAD_WORDS, c.name), -c.values))

    @property
    def unique_id(self) -> Column | None:
        """An id with a different value in every row."""
        return next((c for c in self.ids if c.values == c.filled == self.rows), None)

    @property
    def repeated_id(self) -> Column | None:
        """An id that rows share: the file is a log of what leads did."""
        return next((c for c in self.ids if 1 < c.values < self.rows == c.filled), None)

    def time(self, pattern: str, without: str = "$^") -> str | None:
        """The first column of times with such a name."""
        names = (n for n in self.times if begins_word(pattern, n) and not begins_word(without, n))
        return next(names, None)

    def named(self, pattern: str, types: tuple[str, ...]) -> Column | None:
        """The first column with such a name and type that is neither an id nor a time."""
        free = (c for c in self.columns if c.name not in self.times and not ends_in_id(c.name))
        return next(
            (c for c in free if c.type.startswith(types) and begins_word(pattern, c.name)), None
        )

    @property
    def action(self) -> Column | None:
        """The column that says what was done."""
        free = [
            column
            for column in self.columns
            if column.type == "VARCHAR"
            and 1 < column.values <= MOST_ACTIONS
            and column.name not in self.times
            and column != self.repeated_id
        ]
        sure, perhaps = ([c for c in free if begins_word(p, c.name)] for p in ACTION_WORDS)
        # of a table with a row per lead, a type or status is no action
        return next(iter(sure if sure or self.unique_id else perhaps), None)

    @property
    def is_log(self) -> bool:
        """Whether each row is an event: leads, times and actions."""
        return bool(self.repeated_id and self.times and self.action)


def suggestions(folder: Path, missing: Sequence[str], database: str | None = None) -> list[str]:
    """Lines that propose how the missing tables can be made of the other files of a folder, and of
    the tables of its only database file, or of `database`; none where nothing is recognised. The
    tables of a server, which may be many and large, are not looked at."""
    try:
        if database is not None and read_place(database, folder).path is None:
            return []
        there = relations(folder, database)
        if len({each.file for each in there if each.in_database}) > 1:  # each would be called crm
            there = [each for each in there if not each.in_database]
        with asking(folder, there) as ask:
            tables = [table for each in there if (table := _read(ask, each))]
            lines = list(_proposed(ask, tables, missing))
    except (BadInput, duckdb.Error, OSError):
        return []  # an unreadable file: what is missing has been listed all the same
    return lines


def _read(ask: Ask, relation: Relation) -> _Table | None:
    """None for what cannot be read, and for files without rows."""
    sql = f"(FROM {relation.sql} LIMIT {MOST_ROWS})"
    columns = columns_of(ask, sql)
    rows = ask(f"SELECT count(*) FROM {sql}")
    if not columns or not rows or not rows[0][0]:
        return None
    times = {}
    for column in columns:
        name = quoted(column.name)
        if column.is_time:
            times[column.name] = name
        elif column.type == "VARCHAR" and column.filled:
            in_utc = f"CAST({name} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
            tried = f"SELECT count({name}) - count(TRY_CAST({name} AS TIMESTAMPTZ)) FROM {sql}"
            if ask(tried) == [(0,)]:
                times[column.name] = in_utc
    return _Table(
        relation,
        int(str(rows[0][0])),
        columns,
        times,
        next(iter(outcomes(ask, sql, columns)), None),
    )


def _proposed(ask: Ask, tables: Sequence[_Table], missing: Sequence[str]) -> Iterator[str]:
    free = [table for table in tables if table.relation.name.lower() not in CONTRACT]
    has_events = any(table.relation.name.lower() == "events" for table in tables)
    log = None if has_events else next((table for table in free if table.is_log), None)
    closing = [t for t in free if t is not log and (t.time(CLOSED) or t.outcome) and t.ids]
    deals = max(closing, default=None, key=_is_deals) if "deals" in missing else None
    people = [t for t in free if t not in (log, deals) and t.unique_id]
    leads = max(people, default=None, key=_is_leads) if "leads" in missing else None
    if "leads" in missing and deals and not leads and not log and deals.unique_id:
        if deals.outcome and not deals.relation.in_database:
            yield "It looks like one table with a row per lead and its outcome. Run:"
            yield f"  readiness init DIR --flat {deals.relation.file}"
        return
    queries: dict[str, str] = {}
    if leads and leads.unique_id:
        queries["leads"] = _leads(leads, leads.unique_id)
    if deals:
        others = [leads] if leads else [t for t in tables if t.relation.name.lower() == "leads"]
        queries["deals"] = _deals(deals, _shared_id(deals, others))
    if log:
        queries |= _from_log(ask, log, [t for t in missing if t not in queries])
    if queries:
        yield "From the names of your columns, queries to start with:"
    for table, query in queries.items():
        yield f"\n{table}.sql"
        yield query
    if queries:
        yield (
            "\nWrite each into a file of that name in your folder, replace every ... , look at the "
            "comments, and run init again. docs/own-data.md (Tables with other names) says how to "
            "go on."
        )


def _is_deals(table: _Table) -> tuple[bool, bool, bool]:
    name = table.relation.name
    return bool(begins_word(DEAL_WORDS, name)), table.outcome is not None, bool(table.time(CLOSED))


def _is_leads(table: _Table) -> tuple[bool, bool]:
    return bool(begins_word(LEAD_WORDS, table.relation.name)), bool(table.time(CREATED, CLOSED))


def _shared_id(table: _Table, others: Iterable[_Table]) -> str | None:
    """The id of a lead in a further table: named as in the table of leads, else after leads."""
    of_leads = {plain(other.unique_id.name) for other in others if other.unique_id}
    same = [c.name for c in table.ids if plain(c.name) in of_leads]
    named = [c.name for c in table.ids if begins_word(LEAD_WORDS, c.name)]
    return next(iter(same or named), None)


def _leads(table: _Table, lead_id: Column) -> str:
    created = table.time(CREATED, CLOSED) or (
        next(iter(table.times)) if len(table.times) == 1 else None
    )
    source = table.named(SOURCE_WORDS, ("VARCHAR",))
    columns = [_as(quoted(lead_id.name), "lead_id")]
    columns += _known(created and quoted(created), "created_at", "when was the lead created?")
    columns += [_as(quoted(source.name), "source")] if source else []
    used = {lead_id.name, created, source and source.name}
    rest = [quoted(c.name) for c in table.columns if c.name not in used and c.values > 1]
    if rest:
        columns.append(
            "  -- attributes, if known when the lead was created and not changed since: "
            + ", ".join(rest)
        )
    return select(columns, table.relation.sql)


def _deals(table: _Table, lead_id: str | None) -> str:
    closed, outcome = table.time(CLOSED), table.outcome
    amount = table.named(AMOUNT_WORDS, _NUMBERS)
    columns = _known(lead_id and quoted(lead_id), "lead_id", "which column is the id of the lead?")
    columns += _known(closed and quoted(closed), "closed_at", "when was the deal won or lost?")
    if outcome:
        columns.append(_as(outcome.sql, "outcome"))
        columns.append(
            f"  -- won: {', '.join(outcome.won)}; lost: {', '.join(outcome.lost) or 'none'}; open: "
            f"{', '.join(outcome.others) or 'none'}. Are these right?"
        )
    elif closed and begins_word("won|purchas|sold|bought|convert", closed):
        columns.append(_as("'won'", "outcome"))
        columns.append(f"  -- is every row with {quoted(closed)} a deal that was won?")
    else:
        columns += _known(None, "outcome", "'won' or 'lost': which column says it?")
    columns += [_as(quoted(amount.name), "amount")] if amount else []
    query = select(columns, table.relation.sql)
    # an open deal has no outcome
    return f"SELECT * FROM (\n{query}\n)\nWHERE outcome <> 'open'" if outcome else query


def _from_log(ask: Ask, log: _Table, missing: Sequence[str]) -> dict[str, str]:
    """The queries over a log: events, and of the missing tables leads by their first events and
    deals by the actions that decide."""
    if not log.repeated_id or not log.action:
        return {}
    sql, lead_id, action = (
        log.relation.sql,
        quoted(log.repeated_id.name),
        quoted(log.action.name),
    )
    moment = max(log.times, key=lambda name: next(c.values for c in log.columns if c.name == name))
    time = log.times[moment]
    rows = ask(
        f"SELECT {action}, count(DISTINCT {lead_id}) FROM {sql} WHERE {action} <> '' GROUP BY 1 "
        "ORDER BY 1"
    )
    of_leads = {str(each): int(str(count)) for each, count in rows}
    actions = list(of_leads)
    deciding = [each for each in actions if begins_word(DECIDING, each)]
    won = [each for each in actions if begins_word(WINNING, each)]
    lost = [each for each in actions if begins_word(LOSING, each) and each not in won]
    queries = {}
    if "leads" in missing:
        columns = [_as(lead_id, "lead_id"), _as(f"min({time})", "created_at")]
        columns += [
            f"  -- , any_value({quoted(name)}) AS {quoted(snake(name))}  -- an attribute, if known "
            "at the first event"
            for name in _of_the_lead(ask, log, lead_id)
        ]
        queries["leads"] = (
            f"-- a lead begins with its first event\n{select(columns, sql)}\nGROUP BY 1"
        )
    columns = [
        *(_as(lead_id, "lead_id"), _as(time, "occurred_at"), _as(action, "action")),
    ]
    left_out = f"\nWHERE {action} NOT IN ({_texts(deciding)})" if deciding else ""
    queries["events"] = (
        "-- all but the actions that decide, which are the outcome itself: EDIT the list\n"
        f"{select(columns, sql)}{left_out}"
    )
    if "deals" in missing:
        is_won, is_lost = (f"action IN ({_texts(each) if each else '...'})" for each in (won, lost))
        others = ", ".join(each for each in actions if each not in (*won, *lost))
        ((all_leads,),) = ask(f"SELECT count(DISTINCT {lead_id}) FROM {sql}")
        counts = ", ".join(f"{each} {of_leads[each]:,}" for each in (*won, *lost)) or "none"
        queries["deals"] = (
            "-- won at the first action that wins, else lost at the last that loses: EDIT both "
            f"lists, which are\n-- GUESSED from the names. How many leads have each: {counts}, of "
            f"{all_leads:,}.\n-- An action that most leads have decides none. The "
            f"others: {others}\n"
            f"WITH log AS (\n  SELECT {lead_id} AS lead_id, {time} AS moment, {action} AS action\n"
            f"  FROM {sql}\n), decided AS (\n  SELECT\n    lead_id,\n"
            f"    min(moment) FILTER ({is_won}) AS won_at,\n"
            f"    max(moment) FILTER ({is_lost}) AS lost_at\n  FROM log GROUP BY lead_id\n)\n"
            "SELECT\n  lead_id,\n  coalesce(won_at, lost_at) AS closed_at,\n"
            "  CASE WHEN won_at IS NOT NULL THEN 'won' ELSE 'lost' END AS outcome\n"
            "FROM decided WHERE won_at IS NOT NULL OR lost_at IS NOT NULL"
        )
    return queries


def _of_the_lead(ask: Ask, log: _Table, lead_id: str) -> list[str]:
    """The columns of a log that are the same in all rows of a lead."""
    sample = f"(FROM {log.relation.sql} LIMIT {MOST_ROWS})"
    names = [c.name for c in log.columns if quoted(c.name) != lead_id and c.values > 1]
    alike = ", ".join(f"max({quoted(n)}) IS NOT DISTINCT FROM min({quoted(n)})" for n in names)
    aliases = ", ".join(f"bool_and(alike.column{n})" for n in range(len(names)))
    listed = ", ".join(f"column{n}" for n in range(len(names)))
    rows = ask(
        f"SELECT {aliases} FROM (SELECT {alike} FROM {sample} GROUP BY {lead_id}) alike({listed})"
    )
    return [name for name, same in zip(names, rows[0], strict=True) if same] if rows else []


def _as(sql: str, name: str) -> str:
    return f"  {sql} AS {name}"


def _known(sql: str | None, name: str, question: str) -> list[str]:
    """A column; where it is not known, ... in its place and the question as a comment."""
    return [_as(sql, name)] if sql else [_as("...", name), f"  -- {name}: {question}"]


def _texts(values: Iterable[str]) -> str:
    return ", ".join(map(literal, values))
