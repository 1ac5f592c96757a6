"""The prefixes of the bank's log are of the published split; the open ones hold no outcome."""

import pandas as pd
import pytest

from benchmarks.public import next_outcome

DATA = next_outcome.FOLDER.parents[2].parent / "shared" / "data" / "bpic2012"
DECIDING = {"A_APPROVED", "A_REGISTERED", "A_ACTIVATED", "A_DECLINED", "A_CANCELLED"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the bank's log is not here"),
]


def test_prefixes_are_the_first_forty_events_of_the_published_cases():
    log = pd.read_parquet(DATA / "BPI_Challenge_2012.parquet")
    log = pd.DataFrame(
        {
            "lead_id": log["case:concept:name"].astype(int),
            "name": log["concept:name"],
            "at": pd.to_datetime(log["time:timestamp"], utc=True).dt.tz_localize(None),
        }
    ).sort_values(["at", "name"], kind="stable")
    offers = log[log["name"].str.startswith("O_")]
    last = offers.groupby("lead_id")["name"].last()
    outcome = last[last.isin(["O_ACCEPTED", "O_CANCELLED", "O_DECLINED"])]
    log = log[log["lead_id"].isin(outcome.index)]
    start = log.groupby("lead_id")["at"].min().sort_values(kind="stable")
    later = set(start.index[int(0.8 * len(start)) :])
    first_of_test = start[list(later)].min()

    rows = next_outcome.prefixes(DATA)
    assert rows["lead_id"].nunique() == len(outcome) == 4_685
    assert set(rows.loc[rows["is_test"], "lead_id"]) == later
    assert (rows["outcome"] == rows["lead_id"].map(outcome)).all()
    assert rows.loc[~rows["is_test"], "cutoff"].max() <= first_of_test
    assert rows["length"].max() == 40
    # Every event that a prefix knows, and of each case as many as the prefix is long.
    tested = rows[rows["lead_id"].isin(list(later)[:200])]
    known = tested.merge(log, on="lead_id", suffixes=("", "_event"))
    known = known[known["at"] < known["cutoff"]]
    counted = known.groupby(["lead_id", "cutoff"]).size()
    lengths = tested.set_index(["lead_id", "cutoff"])["length"].reindex(counted.index)
    assert (counted[lengths < 40] == lengths[lengths < 40]).all()
    ended = known["name"].isin(DECIDING) | (known["name"] == "O_ACCEPTED")
    assert ended.any()
    assert not ended[known["is_open"]].any()
