"""Who takes part in `benchmarks.features`, at which sizes, and how each is run."""

from dataclasses import dataclass
from pathlib import Path

OURS, OURS_ROOMY = "ours, limit 1 GB", "ours, limit 4 GB"
POLARS, PANDAS = "Polars, streaming", "pandas"
DUCKDB, DUCKDB_TIGHT = "DuckDB SQL, limit 4 GB", "DuckDB SQL, limit 1 GB"
SCAN, SCAN_AND_WRITE = "floor: scan", "floor: scan, write"
FLOORS = (SCAN, SCAN_AND_WRITE)


@dataclass(frozen=True)
class Contestant:
    """A module that writes the features of a folder; up to so many events, and why no more."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    most_events: int = 10**12
    why_no_more: str = ""


def contestants(events: int) -> list[Contestant]:
    """All but the floors, ours first, Polars second: the others are compared with ours, and all are
    measured by Polars. Peers work on the leads in as many chunks as suits them best."""
    chunks = min(16, max(4, events // 2_500_000))
    return [
        Contestant(OURS, "benchmarks.feature_ours", ("1",)),
        Contestant(POLARS, "benchmarks.feature_polars", (str(chunks),)),
        Contestant(OURS_ROOMY, "benchmarks.feature_ours", ("4",)),
        Contestant(DUCKDB, "benchmarks.feature_duckdb", (str(chunks), "4")),
        Contestant(
            DUCKDB_TIGHT,
            "benchmarks.feature_duckdb",
            (str(4 * chunks), "1"),
            20_000_000,
            "with 4 GB it takes longest already",
        ),
        Contestant(PANDAS, "benchmarks.feature_pandas", (str(max(1, events // 2_000_000)),)),
    ]


def floors(matrix: Path) -> list[Contestant]:
    """What no contestant can save; `matrix` is what one of them wrote."""
    return [
        Contestant(SCAN, "benchmarks.feature_floor", (str(matrix), "scan")),
        Contestant(SCAN_AND_WRITE, "benchmarks.feature_floor", (str(matrix), "write")),
    ]


@dataclass(frozen=True)
class Peer:
    """A library that computes a part of the features, in an environment of its own (how to make it
    is in the docstrings of its contestants' module); how many events it can bear."""

    contestants: tuple[Contestant, ...]
    events: int


PEERS = {
    "featuretools": Peer((Contestant("featuretools", "benchmarks.feature_featuretools"),), 20_000),
    "fastdfs": Peer(
        (
            Contestant("fastdfs, whole past", "benchmarks.feature_fastdfs"),
            Contestant(
                "fastdfs, windows as differences",
                "benchmarks.feature_fastdfs",
                ("1", "7", "30", "90"),
            ),
        ),
        2_000_000,
    ),
    "meds-tab": Peer((Contestant("meds-tab", "benchmarks.feature_medstab"),), 200_000),
}
