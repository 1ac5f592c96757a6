"""Every way in which rows can breach the contract of a lead database, each as one query.

A breach is counted and shown with its first offenders, never silently repaired. A breach that makes
a lead unusable also puts it into the table `left_out`, so that scoring can name the lead and the
reason instead of losing it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb

from features.contract.cures import cure
from features.contract.tables import CONTRACT, cast, lead_id_type
from features.contract.text_values import fits, number
from features.errors import shortened
from features.sql import literal, quoted

SHOWN = 3
IN_FUTURE = "in the future"  # of such breaches, which the clock heals


@dataclass(frozen=True)
class Breach:
    """One kind of breach in a database: how many rows, the first offenders, and what to do."""

    table: str
    column: str
    what: str
    count: int
    first: tuple[str, ...]
    advice: str

    def __str__(self) -> str:
        return (
            f"{self.table}.{self.column}: rows that {self.what}: {self.count:,} "
            f"(first: {'; '.join(map(shortened, self.first))}). {self.advice}"
        )

    def json_fields(self) -> dict[str, Any]:
        """With the whole as `text`."""
        return vars(self) | {"text": str(self)}


@dataclass(frozen=True)
class Check:
    """A query for offending rows: `sql` yields lead_id and what was seen. Of values that do not
    read as their `type` the advice is made from the offenders. `where`: the condition on each row
    of the relation `rows` that is all there is to it, if so; then many are looked at in one scan.
    `among`: a relation without whose rows there are no offenders, if that costs less to know.
    """

    table: str
    column: str
    what: str
    sql: str
    advice: str = ""
    type: str = ""
    rows: str = ""
    where: str = ""
    among: str = ""

    @classmethod
    def by_row(
        cls,
        table: str,
        column: str,
        what: str,
        seen: str,
        rows: str,
        where: str,
        advice: str = "",
        of_type: str = "",
    ) -> "Check":
        """Of each row by itself; `seen` is SQL."""
        sql = f"SELECT lead_id, {seen} AS seen FROM {rows} WHERE {where}"
        return cls(table, column, what, sql, advice, of_type, rows, where)


_TWICE = (
    "SELECT lead_id, count(*) || ' rows' AS seen FROM {} WHERE lead_id IS NOT NULL "
    "GROUP BY lead_id HAVING count(*) > 1"
)

# A lead with one of these cannot be scored.
LEAD_CHECKS: tuple[Check, ...] = (
    Check(
        "leads", "lead_id", "share a lead_id with another row", _TWICE.format("leads"),
        "Keep one row per lead, the one known at its creation; a table that is joined to it needs "
        "one row per key.",
    ),
    Check(
        "leads", "created_at", "have no readable creation time",
        "SELECT lead_id, 'no created_at' AS seen FROM leads "
        "WHERE created_at IS NULL AND lead_id IS NOT NULL",
        "Fill it, for instance with the lead's first event; without it no cutoff can tell "
        "whether the lead existed.",
    ),
    Check(
        "deals", "closed_at", "closed before the lead was created",
        "SELECT d.lead_id, 'created ' || l.created_at || ', closed ' || d.closed_at AS seen "
        "FROM deals d JOIN leads l USING (lead_id) WHERE d.closed_at < l.created_at "
        "AND d.outcome IS DISTINCT FROM 'open'",
        "One of the two times is wrong: correct it, or leave the lead out.",
    ),
    Check(
        "deals", "closed_at", "have no readable closing time",
        "SELECT lead_id, 'outcome ' || outcome AS seen FROM deals "
        "WHERE closed_at IS NULL AND outcome <> 'open' AND lead_id IS NOT NULL",
        "A closed deal needs its time; in an open one leave the outcome empty, or write 'open'.",
    ),
    Check(
        "deals", "outcome", "have an outcome that is neither won, lost nor open",
        "SELECT lead_id, coalesce('outcome ' || outcome, 'no outcome, but closed ' || closed_at) "
        "AS seen FROM deals WHERE lead_id IS NOT NULL "
        "AND coalesce(outcome NOT IN ('won', 'lost', 'open'), closed_at IS NOT NULL)",
        "Write won, lost or open (in a query: CASE WHEN ... THEN 'won' WHEN ... THEN 'lost' ELSE "
        "'open' END).",
    ),
    Check(
        "merges", "lead_id", "merge a lead for the second time", _TWICE.format("merges"),
        "Keep the first merge of each lead: what it was merged into may be merged on.",
    ),
    Check(
        "merges", "into_lead_id", "merge leads in a circle",
        "SELECT lead_id, 'into itself' AS seen FROM merges WHERE into_lead_id = lead_id "
        "UNION ALL SELECT m.lead_id, 'into ' || m.into_lead_id AS seen FROM merges m "
        "JOIN survivors back ON back.lead_id = m.into_lead_id AND back.into_lead_id = m.lead_id",
        "One of them must survive: delete its row.",
    ),
)  # fmt: skip

_TIMES = (
    ("leads", "created_at"),
    ("events", "occurred_at"),
    ("events", "recorded_at"),
    ("deals", "closed_at"),
    ("deals", "recorded_at"),
    ("leads", "objected_at"),
    ("merges", "merged_at"),
)


_PLANNED = {"deals": " AND outcome IN ('won', 'lost')"}  # an open deal's closing may be planned


def _future_checks(end: datetime) -> list[Check]:
    return [
        Check.by_row(
            table,
            column,
            f"lie after {end:%Y-%m-%d %H:%M} UTC, {IN_FUTURE}",
            f"{column}::VARCHAR",
            table,
            f"{column} > TIMESTAMP {literal(str(end))}{_PLANNED.get(table, '')}",
            "Look at time zones and planned dates; a time must lie before the extract was made.",
        )
        for table, column in _TIMES
    ]


def _null_checks(columns: dict[str, dict[str, str]]) -> list[Check]:
    """Nulls in columns that allow none; not those that LEAD_CHECKS covers."""
    checked_above = {
        (check.table, check.column) for check in LEAD_CHECKS if not check.column.endswith("lead_id")
    }
    return [
        Check.by_row(
            table,
            column.name,
            "are null",
            "'NULL'",
            f"raw_{table}",
            f"{quoted(column.name)} IS NULL",
            "Fill it, or leave the row out.",
        )
        for table in columns
        for column in CONTRACT[table]
        if not column.nullable and (table, column.name) not in checked_above
    ]


def _type_checks(columns: dict[str, dict[str, str]]) -> list[Check]:
    """Values that do not read as the contract's type. Numbers: NaN and infinity count as null."""
    checks = []
    for table, types in columns.items():
        for column in CONTRACT[table]:
            if column.type in ("LEAD_ID", "VARCHAR") or column.name not in types:
                continue
            name, kind = quoted(column.name), types[column.name]
            read = cast(column, types, "")
            if column.type == "DOUBLE":
                is_text = kind == "VARCHAR" or kind.startswith("ENUM")
                read = number(f"{name}::VARCHAR") if is_text else f"TRY_CAST({name} AS DOUBLE)"
            checks.append(
                Check.by_row(
                    table,
                    column.name,
                    f"do not read as {column.type}",
                    f"{name}::VARCHAR",
                    f"raw_{table}",
                    f"{name} IS NOT NULL AND {read} IS NULL",
                    of_type=column.type,
                )
            )
    return checks


