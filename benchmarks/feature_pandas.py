"""Contestant: the same 80 features, written by hand in pandas.

    python -m benchmarks.feature_pandas FOLDER WRITTEN CHUNKS

Each snapshot beside each of its events; then grouped sums over what a window holds, by action at
once, and counts of distinct things after dropping the duplicates. All in memory, so the leads are
worked on in chunks, for which the events are laid into a file each at the beginning.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.feature_data import ACTIONS, DAY_US, HALF_LIFE, ID_STEP

FIXED_POINT = 2**32
GAP = pd.Timedelta(minutes=30)


def main(folder: Path, written: Path, chunks: int) -> None:
    """Write the features of each chunk of leads."""
    written.mkdir()
    leads = pd.read_parquet(folder / "leads.parquet")
    snapshots = pd.read_parquet(folder / "snapshots.parquet").merge(leads, on="lead_id")
    texts = ["first_source", "last_source"]
    for chunk, events in enumerate(spread(folder / "events.parquet", written, chunks)):
        mine = snapshots[snapshots["lead_id"] // ID_STEP % chunks == chunk].reset_index(drop=True)
        frame = features(mine, measures(mine, known(mine, prepared(events))))
        file = written / f"{chunk}.parquet"
        frame.to_parquet(file, index=False, compression="snappy", use_dictionary=texts)


def spread(file: Path, written: Path, chunks: int) -> Iterator[pd.DataFrame]:
    """The events of each chunk, after one scan of all."""
    if chunks == 1:
        yield pd.read_parquet(file)
        return
    home = written.with_name(f"{written.name}.spill")
    home.mkdir()
    events = pq.ParquetFile(file)
    with ExitStack() as open_files:
        writers = [
            open_files.enter_context(pq.ParquetWriter(home / str(chunk), events.schema_arrow))
            for chunk in range(chunks)
        ]
        for batch in events.iter_batches(1_000_000):
            part = batch["lead_id"].to_numpy() // ID_STEP % chunks
            for chunk, writer in enumerate(writers):
                writer.write_batch(batch.filter(pa.array(part == chunk)))
    for chunk in range(chunks):
        yield pd.read_parquet(home / str(chunk))
        (home / str(chunk)).unlink()


def prepared(events: pd.DataFrame) -> pd.DataFrame:
    """The events, with what does not depend on a cutoff."""
    at = events["occurred_at"].dt
    known_at = events.pop("recorded_at").where(lambda late: late > events["occurred_at"],
                                               events["occurred_at"])  # fmt: skip
    return events.assign(
        known_at=known_at,
        action=pd.Categorical(events["action"], ACTIONS),
        source=events["source"].astype("category"),
        content=events["content"].astype("category").cat.codes,
        day=at.floor("D"),
        night=(at.hour >= 22) | (at.hour < 6),
        weekend=at.day_of_week >= 5,
    ).sort_values(["lead_id", "occurred_at", "source"], ignore_index=True)


def known(snapshots: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Each snapshot beside each event known before its cutoff, in order of time."""
    numbered = snapshots[["lead_id", "cutoff"]].assign(snapshot=np.arange(len(snapshots)))
    pairs = numbered.merge(events, on="lead_id")
    pairs = pairs[pairs["known_at"] < pairs["cutoff"]].drop(columns=["lead_id", "known_at"])
    age = (pairs["cutoff"] - pairs["occurred_at"]).astype("int64")
    weight = (0.5 ** (age / (HALF_LIFE * DAY_US)) * FIXED_POINT).round()
    apart = pairs["occurred_at"].diff() > GAP
    begins = apart | (pairs["snapshot"] != pairs["snapshot"].shift())
    return pairs.drop(columns="cutoff").assign(age=age, weight=weight, begins=begins)


def measures(snapshots: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """The measures, one row per snapshot; missing where nothing is known."""
    columns: dict[str, pd.Series] = {}
    for days in (1, 7, 14, 30, 60, 90, None):
        span = "all" if days is None else f"{days}d"
        held = pairs if days is None else pairs[pairs["age"] <= days * DAY_US]
        by = held.groupby("snapshot")
        columns[f"count_{span}"] = by.size()
        if days in (7, 30, None):
            of_each = held.groupby(["snapshot", "action"], observed=True).size().unstack()
            columns |= {f"count_{span}({action})": of_each.get(action) for action in ACTIONS}
            columns[f"sessions_{span}"] = by["begins"].sum()
        if days in (7, 30, 90, None):
            columns[f"active_days_{span}"] = _distinct(held, "day")
        if days in (30, 90, None):
            columns[f"value_{span}"] = by["value"].sum()
        if days in (30, None):
            columns[f"contents_{span}"] = _distinct(held[held["content"] >= 0], "content")
        if days == 90:
            columns["night_90d"], columns["weekend_90d"] = by["night"].sum(), by["weekend"].sum()
    by, by_action = pairs.groupby("snapshot"), pairs.groupby(["snapshot", "action"], observed=True)
    since, decayed = by_action["age"].min().unstack(), by_action["weight"].sum().unstack()
    columns |= {"days_since": by["age"].min(), "decayed": by["weight"].sum()}
    columns |= {f"days_since({action})": since.get(action) for action in ACTIONS}
    columns |= {f"decayed({action})": decayed.get(action) for action in ACTIONS[5:8]}
    sources = (
        pairs[["snapshot", "source"]].dropna().astype({"source": "object"}).groupby("snapshot")
    )
    columns |= {"first_source": sources["source"].first(), "last_source": sources["source"].last()}
    return pd.DataFrame(columns, index=np.arange(len(snapshots)))


def _distinct(pairs: pd.DataFrame, column: str) -> pd.Series:
    return pairs[["snapshot", column]].drop_duplicates().groupby("snapshot").size()


def features(snapshots: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """The 80 columns as delivered: 0 where nothing was counted, NaN where nothing is known."""
    age = (snapshots["cutoff"] - snapshots["created_at"]).astype("int64") / DAY_US
    kinds = ("count", "active_days", "sessions", "contents", "value")
    counted = [name for name in measured if name.startswith(kinds)]
    measured[counted] = measured[counted].fillna(0)
    since = [name for name in measured if name.startswith("days_since")]
    columns = {
        "lead_id": snapshots["lead_id"],
        "cutoff": snapshots["cutoff"],
        "age_days": age,
        **{name: measured[name] for name in counted if name not in ("count_14d", "count_60d")},
        **{name: measured[name] / DAY_US for name in since},
        **{f"decayed_{HALF_LIFE}d{of}": measured[f"decayed{of}"].fillna(0) / FIXED_POINT
           for of in ("", *(f"({action})" for action in ACTIONS[5:8]))},
        **{f"trend_{w}d": measured[f"count_{w}d"] / measured[f"count_{2 * w}d"] for w in (7, 30)},
        **{f"{part}_share_90d": measured[f"{part}_90d"] / measured["count_90d"]
           for part in ("night", "weekend")},
        **{name: measured[name] for name in ("first_source", "last_source")},
        "count_all/age_days": measured["count_all"] / age,
        "active_days_all/age_days": measured["active_days_all"] / age,
        "count_all/sessions_all": measured["count_all"] / measured["sessions_all"],
    }  # fmt: skip
    return pd.DataFrame(columns)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
