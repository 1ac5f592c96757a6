"""What became of the leads of past lists."""

import pandas as pd

from features.cohort import cohort_at
from features.contract.database import LeadDatabase
from features.labels import labels


def with_outcomes(
    database: LeadDatabase, rows: pd.DataFrame, horizon_days: int
) -> tuple[pd.DataFrame, int]:
    """The rows (lead_id as text, cutoff) whose lead was open at the cutoff, with `won` over the
    horizon; and how many others there were, whose lead is no longer in the data as that."""
    if rows.empty:
        return rows.assign(won=0.0), 0
    cutoffs = sorted(pd.to_datetime(rows["cutoff"].unique()).to_pydatetime())
    known = labels(cohort_at(database, cutoffs), horizon_days)
    known["lead_id"] = known["lead_id"].astype(str)
    matched = rows.merge(known.astype({"cutoff": rows["cutoff"].dtype}), on=["lead_id", "cutoff"])
    return matched, len(rows) - len(matched)
