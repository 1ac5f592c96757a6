"""A list of leads prepared for its pages: one run of the ledger, read once, in memory.

What is filtered, sorted and searched by lies compressed in a DuckDB of its own, in the order of the
list. The rows as they are shown lie beside it, compressed in small blocks: a page finds its leads
first, and unpacks only the blocks that they are in. A million leads take about 115 MB.

A decision changes only where its lead goes, so it is brought in without reading the run again.
Worked example: of all leads L7 has place 40, and goes to nurture. At 10:00 somebody decides
"sales". At 10:01 L7 is on the list for sales, before the first lead of it with a place after 40;
each lead below has moved down by one.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.contract.extensions import connect
from models.decisions.overrides import Override, in_force
from serve.ledger.ledger import MEMORY, ROUTE_ORDER, Ledger
from serve.ledger.runs import RUN, RunFigures
from serve.reports.leads.figures import LeadsPage
from serve.reports.leads.question import ANY_MARK, FILTERS, Question, parts

BATCH, BLOCK = 65_536, 512  # rows that are read, and packed, at a time
TEXTS = 20  # texts whose counts are kept
_RUN = f"SELECT * FROM scores WHERE {RUN} ORDER BY {ROUTE_ORDER}"
_LISTED = """
SELECT place, lead_id, route, route AS decided_route, band, source, basket, segments, marked,
  readiness, rule_score, contact_by,
  lower(concat_ws(' ', lead_id, source, segments, reasons)) AS searched
