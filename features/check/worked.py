"""Leads that sales never contacted: the data do not show how they would have done with a call.

A model learns from the wins, and leads that sales never contacted are seldom won, even good ones.
The report says how many there are and how many of them were won; `[routing] exploration` has sales
call some of them to find out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from features.cohort import cohort_at
from features.contract.database import LeadDatabase
from features.labels import worked_sql


@dataclass(frozen=True)
class Worked:
    """Leads, those of them that were never contacted by the data end (or their closing), how many
    of these were won by then, and how many of the contacted ones."""

    leads: int
    never: int
    never_won: int
    worked_won: int

    def __str__(self) -> str:
        contacted = self.leads - self.never
        return (
            f"Of {self.leads:,} leads sales never contacted {self.never:,} "
            f"({self.never / self.leads:.0%}). Of these {_share(self.never_won, self.never)} were "
            f"won, of the contacted leads {_share(self.worked_won, contacted)}."
        )


def worked(database: LeadDatabase, cutoffs: Sequence[datetime]) -> Worked | None:
    """The counts of the leads open at any of the cutoffs; None without contacts or leads."""
    if "contacts" not in database.columns or not cutoffs:
        return None
    sql = worked_sql(cohort_at(database, cutoffs), database.data_end)
    ((leads, never, never_won, worked_won),) = database.connection.execute(
        "SELECT count(*), count(*) FILTER (NOT worked), count(*) FILTER (NOT worked AND won), "
        f"count(*) FILTER (worked AND won) FROM ({sql})"
    ).fetchall()
    return Worked(leads, never, never_won, worked_won) if leads else None


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"
