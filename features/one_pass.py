"""Features by one compiled pass: reads a chunk's events and snapshots from DuckDB, sorts the events
by lead and time, runs the kernel on all cores, and lays the frame out.

The second executor of the specs (docs/adr/0006); `features.query`, the first, knows every spec and
is its oracle.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.database import LeadDatabase
from features.kernel import Events, Floats, Ints, Snapshots, compiled, measure
from features.plan import Plan, plan_of
from features.query import Chunk, inside
from features.spec import Attribute, First, Last, Ratio, Spec, is_text
from features.tables import quoted

PARTS_PER_CORE = 8  # so that a lead with millions of events keeps one core busy, not all


@dataclass(frozen=True)
class OnePass:
    """The pass for some specs, each of them `in_one_pass`, over an open database."""

    database: LeadDatabase
    specs: tuple[Spec, ...]
    plan: Plan
    actions: tuple[str, ...]
    sources: tuple[str, ...]

    @classmethod
    def over(cls, database: LeadDatabase, specs: Sequence[Spec]) -> OnePass:
        """Plan the pass. Codes go by the alphabet, as DuckDB and Python both sort text."""
        actions = tuple(sorted(database.actions))
        plan = plan_of(specs, actions)
        found = "SELECT DISTINCT source FROM deeds WHERE source IS NOT NULL ORDER BY source"
        asked = any(spec.column == "source" for spec in plan.texts)
        rows = database.connection.execute(found).fetchall() if asked else []
        return cls(database, tuple(specs), plan, actions, tuple(source for (source,) in rows))

    def frame(self, snapshots: str, chunk: Chunk) -> pd.DataFrame:
        """The features of a chunk's snapshots, ordered by cutoff and lead: lead_id, cutoff, then
        one column per spec. Numbers are float64, texts objects, missing values NaN."""
        self._write_asked(snapshots, chunk)
        asked = self.database.connection.execute(
            "SELECT * FROM asked_ ORDER BY cutoff, lead_id"
        ).to_arrow_table()
        events, begin = self._events(self.database.value("SELECT count(*) FROM leads_"))
        number = _column(asked, "number")
        moments = Snapshots(
            cutoff=_column(asked, "cutoff_us"),
            created=_column(asked, "created_us"),
            begin=begin[number],
            end=begin[number + 1],
        )
        numbers = np.empty((len(number), len(self.plan.columns)))
        texts = np.empty((len(number), 4), np.int64)
        self._measure(events, moments, numbers, texts)
        return self._laid_out(asked, numbers, texts)

    def _write_asked(self, snapshots: str, chunk: Chunk) -> None:
        attributes = {spec for spec in inside(self.specs) if isinstance(spec, Attribute)}
        read = "".join(
            f", TRY_CAST(l.{quoted(spec.column)} AS {'VARCHAR' if spec.text else 'DOUBLE'}) "
            f"AS {quoted(spec.name)}"
            for spec in attributes
        )
        self.database.connection.execute(f"""
CREATE OR REPLACE TEMP TABLE leads_ AS
SELECT lead_id, (row_number() OVER () - 1)::INTEGER AS number
FROM (SELECT DISTINCT lead_id FROM {snapshots} s WHERE {chunk.holds("s.lead_id")});
CREATE OR REPLACE TEMP TABLE asked_ AS
SELECT s.lead_id, s.cutoff, n.number, epoch_us(s.cutoff) AS cutoff_us,
  epoch_us(l.created_at) AS created_us{read}
