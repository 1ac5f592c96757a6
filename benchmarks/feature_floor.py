"""The floor: what no contestant can save. No feature is computed.

    python -m benchmarks.feature_floor FOLDER WRITTEN.parquet MATRIX.parquet scan|write

Scans all columns of the events, batch by batch; `write` writes, too, a matrix of as many rows as
there are snapshots: the first row group of MATRIX, again and again.
"""

import sys
from pathlib import Path

import pyarrow.parquet as pq

TEXTS = ["first_source", "last_source"]


def main(folder: Path, written: Path, matrix: Path, does_write: bool) -> None:
    """Scan, and perhaps write."""
    repeating = ["action", "source", "content"]
    events = pq.ParquetFile(folder / "events.parquet", read_dictionary=repeating)
    for _ in events.iter_batches(200_000):
        pass
    if does_write:
        rows = pq.ParquetFile(matrix).read_row_group(0)
        left = pq.ParquetFile(folder / "snapshots.parquet").metadata.num_rows
        with pq.ParquetWriter(written, rows.schema, use_dictionary=TEXTS) as writer:
            while left > 0:
                writer.write_table(rows.slice(0, left))
                left -= rows.num_rows


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4] == "write")
