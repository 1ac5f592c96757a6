"""Accounts: the leads of one customer, presented as one lead to whatever measures leads.

An account is named by a column of leads, or by the domain of the e-mail addresses in it, where no
free-mail domain (free_mail.py) is one. It is an attribute known at the lead's creation. A lead
without an account is an account of its own, "lead:<its id>".

The people of an account are its leads, but for those that objected or are excluded (own staff), and
those with two rows. What a person did counts for the account from when it was known, and from the
person's creation on: before that nobody could know whose colleague it was. Worked example: person B
of ACME is created 2026-03-02 10:00, with a visit of 2026-03-01 08:00 from a cookie. To the cutoff
2026-03-02 00:00 ACME has neither B nor the visit; to 2026-03-03 it has both.

Merged leads (merges.py): each event and deal counts once in an account. That of a lead that was
merged into one of another account counts for that account, too, from the merge on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from hashlib import sha256

from duckdb import DuckDBPyConnection

from features.contract.database import LeadDatabase
from features.contract.free_mail import FREE_MAIL
from features.contract.tables import Column, cast
from features.errors import BadInput
from features.spec.accounts import account_column
from features.sql import literal, quoted

OWN = "lead:"  # begins the account of a lead that has none

# Named {0}: the schema; {1}: the account of a row of leads, as text; null where it has none.
# {people}: which rows of leads with is_left_out, by objection or [exclude], are people.
_PEOPLE = """
CREATE SCHEMA {0};
CREATE TABLE {0}.first_merges AS
SELECT lead_id, min(merged_at) AS merged_at,
  arg_min(into_lead_id, (merged_at, into_lead_id)) AS into_lead_id FROM survivors GROUP BY lead_id;
CREATE TABLE {0}.people AS
SELECT * EXCLUDE (is_left_out) FROM (
  SELECT l.lead_id, l.created_at, coalesce(l.account, '{own}' || l.lead_id) AS account_id,
    m.merged_at,
    l.lead_id IN (SELECT lead_id FROM main.left_out WHERE kind <> 'fault') AS is_left_out
  FROM (
    SELECT lead_id, min(created_at) AS created_at, min({1}) AS account FROM main.leads
    WHERE lead_id IS NOT NULL AND created_at IS NOT NULL GROUP BY lead_id HAVING count(*) = 1
  ) l LEFT JOIN {0}.first_merges m ON m.lead_id = l.lead_id
) {people};
CREATE TABLE {0}.members AS
SELECT lead_id, account_id, min(since) AS since FROM (
  SELECT lead_id, account_id, created_at AS since FROM {0}.people
  UNION ALL
  SELECT s.lead_id, p.account_id, greatest(s.merged_at, p.created_at)
  FROM survivors s JOIN {0}.people p ON p.lead_id = s.into_lead_id
) GROUP BY lead_id, account_id;
CREATE VIEW {0}.known_events AS
SELECT m.account_id AS lead_id, e.occurred_at, e.action, e.source, e.content, e.value,
  e.recorded_at, greatest(e.known_at, m.since) AS known_at, e.lead_id AS person,
  f.merged_at, f.into_lead_id
