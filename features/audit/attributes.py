"""Columns of leads that were filled in once the outcome was known, or only name the lead."""

from collections.abc import Iterator

from features.audit.finding import Finding
from features.audit.leads import only_when_closed
from features.contract.database import LeadDatabase
from features.sql import quoted

UNIQUE, FEWEST_VALUES = 0.9, 50  # different values per filled lead; leads it takes to say so
IN_ORDER = 0.95  # correlation of a number's order with that of creation
DENSE = 10  # a running number leaves at most so many out for each that it gives


def attribute_leaks(database: LeadDatabase) -> Iterator[Finding]:
    """What is wrong with the attributes that readiness.toml lists."""
    for name, is_text in database.attributes.items():
        column = f"attributes_.{quoted(name)}"
        rows = "audited JOIN leads AS attributes_ USING (lead_id, created_at)"
        seen = f"(SELECT audited.*, {column} IS NOT NULL AS filled_ FROM {rows})"
        yield from only_when_closed(database, "filled_after_close", name, "filled_", seen)
        yield from _identifier(database, name, is_text)


def _identifier(database: LeadDatabase, name: str, is_text: bool) -> Iterator[Finding]:
    """Texts that are nearly all different; numbers that also count up or go with the creation.

    An amount may well be another for each lead and is honest; a customer number is not.
    """
    column = quoted(name)
    ((filled, values, first),) = database.connection.execute(
        f"SELECT count({column}), count(DISTINCT {column}), min({column}::VARCHAR, 3) FROM leads"
    ).fetchall()
    if filled < FEWEST_VALUES or values < UNIQUE * filled:
        return
    if not is_text and not _counts_up(database, column, filled):
        return
    said = f"{values:,} different values among {filled:,} leads that have one"
    figures = {"leads": filled, "values": values}
    yield Finding("identifier", name, said, figures, tuple(first))


def _counts_up(database: LeadDatabase, column: str, filled: int) -> bool:
    ((whole, span, order),) = database.connection.execute(f"""
SELECT bool_and({column} = round({column})), (max({column}) - min({column}))::DOUBLE,
  corr(by_value, by_time)
FROM (SELECT {column}, rank() OVER (ORDER BY {column}) AS by_value,
  rank() OVER (ORDER BY created_at) AS by_time FROM leads WHERE {column} IS NOT NULL)""").fetchall()
    return bool(whole) and (span < DENSE * filled or abs(order or 0) >= IN_ORDER)