_EXACT = {"DOUBLE": 2**53, "FLOAT": 2**24}  # integers from here on share a floating-point number


def _id_checks(columns: dict[str, dict[str, str]]) -> list[Check]:
    """Lead ids that lost digits on their way, and ids that meet no lead because of how they are
    written."""
    checks = [check for table in columns for check in _lost_digits(table, columns)]
    if lead_id_type(columns) == "VARCHAR":
        checks += [
            _joins_but_for_writing(table) for table in columns if table not in ("leads", "merges")
        ]
    return checks


def _lost_digits(table: str, columns: dict[str, dict[str, str]]) -> list[Check]:
    kind = columns[table]["lead_id"]
    if kind in _EXACT:
        whole = "TRY_CAST(lead_id AS HUGEINT)"
        where = f"abs({whole}) >= {_EXACT[kind]}"
        advice = (
            f"{kind} holds integers below {_EXACT[kind]:,} exactly; beyond, different leads get "
            "one id. Export lead_id as text or as an integer."
        )
    elif kind == "VARCHAR":
        where = fits("-?[0-9](?:[.][0-9]+)?[eE][+][0-9]+", "lead_id")
        advice = (
            "A spreadsheet or a floating-point column writes 1.23457E+16 for an id of 17 digits, "
            "of which the last are lost. Export lead_id anew, as text."
        )
    else:
        return []
    if table == "events":  # each lead's id once
        where = f"lead_id IN (SELECT lead_id FROM event_leads WHERE {where})"
    sql = f"SELECT lead_id, 'the id as it arrived' AS seen FROM {table} WHERE {where}"
    return [Check(table, "lead_id", "have lost digits of their id", sql, advice)]


def _joins_but_for_writing(table: str) -> Check:
    """Rows without a lead that would have one, were blanks, capitals, .0 and the zeros that it
    begins with no difference."""
    same = "regexp_replace(lower(trim(lead_id)), '^0+([0-9])|[.]0+$', '\\1', 'g')"
    rows = among = f"{table} ANTI JOIN leads USING (lead_id)"
    if table == "events":
        among = "event_leads ANTI JOIN leads USING (lead_id)"
        rows = f"events SEMI JOIN (FROM {among}) USING (lead_id)"
    sql = f"""
SELECT r.lead_id, 'in leads ' || l.lead_id AS seen
FROM (SELECT *, {same} AS same FROM {rows}) r
JOIN (SELECT {same} AS same, min(lead_id) AS lead_id FROM leads GROUP BY ALL) l USING (same)"""
    return Check(
        table,
        "lead_id",
        "meet no lead, but would if blanks around it, capitals, .0 and the zeros that it begins "
        "with made no difference",
        sql,
        "Write lead_id alike in both tables, for example lower(trim(lead_id)) AS lead_id, or "
        "lpad(lead_id, 8, '0') where a spreadsheet took the zeros.",
        among=among,
    )


