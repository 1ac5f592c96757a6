"""Contestant: sales-readiness itself, from Parquet files to a frame, as a user gets it.

    python -m benchmarks.feature_ours FOLDER MEMORY_GB [FRAME.parquet]

Prints what staging and the query cost; writes the frame, unmeasured, where it is asked for.
"""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pandas as pd

from benchmarks.feature_data import SPECS
from benchmarks.measure import Cost, Stopwatch, peak_gb
from features.config import Config
from features.contract.database import open_database
from features.contract.tables import literal
from features.engine.duckdb_engine import feature_frame


def main(folder: Path, memory_gb: float, written: Path | None) -> None:
    """Compute and tell."""
    frame, staging, query = compute(folder, memory_gb)
    print(json.dumps({"staging": asdict(staging), "query": asdict(query), "peak_gb": peak_gb()}))
    if written:
        frame.to_parquet(written)


def compute(folder: Path, memory_gb: float) -> tuple[pd.DataFrame, Cost, Cost]:
    """The frame of all snapshots, and what opening the database and computing it cost."""
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
    with open_database(config) as database:
        staging = watch.lap()
        frame = feature_frame(database, SPECS, snapshots, memory_gb)
    return frame, staging, watch.lap()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]) if sys.argv[3:] else None)
