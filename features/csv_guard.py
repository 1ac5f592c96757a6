"""CSV that people open in a spreadsheet: no text of the data begins a formula there.

A text cell that begins with = + - @, tab, CR or LF, after any apostrophes, gets an apostrophe in
front, as OWASP advises (CSV injection). Numbers stay numbers. Undone by taking one apostrophe off
the cells that match `'+[=+\\-@\\t\\r\\n]`; nothing else is changed, so that nothing is lost.
"""

from collections.abc import Mapping

from features.sql import literal, quoted

BEGINS_A_FORMULA = "(?s)'*[=+\\-@\\t\\r\\n].*"


def guarded(columns: Mapping[str, str]) -> str:
    """The list of a SELECT, in DuckDB's SQL, that guards the text among the columns, which have
    these types.

    >>> guarded({"points": "DOUBLE"})
    '"points"'
    """
    return ", ".join(
        _guarded(quoted(name)) if kind.startswith(("VARCHAR", "ENUM")) else quoted(name)
        for name, kind in columns.items()
    )


def _guarded(column: str) -> str:
    formula = f"regexp_full_match({column}::VARCHAR, {literal(BEGINS_A_FORMULA)})"
    return f"CASE WHEN {formula} THEN '''' || {column} ELSE {column}::VARCHAR END AS {column}"