def _attribute_checks(connection: duckdb.DuckDBPyConnection) -> list[Check]:
    """Attributes that should be numbers and are none (`write_attribute_faults`)."""
    sql = "SELECT DISTINCT attribute FROM attribute_faults ORDER BY attribute"
    return [
        Check(
            "leads",
            name,
            "do not read as a number",
            f"SELECT lead_id, seen FROM attribute_faults WHERE attribute = {literal(name)}",
            type="DOUBLE",
        )
        for (name,) in connection.execute(sql).fetchall()
    ]


def find_breaches(
    connection: duckdb.DuckDBPyConnection, columns: dict[str, dict[str, str]], end: datetime
) -> list[Breach]:
    """Every breach of the contract in the staged tables, `in_order`; times after `end` count as
    future."""
    checks = [
        *_type_checks(columns),
        *_attribute_checks(connection),
        *_id_checks(columns),
        *_null_checks(columns),
        *(replace(check, among="left_out WHERE kind = 'fault'") for check in LEAD_CHECKS),
        *_future_checks(end),
    ]
    met = _met(connection, checks)
    return in_order(breach for check in met if (breach := _run(connection, check)) is not None)


def unread_times(
    connection: duckdb.DuckDBPyConnection, columns: dict[str, dict[str, str]]
) -> list[Breach]:
    """Of the breaches those of times that do not read, which only need the raw tables."""
    checks = [check for check in _type_checks(columns) if check.type == "TIMESTAMP"]
    return [each for check in _met(connection, checks) if (each := _run(connection, check))]


def in_order(breaches: Iterable[Breach]) -> list[Breach]:
    """By table and column as in the contract, attributes last: the same however the rows were
    looked at."""
    places = {(table, c.name): n for table in CONTRACT for n, c in enumerate(CONTRACT[table])}
    tables, last = list(CONTRACT), len(places)

    def place(each: Breach) -> tuple[int, int, str, str]:
        column = places.get((each.table, each.column), last)
        return tables.index(each.table), column, each.column, each.what

    return sorted(breaches, key=place)


def _met(connection: duckdb.DuckDBPyConnection, checks: Sequence[Check]) -> list[Check]:
    """Those that some row may breach: of the checks by row one scan of each relation tells."""
    checks = [
        check
        for check in checks
        if not check.among or connection.execute(f"FROM {check.among} LIMIT 1").fetchone()
    ]
    counts: dict[tuple[str, str], int] = {}
    for rows in dict.fromkeys(check.rows for check in checks if check.rows):
        conditions = [check.where for check in checks if check.rows == rows]
        terms = ", ".join(f"count(*) FILTER ({condition})" for condition in conditions)
        (numbers,) = connection.execute(f"SELECT {terms} FROM {rows}").fetchall()
        counts |= {(rows, each): n for each, n in zip(conditions, numbers, strict=True)}
    return [check for check in checks if counts.get((check.rows, check.where), 1)]


def _run(connection: duckdb.DuckDBPyConnection, check: Check) -> Breach | None:
    offender = "coalesce('lead ' || lead_id::VARCHAR || ': ', '') || seen"
    sql = f"SELECT count(*), min({offender}, {SHOWN}) FROM ({check.sql})"
    ((count, first),) = connection.execute(sql).fetchall()
    if count == 0:
        return None
    advice = check.advice
    if check.type:
        advice = cure(connection, check.table, check.column, check.type, check.sql)
    return Breach(check.table, check.column, check.what, count, tuple(first), advice)


def lead_checks(
    connection: duckdb.DuckDBPyConnection, columns: dict[str, dict[str, str]]
) -> list[Check]:
    """The checks whose leads cannot be scored."""
    return [*LEAD_CHECKS, *_attribute_checks(connection), *_lost_digits("leads", columns)]


def write_attribute_faults(
    connection: duckdb.DuckDBPyConnection, attributes: Iterable[str]
) -> None:
    """Create the table attribute_faults(attribute, lead_id, seen): the values of attributes,
    columns of texts, that do not read as the number that they should be."""
    connection.execute(
        "CREATE TABLE attribute_faults AS "
        "SELECT ''::VARCHAR AS attribute, lead_id, ''::VARCHAR AS seen FROM leads LIMIT 0"
    )
    for name in attributes:
        text = f"{quoted(name)}::VARCHAR"
        connection.execute(
            f"INSERT INTO attribute_faults SELECT {literal(name)}, lead_id, {text} FROM leads "
            f"WHERE {text} IS NOT NULL AND NOT coalesce(isfinite({number(text)}), false)"
        )
