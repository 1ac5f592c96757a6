"""Labels and readiness with late cutoffs against the simulator's true chances, free of luck."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.delay import against_truth, company

LEADS = 8_000


@pytest.fixture(scope="module")
def off():
    """Mean said less mean truth: a row per way, a column per age of a late cutoff and the test."""
    rows = pd.DataFrame(against_truth(*company(seed=1, leads=LEADS)))
    return rows.pivot(index="way", columns="place", values="off")


def test_corrected_labels_are_unbiased_where_those_as_they_stand_are_not(off):
    print(f"\n{off.round(4).to_string()}")
    ages = [place for place in off.columns if "days" in place]
    assert len(ages) == 4
    naive, corrected = off.loc["naive labels", ages], off.loc["corrected labels", ages]
    assert (naive < -0.003).all()
    assert naive["7 days"] < -0.03
    assert np.abs(corrected).max() < 0.008
    assert np.abs(corrected).mean() < np.abs(naive).mean() / 4


def test_so_is_the_readiness(off):
    said = off["final test"]
    assert said["naive"] < -0.008
    assert abs(said["corrected"]) < 0.006
