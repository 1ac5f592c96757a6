"""`readiness feedback`: what sales said of the leads they were handed, and what became of them.

A contact belongs to the last list made before it: cutoffs 2026-03-02 and 2026-03-09, a contact on
2026-03-05 is one of the list of 03-02, one of 2026-03-09 00:00 sharp of the list of 03-09. Where a
cutoff was scored more than once, the list that was scored last is the one that sales saw. The lists
are taken as decided: with what people decided otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from features.config import Config
from features.database import LeadDatabase
from features.errors import BadInput
from models.funnel import wilson
from models.routing import ROUTES
from serve.ledger import open_ledger

EDGES = (0.0, 0.1, 0.25, 0.5, 0.75)  # of readiness; the last goes up to 1
FATES = ("in time", "late", "overdue", "due", "closed")
ENDS = ("won", "lost", "open")
_IN_ORDER = (*ROUTES, "hot", "warm", "cold")  # other groups by name

_SETUP = """
CREATE OR REPLACE TEMP TABLE lists AS
WITH runs AS (
  SELECT cutoff, model_version, rules_version FROM scores WHERE cutoff <= $end
  GROUP BY cutoff, model_version, rules_version
  QUALIFY row_number() OVER (PARTITION BY cutoff
    ORDER BY max(scored_at) DESC, model_version DESC, rules_version DESC) = 1
), following AS (SELECT *, lead(cutoff) OVER (ORDER BY cutoff) AS next_cutoff FROM runs)
SELECT d.*, f.next_cutoff
FROM decided d JOIN following f USING (cutoff, model_version, rules_version);
CREATE OR REPLACE TEMP TABLE met AS
SELECT c.lead_id::VARCHAR AS lead_id, contacted_at, "by", accepted, reason
FROM known_contacts c LEFT JOIN known_deals d ON d.lead_id = c.lead_id
WHERE contacted_at <= $end AND (d.closed_at IS NULL OR contacted_at <= d.closed_at)
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
LEFT JOIN known_deals d ON d.lead_id::VARCHAR = h.lead_id AND d.closed_at <= $end
GROUP BY ALL ORDER BY h.lead_id"""


@dataclass(frozen=True)
class Acceptance:
    """Of `judged` contacts of a group so many were accepted; the share with its 95 % Wilson
    interval [low, high]."""

    group: str
    judged: int
    accepted: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Speed:
    """How soon the leads of a basket were contacted, from the first list that they were on.

    fates: of FATES, how many. in time, late: contacted before or after their contact_by (in time
    where they had none); not contacted: overdue, still due, or closed before anybody called.
    median_hours, target_hours: medians until the first contact and of what was asked for.
    """

    basket: str
    leads: int
    fates: dict[str, int]
    median_hours: float | None
    target_hours: float | None


@dataclass(frozen=True)
class Feedback:
    """What sales said. by: acceptance, by how it is grouped; ends: what became of handed-over
    leads, by what was said of them first."""

    data_end: datetime
    lists: int
    contacts: int
    matched: int
    by: dict[str, list[Acceptance]]
    reasons: dict[str, int]
    speed: list[Speed]
    ends: dict[str, dict[str, int]]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """What `feedback --json` prints."""
        return {
            "data_end": self.data_end.isoformat(),
            "lists": self.lists,
            "contacts": self.contacts,
            "contacts_on_a_list": self.matched,
            "acceptance": {how: [vars(each) for each in groups] for how, groups in self.by.items()},
            "reasons_of_rejection": self.reasons,
            "speed": [vars(each) for each in self.speed],
            "became": self.ends,
            "notes": list(self.notes),
        }


def feedback(config: Config, database: LeadDatabase) -> Feedback:
    """Hold the contacts against the lists in the ledger.

    Raises BadInput without a table of contacts, or without a list before the data end.
    """
    path = config.out_folder / "ledger.duckdb"
    if "contacts" not in database.columns:
        raise BadInput(
            "tables.contacts is not named in readiness.toml: without knowing whom sales contacted "
            "(lead_id, contacted_at; by, accepted, reason) there is no feedback to report."
        )
    if not path.is_file():
        raise BadInput(f"There is no ledger {path}: run readiness score first.")
    with open_ledger(path) as ledger:
        return read_feedback(ledger.connection, database)


def read_feedback(ledger: duckdb.DuckDBPyConnection, database: LeadDatabase) -> Feedback:
    """The same over an open ledger."""
    end = database.data_end
    contacts = database.query(
        'SELECT lead_id::VARCHAR AS lead_id, contacted_at, "by", accepted, reason FROM contacts '
        "WHERE lead_id IS NOT NULL AND contacted_at IS NOT NULL"
    )
    ledger.register("known_contacts", contacts)
    deals = (
        "SELECT lead_id::VARCHAR AS lead_id, min(closed_at) AS closed_at, min(outcome) AS outcome"
    )
    ledger.register("known_deals", database.query(f"{deals} FROM deals GROUP BY ALL"))
    for statement in _SETUP.split(";"):
        ledger.execute(statement, {"end": end})
    lists = ledger.execute("SELECT count(DISTINCT cutoff) FROM lists").fetchone()
    if not lists or not lists[0]:
        raise BadInput(
            f"The ledger has no list before the data end ({end:%Y-%m-%d}). Make those of the past: "
            "readiness score --cutoff DAY, once for each."
        )
    contacted = ledger.execute(_CONTACTED).df()
    handed = ledger.execute(_HANDED, {"end": end}).df()
    on_list = contacted[contacted["decided_route"] == "sales"]
    return Feedback(
        data_end=end,
        lists=int(lists[0]),
        contacts=len(contacts),
        matched=len(on_list),
        by={"route": acceptance(contacted["decided_route"], contacted["accepted"])}
        | {how: acceptance(group, on_list["accepted"]) for how, group in _groups(on_list).items()},
        reasons=_reasons(on_list),
        speed=_speeds(handed, end),
        ends=_ends(handed),
        notes=tuple(_notes(contacts, on_list)),
    )


def acceptance(group: pd.Series[Any], accepted: pd.Series[Any]) -> list[Acceptance]:
    """The acceptance of each group, of the contacts with a verdict (accepted true or false)."""
    judged = accepted.notna()
    verdicts = accepted[judged].astype(bool).groupby(group[judged].astype(str))
    found = []
    for name, said in verdicts:
        share, low, high = wilson(int(said.sum()), len(said))
        found.append(Acceptance(str(name), len(said), int(said.sum()), share, low, high))
    return sorted(found, key=lambda each: (_place(each.group), each.group))


def _place(group: str) -> int:
    return _IN_ORDER.index(group) if group in _IN_ORDER else len(_IN_ORDER)


def _groups(contacted: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """How acceptance is looked at, and each contact's group in it."""
    ends = [*EDGES[1:], 1.0]
    names = [f"{100 * low:.0f}-{100 * high:.0f} %" for low, high in zip(EDGES, ends, strict=True)]
    place = np.searchsorted(EDGES, contacted["readiness"].to_numpy(np.float64), side="right") - 1
    unscored = contacted["readiness"].isna()
    band = pd.Series(np.array(names)[place], contacted.index).where(~unscored, "not scored")
    version = ", version " + contacted["model_version"].astype(str)
    by_people = contacted["decided_because"].notna()
    return {
        "readiness": band.astype(str) + version,
        "points": contacted["band"].astype(object).fillna("not scored"),
        "marked": contacted["marked"].astype(object).fillna("model and rules agree"),
        "source": contacted["source"].astype(object).fillna("no source"),
        "basket": contacted["basket"].astype(object).fillna("no basket"),
        "by": contacted["by"],
        "decided by": pd.Series(np.where(by_people, "people", "machine"), contacted.index),
    }


