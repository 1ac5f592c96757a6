"""Runs the feature query on DuckDB, chunk by chunk of leads, so that memory stays bounded."""

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from features.database import LeadDatabase
from features.progress import Progress, silent
from features.query import Chunk, feature_sql
from features.spec import Spec, is_text

# What one chunk may hold per GB of the memory limit; larger cohorts take more chunks.
SNAPSHOTS_PER_GB = 100_000
EVENTS_PER_GB = 2_000_000


def chunk_count(database: LeadDatabase, snapshots: str, memory_gb: float) -> int:
    """In how many chunks the work is done."""
    asked = database.value(f"SELECT count(*) FROM {snapshots}")
    events = database.value("SELECT count(*) FROM deeds")
    return max(
        1,
        math.ceil(asked / (SNAPSHOTS_PER_GB * memory_gb)),
        math.ceil(events / (EVENTS_PER_GB * memory_gb)),
    )


def feature_frames(
    database: LeadDatabase,
    specs: Sequence[Spec],
    snapshots: str,
    memory_gb: float,
    progress: Progress = silent,
) -> Iterator[pd.DataFrame]:
    """Yield one frame per chunk of leads: lead_id, cutoff, then one column per spec.

    Every snapshot of the relation is in exactly one frame. Numbers are float64, texts are objects;
    a missing value is NaN in both (never None: the encoder would take it for a category).
    """
    count = chunk_count(database, snapshots, memory_gb)
    for index in range(count):
        sql = feature_sql(specs, snapshots, Chunk(index, count))
        frame = database.connection.execute(sql).to_arrow_table().to_pandas()
        texts = [spec.name for spec in specs if is_text(spec)]
        progress("features", index + 1, count)
        yield frame.astype(dict.fromkeys(texts, object))


def feature_frame(
    database: LeadDatabase,
    specs: Sequence[Spec],
    snapshots: str,
    memory_gb: float = 4,
    progress: Progress = silent,
) -> pd.DataFrame:
    """All snapshots in one frame, ordered by cutoff and lead."""
    frames = list(feature_frames(database, specs, snapshots, memory_gb, progress))
    whole = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    return whole.sort_values(["cutoff", "lead_id"], ignore_index=True)
