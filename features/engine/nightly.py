"""Last night's features carried on: only leads whose values may have changed are measured anew.

A lead is settled at a cutoff once every deed known of it lies further back than any feature looks
but for those that look back forever. From then on, until something new is known, nothing enters or
leaves a window, and only the clock runs on: the lead's age, the days since its last deeds, and what
is divided by them. Those three are formulas of whole microseconds, so they are carried on to the
last bit. Every other lead is measured as on any night.

That nothing new is known is shown by a fingerprint: the number and the sum of the hashes of the
deeds known before the cutoff, and the hash of the lead's own row. A deed that is added, changed,
deleted or known late changes it, and the lead is measured anew (but for one in 2^64 by chance). The
same definitions are sure by the specs and the text of this package, which are kept with the rows.

Worked example, the longest window 90 days, half-life 14 days, so that a deed fades to nothing in 34
half-lives, 476 days: a lead last seen on 2024-09-01 is settled from 2025-12-22 on. Kept with the
cutoff 2026-03-02, on 2026-03-03 it is a day older, and all else stands. If a call of 2024-08-30 is
entered that morning, its fingerprint is another, and it is measured anew.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import features
from features.catalog import distinct
from features.contract.database import LeadDatabase
from features.contract.tables import literal
from features.engine.duckdb_engine import KEY, feature_frames
from features.engine.kernel import DAY, Floats
from features.engine.one_pass import quotient
from features.parts import inside
from features.progress import Progress, silent
from features.segments import beneath, with_segments
from features.spec import (
    Age,
    Attribute,
    Custom,
    DaysSince,
    Decayed,
    Faded,
    First,
    Last,
    Ratio,
    Spec,
    Trend,
    is_text,
)
from features.spec_json import to_dict
from features.whole_file import whole

ROWS = 50_000  # carried on at once
FADED_AFTER = 34  # half-lives: less than half of the 2**-32 that decays are counted in

_PRINTS = """
CREATE OR REPLACE TEMP TABLE prints_ AS
SELECT s.lead_id, hash(l, d.deeds, d.hashes) AS fingerprint,
  coalesce(d.last_at < TIMESTAMP '{cutoff}' - INTERVAL {reach} DAY, true) AS settled
