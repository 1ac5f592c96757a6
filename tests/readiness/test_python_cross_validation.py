"""RollingCutoffs against a brute force over all pairs of rows."""

from datetime import timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import readiness as rd

DAYS = st.lists(st.integers(0, 200), min_size=1, max_size=60)


def cutoffs_of(days):
    return pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")


@given(DAYS, st.integers(1, 6), st.integers(1, 60))
def test_no_training_label_overlaps_the_test_and_nothing_is_wasted(days, folds, horizon):
    X = pd.DataFrame({"lead_id": range(len(days)), "cutoff": cutoffs_of(days)})
    cv = rd.RollingCutoffs(folds, horizon)
    try:
        splits = list(cv.split(X))
    except rd.BadInput:
        different = sorted(set(days))
        least = different[max(1, int(np.ceil(len(different) / 4))) - 1]
        assert sum(day >= least + horizon for day in different) < folds
        return
    assert len(splits) == cv.get_n_splits(X) == folds
    before = -1
    for train, test in splits:
        begin = min(days[row] for row in test)
        assert set(train) == {row for row, day in enumerate(days) if day + horizon <= begin}
        for row, day in enumerate(days):  # a cutoff is whole on its side
            if day in {days[other] for other in test}:
                assert row in test
        assert begin > before
        before = max(days[row] for row in test)
    assert before == max(days)
    tested = np.concatenate([test for _, test in splits])
    assert len(tested) == len(set(tested))


def test_groups_and_other_frames_split_alike():
    X = pd.DataFrame({"lead_id": range(40), "cutoff": cutoffs_of(np.arange(40) * 3)})
    cv = rd.RollingCutoffs(3, horizon_days=20)
    expected = list(cv.split(X))
    others = (cv.split(np.zeros(40), groups=X["cutoff"]), cv.split(pl.from_pandas(X)))
    for splits in others:
        for (train, test), (also, tested) in zip(splits, expected, strict=True):
            np.testing.assert_array_equal(train, also)
            np.testing.assert_array_equal(test, tested)
    first_train, first_test = expected[0]
    gap = X["cutoff"][first_test].min() - X["cutoff"][first_train].max()
    assert gap >= timedelta(days=20)


@pytest.mark.parametrize(
    ("cv", "X", "text"),
    [
        (rd.RollingCutoffs(3, 30), pd.DataFrame({"cutoff": cutoffs_of([0, 7])}), "allow 0 folds"),
        (rd.RollingCutoffs(0, 30), pd.DataFrame({"cutoff": cutoffs_of([0, 90])}), "at least 1"),
        (rd.RollingCutoffs(), pd.DataFrame({"x": [1]}), "the column cutoff"),
        (rd.RollingCutoffs(), pd.DataFrame({"cutoff": [pd.NaT]}), "missing"),
    ],
)
def test_what_cannot_be_split_is_refused(cv, X, text):
    with pytest.raises(rd.BadInput, match=text):
        list(cv.split(X))
