"""Contestant: sales-readiness itself, from Parquet files to a Parquet file, chunk by chunk.

    python -m benchmarks.feature_ours FOLDER WRITTEN.parquet MEMORY_GB

Prints what staging cost; the parent measures the whole.
"""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.feature_data import SPECS
from benchmarks.measure import Stopwatch
from features.config import Config
from features.engine.duckdb_engine import feature_frames
from features.open_database import open_database
from features.snapshots import Snapshots
from features.sql import literal

# Dictionaries of numbers cost as much again as all the rest of writing, and save nothing.
TEXTS = [spec.name for spec in SPECS if spec.is_text]


def main(folder: Path, written: Path, memory_gb: float) -> None:
    """Write the frame of all snapshots, and tell what opening the database cost."""
    config = Config.model_validate(
        {
            "tables": {table: f"{table}.parquet" for table in ("events", "leads", "deals")},
            "time": {"first_cutoff": datetime(2025, 3, 1)},
            "capacity": {"share": 0.1},
            "engine": {"memory_gb": memory_gb},
            "path": folder / "readiness.toml",
        }
    )
    snapshots = f"read_parquet({literal(str(folder / 'snapshots.parquet'))})"
    watch = Stopwatch()
    writer: pq.ParquetWriter | None = None
    with open_database(config) as database:
        print(json.dumps({"staging": asdict(watch.lap())}))
        for frame in feature_frames(Snapshots(database, snapshots), SPECS, memory_gb):
            rows = pa.Table.from_pandas(frame, preserve_index=False)
            writer = writer or pq.ParquetWriter(written, rows.schema, use_dictionary=TEXTS)
            writer.write_table(rows)
    if writer:
        writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