FROM {snapshots} s JOIN leads l ON l.lead_id = s.lead_id LEFT JOIN (
  SELECT lead_id, count(*) AS deeds, max(occurred_at) AS last_at,
    sum(hash(occurred_at, known_at, action, source, content, value)::HUGEINT) AS hashes
  FROM deeds WHERE known_at < TIMESTAMP '{cutoff}' GROUP BY lead_id
) d ON d.lead_id = s.lead_id"""
_CARRIED = """
CREATE OR REPLACE TEMP TABLE carried_ AS
SELECT p.lead_id FROM prints_ p JOIN {kept} k
ON k.lead_id = p.lead_id AND k.fingerprint = p.fingerprint"""
_ANEW = """
CREATE OR REPLACE TEMP TABLE anew_ AS
SELECT s.* FROM {snapshots} s
WHERE NOT EXISTS (SELECT 1 FROM carried_ c WHERE c.lead_id = s.lead_id)"""


def reach_days(specs: Sequence[Spec]) -> int | None:
    """How many days back the features look, but for what they look for forever; None where it
    cannot be told, which is so for Custom SQL.

    >>> from features.spec import Count
    >>> reach_days([Count("chat", 7), Count("chat"), Trend(None, 30), Decayed(None, 14)])
    476
    >>> reach_days([Custom("gap", "max(value)", "largest gap")]) is None
    True
    """
    reach = 0
    for spec in inside(specs):
        match spec:
            case Custom():
                return None
            case Trend(_, window):
                days: float = 2 * window
            case Faded(_, days, _):
                pass
            case Decayed(_, half_life, window, _):
                days = math.ceil(FADED_AFTER * half_life) if window is None else window
            case Age() | Attribute() | First() | Last() | DaysSince():
                days = 0
            case _:
                days = spec.window or 0
        reach = max(reach, math.ceil(days))
    return reach


@dataclass
class Nightly:
    """The features of the leads open at one cutoff, with what is kept of the night before.

    kept: a Parquet file of settled leads, replaced whole once all frames were taken; it may be
    deleted at any time. `carried` tells how many leads it spared, once the frames begin.
    """

    database: LeadDatabase
    specs: Sequence[Spec]
    cutoff: datetime
    kept: Path
    carried: int = 0

    @property
    def silence(self) -> int | None:
        """After how many days of silence a lead is settled; None where it never can be."""
        return reach_days(self._asked)

    @property
    def _asked(self) -> tuple[Spec, ...]:
        return distinct((*beneath(self.specs), *inside(beneath(self.specs))))

    def frames(
        self, snapshots: str, memory_gb: float, progress: Progress = silent
    ) -> Iterator[pd.DataFrame]:
        """As `feature_frames` yields them, equal in every value; snapshots: all of this cutoff."""
        asked, reach = self._asked, self.silence
        if reach is None:
            yield from feature_frames(self.database, self.specs, snapshots, memory_gb, progress)
            return
        run = self.database.connection.execute
        run(_PRINTS.format(cutoff=self.cutoff, reach=reach, snapshots=snapshots))
        key = {"of": _digest(asked), "cutoff": self.cutoff.isoformat()}
        before = _cutoff_of(self.kept, key)
        last = f"read_parquet({literal(str(self.kept))})" if before else "(SELECT * FROM prints_)"
        run(_CARRIED.format(kept=last) + ("" if before else " WHERE false"))
        run(_ANEW.format(snapshots=snapshots))
        self.carried = self.database.value("SELECT count(*) FROM carried_")
        columns = [*KEY, *(spec.name for spec in beneath(self.specs))]
        with _keeping(self.kept, key, asked, self.database) as keep:
            for frame in self._all(asked, last, before, memory_gb, progress):
                keep(frame)
                yield with_segments(frame[columns], self.specs)

    def _all(
        self,
        asked: Sequence[Spec],
        last: str,
        before: datetime | None,
        memory_gb: float,
        progress: Progress,
    ) -> Iterator[pd.DataFrame]:
        """Those measured anew; then those carried on."""
        yield from feature_frames(self.database, asked, "anew_", memory_gb, progress)
        if before and self.carried:
            names = ", ".join(f"k.{place}" for place in _places(asked))
            rows = self.database.connection.execute(
                f"SELECT k.lead_id, epoch_us(l.created_at) AS created_us, {names} FROM {last} k "
                "JOIN carried_ c ON c.lead_id = k.lead_id JOIN leads l ON l.lead_id = k.lead_id"
            ).to_arrow_reader(ROWS)
            for batch in rows:
                yield self._carried_on(_named(batch.to_pandas(), asked), asked, before)

    def _carried_on(
        self, rows: pd.DataFrame, asked: Sequence[Spec], before: datetime
    ) -> pd.DataFrame:
        """Rows of the cutoff `before` as they are at this one."""
        texts = {spec.name: object for spec in asked if is_text(spec)}
        rows = rows.astype(texts).sort_values("lead_id", ignore_index=True)
        now, then = (int(np.datetime64(each, "us").astype(int)) for each in (self.cutoff, before))
        created = rows.pop("created_us").to_numpy()
        for spec in asked:
            if isinstance(spec, DaysSince):
                last = then - np.rint(rows[spec.name].to_numpy() * DAY)
                rows[spec.name] = (now - last) / DAY
            elif isinstance(spec, Age):
                rows[spec.name] = (now - created) / DAY
        for spec in asked:
            if isinstance(spec, Ratio):
                rows[spec.name] = _ratio(spec, rows)
        rows = rows.copy()  # in one block again
        rows.insert(1, "cutoff", pd.Series(self.cutoff, rows.index, "datetime64[us]"))
        return rows


def _ratio(spec: Spec, rows: pd.DataFrame) -> Floats:
    if not isinstance(spec, Ratio):
        column: Floats = rows[spec.name].to_numpy()
        return column
    return quotient(_ratio(spec.over, rows), _ratio(spec.under, rows))


@contextmanager
def _keeping(
    kept: Path, key: dict[str, str], asked: Sequence[Spec], database: LeadDatabase
) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that writes the settled leads of a frame; all of them together replace `kept`."""
    found = database.query("SELECT lead_id, fingerprint FROM prints_ WHERE settled")
    settled, prints = pd.Index(found["lead_id"]), found["fingerprint"].to_numpy(np.uint64)
    number = pd.api.types.is_integer_dtype(settled.dtype)
    texts = {True: pa.large_string(), False: pa.float64()}
    columns = [("lead_id", pa.int64() if number else pa.large_string())]
    columns += [(place, texts[is_text(spec)]) for place, spec in _places(asked).items()]
    schema = pa.schema([*columns, ("fingerprint", pa.uint64())], {"readiness": json.dumps(key)})
    kept.parent.mkdir(parents=True, exist_ok=True)
    with whole(kept) as unfinished, pq.ParquetWriter(unfinished, schema) as writer:

        def keep(frame: pd.DataFrame) -> None:
            place = settled.get_indexer(pd.Index(frame["lead_id"]))
            rows = frame.loc[place >= 0, ["lead_id", *(spec.name for spec in asked)]]
            arrays = [rows.iloc[:, i] for i in range(len(rows.columns))]
            arrays.append(prints[place[place >= 0]])
            typed = [
                pa.array(a, t, from_pandas=True) for a, t in zip(arrays, schema.types, strict=True)
            ]
            writer.write_table(pa.table(typed, schema))

        yield keep


def _places(asked: Sequence[Spec]) -> dict[str, Spec]:
    """The file's columns by place: DuckDB takes count_7d(Visit) and count_7d(visit) for one."""
    return {f"feature_{place}": spec for place, spec in enumerate(asked)}


def _named(rows: pd.DataFrame, asked: Sequence[Spec]) -> pd.DataFrame:
    return rows.rename(columns={place: spec.name for place, spec in _places(asked).items()})


def _cutoff_of(kept: Path, key: dict[str, str]) -> datetime | None:
    """The cutoff of what is kept, if it was measured the same way and not later."""
    try:
        said = (pq.read_schema(kept).metadata or {}).get(b"readiness", b"{}")
    except (OSError, pa.ArrowInvalid):
        return None  # none yet, or not to be read: it is made anew
    found = json.loads(said)
    fits = found.get("of") == key["of"] and found["cutoff"] <= key["cutoff"]
    return datetime.fromisoformat(found["cutoff"]) if fits else None


def _digest(specs: Sequence[Spec]) -> str:
    """Of what the values depend on beside the tables: the specs, our own code, DuckDB's hash."""
    digest = hashlib.sha256(json.dumps([to_dict(spec) for spec in specs]).encode())
    digest.update(duckdb.__version__.encode())
    for file in sorted(Path(features.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