FROM {events} e JOIN {0}.members m ON m.lead_id = e.lead_id
LEFT JOIN {0}.first_merges f ON f.lead_id = e.lead_id
"""
_AS_LEADS = """
CREATE VIEW {0}.leads AS
SELECT account_id AS lead_id, min(created_at) AS created_at FROM {0}.people GROUP BY account_id;
CREATE VIEW {0}.closings AS
SELECT m.account_id AS lead_id, greatest(c.closed_at, m.since) AS closed_at, c.outcome
FROM main.own_closings c JOIN {0}.members m ON m.lead_id = c.lead_id
"""


@contextmanager
def accounts_as_leads(database: LeadDatabase, account: str) -> Iterator[LeadDatabase]:
    """The same database with an account in the place of each lead, over a connection of its own:
    leads (lead_id, the account's id as text; created_at, of its first person), known_events and
    closings of all its people, and people (lead_id, account_id, created_at, merged_at).

    Raises BadInput where the leads do not have the column.
    """
    schema = _prepared(database, account)
    with over_schema(database, schema) as connection:
        yield replace(database, connection=connection)


@contextmanager
def over_schema(database: LeadDatabase, schema: str) -> Iterator[DuckDBPyConnection]:
    """A connection of its own to the database, whose tables of the schema hide those of leads."""
    with closing(database.connection.cursor()) as connection:
        connection.execute(f"SET TimeZone = 'UTC'; SET search_path = '{schema},main'")
        yield connection


def people_of(database: LeadDatabase, account: str) -> str:
    """The table (lead_id, account_id, created_at, merged_at) of the people of all accounts. Raises
    BadInput as accounts_as_leads."""
    return f"{_prepared(database, account)}.people"


def account_sizes(database: LeadDatabase, account: str) -> list[tuple[str, int]]:
    """The accounts that are named, each with how many people it has, the largest first. Raises
    BadInput as accounts_as_leads."""
    sizes: list[tuple[str, int]] = database.connection.execute(
        f"SELECT account_id, count(*) FROM {people_of(database, account)} "
        f"WHERE account_id NOT LIKE '{OWN}%' GROUP BY account_id ORDER BY count(*) DESC, account_id"
    ).fetchall()
    return sizes


def account_sql(account: str, types: dict[str, str]) -> str:
    """The account of a row of leads as text; null where it has none. `types` are the types of the
    columns of leads. Raises BadInput where the column is not there."""
    name, by_domain = account_column(account)
    if name not in types:
        raise BadInput(
            f"features.account = {account!r} needs the column {name} of leads, which is not "
            f"there. It has: {', '.join(types)}."
        )
    text = f"nullif(trim({cast(Column(name, 'LEAD_ID'), types, 'VARCHAR')}), '')"
    if not by_domain:
        return text
    domain = f"nullif(regexp_extract(lower({text}), '@([^@>\\s]+)>?$', 1), '')"
    free = ", ".join(map(literal, sorted(FREE_MAIL)))
    return f"CASE WHEN {domain} NOT IN ({free}) THEN {domain} END"


def _prepared(database: LeadDatabase, account: str) -> str:
    """The schema of the accounts, made on the first use."""
    schema = f"accounts_{sha256(account.encode()).hexdigest()[:16]}"
    if not database.value(f"SELECT count(*) FROM duckdb_schemas() WHERE schema_name = '{schema}'"):
        write_people(database, account, schema, "WHERE NOT is_left_out")
        database.connection.execute(_AS_LEADS.format(schema))
    return schema


def write_people(database: LeadDatabase, account: str, schema: str, people: str) -> str:
    """Create the schema with first_merges, people (those that the condition `people` leaves),
    members (lead_id, account_id, since: from when what a lead does counts for the account) and
    known_events; the SQL of a row's account. Raises BadInput as accounts_as_leads."""
    execute = database.connection.execute
    described = execute("DESCRIBE main.leads").fetchall()
    of_row = account_sql(account, {name: kind for name, kind, *_ in described})
    _refuse_reserved(database, account, of_row)
    # With merges known_events holds the absorbed lead's events for the survivor, too.
    merged = "(FROM main.known_events WHERE recorded_for = lead_id)"
    events = merged if "merges" in database.columns else "main.known_events"
    execute(_PEOPLE.format(schema, of_row, own=OWN, events=events, people=people))
    return of_row


def _refuse_reserved(database: LeadDatabase, account: str, of_row: str) -> None:
    """Accounts that read like those of leads without one would be taken for them."""
    sql = f"SELECT min(lead_id)::VARCHAR, count(*) FROM main.leads WHERE {of_row} LIKE '{OWN}%'"
    first, count = database.connection.execute(sql).fetchall()[0]
    if count:
        raise BadInput(
            f"{quoted(account)} of {count:,} leads (first {first}) begins with "
            f"{OWN!r}, which stands for leads without an account. Write these in another way."
        )
