"""Times, numbers and flags that arrive as text: read only where they cannot be read two ways.

Every function takes the SQL of a text and gives the SQL of its value, NULL where it does not read.

A time is ISO 8601 or YYYY/MM/DD, with seconds or without, and no zone (UTC), `Z`, `UTC`, an offset
or Region/City. Not 03/04/2024 (April or March), 15/05/20 (the year 20), 20240510 (or a number), nor
`AST`, `CST`, `IST`: letters that several zones share. A local time of Region/City that the clocks
there show twice, or never, does not read either: 2026-10-25 02:30 Europe/Berlin was at 00:30 UTC
and at 01:30 UTC.

A number is plain: 1095, -1.5, 1e3. Not 1,095 (a thousand to some, one to others), 12 %, EUR 5, (5).
A flag is true, false, t, f, 1 or 0; yes, ja and on are words of some language.
"""

from features.sql import literal

_DATE = r"[1-9]\d{3}(?:-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2})"
_CLOCK = r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?"
_OFFSET = r"Z|UTC|GMT|[+-][01]\d(?::?[0-5]\d)?"
_REGION = r"[A-Z][A-Za-z_]*(?:/[A-Z][A-Za-z_-]*){1,2}"
_LOCAL = f"{_DATE}(?:{_CLOCK})?"
_INSTANT = f"({_DATE}{_CLOCK}) ?({_OFFSET})"
_IN_REGION = f"({_DATE}{_CLOCK}) ({_REGION})"
PLAIN_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_NO_NUMBER = r"(?i)[+-]?(?:nan|inf|infinity)"

# No leading zero (007 is a code), and at most 18 digits before the point (more are an identifier).
_WHOLE = r"-?(?:0|[1-9]\d{0,17})"

PATTERNS = {  # as other engines, too, read regular expressions
    "BIGINT": _WHOLE,
    "DOUBLE": rf"{_WHOLE}(?:\.\d+)?(?:[eE][+-]?\d+)?",
    "BOOLEAN": "(?i)true|false",
}
# What a column of texts may become: the first of these that all its values read as.
COLUMN_TYPES = (*PATTERNS, "DATE", "TIMESTAMP")

# What people write for no value, and numbers in another form than the plain one.
_EMPTY_WORDS = r"(?i)|-+|\?|n/?a|n\.a\.|nan|null|none|nil|unknown|k\. ?a\.|#n/a"
_GROUPED = r"\d{1,3}(?:[,.' \x{A0}\x{202F}]\d{3})+(?:[.,]\d+)?|\d+,\d+|\d+(?:\.\d+)?"
_MARK = r"(?:[$€£¥%]|[A-Z]{3})"
_DECORATED = rf"{_MARK}? ?\(?[+-]?{_MARK}? ?(?:{_GROUPED})\)? ?-?{_MARK}?"


def fits(pattern: str, text: str) -> str:
    """The condition that the whole of a text fits a pattern."""
    return f"regexp_full_match({text}, {literal(pattern)})"


def time(text: str) -> str:
    """The TIMESTAMP, in UTC.

    >>> import duckdb
    >>> _ = duckdb.execute("SET TimeZone = 'UTC'")
    >>> for text in ("2026-01-04T01:30:00+02:00", "2026-07-01 12:00 Europe/Berlin", "15/05/20"):
    ...     print(duckdb.sql(f"SELECT {time('x')} FROM (VALUES ('{text}')) t(x)").fetchall()[0][0])
    2026-01-03 23:30:00
    2026-07-01 10:00:00
    None
    """
    return f"""CASE
  WHEN {fits(_LOCAL, text)} THEN TRY_CAST({text} AS TIMESTAMP)
  WHEN {fits(_INSTANT, text)} THEN {_instant(text)}
  WHEN {fits(_IN_REGION, text)} THEN {_in_region(text)} END"""


def _instant(text: str) -> str:
    """DuckDB reads offsets only after seconds: the time is written anew, with them."""
    wall, zone = (f"regexp_extract({text}, {literal(_INSTANT)}, {n})" for n in (1, 2))
    offset = f"CASE WHEN {zone} IN ('Z', 'UTC', 'GMT') THEN '+00' ELSE {zone} END"
    anew = f"TRY_CAST({wall} AS TIMESTAMP)::VARCHAR || {offset}"
    direct = f"TRY_CAST({text} AS TIMESTAMPTZ)"
    return f"TRY_CAST(coalesce({direct}, TRY_CAST({anew} AS TIMESTAMPTZ)) AS TIMESTAMP)"


def _in_region(text: str) -> str:
    """NULL for an unknown region, and for an hour that its clocks show twice or never: then an
    instant half an hour or an hour away shows the same, or this one shows another."""
    wall = f"TRY_CAST(regexp_extract({text}, {literal(_IN_REGION)}, 1) AS TIMESTAMP)"
    zone = f"regexp_extract({text}, {literal(_IN_REGION)}, 2)"
    instant = f"TRY_CAST({wall}::VARCHAR || ' ' || {zone} AS TIMESTAMPTZ)"
    others = " OR ".join(
        f"timezone({zone}, {instant} {sign} INTERVAL {minutes} MINUTE) = {wall}"
        for sign in "+-"
        for minutes in (30, 60)
    )
    return (
        f"CASE WHEN {instant} IS NULL THEN NULL WHEN timezone({zone}, {instant}) <> {wall} "
        f"OR {others} THEN NULL ELSE {instant}::TIMESTAMP END"
    )


def number(text: str) -> str:
    """The DOUBLE; NaN and infinity for their names, never for a number that no DOUBLE holds."""
    double = f"TRY_CAST({text} AS DOUBLE)"
    return f"""CASE
  WHEN {is_number(text)} AND isfinite({double}) OR {fits(_NO_NUMBER, text)} THEN {double} END"""


def flag(text: str) -> str:
    """The BOOLEAN."""
    return f"CASE WHEN {fits('(?i)true|false|t|f|1|0', text)} THEN TRY_CAST({text} AS BOOLEAN) END"


def is_number(text: str) -> str:
    """The condition that a text is a plain number."""
    return fits(PLAIN_NUMBER, text)


def is_number_column(text: str) -> str:
    """The condition, an aggregate, that a column of texts holds numbers, some in another form than
    the plain one or replaced by a word for no value (n/a). Not where some begin with 0: codes."""
    plain, other = is_number(text), fits(_DECORATED, text)
    return (
        f"bool_and({plain} OR {other} OR {fits(_EMPTY_WORDS, text)}) AND bool_or({plain} OR "
        f"{other}) AND NOT bool_and({plain}) AND NOT bool_or({fits('0[0-9]+', text)})"
    )


def read_as(kind: str, text: str) -> str:
    """The value as one of COLUMN_TYPES."""
    return time(text) if kind == "TIMESTAMP" else f"CAST({text} AS {kind})"


def reads_as(kind: str, text: str) -> str:
    """The condition that a text reads as one of COLUMN_TYPES, which its column may become."""
    if kind == "TIMESTAMP":
        return f"{time(text)} IS NOT NULL"
    if kind == "DATE":
        return f"{fits(_DATE, text)} AND TRY_CAST({text} AS DATE) IS NOT NULL"
    return fits(PATTERNS[kind], text)
