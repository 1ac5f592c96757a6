"""The settings of the public yardstick give RelBench's rows and labels, counted here by hand."""

from pathlib import Path

import pandas as pd
import pytest

from features.cohort import cohort_at
from features.config import load
from features.labels import label_sql
from features.open_database import open_database

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "public" / "rel_f1"
DATA = FOLDER.parents[2].parent / "shared" / "data" / "rel_f1"
MONTH = pd.Timedelta(days=30)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the rel-f1 data are not here"),
]


@pytest.fixture(scope="module")
def expected_rows():
    """(driver, cutoff) -> whether a race within 30 days was not finished, of 40 cutoffs."""
    races = pd.read_csv(DATA / "races.csv", na_values="\\N")
    races["held_at"] = pd.to_datetime(races["date"] + " " + races["time"].fillna("00:00:00"))
    results = pd.read_csv(DATA / "results.csv", na_values="\\N").merge(
        races[["raceId", "held_at"]], on="raceId"
    )
    rows = {}
    for number in range(40):
        cutoff = pd.Timestamp("2010-01-01") + number * MONTH
        inside = (results["held_at"] > cutoff) & (results["held_at"] <= cutoff + MONTH)
        for driver, some in results[inside].groupby("driverId"):
            rows[driver, cutoff.to_pydatetime()] = int((some["statusId"] != 1).any())
    return rows


def test_the_rows_and_labels_are_relbenchs(expected_rows):
    config = load(FOLDER)
    with open_database(config) as database:
        cutoffs = config.time.mature_cutoffs(database.data_end)[-config.time.test_cutoffs :]
        sql = label_sql(cohort_at(database, cutoffs), 30, database.data_end)
        rows = database.connection.execute(sql).fetchall()
    assert len(expected_rows) == 702
    assert {(driver, cutoff): won for driver, cutoff, won in rows} == expected_rows
