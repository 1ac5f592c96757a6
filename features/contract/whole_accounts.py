"""A lead database of accounts: what a question with unit = "account" is trained on and scored by.

An account stands in the place of each lead in every table, so that cohort, label, features, points
and pages need not know. Its people and what counts for it from when on: accounts.py.

- Its row of leads is that of its first person, by creation, then by id: attributes, source, title
  and time of creation are known when the account is. A person who comes later never changes them.
- **Open at a cutoff**: any of its people is open there (open_periods.py), and no deal of the
  account was won before; where `[outcomes] after_won` is "open_again", the account is open again
  from the next event, or the next deal's opening, of any of its people.
- **Closed**: won by any of its people; lost where nobody is left who is open.

Worked example, after_lost and after_won "closed": A of ACME is created 2026-01-05, B 2026-02-10. A
is lost on 2026-02-20, B won on 2026-04-08. ACME is open in (2026-01-05, 2026-04-08], with the
attributes of A. Its label at the cutoff 2026-03-16 with a horizon of 30 days is 1. Were A lost on
2026-02-01, it would be open in (2026-01-05, 2026-02-01] and (2026-02-10, 2026-04-08].

An account is left out where a person of it has a fault, for its state cannot be known; and where
all of its people objected or are excluded. Who objected beside others is none of its people. A lead
in rows that name different accounts is of none of them, and left out as an account of its own: so
all that decides about an account is among the leads of one (features/spark).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from features.config import Outcomes
from features.contract.accounts import OWN, over_schema, write_people
from features.contract.database import LeadDatabase
from features.contract.open_periods import LATER_PERIODS

SCHEMA = "whole_accounts"
# Of an account that is left out as a whole the people stay, so that it is listed while it is open.
_PEOPLE = "QUALIFY NOT is_left_out OR bool_and(is_left_out) OVER (PARTITION BY account_id)"
# {1}: the account of a row of leads, as text; null where it has none.
_TABLES = """
CREATE TABLE {0}.left_out AS
SELECT account_id AS lead_id, arg_min(reason, (place, lead)) AS reason,
  arg_min(kind, (place, lead)) AS kind
FROM (
  SELECT f.kind, f.lead_id::VARCHAR AS lead, (f.kind <> 'fault')::INT AS place,
    CASE f.kind WHEN 'fault' THEN 'lead ' || f.lead_id || ': ' || f.reason
      ELSE 'all its people objected or are excluded' END AS reason,  -- no value of a person
    coalesce(l.account, '{own}' || f.lead_id) AS account_id
  FROM main.left_out f LEFT JOIN (
    SELECT lead_id, min({1}) AS account FROM main.leads
    GROUP BY lead_id HAVING count(DISTINCT coalesce({1}, '')) = 1
  ) l ON l.lead_id = f.lead_id
)
GROUP BY account_id HAVING bool_or(place = 0) OR account_id NOT IN (
  SELECT p.account_id FROM {0}.people p WHERE p.lead_id NOT IN (SELECT lead_id FROM main.left_out)
);
CREATE TABLE {0}.leads AS
SELECT l.* REPLACE (f.account_id AS lead_id) FROM (
  SELECT account_id, arg_min(lead_id, (created_at, lead_id)) AS lead_id
  FROM {0}.people GROUP BY account_id
) f JOIN main.leads l ON l.lead_id = f.lead_id
UNION ALL BY NAME
SELECT lead_id FROM {0}.left_out WHERE lead_id NOT IN (SELECT account_id FROM {0}.people);
CREATE VIEW {0}.events AS
SELECT e.* REPLACE (m.account_id AS lead_id)
FROM main.events e JOIN {0}.members m ON m.lead_id = e.lead_id;
CREATE TABLE {0}.deals AS
SELECT d.* REPLACE (m.account_id AS lead_id,
  CASE WHEN d.closed_at IS NOT NULL THEN greatest(d.closed_at, m.since) END AS closed_at,
  CASE WHEN d.opened_at IS NOT NULL THEN greatest(d.opened_at, m.since) END AS opened_at)
FROM main.deals d JOIN {0}.members m ON m.lead_id = d.lead_id;
CREATE VIEW {0}.own_closings AS
SELECT lead_id, closed_at, outcome FROM {0}.deals
WHERE closed_at IS NOT NULL AND outcome IN ('won', 'lost');
CREATE TABLE {0}.open_people AS
SELECT p.account_id AS lead_id, p.lead_id AS person, o.opens_at,
  coalesce(o.closes_at, TIMESTAMP 'infinity') AS closes_at
