"""The events of the snapshots' leads as numbers, chunk by chunk of leads, in one scan.

Each chunk's events wait in a file of their own: with a scan for each chunk, twice the events would
cost four times as much.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.contract.database import LeadDatabase
from features.engine.ahead import one_ahead
from features.engine.event_rows import EVENT, Rows, laid_by_part
from features.snapshots import Chunk, Snapshots
from features.spec.spec import OfAccount, OfLead
from features.sql import literal

BATCH = 200_000  # events on their way into the files
_EVENTS = """
SELECT n.part, n.number, epoch_us(e.occurred_at) AS occurred, epoch_us(e.known_at) AS known,
  a.code AS action, coalesce(s.code, -1) AS source,
  CASE WHEN e.content IS NULL THEN 0 ELSE hash(e.content) END AS content,
  coalesce(TRY_CAST(round(e.value * 10000) AS BIGINT), 0) AS value
FROM known_events e JOIN leads_ n ON n.lead_id = e.lead_id
JOIN actions_ a ON a.text = e.action LEFT JOIN sources_ s ON s.text = e.source"""


def write_snapshots(
    snapshots: Snapshots, home: Path, count: int, of_lead: Sequence[OfLead | OfAccount]
) -> None:
    """Create the table leads_ (lead_id, part, number within the part), and write the snapshots with
    these and with what is known of their leads, a column per spec. The parts are those of
    `Chunk`; `home` is a folder of this pass alone."""
    columns = "".join(f", {spec.sql} AS leaf{n}" for n, spec in enumerate(of_lead))
    snapshots.database.connection.execute(f"""
CREATE OR REPLACE TEMP TABLE leads_ AS
SELECT lead_id, part, (row_number() OVER (PARTITION BY part) - 1)::INTEGER AS number
FROM (SELECT DISTINCT lead_id, {Chunk(0, count).part("lead_id")} AS part
  FROM {snapshots.relation} s);
COPY (SELECT s.lead_id, s.cutoff, n.part, n.number, epoch_us(s.cutoff) AS cutoff_us{columns}
FROM {snapshots.relation} s
JOIN leads_ n ON n.lead_id = s.lead_id JOIN leads l ON l.lead_id = s.lead_id
ORDER BY n.part) TO {_snapshots_file(home)} (FORMAT parquet)""")


def read_snapshots(
    database: LeadDatabase, home: Path, part: int, of_lead: Sequence[OfLead | OfAccount]
) -> pa.Table:
    """The snapshots of a part as `write_snapshots` left them, ordered by cutoff and lead, with a
    column for each spec, named by it."""
    rows = f"FROM {_snapshots_file(home)} WHERE part = {part} ORDER BY cutoff, lead_id"
    table = database.connection.execute(rows).to_arrow_table()
    names = {f"leaf{n}": spec.name for n, spec in enumerate(of_lead)}
    return table.rename_columns([names.get(name, name) for name in table.column_names])


def _snapshots_file(home: Path) -> str:
    """A file, not a table: that would hold on to the memory which the chunks need."""
    return literal(str(home / "snapshots.parquet"))


def event_chunks(
    database: LeadDatabase, home: Path, actions: Sequence[str], sources: Sequence[str], count: int
) -> Iterator[Rows]:
    """Each chunk's events, in no order. `actions` and `sources` are all that occur, in alphabetical
    order; sources may be empty where no feature needs them."""
    for name, texts in (("actions_", actions), ("sources_", sources)):
        codes = pa.array(range(len(texts)), pa.int32())
        table = pa.table({"text": pa.array(texts, pa.string()), "code": codes})
        database.connection.register(name, table)
    files = [home / f"events{part}" for part in range(count)]
    batches = database.connection.execute(_EVENTS).to_arrow_reader(BATCH)
    deque(one_ahead(partial(_append, files), batches), maxlen=0)
    for file in files:
        yield np.fromfile(file, EVENT) if file.exists() else np.empty(0, EVENT)
        file.unlink(missing_ok=True)


def _append(files: Sequence[Path], batch: pa.RecordBatch) -> None:
    """Each event to the end of its part's file."""
    rows = np.empty(batch.num_rows, EVENT)
    columns = tuple(batch[name].to_numpy() for name in EVENT.names or ())
    begin = laid_by_part(batch["part"].to_numpy(), columns, rows, len(files))
    for file, (first, last) in zip(files, pairwise(begin), strict=True):
        with file.open("ab") as appended:
            appended.write(rows[first:last].view(np.uint8).data)  # unlike tofile it raises ENOSPC
