"""The cohort: the open leads that are trained on, judged and scored at each cutoff.

Without [cohort] in readiness.toml every open lead is in it. With it, those whose features meet its
conditions at the cutoff; the others stay in the ledger, with that reason.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import pandas as pd

from features.conditions.membership import Membership
from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import KEY, feature_frame
from features.snapshots import Snapshots


def cohort_at(database: LeadDatabase, cutoffs: Sequence[datetime]) -> Snapshots:
    """The cohorts of one or more cutoffs. Where there are conditions they are measured once, and
    kept in a temporary table of the open database."""
    everyone, membership = Snapshots.open_at(database, cutoffs), database.membership
    if membership is None:
        return everyone
    name = _table(cutoffs)
    if not database.value(f"SELECT count(*) FROM duckdb_tables() WHERE table_name = '{name}'"):
        write_cohort(database, cutoffs, membership, feature_frame(everyone, membership.specs))
    return Snapshots(database, name)


def write_cohort(
    database: LeadDatabase, cutoffs: Sequence[datetime], membership: Membership, frame: pd.DataFrame
) -> None:
    """Keep the cohort of some cutoffs for `cohort_at`. frame: what the conditions ask for, of all
    leads that are open at them."""
    inside = frame.loc[membership.holds(frame), KEY]
    database.connection.register("inside", inside)
    database.connection.execute(f"CREATE TEMP TABLE {_table(cutoffs)} AS FROM inside")
    database.connection.unregister("inside")


def _table(cutoffs: Sequence[datetime]) -> str:
    return f"cohort_{sha256(repr(list(cutoffs)).encode()).hexdigest()[:32]}"