FROM {0}.people p JOIN main.open_periods o ON o.lead_id = p.lead_id;
CREATE TABLE {0}.wins AS
SELECT lead_id, closed_at, outcome FROM {0}.own_closings WHERE outcome = 'won'
UNION ALL  -- of an account that merges left without people: it goes on as its survivors
SELECT DISTINCT p.account_id, d.closed_at, d.outcome
FROM main.own_closings d JOIN survivors s ON s.into_lead_id = d.lead_id
JOIN {0}.people p ON p.lead_id = s.lead_id
JOIN (
  SELECT account_id, max(merged_at) AS merged_at FROM {0}.people
  GROUP BY account_id HAVING count(*) = count(merged_at)
) e ON e.account_id = p.account_id
WHERE d.outcome = 'won' AND d.closed_at >= e.merged_at
"""
# Touching periods of people are one of the account: (a, b] and (b, c] are (a, c].
_PERIODS = """
CREATE TABLE {0}.open_periods AS
WITH begun AS (
  SELECT *, opens_at > max(closes_at) OVER (PARTITION BY lead_id ORDER BY opens_at, closes_at
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS begins
  FROM open_people
), numbered AS (
  SELECT *, count(*) FILTER (begins) OVER (PARTITION BY lead_id ORDER BY opens_at, closes_at
    ROWS UNBOUNDED PRECEDING) AS number FROM begun
), someone AS (
  SELECT lead_id, min(opens_at) AS opens_at, max(closes_at) AS closes_at
  FROM numbered GROUP BY lead_id, number
), not_won AS (
  SELECT lead_id, TIMESTAMP '-infinity' AS opens_at, min(w.closed_at) AS closes_at
  FROM (SELECT DISTINCT lead_id FROM open_people) LEFT JOIN wins w USING (lead_id) GROUP BY lead_id
  {later}
), both_hold AS (
  SELECT s.lead_id, greatest(s.opens_at, n.opens_at) AS opens_at,
    least(s.closes_at, n.closes_at) AS closes_at
  FROM someone s JOIN not_won n ON n.lead_id = s.lead_id
)
SELECT lead_id, opens_at, nullif(closes_at, TIMESTAMP 'infinity') AS closes_at
FROM both_hold WHERE opens_at < closes_at;
CREATE TABLE {0}.closings AS
FROM wins UNION ALL
SELECT p.lead_id, p.closes_at, CASE WHEN EXISTS (
    FROM own_closings c WHERE c.lead_id = p.lead_id AND c.closed_at = p.closes_at
  ) THEN 'lost' ELSE 'merged' END
FROM {0}.open_periods p ANTI JOIN wins w ON w.lead_id = p.lead_id AND w.closed_at = p.closes_at
WHERE p.closes_at IS NOT NULL
"""


@contextmanager
def of_unit(
    database: LeadDatabase, account: str | None, outcomes: Outcomes
) -> Iterator[LeadDatabase]:
    """The database as the unit of the question has it: as it is (None), or of the accounts that
    `account` names (Config.account), over a connection of its own: every table that leads have,
    lead_id being the account's id as text; and people, members, open_people. Raises BadInput where
    the leads do not have the column."""
    if account is None:
        yield database
        return
    of_row = write_people(database, account, SCHEMA, _PEOPLE)
    with over_schema(database, SCHEMA) as connection:
        connection.execute(_TABLES.format(SCHEMA, of_row, own=OWN))
        again = outcomes.after_won == "open_again"
        later = LATER_PERIODS.format(open_again="'won'", closings="wins")
        connection.execute(_PERIODS.format(SCHEMA, later=f"UNION ALL ({later})" if again else ""))
        for table in ("contacts", "stages"):
            if table in database.columns:
                connection.execute(
                    f"CREATE VIEW {SCHEMA}.{table} AS SELECT t.* REPLACE (p.account_id AS lead_id) "
                    f"FROM main.{table} t JOIN {SCHEMA}.people p ON p.lead_id = t.lead_id"
                )
        yield replace(database, connection=connection, leads_of_accounts=database)
