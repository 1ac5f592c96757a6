"""Cross-validation in order of time, with a gap so that no training label overlaps the test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from features.errors import BadInput
from readiness.leads import is_frame, to_pandas
from training.splits import Split, rolling_origin


class RollingCutoffs(BaseCrossValidator):  # type: ignore[misc]  # sklearn has no types
    """Rolling-origin splits of snapshots by their cutoff, as `readiness train` searches with.

    Each fold tests on a block of later cutoffs and trains on every cutoff whose horizon is over
    when that block begins: cutoff + horizon <= first test cutoff. All rows of a cutoff are on the
    same side.

    Parameters
    ----------
    n_splits : how many folds, at least 1.
    horizon_days : the horizon of the labels, in days.

    Examples
    --------
    Eleven Mondays from 2011-10-03 on, 30 days: the label of 2011-10-17 is complete on 2011-11-16,
    so it may train a fold that tests from 2011-11-21 on. That of 2011-10-24 is complete on
    2011-11-23 only: it may not.

    >>> import pandas as pd
    >>> import readiness as rd
    >>> mondays = pd.date_range("2011-10-03", periods=11, freq="7D")
    >>> X = pd.DataFrame({"lead_id": 1, "cutoff": mondays})
    >>> cv = rd.RollingCutoffs(n_splits=3, horizon_days=30)
    >>> for train, test in cv.split(X):
    ...     last, first = X["cutoff"][train].max(), X["cutoff"][test].min()
    ...     print(f"train up to {last:%m-%d}, test from {first:%m-%d}, {len(test)} cutoffs")
    train up to 10-17, test from 11-21, 1 cutoffs
    train up to 10-24, test from 11-28, 1 cutoffs
    train up to 10-31, test from 12-05, 2 cutoffs
    """

    def __init__(self, n_splits: int = 3, horizon_days: int = 30) -> None:
        self.n_splits = n_splits
        self.horizon_days = horizon_days

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many folds: n_splits."""
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
        """Yields the positions of the training rows and of the test rows of each fold.

        X : a frame with the column cutoff; or anything, with `groups` the cutoff of each row.

        Raises BadInput where the cutoffs do not suffice for so many folds.
        """
        cutoffs = _cutoffs(X, groups)
        for fold in self._folds(cutoffs):
            train, test = (
                np.flatnonzero(cutoffs.isin(list(side))) for side in (fold.fit, fold.judge)
            )
            yield train, test

    def _folds(self, cutoffs: pd.Series[Any]) -> list[Split]:
        if self.n_splits < 1 or self.horizon_days < 1:
            raise BadInput("RollingCutoffs takes n_splits and horizon_days of at least 1.")
        different: list[datetime] = [c.to_pydatetime() for c in sorted(cutoffs.unique())]
        folds = rolling_origin(different, self.n_splits, self.horizon_days) if different else []
        if len(folds) < self.n_splits:
            raise BadInput(
                f"{len(different)} cutoffs allow {len(folds)} folds with a horizon of "
                f"{self.horizon_days} days, not {self.n_splits}: take more cutoffs, or fewer folds."
            )
        return folds


def _cutoffs(X: Any, groups: Any) -> pd.Series[Any]:
    if groups is None:
        frame = to_pandas(X, "X") if is_frame(X) else None
        if frame is None or "cutoff" not in frame:
            raise BadInput(
                "RollingCutoffs needs a frame X with the column cutoff, or groups=cutoffs."
            )
        groups = frame["cutoff"].to_numpy()
    cutoffs = pd.Series(pd.to_datetime(np.asarray(groups)))
    if cutoffs.isna().any():
        raise BadInput("A cutoff is missing.")
    return cutoffs
