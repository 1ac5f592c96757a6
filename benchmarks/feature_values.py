"""Whether two contestants' frames hold the same values.

    python -m benchmarks.feature_values FRAME OTHER

Each is a Parquet file, or a folder of them. Prints the rows and columns compared, and each column
that differs in any row: numbers by more than 1e-9 (relative, and absolute near 0, so that counts
are exact), texts at all; a missing value equals a missing one only. A column that only one has
differs, unless a further argument says that the shared ones are meant.
"""

import json
import sys
from pathlib import Path

import duckdb

TOLERANCE = 1e-9
SLICE = 500_000  # snapshots compared at a time
KEY = ("lead_id", "cutoff")


def differences(ours: Path, other: Path, shared_only: bool = False) -> tuple[int, int, list[str]]:
    """Rows and features compared; and what differs, with the first offender of each column."""
    connection = duckdb.connect()
    connection.execute("SET memory_limit = '4GB'")
    tables = [f"read_parquet('{path}/*.parquet')" if path.is_dir() else f"read_parquet('{path}')"
              for path in (ours, other)]  # fmt: skip
    described = [connection.execute(f"DESCRIBE FROM {table}").fetchall() for table in tables]
    kinds, others = ({name: kind for name, kind, *_ in rows} for rows in described)
    columns = [name for name in kinds if name in others and name not in KEY]
    lines = [f"{name}: one has it" for name in sorted(set(kinds) ^ set(others)) if not shared_only]
    rows, theirs = (connection.sql(f"FROM {table}").count("*").fetchall()[0][0] for table in tables)
    if rows != theirs:
        lines.append(f"{rows} rows not {theirs}")
    slices = rows // SLICE + 1
    different = dict.fromkeys(columns, 0)
    paired = 0
    for part in range(slices):
        sides = [f"(FROM {table} WHERE hash(lead_id) % {slices} = {part})" for table in tables]
        counted = ", ".join(f"count(*) FILTER ({_differs(name, kinds[name])})" for name in columns)
        joined = f"{sides[0]} a JOIN {sides[1]} b USING ({', '.join(KEY)})"
        query = f"SELECT count(*), {counted} FROM {joined}"
        pairs, *counts = connection.execute(query).fetchall()[0]
        paired += pairs
        different = {name: different[name] + n for name, n in zip(columns, counts, strict=True)}
    if paired != rows:
        lines.append(f"{paired} of {rows} snapshots are in both")
    return rows, len(columns), lines + [f"{name}: {n} rows" for name, n in different.items() if n]


def _differs(name: str, kind: str) -> str:
    a, b = f'a."{name}"', f'b."{name}"'
    if kind == "VARCHAR":
        return f"{a} IS DISTINCT FROM {b}"
    near = f"abs({a} - {b}) <= {TOLERANCE} * greatest(abs({b}), 1)"
    # NaN, how pandas writes a missing number, is greater than all numbers here, and equals itself.
    ours, other = (f"(CASE WHEN isfinite({value}) THEN {value} END)" for value in (a, b))
    return f"({ours} IS NULL) <> ({other} IS NULL) OR NOT coalesce({near} OR {a} = {b}, true)"


if __name__ == "__main__":
    result = differences(Path(sys.argv[1]), Path(sys.argv[2]), len(sys.argv) > 3)
    print(json.dumps(dict(zip(("rows", "columns", "differing"), result, strict=True))))