def _reasons(contacted: pd.DataFrame) -> dict[str, int]:
    """Why leads of the list were rejected, the most frequent reason first."""
    rejected = contacted.loc[contacted["accepted"].eq(False).fillna(False).astype(bool), "reason"]
    counts = rejected.astype(object).fillna("no reason given").value_counts()
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return {str(reason): int(count) for reason, count in ordered}


def _speeds(handed: pd.DataFrame, end: datetime) -> list[Speed]:
    """All leads together first, then each basket where there are several."""
    contacted = handed["contacted_at"].notna()
    past = handed["contacted_at"] > handed["contact_by"]
    over = (handed["contact_by"] < end) & ~contacted
    fate = np.select(
        [contacted & ~past, contacted, handed["closed_at"].notna(), over],
        ["in time", "late", "closed", "overdue"],
        "due",
    )
    told = pd.DataFrame(
        {
            "basket": handed["basket"].astype(str),
            "fate": fate,
            "hours": (handed["contacted_at"] - handed["cutoff"]).dt.total_seconds() / 3600,
            "target": (handed["contact_by"] - handed["cutoff"]).dt.total_seconds() / 3600,
        }
    )
    baskets = [(str(name), part) for name, part in told.groupby("basket")]
    parts = [("all", told), *(baskets if len(baskets) > 1 else [])]
    return [
        Speed(
            basket=name,
            leads=len(part),
            fates={fate: int((part["fate"] == fate).sum()) for fate in FATES},
            median_hours=_median(part["hours"]),
            target_hours=_median(part["target"]),
        )
        for name, part in parts
    ]


def _median(hours: pd.Series[float]) -> float | None:
    known = hours.dropna()
    return float(known.median()) if len(known) else None


def _ends(handed: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Won, lost and open of the handed-over leads, by the first verdict on them."""
    verdict = handed["accepted"].map({True: "accepted", False: "rejected"}).astype(object)
    silent = np.where(handed["contacted_at"].notna(), "no verdict", "not contacted")
    said = verdict.where(verdict.notna(), silent)
    became = handed["outcome"].astype(object).fillna("open")
    return {
        name: {end: int(((said == name) & (became == end)).sum()) for end in ENDS}
        for name in ("accepted", "rejected", "no verdict", "not contacted")
    }


def _notes(contacts: pd.DataFrame, on_list: pd.DataFrame) -> list[str]:
    if contacts["accepted"].isna().all():
        return ["contacts.accepted is empty: sales said of no lead whether it was worth the call."]
    if on_list["accepted"].isna().all():
        return ["No lead of a list has been judged yet: acceptance needs contacts after a list."]
    return []
