"""Contestant: what fastdfs computes of the 80 features, at exact cutoffs.

    ENVIRONMENT/bin/python -m benchmarks.feature_fastdfs FOLDER WRITTEN.parquet [DAYS ...]

It needs pandas < 3, hence an environment of its own:

    python3 -m venv ENVIRONMENT
    ENVIRONMENT/bin/pip install fastdfs==1.2

Counts by action, sums of values, and days since the last event, all strictly before the cutoff. It
has no conditions on rows: the events of each action are a table of their own (a flag per action in
one table took a third more CPU). It has no windows either: for each of DAYS the same is computed at
cutoff - days as well, and the window [cutoff - days, cutoff) is the difference, which is exact for
counts and for values in whole cents. Times go by occurred_at, so the events given have to be known
when they occur.
"""

import os
import sys
from pathlib import Path

os.environ["LOGURU_LEVEL"] = "WARNING"  # read at its import; it logs each query otherwise

import fastdfs
import pandas as pd
from fastdfs.dfs import DFSConfig

DAY_US = 86_400_000_000
BY_ACTION, VALUES = (7, 30, None), (30, 90, None)  # the windows of these features; None: all


def main(folder: Path, written: Path, windows: list[int]) -> None:
    """Write the features of all snapshots, by our names."""
    snapshots = pd.read_parquet(folder / "snapshots.parquet")
    events = pd.read_parquet(
        folder / "events.parquet", columns=["lead_id", "occurred_at", "action", "value"]
    )
    actions = sorted(events["action"].unique())
    totals = totals_at(folder, events, actions, snapshots, [0, *windows])
    columns = {"lead_id": snapshots["lead_id"], "cutoff": snapshots["cutoff"]}
    cutoff = snapshots["cutoff"].astype("datetime64[us]").astype("int64")
    latest = {action: totals[0][_name("MAX", action, "at_us")] for action in actions}
    columns["days_since"] = (cutoff - pd.DataFrame(latest).max(axis=1)) / DAY_US
    columns |= {f"days_since({action})": (cutoff - at) / DAY_US for action, at in latest.items()}
    for days in (*windows, None):
        span = "all" if days is None else f"{days}d"
        within = totals[0] if days is None else totals[0] - totals[days]
        counts = within[[_name("COUNT", action) for action in actions]]
        columns[f"count_{span}"] = counts.sum(axis=1)
        if days in BY_ACTION:
            columns |= {f"count_{span}({a})": within[_name("COUNT", a)] for a in actions}
        if days in VALUES:
            cents = within[[_name("SUM", action, "cents") for action in actions]]
            columns[f"value_{span}"] = cents.sum(axis=1) / 100
    pd.DataFrame(columns).to_parquet(written, index=False)


def totals_at(
    folder: Path,
    events: pd.DataFrame,
    actions: list[str],
    snapshots: pd.DataFrame,
    days: list[int],
) -> dict[int, pd.DataFrame]:
    """What it computes of all events before cutoff - days, in the order of the snapshots."""
    at_us = events["occurred_at"].astype("datetime64[us]").astype("int64").astype(float)
    events = events.assign(at_us=at_us, cents=(events.pop("value") * 100).round())
    tables = {a: events[events["action"] == a].drop(columns="action") for a in actions}
    database = fastdfs.create_rdb(
        {"leads": pd.read_parquet(folder / "leads.parquet", columns=["lead_id"]), **tables},
        primary_keys={"leads": "lead_id"},
        foreign_keys=[(action, "lead_id", "leads", "lead_id") for action in actions],
        time_columns=dict.fromkeys(actions, "occurred_at"),
    )
    cutoffs = [snapshots["cutoff"] - pd.Timedelta(days=back) for back in days]
    rows = pd.DataFrame(
        {
            "lead_id": pd.concat([snapshots["lead_id"]] * len(days), ignore_index=True),
            "time": pd.concat(cutoffs, ignore_index=True),
        }
    )
    config = DFSConfig(agg_primitives=["count", "sum", "max"])
    matrix = fastdfs.compute_dfs_features(
        database, rows, {"lead_id": "leads.lead_id"}, "time", config
    )
    counted = [name for name in matrix if "MAX" not in name and name not in rows]
    matrix[counted] = matrix[counted].fillna(0)
    size = len(snapshots)
    return {
        back: matrix[number * size : (number + 1) * size]
        .drop(columns=list(rows))
        .reset_index(drop=True)
        for number, back in enumerate(days)
    }


def _name(primitive: str, table: str, column: str = "") -> str:
    return f"d2__leads.{primitive}({table}{column and '.'}{column})"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [int(days) for days in sys.argv[3:]])
