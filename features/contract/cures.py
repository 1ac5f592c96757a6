"""What to write into a query so that values read which do not: the cure that a breach names. Of a
frame it is a line of Python that makes another frame by that query.

A form is named where all offenders have it; where several fit, all are named, for only the user
knows whether 03/04/2024 is in April.
"""

from itertools import product

import duckdb

from features.contract import text_values
from features.contract.text_values import fits
from features.sql import literal, quoted

DATES = (
    *("%d.%m.%Y", "%m.%d.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d"),
    *("%Y%m%d", "%Y.%m.%d", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%a, %d %b %Y"),
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %H:%M:%S,%f", " %I:%M %p", " %I:%M:%S %p")
TIME_FORMS = tuple(product(DATES, CLOCKS))


def has_form(written: str) -> str:
    """The condition that a text, `seen`, is a time in a form of strptime."""
    return f"coalesce(year(try_strptime(seen, {literal(written)})) >= 1000, false)"


# What reads a column, {0}, and the condition that a text, `seen`, is in that form.
_TIMES = {
    "trim({0})": f"{text_values.time('trim(seen)')} IS NOT NULL",
    "to_timestamp({0}::BIGINT)": fits(r"\d{10}", "seen"),
    "epoch_ms({0}::BIGINT)": fits(r"\d{13}", "seen"),
    "make_timestamp({0}::BIGINT)": fits(r"\d{16}", "seen"),
    "TIMESTAMP '1899-12-30' + to_microseconds(({0}::DOUBLE * 86400e6)::BIGINT)": fits(
        r"[34]\d{4}(?:\.\d+)?",
        "seen",  # the days of Excel
    ),
}
for _format in map("".join, TIME_FORMS):
    _as_text = "{0}::VARCHAR" if _format == "%Y%m%d" else "{0}"  # a file of them holds numbers
    _TIMES[f"strptime({_as_text}, {literal(_format)})"] = has_form(_format)
_DECIMAL_COMMA = "replace(replace({0}, '.', ''), ',', '.')"
_ONLY_WITH_COMMA = f"CASE WHEN {{0}} LIKE '%,%' THEN {_DECIMAL_COMMA} ELSE {{0}} END"
_MARK = r"[^\d.,()%]"  # of a currency, or a blank


def _marked(number: str) -> str:
    """The pattern of a number with a mark before it, after it, or both."""
    return f"{_MARK}+(?:{number}){_MARK}*|(?:{number}){_MARK}+"


_WITH_POINT = "regexp_replace({0}, '[^0-9.-]', '', 'g')"
_WITH_COMMA = "replace(regexp_replace({0}, '[^0-9,-]', '', 'g'), ',', '.')"
_NUMBERS = {
    "trim({0})": text_values.is_number("trim(seen)"),
    "replace({0}, ',', '')": fits(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", "seen"),
    _DECIMAL_COMMA: fits(r"[+-]?[\d.]+,\d+", "seen"),
    "rtrim({0}, ' %')": fits(r"[\d.]+ ?%", "seen"),
    "'-' || trim({0}, '()')": fits(r"\([\d.]+\)", "seen"),
    _WITH_POINT: fits(
        _marked(r"(?:\d{1,3}(?:[, ]\d{3})+|\d+)(?:\.\d+)?") + r"|\d{1,3}(?: \d{3})+(?:\.\d+)?",
        "seen",
    ),
    _WITH_COMMA: fits(_marked(r"(?:\d{1,3}(?:[. ]\d{3})+|\d+)(?:,\d+)?"), "seen"),
}
FRAME = "(frame)"  # the comment on a view raw_<table> that is a user's frame
_SOME = 200  # offenders rule forms out; those that are left are tried on all


def cure(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, kind: str, offenders: str
) -> str:
    """Advice on the values of a column that do not read as TIMESTAMP, DOUBLE or BOOLEAN;
    `offenders` is a query whose column `seen` has them as texts."""
    match kind:
        case "TIMESTAMP":
            forms, general = _TIMES, _general_time(connection, offenders)
        case "DOUBLE":
            forms, general = _NUMBERS, "Write plain numbers, such as 1095.5; empty for none."
        case _:
            forms, general = (
                {},
                "Write true or false (in a query: CASE WHEN ... THEN true ELSE false END).",
            )
    fitting = list(forms)
    for rows in (f"(FROM ({offenders}) LIMIT {_SOME})", f"({offenders})"):
        if fitting:
            tests = ", ".join(f"bool_and({forms[each]})" for each in fitting)
            (row,) = connection.execute(f"SELECT {tests} FROM {rows}").fetchall()
            fitting = [each for each, is_so in zip(fitting, row, strict=True) if is_so]
    if _WITH_COMMA in fitting and not _has_commas(connection, table, column, offenders):
        fitting.remove(_WITH_COMMA)
    if not fitting:
        is_frame = _noted(connection, table) == FRAME
        where = f"the frame {table}" if is_frame else f"the query of tables.{table}"
        return f"{general} Or convert them in {where}."
    if kind == "DOUBLE":
        fitting = [
            f"CAST({way} AS DOUBLE)"
            for each in fitting
            for way in (_of_commas(connection, table, column) if each == _DECIMAL_COMMA else [each])
        ]
    elif not _are_all(connection, table, column, offenders):
        # others read as they are, and stay
        fitting = [
            f"coalesce({each.replace('strptime', 'try_strptime')}::VARCHAR, {{0}})"
            for each in fitting
        ]
    name = column if column.isidentifier() else quoted(column)
    lines = [
        _line(connection, table, f"SELECT * REPLACE ({each.format(name)} AS {name})")
        for each in fitting[:4]
    ]
    which = "" if len(fitting) == 1 else "They read in several ways, and only you know which: "
    return which + " or ".join(lines) + "."


def _line(connection: duckdb.DuckDBPyConnection, table: str, select: str) -> str:
    """The line of readiness.toml, or of Python, that gives the table by SELECT ..., without its
    FROM."""
    source = _noted(connection, table)
    if source == FRAME:
        return f'{table} = duckdb.sql("{select} FROM {table}").df()'
    return f'{table} = "{select} FROM {source or f"(what tables.{table} is now)"}"'


def _general_time(connection: duckdb.DuckDBPyConnection, offenders: str) -> str:
    local = r"\d{4}-\d{1,2}-\d{1,2}[T ][\d:.]+"
    letters = fits(rf"{local} ?[A-Z]{{2,5}}", "seen")
    region = fits(rf"{local} [A-Z][a-z][A-Za-z_/-]+", "seen")
    sql = f"SELECT bool_and({letters}), bool_and({region}) FROM ({offenders})"
    ((has_letters, has_region),) = connection.execute(sql).fetchall()
    if has_letters:
        return (
            "Letters such as AST mean several zones. Name the one that is meant by its offset, "
            "-04:00, or as Region/City, America/Halifax."
        )
    if has_region:
        return (
            "The region is unknown, or its clocks show that time twice or never (when summer time "
            "ends or begins). Export times in UTC, or with their offset."
        )
    return (
        "Write times as 2026-01-31 14:05:00, with an offset such as +02:00 where they are not UTC."
    )


def _of_commas(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> list[str]:
    """The ways to read a column with decimal commas, 1,5. A point in its other values groups
    thousands as well, or is a decimal point: 1.200 may be either, 1200.50 is not grouped."""
    text = f"{quoted(column)}::VARCHAR"
    grouped = fits(r"[+-]?\d{1,3}(?:[.]\d{3})+", text)
    ((with_point, is_grouped),) = connection.execute(
        f"SELECT count(*), bool_and({grouped}) FROM raw_{table} "
        f"WHERE {text} LIKE '%.%' AND {text} NOT LIKE '%,%'"
    ).fetchall()
    if not with_point:
        return [_DECIMAL_COMMA]
    return [_DECIMAL_COMMA, _ONLY_WITH_COMMA] if is_grouped else [_ONLY_WITH_COMMA]


def _has_commas(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, offenders: str
) -> bool:
    """Whether numbers with a mark may have decimal commas: some of the offenders has a point or a
    comma, and no plain number of the column has a point."""
    has_separator = f"SELECT bool_or(regexp_matches(seen, '[.,]')) FROM ({offenders})"
    values = f"SELECT {quoted(column)}::VARCHAR AS seen FROM raw_{table}"
    is_plain = f"{text_values.is_number('seen')} AND seen LIKE '%.%'"
    sql = f"SELECT ({has_separator}), coalesce(bool_or({is_plain}), false) FROM ({values})"
    ((has_some, plain_point),) = connection.execute(sql).fetchall()
    return bool(has_some and not plain_point)


def _are_all(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, offenders: str
) -> bool:
    """Whether no other value stands in the column."""
    sql = f"SELECT (SELECT count({quoted(column)}) FROM raw_{table}) = count(*) FROM ({offenders})"
    return bool(connection.execute(sql).fetchall()[0][0])


def _noted(connection: duckdb.DuckDBPyConnection, table: str) -> str | None:
    """What the table is read from: FRAME, else as `open_sources` noted it, if it did."""
    sql = f"SELECT comment FROM duckdb_views() WHERE view_name = 'raw_{table}' "
    sql += "ORDER BY schema_name = current_schema() DESC"
    rows = connection.execute(sql).fetchall()
    return rows[0][0] if rows else None
