"""Features of each chunk by one compiled pass: sorts the chunk's events by lead and time, runs the
kernel on all cores, and lays the frame out.

The second executor of the specs (docs/adr/0006). `query`, the first, knows every leaf and is its
oracle; it also fills the columns that the pass does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features.contract.database import LeadDatabase
from features.engine import kernel
from features.engine.ahead import one_ahead
from features.engine.event_chunks import event_chunks, read_snapshots, write_snapshots
from features.engine.event_rows import Rows, by_lead
from features.engine.kernel import Arrays, Events, Floats, Ints, measure
from features.engine.plan import plan_of
from features.engine.query import feature_sql
from features.snapshots import Chunk, Snapshots
from features.spec.cells import Cells, Read, Text
from features.spec.compiled import Compiled, compile_specs
from features.spec.spec import Leaf, OfAccount, OfEvents, OfLead, Spec, distinct, where_of

PARTS_PER_CORE = 8  # so that a lead with millions of events keeps one core busy, not all
_TEXTS = {
    ("first", "source"): kernel.FIRST_SOURCE,
    ("last", "source"): kernel.LAST_SOURCE,
    ("first", "action"): kernel.FIRST_ACTION,
    ("last", "action"): kernel.LAST_ACTION,
}


@dataclass(frozen=True)
class OnePass:
    """The pass for some specs over events of some actions and sources."""

    specs: tuple[Spec, ...]
    compiled: Compiled
    places: dict[str, int]  # of the numbers by name: those of the specs first, in their order
    cells: dict[Leaf, Cells]  # of the leaves that the compiled pass measures
    by_sql: tuple[OfEvents, ...]  # the other leaves that are measured over events: all numbers
    plan: Arrays
    actions: tuple[str, ...]
    sources: tuple[str, ...]

    @classmethod
    def over(cls, database: LeadDatabase, specs: Sequence[Spec]) -> OnePass:
        """Plan the pass over an open database."""
        return cls.planned(specs, database.actions, database.sources)

    @classmethod
    def planned(
        cls, specs: Sequence[Spec], actions: Iterable[str], sources: tuple[str, ...]
    ) -> OnePass:
        """Plan the pass; sources in order. Codes go by the alphabet, as DuckDB and Python both sort
        text."""
        compiled = compile_specs(specs)
        every = distinct([*specs, *compiled.leaves, *compiled.derived])
        numbers = [spec.name for spec in every if not spec.is_text]
        places = {name: place for place, name in enumerate(numbers)}
        of_events = [leaf for leaf in compiled.leaves if isinstance(leaf, OfEvents)]
        cells: dict[Leaf, Cells] = {
            leaf: how for leaf in of_events if (how := _cells(leaf)) is not None
        }
        read = {places[leaf.name]: how for leaf, how in cells.items() if isinstance(how, Read)}
        in_order = tuple(sorted(actions))
        needs_sources = any(isinstance(c, Text) and c.column == "source" for c in cells.values())
        return cls(
            specs=tuple(specs),
            compiled=compiled,
            places=places,
            cells=cells,
            by_sql=tuple(leaf for leaf in of_events if leaf not in cells),
            plan=plan_of(read, in_order),
            actions=in_order,
            sources=sources if needs_sources else (),
        )

    def frames(self, snapshots: Snapshots, count: int) -> Iterator[pd.DataFrame]:
        """The features of each of `count` chunks of the snapshots, ordered by cutoff and lead:
        lead_id, cutoff, then one column per spec. Numbers are float64, texts objects, missing
        values NaN."""
        of_lead = [leaf for leaf in self.compiled.leaves if isinstance(leaf, OfLead | OfAccount)]
        threads = snapshots.database.value("SELECT current_setting('threads')")
        # A folder of its own, so that nothing is left of a pass that was broken off.
        with TemporaryDirectory(dir=snapshots.database.scratch) as home:
            write_snapshots(snapshots, Path(home), count, of_lead)
            chunks = self._chunks(Path(home), snapshots, count, of_lead)
            yield from one_ahead(partial(self.frame, threads), chunks)

    def _chunks(
        self,
        home: Path,
        snapshots: Snapshots,
        count: int,
        of_lead: Sequence[OfLead | OfAccount],
    ) -> Iterator[tuple[pa.Table, Rows]]:
        """The snapshots of each chunk, with the columns that the SQL measures, and the events."""
        events = event_chunks(snapshots.database, home, self.actions, self.sources, count)
        for part, rows in enumerate(events):
            table = read_snapshots(snapshots.database, home, part, of_lead)
            if self.by_sql:
                sql = feature_sql(self.by_sql, snapshots, Chunk(part, count))
                measured = snapshots.database.connection.execute(sql).to_arrow_table()
                for leaf in self.by_sql:
                    table = table.append_column(leaf.name, measured[leaf.name])
            yield table, rows

    def frame(self, threads: int, chunk: tuple[pa.Table, Rows]) -> pd.DataFrame:
        """The features of a chunk: its snapshots as `read_snapshots` has them, and its events."""
        snapshots, rows = chunk
        number = snapshots["number"].to_numpy()
        events, begin = by_lead(rows, int(number.max(initial=-1)) + 1)
        moments = kernel.Snapshots(
            cutoff=snapshots["cutoff_us"].to_numpy(), begin=begin[number], end=begin[number + 1]
        )
        numbers = np.empty((len(number), len(self.places)), order="F")
        texts = np.empty((len(number), 4), np.int64)
        self._measure(threads, events, moments, numbers, texts)
        columns: dict[str, Any] = {name: numbers[:, i] for name, i in self.places.items()}
        for leaf in self.compiled.leaves:
            how = self.cells.get(leaf)
            if isinstance(how, Text):
                columns[leaf.name] = self._texts(how, texts)
            elif leaf.is_text:
                columns[leaf.name] = snapshots[leaf.name].to_pandas().astype(object)
            elif how is None:
                columns[leaf.name][:] = snapshots[leaf.name].to_numpy()
        for spec in self.compiled.derived:
            columns[spec.name][:] = spec.values(columns)
        return self._laid_out(snapshots, numbers, columns)

    def _measure(
        self,
        threads: int,
        events: Events,
        snapshots: kernel.Snapshots,
        numbers: Floats,
        texts: Ints,
    ) -> None:
        if threads == 1:
            measure(events, snapshots, self.plan, 0, len(numbers), numbers, texts)
            return
        edges = np.linspace(0, len(numbers), threads * PARTS_PER_CORE + 1).astype(np.int64)
        with ThreadPoolExecutor(threads) as pool:
            parts = [
                pool.submit(measure, events, snapshots, self.plan, first, last, numbers, texts)
                for first, last in pairwise(edges)
            ]
            for part in parts:
                part.result()

    def _texts(self, how: Text, texts: Ints) -> pd.Series[Any]:
        names = self.sources if how.column == "source" else self.actions
        codes = texts[:, _TEXTS[how.which, how.column]]
        return pd.Series(np.array([*names, np.nan], object)[codes], dtype=object)  # -1 is the last

    def _laid_out(
        self, snapshots: pa.Table, numbers: Floats, columns: Mapping[str, Any]
    ) -> pd.DataFrame:
        """The specs' own columns, those of the numbers without a copy."""
        names = [spec.name for spec in self.specs if not spec.is_text]
        frame = pd.DataFrame(numbers[:, : len(names)], columns=names, copy=False)
        frame.insert(0, "lead_id", snapshots["lead_id"].to_pandas())
        frame.insert(1, "cutoff", snapshots["cutoff"].to_pandas())
        for place, spec in enumerate(self.specs, start=2):
            if spec.is_text:
                frame.insert(place, spec.name, columns[spec.name])
        return frame


def _cells(leaf: OfEvents) -> Cells | None:
    """How it is read off the pass, which knows the actions of events but no other properties."""
    return leaf.cells if where_of(leaf) is None else None
