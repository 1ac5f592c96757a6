"""Contestant: what meds-tab computes of the 80 features, at exact cutoffs.

    ENVIRONMENT/bin/python -m benchmarks.feature_medstab FOLDER WRITTEN

It brings hydra and the packages of MEDS, hence an environment of its own:

    python3 -m venv ENVIRONMENT
    ENVIRONMENT/bin/pip install meds-tab==0.2.0

Counts by action and window, by its own commands: `meds-tab-describe`, then
`meds-tab-tabularize-time-series` in two processes over two shards. Prints
what is not its own work: the way into the layout of MEDS, and from its sparse matrices to Parquet.

The rows that it is given make its definitions ours:

- Its windows end at the last row not later than the prediction time, which belongs to them, and do
  not hold what lies a whole window before. A row of its own stands one microsecond before each
  cutoff, and is the prediction time: its window is then [cutoff - days, cutoff) of our times.
- It counts the instants at which an action was done, so that what a lead does again in one instant
  is one microsecond later; times are in whole seconds, so that none leaves its window.
- Release 0.2.0 leaves out the last row of each instant (compute_agg in generate_summarized_reps.py
  ends a slice at the index of the last row); a row of no action closes each instant, which
  doubles the rows but not the instants, over which it loops.

Sums of values are left out: 0.2.0 gives none, because get_long_value_df in generate_ts_features.py
looks for each action among names as `action/value`. Nothing in it is a time since an event. Times
go by occurred_at, so the events given have to be known when they occur.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import polars as pl

from benchmarks.measure import Stopwatch

WINDOWS = {"1d": "1d", "7d": "7d", "30d": "30d", "90d": "90d", "full": "all"}  # theirs: ours
BY_ACTION = ("7d", "30d", "full")
CUTOFF, END = "cutoff", "~"  # codes of the rows that are no events; END sorts last
SHARDS = WORKERS = 2
MICROSECOND = pl.duration(microseconds=1)


def main(folder: Path, written: Path) -> None:
    """Write the features of each shard of leads."""
    watch = Stopwatch()
    home = written.with_name(f"{written.name}.spill")
    for shard in range(SHARDS):
        write_shard(folder, home, shard)
    conversion = watch.lap()
    _commands(home)
    watch.lap()
    written.mkdir()
    for shard in range(SHARDS):
        counts(home, shard).write_parquet(written / f"{shard}.parquet", compression="snappy")
    print(json.dumps({"into MEDS": asdict(conversion), "to Parquet": asdict(watch.lap())}))


def write_shard(folder: Path, home: Path, shard: int) -> None:
    """The events of a part of the leads in the layout of MEDS, and their snapshots as labels."""
    mine = pl.col("lead_id").hash() % SHARDS == shard
    snapshots = (
        pl.scan_parquet(folder / "snapshots.parquet")
        .filter(mine)
        .select(subject_id="lead_id", prediction_time=pl.col("cutoff") - MICROSECOND)
        .sort("subject_id", "prediction_time")
    )
    again = pl.int_range(pl.len()).over("lead_id", "occurred_at", "action")
    events = (
        pl.scan_parquet(folder / "events.parquet")
        .filter(mine)
        .select(
            subject_id="lead_id",
            time=pl.col("occurred_at") + pl.duration(microseconds=again),
            code="action",
        )
    )
    cutoffs = snapshots.select("subject_id", time="prediction_time", code=pl.lit(CUTOFF))
    rows = pl.concat([events, cutoffs])
    ends = rows.select("subject_id", "time", code=pl.lit(END)).unique()
    file = Path("train") / f"{shard}.parquet"
    for part in ("meds", "labels"):
        (home / part / "train").mkdir(parents=True, exist_ok=True)
    (
        pl.concat([rows, ends])
        .sort("subject_id", "time", "code")
        .with_columns(numeric_value=pl.lit(None, pl.Float32))
        .sink_parquet(home / "meds" / file)
    )
    snapshots.sink_parquet(home / "labels" / file)


def _commands(home: Path) -> None:
    """Let its commands run to their end; the second in as many processes as there are workers."""
    data = [f"input_dir={home / 'meds'}", f"output_dir={home / 'out'}"]
    with _start("meds-tab-describe", *data) as describe:
        _end(describe)
    options = [
        *data,
        f"input_label_dir={home / 'labels'}",
        "tabularization.aggs=[code/count]",
        f"tabularization.window_sizes=[{','.join(WINDOWS)}]",
        "tabularization.min_code_inclusion_count=1",
    ]
    workers = [
        _start("meds-tab-tabularize-time-series", *options, f"worker={number}")
        for number in range(WORKERS)
    ]
    for worker in workers:
        _end(worker)


def _start(command: str, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [Path(sys.executable).parent / command, *options], stdout=subprocess.DEVNULL
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, process.args)


def counts(home: Path, shard: int) -> pl.DataFrame:
    """The counts of a shard, by our names."""
    # Here, so that what is given to meds-tab can be tested without it.
    from MEDS_tabular_automl.describe_codes import get_feature_columns
    from MEDS_tabular_automl.utils import get_feature_names, load_matrix

    labels = pl.read_parquet(home / "labels" / "train" / f"{shard}.parquet")
    codes = get_feature_columns(home / "out" / "metadata" / "codes.parquet")
    names = [name.removesuffix("/code") for name in get_feature_names("code/count", codes)]
    columns = [labels["subject_id"].alias("lead_id"),
               labels.select(cutoff=pl.col("prediction_time") + MICROSECOND)["cutoff"]]  # fmt: skip
    for window, span in WINDOWS.items():
        file = home / "out" / "tabularize" / "train" / str(shard) / window / "code" / "count.npz"
        matrix = load_matrix(file).toarray().astype(float)
        actions = {name: number for number, name in enumerate(names) if name not in (CUTOFF, END)}
        columns.append(pl.Series(f"count_{span}", matrix[:, list(actions.values())].sum(axis=1)))
        if window in BY_ACTION:
            columns += [pl.Series(f"count_{span}({a})", matrix[:, n]) for a, n in actions.items()]
    return pl.DataFrame(columns)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
