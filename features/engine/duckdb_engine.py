"""Features of snapshots, chunk by chunk of leads, so that memory stays bounded."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import duckdb
import pandas as pd

from features.contract.database import LeadDatabase
from features.engine.accounts import with_accounts
from features.engine.one_pass import OnePass
from features.errors import BadInput
from features.progress import Progress, silent, timed
from features.snapshots import Snapshots
from features.spec.spec import Spec

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
    one_pass = OnePass.over(snapshots.database, specs)
    _require_attributes(snapshots.database, one_pass.compiled.attributes)
    with _room(memory_gb), _beside_accounts(snapshots, one_pass, memory_gb) as snapshots:
        count = chunk_count(snapshots, len(one_pass.places), memory_gb)
        for done, frame in enumerate(timed("features", one_pass.frames(snapshots, count)), start=1):
            yield frame
            progress("features", done, count)


def _beside_accounts(
    snapshots: Snapshots, one_pass: OnePass, memory_gb: float
) -> AbstractContextManager[Snapshots]:
    """The snapshots as the pass needs them: with the features of the leads' accounts, if any."""
    of_account = one_pass.compiled.of_account
    if not of_account:
        return nullcontext(snapshots)
    return with_accounts(snapshots, of_account, partial(feature_frames, memory_gb=memory_gb))


@contextmanager
def _room(memory_gb: float) -> Iterator[None]:
    """Raises BadInput where memory, or the disk for temporary files, does not suffice."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException, OSError) as error:
        message = str(error).splitlines()[0]
        # In the middle of a stream Arrow says what DuckDB ran out of, as an OSError.
        if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory" in message:
            raise BadInput(
                f"The features of one chunk of leads do not fit into {memory_gb:g} GB. Raise "
                "engine.memory_gb in readiness.toml, or look for a lead with millions of events."
            ) from None
        raise BadInput(
            f"{message} (temporary files lie in {tempfile.gettempdir()}; TMPDIR names another "
            "place)"
        ) from None


def _require_attributes(database: LeadDatabase, attributes: Sequence[str]) -> None:
    staged = {name for name, *_ in database.connection.execute("DESCRIBE leads").fetchall()}
    missing = sorted(set(attributes) - staged)
    if missing:
        raise BadInput(
            f"The model was trained with the attribute {', '.join(missing)}, which "
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
    if len(frames) == 1:
        return frames[0]
    return pd.concat(frames).sort_values(KEY[::-1], ignore_index=True)
