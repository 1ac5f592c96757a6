"""Which leads are open at which cutoffs; and the chunks that they are processed in.

At a cutoff, a lead is open that was created before it and whose deal was not closed before it, or
that came back since (features/contract/open_periods.py). Worked example: a lead created 2012-01-09
00:00:00 is not open at the cutoff 2012-01-09 00:00:00 (it was not created before it), but at
2012-01-16; if its deal closes at exactly 2012-01-16 00:00:00 it is still open there (and its label
counts), and at no cutoff after.
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
    lead_id and cutoff, each pair once. It is computed at each use: that costs far less than the
    features of its snapshots.
    """

    database: LeadDatabase
    relation: str

    @classmethod
    def open_at(cls, database: LeadDatabase, cutoffs: Sequence[datetime]) -> Snapshots:
        """The leads that are open at one or more cutoffs, but for those in `left_out`. What is
        trained on, judged and scored is `features.cohort.cohort_at`, which may be fewer."""
        instants = ", ".join(f"(TIMESTAMP '{cutoff}')" for cutoff in cutoffs)
        return cls(
            database,
            f"""(
SELECT p.lead_id, c.cutoff
FROM open_periods p
JOIN (VALUES {instants}) AS c(cutoff) ON p.opens_at < c.cutoff
WHERE (p.closes_at IS NULL OR p.closes_at >= c.cutoff)
  AND NOT EXISTS (SELECT 1 FROM left_out f WHERE f.lead_id = p.lead_id))""",
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
