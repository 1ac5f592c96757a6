"""Leads that sales never contacted: they tell what happens without a call, not with one.

A model learns from what was won, and what sales never touched is seldom won, whatever it was worth.
So the part of it in the cohort is said, and how it fared; `[routing] exploration` makes it known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from features.contract.database import LeadDatabase
from features.labels import worked_sql
from features.snapshots import Snapshots


@dataclass(frozen=True)
class Worked:
    """Leads of a cohort, those of them never contacted by the data end (or their closing), and how
    many of either were won by then."""

    leads: int
    never: int
    never_won: int
    worked_won: int

    def __str__(self) -> str:
        worked = self.leads - self.never
        told = f"Of {self.leads:,} leads sales never contacted {self.never:,}"
        told += f" ({self.never / self.leads:.0%}); {_share(self.never_won, self.never)} of these "
        return f"{told}were won, of the others {_share(self.worked_won, worked)}."


def worked(database: LeadDatabase, cutoffs: Sequence[datetime]) -> Worked | None:
    """Of the leads open at any of the cutoffs; None without contacts, or without leads."""
    if "contacts" not in database.columns or not cutoffs:
        return None
    sql = worked_sql(Snapshots.at(database, cutoffs), database.data_end)
    leads, never, never_won, worked_won = database.connection.execute(
        "SELECT count(*), count(*) FILTER (NOT worked), count(*) FILTER (NOT worked AND won), "
        f"count(*) FILTER (worked AND won) FROM ({sql})"
    ).fetchall()[0]
    return Worked(leads, never, never_won, worked_won) if leads else None


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
