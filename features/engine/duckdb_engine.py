"""Features on DuckDB, chunk by chunk of leads, so that memory stays bounded: one compiled pass for
all that it knows, SQL for the rest."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pandas as pd

from features.conditions.segments import beneath, with_segments
from features.contract.database import LeadDatabase
from features.engine.one_pass import OnePass
from features.engine.plan import in_one_pass
from features.engine.query import feature_sql
from features.errors import BadInput
from features.progress import Progress, silent
from features.snapshots import Chunk, Snapshots
from features.spec.parts import inside
from features.spec.spec import Attribute, Spec, is_text

KEY = ["lead_id", "cutoff"]
# What one chunk may hold per GB of the memory limit, up to 1 GB, with two of them in hand: larger
# ones, whose arrays fit no cache, cost a fifth more CPU.
EVENTS_PER_GB = 1_000_000
NUMBERS_PER_GB = 5_000_000  # snapshots times features
MOST_CHUNKS = 10_000


def chunk_count(snapshots: Snapshots, features: int, memory_gb: float) -> int:
    """In how many chunks the work is done."""
    events = snapshots.database.events_count
    full = max(snapshots.count * features / NUMBERS_PER_GB, events / EVENTS_PER_GB)
    needed = full / min(memory_gb, 1)
    return min(max(1, math.ceil(needed)), MOST_CHUNKS)


def feature_frames(
    snapshots: Snapshots,
    specs: Sequence[Spec],
    memory_gb: float,
    progress: Progress = silent,
) -> Iterator[pd.DataFrame]:
    """Yield one frame per chunk of leads: lead_id, cutoff, then one column per spec, ordered by
    cutoff and lead.

    Every snapshot is in exactly one frame. Numbers are float64, texts are objects;
    a missing value is NaN in both (never None: the encoder would take it for a category).
    Raises BadInput where a spec's attribute is not in the leads, or the memory does not suffice.
    """
    database = snapshots.database
    asked, specs = specs, beneath(specs)
    _require_attributes(database, specs)
    one_pass = OnePass.over(database, [spec for spec in specs if in_one_pass(spec)])
    rest = [spec for spec in specs if not in_one_pass(spec)]
    count = chunk_count(snapshots, len(specs), memory_gb)
    with _room(memory_gb):
        for index, frame in enumerate(one_pass.frames(snapshots, count)):
            chunk = Chunk(index, count)
            if rest:
                frame = _with_sql(snapshots, frame, specs, rest, chunk)
            yield with_segments(frame, asked)
            progress("features", index + 1, count)


@contextmanager
def _room(memory_gb: float) -> Iterator[None]:
    """Raises BadInput where memory, or the disk for temporary files, does not suffice."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException, OSError) as error:
        said = str(error).splitlines()[0]
        # In the middle of a stream Arrow tells what DuckDB ran out of, as an OSError.
        if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory" in said:
            raise BadInput(
                f"The features of one chunk of leads do not fit into {memory_gb:g} GB. Raise "
                "engine.memory_gb in readiness.toml, or look for a lead with millions of events."
            ) from None
        raise BadInput(
            f"{said} (temporary files lie in {tempfile.gettempdir()}; TMPDIR names another place)"
        ) from None


def _with_sql(
    snapshots: Snapshots,
    frame: pd.DataFrame,
    specs: Sequence[Spec],
    rest: Sequence[Spec],
    chunk: Chunk,
) -> pd.DataFrame:
    """The frame of the pass and, laid beside it, the rest by SQL."""
    sql = feature_sql(rest, snapshots, chunk)
    found = snapshots.database.connection.execute(sql).to_arrow_table()
    texts = {spec.name: object for spec in rest if is_text(spec)}
    by_sql = _in_order(found.to_pandas().astype(texts)).drop(columns=KEY)
    return pd.concat([frame, by_sql], axis=1)[[*KEY, *(spec.name for spec in specs)]]


def _require_attributes(database: LeadDatabase, specs: Sequence[Spec]) -> None:
    staged = {name for name, *_ in database.connection.execute("DESCRIBE leads").fetchall()}
    wanted = {spec.column for spec in inside(specs) if isinstance(spec, Attribute)}
    if wanted - staged:
        raise BadInput(
            f"The model was trained with the attribute {', '.join(sorted(wanted - staged))}, which "
            "is not among features.attributes any more. List it again, or train a new model."
        )


def feature_frame(
    snapshots: Snapshots,
    specs: Sequence[Spec],
    memory_gb: float = 4,
    progress: Progress = silent,
) -> pd.DataFrame:
    """All snapshots in one frame, ordered by cutoff and lead."""
    frames = list(feature_frames(snapshots, specs, memory_gb, progress))
    return _in_order(pd.concat(frames)) if len(frames) > 1 else frames[0]


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(KEY[::-1], ignore_index=True)
