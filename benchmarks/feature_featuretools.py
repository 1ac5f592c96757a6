"""Contestant: what featuretools computes of the 80 features, at exact cutoffs.

    ENVIRONMENT/bin/python -m benchmarks.feature_featuretools FOLDER WRITTEN.parquet

It needs pandas < 3, hence an environment of its own:

    python3 -m venv ENVIRONMENT
    ENVIRONMENT/bin/pip install featuretools "pandas<3" pyarrow

Counts by action and window, sums of values, and days since the last event. Its windows and its
cutoffs go by one time, so the events given have to be known when they occur.
"""

import sys
from pathlib import Path

import featuretools as ft
import pandas as pd

DAY_SECONDS = 86_400


def main(folder: Path, written: Path) -> None:
    """Write the features of all snapshots."""
    events = pd.read_parquet(folder / "events.parquet").drop(columns="recorded_at")
    cutoffs = pd.read_parquet(folder / "snapshots.parquet").rename(columns={"cutoff": "time"})
    data = ft.EntitySet()
    data.add_dataframe(pd.read_parquet(folder / "leads.parquet"), "leads", index="lead_id")
    data.add_dataframe(
        events[["lead_id", "occurred_at", "action", "value"]],
        "events",
        index="event",
        make_index=True,
        time_index="occurred_at",
        logical_types={"action": "Categorical"},
    )
    data.add_relationship("leads", "lead_id", "events", "lead_id")
    actions = list(events["action"].unique())
    data.add_interesting_values(dataframe_name="events", values={"action": actions})
    pd.concat([within(data, cutoffs, actions, days) for days in (7, 30, None)], axis=1).rename_axis(
        ["lead_id", "cutoff"]
    ).reset_index().to_parquet(written, index=False)


def within(
    data: ft.EntitySet, cutoffs: pd.DataFrame, actions: list[str], days: int | None
) -> pd.DataFrame:
    """The features over [cutoff - days, cutoff), by our names."""
    since = ["time_since_last"] if days is None else []
    matrix, _ = ft.dfs(
        entityset=data,
        target_dataframe_name="leads",
        cutoff_time=cutoffs,
        cutoff_time_in_index=True,
        include_cutoff_time=False,
        training_window=ft.Timedelta(days, "d") if days else None,
        agg_primitives=["count", "sum", *since],
        where_primitives=["count", *since],
        trans_primitives=[],
    )
    span = "all" if days is None else f"{days}d"
    names = {f"COUNT(events{_of(action)})": f"count_{span}{_in_brackets(action)}"
             for action in (None, *actions)}  # fmt: skip
    columns = pd.DataFrame(matrix.rename(columns=names))[list(names.values())].astype(float)
    if days != 7:
        columns[f"value_{span}"] = matrix["SUM(events.value)"].fillna(0)
    for action in (None, *actions) if since else ():
        seconds = matrix[f"TIME_SINCE_LAST(events.occurred_at{_of(action)})"]
        columns[f"days_since{_in_brackets(action)}"] = seconds / DAY_SECONDS
    return columns


def _of(action: str | None) -> str:
    return f" WHERE action = {action}" if action else ""


def _in_brackets(action: str | None) -> str:
    return f"({action})" if action else ""


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
