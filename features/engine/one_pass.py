"""Features by one compiled pass: sorts a chunk's events by lead and time, runs the kernel on all
cores, and lays the frame out.

The second executor of the specs (docs/adr/0006); `query`, the first, knows every spec and
is its oracle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from features.engine.event_chunks import event_chunks, read_asked, write_asked
from features.engine.event_rows import Rows, by_lead
from features.engine.kernel import Events, Floats, Ints, measure
from features.engine.plan import Plan, plan_of
from features.snapshots import Snapshots
from features.spec.parts import inside
from features.spec.spec import Attribute, First, Last, Ratio, Spec, is_text

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
        asked = any(spec.column == "source" for spec in plan.texts)
        return cls(database, tuple(specs), plan, actions, database.sources if asked else ())

    def frames(self, snapshots: Snapshots, count: int) -> Iterator[pd.DataFrame]:
        """The features of each of `count` chunks of the snapshots, ordered by cutoff and lead:
        lead_id, cutoff, then one column per spec. Numbers are float64, texts objects, missing
        values NaN."""
        attributes = [spec for spec in inside(self.specs) if isinstance(spec, Attribute)]
        threads = self.database.value("SELECT current_setting('threads')")
        # A folder of its own, so that nothing is left of a pass that was broken off.
        with TemporaryDirectory(dir=self.database.scratch) as home:
            write_asked(snapshots, Path(home), count, attributes)
            yield from one_ahead(partial(self._frame, threads), self._read(Path(home), count))

    def _read(self, home: Path, count: int) -> Iterator[tuple[pa.Table, Rows]]:
        """The snapshots and the events of each chunk."""
        chunks = event_chunks(self.database, home, self.actions, self.sources, count)
        for part, rows in enumerate(chunks):
            yield read_asked(self.database, home, part), rows

    def _frame(self, threads: int, read: tuple[pa.Table, Rows]) -> pd.DataFrame:
        asked, rows = read
        number = asked["number"].to_numpy()
        events, begin = by_lead(rows, int(number.max(initial=-1)) + 1)
        moments = kernel.Snapshots(
            cutoff=asked["cutoff_us"].to_numpy(),
            created=asked["created_us"].to_numpy(),
            begin=begin[number],
            end=begin[number + 1],
        )
        numbers = np.empty((len(number), len(self.plan.columns)), order="F")
        texts = np.empty((len(number), 4), np.int64)
        self._measure(threads, events, moments, numbers, texts)
        return self._laid_out(asked, numbers, texts)

    def _measure(
        self, threads: int, events: Events, asked: kernel.Snapshots, numbers: Floats, texts: Ints
    ) -> None:
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