FROM part"""
_SOURCES = """
CREATE TYPE sources AS ENUM (SELECT coalesce(source, '') AS name FROM listed GROUP BY 1
  ORDER BY lower(name), name)"""
_CUBE = "SELECT {columns}, count(*) AS leads FROM listed WHERE {where} GROUP BY ALL"
_UNDECIDED = "UPDATE listed SET decided_route = route WHERE decided_route <> route"
_DECIDED = """
UPDATE listed SET decided_route = d.route FROM decisions d WHERE d.lead_id = listed.lead_id"""


class PreparedList:
    """A run of the ledger as a list that can be asked for pages. Any number of threads may ask; it
    answers one at a time."""

    def __init__(self, ledger: Ledger, run: RunFigures) -> None:
        self.run = run
        self._lock = threading.Lock()
        self._rows = _PackedRows()
        self._connection = connect()
        self._connection.execute(f"SET memory_limit = '{MEMORY}'")
        self._connection.execute("ATTACH ':memory:' AS list (COMPRESS); USE list")
        self._read(ledger)
        self._decided: Mapping[str, Override] = {}
        self._newest_decision = 0
        self._count()

    def _read(self, ledger: Ledger) -> None:
        table = f"CREATE TABLE listed AS {_LISTED}"
        for batch in ledger.batches(_RUN, self.run.run.key, BATCH):
            places = pa.array(range(self._rows.count, self._rows.count + len(batch)), pa.int32())
            self._rows.add(batch)
            part = pa.Table.from_batches([batch]).append_column("place", places)
            self._connection.register("part", part)
            self._connection.execute(table)
            self._connection.unregister("part")
            table = f"INSERT INTO listed {_LISTED}"
        self._connection.execute("CHECKPOINT list")  # compresses
        self._connection.execute(_SOURCES)

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        sql = "SELECT sum(memory_usage_bytes) FROM duckdb_memory()"
        (tables,) = self._connection.execute(sql).fetchone() or (0,)
        return int(tables) + self._rows.bytes

    def _count(self) -> None:
        """What is the same for every page, until somebody decides."""
        self._cubes = {"": self._cube("")}
        sql = "SELECT place FROM listed WHERE decided_route = 'sales' ORDER BY place"
        self._to_call = self._connection.execute(sql).fetchnumpy()["place"]

    def _cube(self, text: str) -> pd.DataFrame:
        """How many leads with a text there are of each combination of what is filtered by."""
        columns = ", ".join(f"{column} AS {name}" for name, column in FILTERS.items())
        where, given = Question(text=text).where
        return self._connection.execute(_CUBE.format(columns=columns, where=where), given).df()

    def _cube_of(self, text: str) -> pd.DataFrame:
        if text not in self._cubes:
            if len(self._cubes) > TEXTS:
                self._cubes = {"": self._cubes[""]}
            self._cubes[text] = self._cube(text)
        return self._cubes[text]

    def page(self, ledger: Ledger, question: Question) -> LeadsPage:
        """The page that a question asks for, with what the ledger has of decisions; it has no rows
        where there are fewer pages."""
        with self._lock:
            self._keep_up(ledger)
            cube = self._cube_of(question.text)
            offset = (question.page - 1) * question.per_page
            places = self._places(question, f"LIMIT {question.per_page} OFFSET {offset}")
            return LeadsPage(
                self.run,
                question,
                total=int(_shown(cube, question).sum()),
                to_call=len(self._to_call),
                counts={name: _counts(cube, question, name) for name in FILTERS},
                rows=[self._row(place) for place in places],
            )

    def export(self, ledger: Ledger, question: Question, path: Path) -> Path:
        """Write all leads that a question asks for, in its order, to a .csv (guarded) or .parquet
        file with the columns of `readiness score --export`."""
        with self._lock:
            self._keep_up(ledger)
            where, given = question.where
            sql = f"SELECT lead_id FROM listed WHERE {where} ORDER BY {question.order}"
            leads = self._connection.execute(sql, given).to_arrow_table()
        chosen = leads.append_column("nth", pa.array(range(len(leads)), pa.int32()))
        ledger.connection.register("chosen", chosen)
        try:
            return ledger.export_rows(
                f"SELECT d.* FROM decided d JOIN chosen USING (lead_id) WHERE {RUN} ORDER BY nth",
                self.run.run.key,
                path,
            )
        finally:
            ledger.connection.unregister("chosen")

    def _keep_up(self, ledger: Ledger) -> None:
        """Bring in what people decided since."""
        newest = ledger.value("SELECT max(number) FROM overrides") or 0
        if newest == self._newest_decision:
            return
        of_lead: dict[str, list[Override]] = {}
        names = ", ".join(Override.__dataclass_fields__)
        for row in ledger.fetched(f"SELECT {names} FROM overrides ORDER BY number"):
            of_lead.setdefault(row[0], []).append(Override(*row))
        held = {lead: in_force(made, self.run.cutoff) for lead, made in of_lead.items()}
        self._decided = {lead: each for lead, each in held.items() if each is not None}
        routes = {lead: each.route for lead, each in self._decided.items()}
        columns = {"lead_id": list(routes), "route": list(routes.values())}
        text = pa.schema({"lead_id": pa.string(), "route": pa.string()})
        self._connection.register("decisions", pa.table(columns, text))
        self._connection.execute(_UNDECIDED)
        self._connection.execute(_DECIDED)
        self._connection.unregister("decisions")
        self._count()
        self._newest_decision = newest

    def _places(self, question: Question, part: str) -> list[int]:
        where, given = question.where
        sql = f"SELECT place FROM listed WHERE {where} ORDER BY {question.order} {part}"
        return [place for (place,) in self._connection.execute(sql, given).fetchall()]

    def _row(self, place: int) -> dict[str, Any]:
        row = self._rows[place]
        decided = self._decided.get(row["lead_id"])
        rank = int(np.searchsorted(self._to_call, place))
        listed = rank < len(self._to_call) and self._to_call[rank] == place
        route = decided.route if decided else row["route"]
        return row | {
            "rank": rank + 1 if listed else None,
            "follow_up_on": None if route == "sales" else row["follow_up_on"],
            "decided_route": route,
            "decided_because": decided.because if decided else None,
            "decided_by": decided.decided_by if decided else None,
        }


class _PackedRows:
    """Rows by their place, from 0 on, compressed in blocks."""

    def __init__(self) -> None:
        self.count = 0
        self._codec = pa.Codec("zstd")
        self._starts: list[int] = []
        self._blocks: list[tuple[bytes, int]] = []  # and how long each was

    @property
    def bytes(self) -> int:
        """How many they take."""
        return sum(len(block) for block, _ in self._blocks)

    def add(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        self._schema = batch.schema
        for start in range(0, len(batch), BLOCK):
            block = pa.RecordBatch.from_arrays(  # `slice` would pack what it is a part of
                [column.slice(start, BLOCK) for column in batch.columns], schema=batch.schema
            ).serialize()
            self._starts.append(self.count + start)
            self._blocks.append((self._codec.compress(block, asbytes=True), len(block)))
        self.count += len(batch)

    def __getitem__(self, place: int) -> dict[str, Any]:
        number = bisect_right(self._starts, place) - 1
        packed, size = self._blocks[number]
        block = pa.ipc.read_record_batch(self._codec.decompress(packed, size), self._schema)
        row: dict[str, Any] = block.slice(place - self._starts[number], 1).to_pylist()[0]
        return row


def _shown(cube: pd.DataFrame, question: Question, but: str = "") -> npt.NDArray[np.int64]:
    """How many leads of each combination are shown, one filter left aside."""
    meets = np.ones(len(cube), bool)
    for name in FILTERS:
        chosen, values = getattr(question, name), cube[name]
        if not chosen or name == but:
            continue
        if name == "segment":
            meets &= np.array([chosen in parts(each) for each in _none_for_null(values)], bool)
        elif (name, chosen) == ("marked", ANY_MARK):
            meets &= values.notna()
        else:
            meets &= values == chosen
    return np.where(meets, cube["leads"], 0)


def _counts(cube: pd.DataFrame, question: Question, name: str) -> dict[str, int]:
    """A value without a lead to show stays, to be chosen next."""
    shown = pd.Series(_shown(cube, question, but=name)).groupby(cube[name]).sum()
    counts: Counter[str] = Counter()
    for value, leads in shown.items():
        for each in parts(str(value)) if name == "segment" else (value,):
            counts[str(each)] += int(leads)
    return dict(sorted(counts.items()))


def _none_for_null(values: pd.Series) -> Iterable[Any]:
    return values.astype(object).where(values.notna(), None)
