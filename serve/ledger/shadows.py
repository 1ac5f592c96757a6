"""What challengers said of the leads of a run, beside it: one readiness per lead, and no more.

It lives and dies with its run: withdrawn, forgotten and kept only so long as that.
"""

from collections.abc import Sequence
from datetime import datetime

import duckdb
import pandas as pd

from serve.ledger.ledger import Ledger
from serve.ledger.runs import RUN, Run

_ROWS = f"""
CREATE OR REPLACE TEMP TABLE shadow_rows AS
SELECT s.lead_id, $cutoff::TIMESTAMP AS cutoff, $model::VARCHAR AS model_version,
  $rules::VARCHAR AS rules_version, $version::VARCHAR AS shadow_version, g.readiness,
  $scored_at::TIMESTAMP AS scored_at
FROM (SELECT lead_id FROM scores WHERE {RUN} AND state = 'scored') s
JOIN given g ON g.lead_id::VARCHAR = s.lead_id
ANTI JOIN (SELECT lead_id FROM shadows WHERE {RUN} AND shadow_version = $version) o
  ON o.lead_id = s.lead_id"""


def see_shadows(ledger: Ledger) -> duckdb.DuckDBPyConnection:
    """Bring the view `shadows` of the ledger's connection up to its last refresh: the columns of
    `serve.ledger.schema.SHADOWS`. Returns the connection."""
    runs = [each.run for each in ledger.runs]
    ledger.store.create_shadow_view(ledger.connection, runs, ledger.hidden)
    return ledger.connection


def without_shadow(ledger: Ledger, run: Run, version: str) -> int:
    """How many scored leads of a run the challenger has said nothing of."""
    see_shadows(ledger)
    given = run.key | {"version": version}
    scored = ledger.value(f"SELECT count(*) FROM scores WHERE {RUN} AND state = 'scored'", run.key)
    sql = f"SELECT count(*) FROM shadows WHERE {RUN} AND shadow_version = $version"
    return int(scored) - int(ledger.value(sql, given))


def add_shadow(
    ledger: Ledger, run: Run, version: str, readiness: Sequence[pd.DataFrame], at: datetime
) -> int:
    """Add what a challenger says of the leads of a run; returns the number of rows added.

    readiness: lead_id and readiness. Of these only the leads that the run has scored count, for one
    may have been forgotten since; what the challenger has said of a lead before is left as it is.
    """
    with ledger.store.writing():
        ledger.refresh()
        connection = see_shadows(ledger)
        connection.register("given", pd.concat(readiness, ignore_index=True))
        given = run.key | {"version": version, "scored_at": at}
        ledger.query(_ROWS, given)
        connection.unregister("given")
        added = int(ledger.value("SELECT count(*) FROM shadow_rows"))
        if added:
            ledger.store.save_shadow(connection, run, version)
    connection.execute("DROP TABLE shadow_rows")
    return added
