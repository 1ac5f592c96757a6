"""The cohort: which leads are open at which cutoffs; and the chunks that it is processed in.

At a cutoff, the cohort holds every lead that was created before it and whose deal was not closed
before it. Worked example: a lead created 2012-01-09 00:00:00 is not in the cohort of the cutoff
2012-01-09 00:00:00 (it was not created before it), but in that of 2012-01-16; if its deal closes at
exactly 2012-01-16 00:00:00 it is still in that cohort (and its label counts there), and in none
after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import uuid4

import pandas as pd

from features.contract.database import LeadDatabase


@dataclass(frozen=True)
class Snapshots:
    """A set of snapshots (lead, cutoff) of an open lead database.

    `relation` is SQL to follow FROM, a query in brackets or the name of a table, that yields
    lead_id and cutoff, each pair once. It is computed at each use: a cohort costs a join of leads
    and deals, far less than the features of its snapshots.
    """

    database: LeadDatabase
    relation: str

    @classmethod
    def at(cls, database: LeadDatabase, cutoffs: Sequence[datetime]) -> Snapshots:
        """The cohorts of one or more cutoffs.

        Leads in `lead_faults` (two rows, no creation time, ...) are in no cohort: their state at a
        cutoff cannot be known. Scoring lists them with their reason.
        """
        instants = ", ".join(f"(TIMESTAMP '{cutoff}')" for cutoff in cutoffs)
        return cls(
            database,
            f"""(
SELECT l.lead_id, c.cutoff
FROM leads l
JOIN (VALUES {instants}) AS c(cutoff) ON l.created_at < c.cutoff
LEFT JOIN deals d ON d.lead_id = l.lead_id
WHERE (d.closed_at IS NULL OR d.closed_at >= c.cutoff)
  AND l.lead_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM lead_faults f WHERE f.lead_id = l.lead_id))""",
        )

    @classmethod
    @contextmanager
    def of(cls, database: LeadDatabase, rows: pd.DataFrame) -> Iterator[Snapshots]:
        """The snapshots of a frame with the columns lead_id and cutoff, each pair once, open or
        not. They are in a temporary table until the block ends."""
        name, execute = f"snapshots_{uuid4().hex}", database.connection.execute
        database.connection.register("given", rows)
        try:
            execute(
                f"CREATE TEMP TABLE {name} AS "
                "SELECT lead_id, CAST(cutoff AS TIMESTAMP) AS cutoff FROM given"
            )
        finally:
            database.connection.unregister("given")
        try:
            yield cls(database, name)
        finally:
            execute(f"DROP TABLE {name}")

    def where(self, condition: str) -> Snapshots:
        """Those that meet an SQL condition on lead_id and cutoff."""
        return Snapshots(self.database, f"(FROM {self.relation} WHERE {condition})")

    @cached_property
    def count(self) -> int:
        """The number of snapshots."""
        return self.database.value(f"SELECT count(*) FROM {self.relation}")

    @property
    def frame(self) -> pd.DataFrame:
        """lead_id, cutoff, ordered by cutoff and lead."""
        return self.database.query(
            f"SELECT lead_id, cutoff FROM {self.relation} ORDER BY cutoff, lead_id"
        )


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
