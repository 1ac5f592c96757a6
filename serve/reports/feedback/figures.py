"""`readiness feedback`: what sales said of the leads they were handed, and what became of them.

Which contact belongs to which list: serve/reports/feedback/contacted.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.contract.database import LeadDatabase
from features.errors import BadInput
from features.spec.wording import percent
from models.routing import ROUTES
from models.statistics.intervals import wilson
from models.statistics.verdict import Verdict
from serve.ledger.ledger import Ledger
from serve.reports.feedback.contacted import read_contacts

EDGES = (0.0, 0.1, 0.25, 0.5, 0.75)  # of readiness; the last goes up to 1
FATES = ("in time", "late", "overdue", "due", "closed")
ENDS = ("won", "lost", "open")
_IN_ORDER = (*ROUTES, "hot", "warm", "cold")  # other groups by name


@dataclass(frozen=True)
class Acceptance:
    """Of `judged` contacts of a group so many were accepted; the share with its 95% Wilson
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
    """What sales said. acceptance: by how it is grouped; became: what became of handed-over leads,
    by what was said of them first. The names are those of `feedback --json`."""

    data_end: datetime
    lists: int
    contacts: int
    contacts_on_a_list: int
    acceptance: dict[str, list[Acceptance]]
    reasons_of_rejection: dict[str, int]
    speed: list[Speed]
    became: dict[str, dict[str, int]]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """What sales said of their list, against the other leads that they called."""
        routes = {each.group: each for each in self.acceptance["route"]}
        if "sales" not in routes:
            return Verdict("No verdict of sales yet", "no lead of a list was accepted or rejected.")
        listed = routes.pop("sales")
        interval = f"{percent(listed.low)} to {percent(listed.high)}"
        detail = f"{listed.accepted:,} of the {listed.judged:,} judged (95% interval {interval})"
        judged = sum(each.judged for each in routes.values())
        accepted = sum(each.accepted for each in routes.values())
        if judged:
            detail += f"; of {judged:,} contacts with other leads, {percent(accepted / judged)}"
        share = percent(listed.share)
        return Verdict(f"Sales accepted {share} of the leads they were handed", f"{detail}.")

    def json_fields(self) -> dict[str, Any]:
        """What `feedback --json` prints."""
        return {"sentence": self.verdict} | vars(self)


def feedback(ledger: Ledger, database: LeadDatabase) -> Feedback:
    """Hold the contacts against the lists in the ledger.

    Raises BadInput without a table of contacts, or without a list before the data end.
    """
    if "contacts" not in database.columns:
        raise BadInput(
            "tables.contacts is not named in readiness.toml: without knowing whom sales contacted "
            "(lead_id, contacted_at; by, accepted, reason) there is no feedback to report."
        )
    ledger.newest_cutoff()
    read = read_contacts(ledger, database)
    contacted, handed = read.contacted, read.handed
    on_list = contacted[contacted["decided_route"] == "sales"]
    return Feedback(
        data_end=database.data_end,
        lists=read.lists,
        contacts=len(read.contacts),
        contacts_on_a_list=len(on_list),
        acceptance={"route": acceptance(contacted["decided_route"], contacted["accepted"])}
        | {how: acceptance(group, on_list["accepted"]) for how, group in _groups(on_list).items()},
        reasons_of_rejection=_reasons(on_list),
        speed=_speeds(handed, database.data_end),
        became=_ends(handed),
        notes=tuple(_notes(read.contacts, on_list)),
    )


def acceptance(group: pd.Series[Any], accepted: pd.Series[Any]) -> list[Acceptance]:
    """The acceptance of each group, of the contacts with a verdict (accepted true or false)."""
    judged = accepted.notna()
    verdicts = accepted[judged].astype(bool).groupby(group[judged].astype(str))
    groups = []
    for name, given in verdicts:
        share, low, high = wilson(int(given.sum()), len(given))
        groups.append(Acceptance(str(name), len(given), int(given.sum()), share, low, high))
    return sorted(groups, key=lambda each: (_place(each.group), each.group))


def _place(group: str) -> int:
    return _IN_ORDER.index(group) if group in _IN_ORDER else len(_IN_ORDER)


def _groups(contacted: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """How acceptance is looked at, and each contact's group in it."""
    ends = [*EDGES[1:], 1.0]
    names = [f"{percent(low)} to {percent(high)}" for low, high in zip(EDGES, ends, strict=True)]
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
        "seller": contacted["by"],
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
    speeds = pd.DataFrame(
        {
            "basket": handed["basket"].astype(str),
            "fate": fate,
            "hours": (handed["contacted_at"] - handed["cutoff"]).dt.total_seconds() / 3600,
            "target": (handed["contact_by"] - handed["cutoff"]).dt.total_seconds() / 3600,
        }
    )
    baskets = [(str(name), part) for name, part in speeds.groupby("basket")]
    parts = [("all", speeds), *(baskets if len(baskets) > 1 else [])]
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
    first_verdict = verdict.where(verdict.notna(), silent)
    became = handed["outcome"].astype(object).fillna("open")
    return {
        name: {end: int(((first_verdict == name) & (became == end)).sum()) for end in ENDS}
        for name in ("accepted", "rejected", "no verdict", "not contacted")
    }


def _notes(contacts: pd.DataFrame, on_list: pd.DataFrame) -> list[str]:
    if contacts["accepted"].isna().all():
        return ["contacts.accepted is empty: sales said of no lead whether it was worth the call."]
    if on_list["accepted"].isna().all():
        return ["No lead of a list has been judged yet: acceptance needs contacts after a list."]
    return []
