"""Features of the leads' accounts, put beside the snapshots as columns.

An account is to the engine as a lead is: the snapshots (account, cutoff) of the leads' snapshots
are measured by the same pass, over the accounts as leads, and laid beside those of the leads.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.contract.accounts import accounts_as_leads, people_of
from features.snapshots import Snapshots
from features.spec.spec import OfAccount, Spec
from features.sql import literal

Frames = Callable[[Snapshots, Sequence[Spec]], Iterator[pd.DataFrame]]


@contextmanager
def with_accounts(
    snapshots: Snapshots, leaves: Sequence[OfAccount], frames: Frames
) -> Iterator[Snapshots]:
    """The snapshots, with a further column for each of the leaves until the block ends: null where
    a lead is not among the people of any account. `frames` measures snapshots, as `feature_frames`
    does."""
    database = snapshots.database
    with TemporaryDirectory(dir=database.scratch) as home:
        for number, account in enumerate(dict.fromkeys(leaf.account for leaf in leaves)):
            own = [leaf for leaf in leaves if leaf.account == account]
            folder = Path(home) / str(number)
            folder.mkdir()
            _measure(snapshots, account, own, frames, folder)
            columns = "".join(f", a.{leaf.column}" for leaf in own)
            people, file = people_of(database, account), literal(f"{folder}.parquet")
            database.connection.execute(
                f"COPY (SELECT s.*{columns} FROM {snapshots.relation} s "
                f"LEFT JOIN {people} p ON p.lead_id = s.lead_id "
                f"LEFT JOIN read_parquet({literal(f'{folder}/*')}) a "
                "ON a.lead_id = p.account_id AND a.cutoff = s.cutoff) "
                f"TO {file} (FORMAT parquet)"
            )
            snapshots = Snapshots(database, f"(FROM read_parquet({file}))")
        yield snapshots


def _measure(
    snapshots: Snapshots,
    account: str,
    leaves: Sequence[OfAccount],
    frames: Frames,
    folder: Path,
) -> None:
    """Write the features of the accounts of the snapshots' leads at the same cutoffs: lead_id is
    the account."""
    database, requested = snapshots.database, f"main.accounts_{uuid4().hex}"
    database.connection.execute(
        f"CREATE TABLE {requested} AS SELECT DISTINCT p.account_id AS lead_id, s.cutoff "
        f"FROM {snapshots.relation} s JOIN {people_of(database, account)} p "
        "ON p.lead_id = s.lead_id"
    )
    names = ["lead_id", "cutoff", *(leaf.column for leaf in leaves)]
    try:
        with accounts_as_leads(database, account) as accounts:
            measured = frames(Snapshots(accounts, requested), [leaf.of for leaf in leaves])
            for part, frame in enumerate(measured):
                table = pa.Table.from_pandas(frame.set_axis(names, axis=1), preserve_index=False)
                pq.write_table(table, folder / f"{part}.parquet")
    finally:
        database.connection.execute(f"DROP TABLE {requested}")