FROM {snapshots} s JOIN leads_ n ON n.lead_id = s.lead_id JOIN leads l ON l.lead_id = s.lead_id""")

    def _events(self, leads: int) -> tuple[Events, Ints]:
        """The events of the asked leads, sorted by lead and time; and where each lead's begin."""
        table = self._unsorted_events()
        order, begin = in_order(_column(table, "number"), _column(table, "occurred"), leads)
        content = numbered(_column(table, "content")[order], begin)
        names = ("occurred", "known", "action", "source", "value")
        kept = {name: _column(table, name)[order] for name in names}
        return Events(content=content, **kept), begin

    def _unsorted_events(self) -> pa.Table:
        connection = self.database.connection
        for name, texts in (("actions_", self.actions), ("sources_", self.sources)):
            codes = pa.array(range(len(texts)), pa.int32())
            connection.register(
                name, pa.table({"said": pa.array(texts, pa.string()), "code": codes})
            )
        return connection.execute("""
SELECT n.number, epoch_us(e.occurred_at) AS occurred, epoch_us(e.known_at) AS known,
  a.code AS action, coalesce(s.code, -1) AS source,
  CASE WHEN e.content IS NULL THEN 0 ELSE hash(e.content) END AS content,
  coalesce(TRY_CAST(round(e.value * 10000) AS BIGINT), 0) AS value
FROM deeds e JOIN leads_ n ON n.lead_id = e.lead_id
JOIN actions_ a ON a.said = e.action LEFT JOIN sources_ s ON s.said = e.source""").to_arrow_table()

    def _measure(self, events: Events, asked: Snapshots, numbers: Floats, texts: Ints) -> None:
        threads = self.database.value("SELECT current_setting('threads')")
        edges = np.linspace(0, len(numbers), threads * PARTS_PER_CORE + 1).astype(np.int64)
        with ThreadPoolExecutor(threads) as pool:
            done = [
                pool.submit(measure, events, asked, self.plan.arrays, first, last, numbers, texts)
                for first, last in pairwise(edges)
            ]
            for each in done:
                each.result()

    def _laid_out(self, asked: pa.Table, numbers: Floats, texts: Ints) -> pd.DataFrame:
        for part in inside(self.specs):
            if isinstance(part, Attribute) and not part.text:
                numbers[:, self.plan.columns[part.name]] = asked[part.name].to_numpy()
        for spec in self.specs:
            if isinstance(spec, Ratio):
                numbers[:, self.plan.columns[spec.name]] = self._ratio(spec, numbers)
        names = [spec.name for spec in self.specs if not is_text(spec)]
        frame = pd.DataFrame(numbers[:, : len(names)], columns=names, copy=False)
        frame.insert(0, "lead_id", asked["lead_id"].to_pandas())
        frame.insert(1, "cutoff", asked["cutoff"].to_pandas())
        for place, spec in enumerate(self.specs, start=2):
            if isinstance(spec, First | Last):
                frame.insert(place, spec.name, self._said(spec, texts))
            elif is_text(spec):
                frame.insert(place, spec.name, asked[spec.name].to_pandas().astype(object))
        return frame

    def _ratio(self, spec: Spec, numbers: Floats) -> Floats:
        if not isinstance(spec, Ratio):
            column: Floats = numbers[:, self.plan.columns[spec.name]]
            return column
        over, under = self._ratio(spec.over, numbers), self._ratio(spec.under, numbers)
        nothing = np.full(len(over), np.nan)
        quotient: Floats = np.divide(over, under, out=nothing, where=under != 0)
        return quotient

    def _said(self, spec: First | Last, texts: Ints) -> pd.Series[Any]:
        names = self.sources if spec.column == "source" else self.actions
        place = 2 * (spec.column == "action") + isinstance(spec, Last)
        said = np.array([*names, np.nan], object)[texts[:, place]]  # -1, none, is the last
        return pd.Series(said, dtype=object)


def _column(table: pa.Table, name: str) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = table[name].to_numpy()
    return found


@compiled
def in_order(lead: Ints, occurred: Ints, leads: int) -> tuple[Ints, Ints]:
    """The order that puts the events by lead and time, and where each lead's begin (one more: the
    end). Events mostly come in order of time, so a lead's are sorted only where they do not."""
    begin = np.zeros(leads + 1, np.int64)
    for i in range(len(lead)):
        begin[lead[i] + 1] += 1
    begin = np.cumsum(begin)
    order, at = np.empty(len(lead), np.int64), begin.copy()
    for i in range(len(lead)):
        order[at[lead[i]]] = i
        at[lead[i]] += 1
    for n in range(leads):
        own = order[begin[n] : begin[n + 1]]
        for i in range(1, len(own)):
            if occurred[own[i]] < occurred[own[i - 1]]:
                own[:] = own[np.argsort(occurred[own], kind="mergesort")]
                break
    return order, begin


@compiled
def numbered(hashes: npt.NDArray[np.uint64], begin: Ints) -> npt.NDArray[np.int32]:
    """The hashes of one lead's contents as numbers from 0; 0, no content, as -1. A table per lead
    with open addressing; a stamp tells an older lead's entries."""
    most = 1
    for n in range(len(begin) - 1):
        while most < 2 * (begin[n + 1] - begin[n]):
            most *= 2
    stamps, keys = np.full(most, -1, np.int64), np.empty(most, np.uint64)
    given, numbers = np.empty(most, np.int32), np.full(len(hashes), -1, np.int32)
    for n in range(len(begin) - 1):
        count = 0
        for i in range(begin[n], begin[n + 1]):
            if hashes[i] == 0:
                continue
            slot = np.int64(hashes[i] & np.uint64(most - 1))
            while stamps[slot] == n and keys[slot] != hashes[i]:
                slot = (slot + 1) & (most - 1)
            if stamps[slot] != n:
                stamps[slot], keys[slot], given[slot] = n, hashes[i], count
                count += 1
            numbers[i] = given[slot]
    return numbers
