"""The cohort: which leads are open at which cutoffs, as SQL; and the chunks it is worked on in.

At a cutoff, the cohort holds every lead that was created before it and whose deal was not closed
before it. Worked example: a lead created 2012-01-09 00:00:00 is not in the cohort of the cutoff
2012-01-09 00:00:00 (it was not created before it), but in that of 2012-01-16; if its deal closes on
2012-01-16 00:00:00 sharp it is still in that cohort (and its label is counted there), and in none
after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


def cohort_sql(cutoffs: Sequence[datetime]) -> str:
    """SELECT lead_id, cutoff: each open lead once per cutoff.

    Leads in `lead_faults` (two rows, no creation time, ...) are in no cohort: their state at a
    cutoff cannot be known. Scoring lists them with their reason.
    """
    instants = ", ".join(f"(TIMESTAMP '{cutoff}')" for cutoff in cutoffs)
    return f"""
SELECT l.lead_id, c.cutoff
FROM leads l
JOIN (VALUES {instants}) AS c(cutoff) ON l.created_at < c.cutoff
LEFT JOIN deals d ON d.lead_id = l.lead_id
WHERE (d.closed_at IS NULL OR d.closed_at >= c.cutoff)
  AND l.lead_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM lead_faults f WHERE f.lead_id = l.lead_id)"""


@dataclass(frozen=True)
class Chunk:
    """One of `count` parts of the leads, by hash of lead: 0 <= index < count."""

    index: int = 0
    count: int = 1

    def holds(self, lead_id: str) -> str:
        """The SQL condition that a lead is in this chunk."""
        return "true" if self.count == 1 else f"{self.part(lead_id)} = {self.index}"

    def part(self, lead_id: str) -> str:
        """The SQL number of the part that holds a lead."""
        return "0::USMALLINT" if self.count == 1 else f"(hash({lead_id}) % {self.count})::USMALLINT"
