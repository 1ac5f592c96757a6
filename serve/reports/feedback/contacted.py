"""Which contact of sales belongs to which list in the ledger.

A contact belongs to the last list made before it: cutoffs 2026-03-02 and 2026-03-09, a contact on
2026-03-05 is one of the list of 03-02, one of 2026-03-09 00:00 sharp of the list of 03-09. Where a
cutoff was scored more than once, the list that was scored last is the one that sales saw. The lists
are taken as decided: with what people decided otherwise. What came when the lead was closed is left
out, and so is what came after the data end.
"""

from dataclasses import dataclass

import pandas as pd

from features.contract.database import LeadDatabase
from features.errors import BadInput
from serve.ledger.ledger import Ledger

_SETUP = """
CREATE OR REPLACE TEMP TABLE met AS
SELECT c.lead_id::VARCHAR AS lead_id, contacted_at, "by", accepted, reason
FROM known_contacts c ASOF LEFT JOIN known_periods p
  ON p.lead_id = c.lead_id AND p.opens_at <= c.contacted_at
WHERE contacted_at <= $end AND (p.closes_at IS NULL OR contacted_at <= p.closes_at);
CREATE OR REPLACE TEMP TABLE lists AS
WITH seen AS (
  SELECT cutoff, model_version, rules_version FROM runs WHERE cutoff <= $end
  QUALIFY row_number() OVER (PARTITION BY cutoff
    ORDER BY scored_at DESC, model_version DESC, rules_version DESC) = 1
), following AS (SELECT *, lead(cutoff) OVER (ORDER BY cutoff) AS next_cutoff FROM seen)
SELECT d.lead_id, d.cutoff, d.readiness, d.band, d.marked, d.source, d.basket, d.contact_by,
  d.model_version, d.decided_route, d.decided_because, f.next_cutoff
FROM decided d JOIN following f USING (cutoff, model_version, rules_version)
WHERE d.decided_route = 'sales' OR d.lead_id IN (SELECT lead_id FROM met)
"""
# The first verdict on each lead of each list; without one, its first contact.
_CONTACTED = """
SELECT l.*, m.contacted_at, coalesce(m."by", 'unknown') AS "by", m.accepted, m.reason
FROM lists l JOIN met m ON m.lead_id = l.lead_id AND m.contacted_at >= l.cutoff
  AND (l.next_cutoff IS NULL OR m.contacted_at < l.next_cutoff)
QUALIFY row_number() OVER (
  PARTITION BY l.lead_id, l.cutoff ORDER BY m.accepted IS NULL, m.contacted_at, m."by") = 1
ORDER BY l.cutoff, l.lead_id"""
# Each lead that was ever on the list, from the first time that it was.
_HANDED = """
WITH handed AS (
  SELECT lead_id, cutoff, contact_by, coalesce(basket, 'no basket') AS basket FROM lists
  WHERE decided_route = 'sales'
  QUALIFY row_number() OVER (PARTITION BY lead_id ORDER BY cutoff) = 1
)
SELECT h.*, min(m.contacted_at) AS contacted_at,
  arg_min(m.accepted, m.contacted_at) FILTER (m.accepted IS NOT NULL) AS accepted,
  any_value(d.closed_at) AS closed_at, any_value(d.outcome) AS outcome
FROM handed h
LEFT JOIN met m ON m.lead_id = h.lead_id AND m.contacted_at >= h.cutoff
ASOF LEFT JOIN (FROM known_deals WHERE closed_at <= $end) d
  ON d.lead_id = h.lead_id AND d.closed_at >= h.cutoff
GROUP BY ALL ORDER BY h.lead_id"""
_READ_CONTACTS = """
SELECT lead_id::VARCHAR AS lead_id, contacted_at, "by", accepted, reason FROM contacts
WHERE lead_id IS NOT NULL AND contacted_at IS NOT NULL"""
_READ_DEALS = """
SELECT lead_id::VARCHAR AS lead_id, closed_at, max(outcome) AS outcome FROM closings
WHERE outcome IN ('won', 'lost') GROUP BY ALL"""
_READ_PERIODS = "SELECT lead_id::VARCHAR AS lead_id, opens_at, closes_at FROM open_periods"


@dataclass(frozen=True)
class Contacts:
    """contacts: the table. contacted: each lead of each list that was contacted before the next
    list, its row of the ledger with contacted_at, by, accepted and reason. handed: each lead that
    was ever on a list for sales, from the first, with its first contact, verdict and deal."""

    lists: int
    contacts: pd.DataFrame
    contacted: pd.DataFrame
    handed: pd.DataFrame


def read_contacts(ledger: Ledger, database: LeadDatabase) -> Contacts:
    """Join the contacts and deals of a database to an open ledger's lists. Raises BadInput without
    a list up to the data end."""
    end = database.data_end
    contacts = database.query(_READ_CONTACTS)
    lists = len({each.cutoff for each in ledger.runs if each.cutoff <= end})
    if not lists:
        raise BadInput(
            f"The ledger has no list before the data end ({end:%Y-%m-%d}). Make those of the past: "
            "readiness score --cutoff DAY, once for each."
        )
    ledger.connection.register("known_contacts", contacts)
    ledger.connection.register("known_deals", database.query(_READ_DEALS))
    ledger.connection.register("known_periods", database.query(_READ_PERIODS))
    for statement in _SETUP.split(";"):
        ledger.fetched(statement, {"end": end})
    contacted = ledger.query(_CONTACTED)
    handed = ledger.query(_HANDED, {"end": end})
    return Contacts(lists, contacts, contacted, handed)
