"""Snapshots, features and labels of some cutoffs in one frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.cohort import cohort_at
from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import feature_frame
from features.errors import Refused
from features.labels import ending_sql, labels
from features.progress import Progress, silent
from features.spec.spec import Spec


@dataclass(frozen=True)
class Dataset:
    """Mature snapshots, ordered by cutoff and lead.

    frame: lead_id, cutoff, then one column per spec. won: 1.0 or 0.0 for each row.
    """

    frame: pd.DataFrame
    won: npt.NDArray[np.float64]

    def at(self, cutoffs: Sequence[datetime]) -> "Dataset":
        """The part at some of the cutoffs."""
        return self.rows(self.frame["cutoff"].isin(list(cutoffs)).to_numpy())

    def rows(self, inside: npt.NDArray[np.bool_]) -> "Dataset":
        """The rows where `inside`, shape (n,), is true."""
        return Dataset(self.frame.loc[inside].reset_index(drop=True), self.won[inside])

    @property
    def has_both(self) -> bool:
        """Whether there are both won and other snapshots, as training and judging need."""
        return 0 < self.wins < len(self.won)

    @property
    def wins(self) -> int:
        """How many snapshots were won within their horizon."""
        return int(self.won.sum())


def labelled(
    database: LeadDatabase,
    specs: Sequence[Spec],
    cutoffs: Sequence[datetime],
    horizon_days: int,
    memory_gb: float,
    progress: Progress = silent,
) -> Dataset:
    """The dataset of mature cutoffs. Raises Refused where no lead is open at any of them."""
    snapshots = cohort_at(database, cutoffs)
    won = labels(snapshots, horizon_days)["won"]
    if won.empty:
        raise Refused(
            f"No lead is open at any of the {len(cutoffs)} cutoffs from {cutoffs[0]:%Y-%m-%d} to "
            f"{cutoffs[-1]:%Y-%m-%d}. Check time.first_cutoff and leads.created_at."
        )
    frame = feature_frame(snapshots, specs, memory_gb, progress)
    return Dataset(frame, won.to_numpy(np.float64))


def endings(database: LeadDatabase, cutoffs: Sequence[datetime], until: datetime) -> pd.DataFrame:
    """lead_id, cutoff, days, ending (`features.labels`) of the same snapshots as `labelled` in the
    same order, by what was known at `until`."""
    sql = ending_sql(cohort_at(database, cutoffs), until)
    return database.query(f"{sql} ORDER BY s.cutoff, s.lead_id")
