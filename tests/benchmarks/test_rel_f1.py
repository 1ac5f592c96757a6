"""The public yardstick has RelBench's rows and labels, counted here by hand; its frozen protocol
reads nothing after the tables end."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.public import formula_one
from features.config import load

FOLDER = formula_one.FOLDER
DATA = FOLDER.parents[2].parent / "shared" / "data" / "rel_f1"
MONTH = pd.Timedelta(days=30)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the rel-f1 data are not here"),
]


def read(name):
    return pd.read_csv(DATA / f"{name}.csv", na_values="\\N")


def races():
    """raceId, held_at."""
    table = read("races")
    held_at = pd.to_datetime(table["date"] + " " + table["time"].fillna("00:00:00"))
    return table[["raceId"]].assign(held_at=held_at)


def counted(events, outcome):
    """(driver, cutoff) -> (outcome, split), by arithmetic on the times: of cutoffs every 30 days
    from a start, t lies in (c, c + 30 days] of the one that is ceil((t - start) / 30 days) - 1
    months after it."""
    validation, test = pd.Timestamp("2005-01-01"), pd.Timestamp("2010-01-01")
    first, parts = races()["held_at"].min(), []
    for split, start, low, high in (
        (0, validation, -1_000, -1),
        (1, validation, 0, 39),
        (2, test, 0, 39),
    ):
        months = np.ceil((events["held_at"] - start) / MONTH) - 1
        some = events.assign(cutoff=start + months * MONTH, split=split, yes=outcome)
        some = some[months.between(low, high) & (some["cutoff"] >= first)]
        parts.append(some.groupby(["driverId", "cutoff"])[["yes", "split"]].max())
    both = pd.concat(parts).astype(int)
    return dict(zip(both.index, both.itertuples(index=False, name=None), strict=True))


@pytest.mark.parametrize(
    ("name", "table", "days_before", "outcome", "sizes"),
    [
        ("driver-dnf", "results", 0, lambda rows: rows["statusId"] != 1, [11_411, 566, 702]),
        ("driver-top3", "qualifying", 1, lambda rows: rows["position"] <= 3, [1_353, 588, 726]),
    ],
)
def test_the_rows_and_labels_are_relbenchs(name, table, days_before, outcome, sizes):
    events = read(table).merge(races(), on="raceId")
    events["held_at"] -= pd.Timedelta(days=days_before)
    expected = counted(events, outcome)
    splits = [split for _, split in expected.values()]
    assert [splits.count(split) for split in range(3)] == sizes
    rows = formula_one.task_rows(formula_one.TASKS[name], DATA)
    assert len(rows) == len(expected)
    keys = zip(rows["lead_id"], rows["cutoff"], strict=True)
    assert dict(zip(keys, zip(rows["won"], rows["split"], strict=True), strict=True)) == expected


@pytest.fixture
def ended_tables(tmp_path):
    """A copy of the settings whose tables end with the last race before the test."""
    until = set(races().loc[lambda table: table["held_at"] <= formula_one.TEST, "raceId"])
    folder = tmp_path / "settings"
    folder.mkdir()
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        named = load(FOLDER).tables.folder
        (folder / path.name).write_text(text.replace(named, str(tmp_path)), encoding="utf-8")
    for path in DATA.glob("*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if "raceId" in table:
            table = table[table["raceId"].astype(int).isin(until)]
        table.to_csv(tmp_path / path.name, index=False)
    return load(folder)


@pytest.mark.long
def test_the_frozen_protocol_reads_nothing_after_the_tables_end(ended_tables):
    rows = formula_one.task_rows(formula_one.TASKS["driver-dnf"], DATA)
    past, test = formula_one.frozen_sides(rows, judged=2)
    assert set(test["seen_at"]) == {formula_one.TEST}
    assert past["seen_at"].max() < formula_one.TEST
    assert (past["cutoff"] + MONTH).max() <= formula_one.TEST
    lately = past[past["seen_at"] == past["seen_at"].max()]
    both = pd.concat([lately, test], ignore_index=True)
    whole, names = formula_one.with_features(load(FOLDER), both)
    ended, _ = formula_one.with_features(ended_tables, both)
    assert len(whole) == len(both)
    assert whole[names].notna().any().mean() > 0.9
    pd.testing.assert_frame_equal(whole, ended[whole.columns])
