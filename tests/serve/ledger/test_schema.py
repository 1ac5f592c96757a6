"""A ledger of an earlier release goes on; a foreign table is refused."""

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from features.errors import BadInput
from serve.ledger.ledger import open_ledger
from serve.ledger.schema import extend
from tests.serve.ledger.test_ledger import CUTOFF, FIVE, NIGHT, RUN, part, table, write

EARLIER = """
CREATE TABLE scores (
  lead_id VARCHAR NOT NULL,
  cutoff TIMESTAMP NOT NULL,
  state VARCHAR NOT NULL CHECK (state IN ('scored', 'not scored')),
  state_reason VARCHAR,
  readiness DOUBLE,
  rule_score DOUBLE,
  band VARCHAR,
  route VARCHAR NOT NULL CHECK (route IN ('sales', 'nurture')),
  reasons VARCHAR,
  model_version VARCHAR NOT NULL,
  rules_version VARCHAR NOT NULL,
  scored_at TIMESTAMP NOT NULL,
  PRIMARY KEY (lead_id, cutoff, model_version, rules_version)
)"""
OLD_ROW = (
    "a",
    CUTOFF,
    "scored",
    None,
    0.9,
    5.0,
    "warm",
    "sales",
    "+0.50",
    "1",
    "a41f09c3be",
    NIGHT,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "ledger.duckdb"


def earlier_ledger(path: Path) -> None:
    """A ledger as the first release wrote it."""
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute(EARLIER)
        connection.execute(f"INSERT INTO scores VALUES ({', '.join('?' * 12)})", OLD_ROW)


def test_a_ledger_of_the_first_release_goes_on(path: Path) -> None:
    earlier_ledger(path)
    late = part(("a", 0.1, 0.0), ("b", 0.95, 1.0), ("c", 0.2, 1.0)).assign(
        disqualified=[None, None, "unsubscribed"]
    )
    assert write(path, late) == 2
    assert table(path)[0] == OLD_ROW
    with open_ledger(path) as ledger:
        rows = ledger.rows(RUN).set_index("lead_id")
        assert ledger.counts(RUN, "route") == {"disqualified": 1, "sales": 2}
    assert list(rows.index) == ["b", "a", "c"]
    assert rows.loc["c", "route_reason"] == "disqualified: unsubscribed"
    assert rows.loc["a", ["route_reason", "contact_by", "marked", "segments"]].isna().all()
    assert write(path, late) == 0


def test_an_extension_that_fails_leaves_the_earlier_ledger_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new table is made last thing wrong: by then the old one has been renamed."""
    earlier_ledger(path)
    monkeypatch.setattr("serve.ledger.schema._CREATE", EARLIER.replace("scores (", "other ("))
    with duckdb.connect(str(path)) as connection, pytest.raises(duckdb.Error):
        extend(connection)
    assert table(path) == [OLD_ROW]


def test_a_foreign_table_of_that_name_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE scores (lead_id VARCHAR, other DOUBLE)")
    with pytest.raises(BadInput, match="other columns than expected: lead_id, other"):
        write(path, FIVE)


def test_what_scoring_brings_beside_the_scores_is_kept(path: Path) -> None:
    brought = part(("a", 0.9, 5.0)).assign(
        close_days_low=3.5,
        close_days_median=9.0,
        close_days_high=30.0,
        follow_up_on=datetime(2026, 4, 1),
        segments="paid search; fifth visit",
        source="ads",
        basket="active-1",
        contact_within_hours=2.0,
    )
    write(path, brought)
    with open_ledger(path) as ledger:
        (row,) = ledger.rows(RUN).to_dict("records")
    assert row["contact_by"] == datetime(2026, 3, 2, 2)  # the cutoff is a Sunday
    assert row["follow_up_on"] == datetime(2026, 4, 1)
    assert {name: row[name] for name in brought if name in row} == {
        name: brought[name].iloc[0] for name in brought if name in row
    } | {"state_reason": row["state_reason"]}
