"""The ledger of an earlier release, a DuckDB file, is taken over; a foreign file is refused."""

import shutil
from datetime import datetime

import duckdb
import pytest

from features.errors import BadInput
from models.decisions.place import LedgerPlace
from serve.ledger import earlier_release
from serve.ledger.decide import decisions_about
from serve.ledger.ledger import open_ledger
from serve.ledger.run_files import RunFiles
from tests.serve.ledger.test_ledger import CUTOFF, NIGHT, RUN, part, table, write

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
OVERRIDES = """
CREATE TABLE overrides (number INTEGER PRIMARY KEY, lead_id VARCHAR NOT NULL, route VARCHAR,
  because VARCHAR NOT NULL, decided_by VARCHAR, decided_at TIMESTAMP NOT NULL,
  since TIMESTAMP NOT NULL, until TIMESTAMP)"""
LATER = datetime(2026, 3, 8)


def row(lead, cutoff=CUTOFF, ready=0.9):
    scored = ("warm", "sales", "+0.50 called", "1", "a41f09c3be", NIGHT)
    return (lead, cutoff, "scored", None, ready, 5.0, *scored)


ROWS = [row("a"), row("a", LATER), row("b", LATER, 0.1)]


@pytest.fixture
def place(tmp_path):
    """A ledger as the first release wrote it, with a decision of a later one."""
    with duckdb.connect(str(tmp_path / "ledger.duckdb")) as connection:
        connection.execute(EARLIER)
        connection.executemany(f"INSERT INTO scores VALUES ({', '.join('?' * 12)})", ROWS)
        connection.execute(OVERRIDES)
        connection.execute(
            "INSERT INTO overrides VALUES (1, 'a', 'nurture', 'ill', 'eva', ?, ?, NULL)",
            [NIGHT, LATER],
        )
    return LedgerPlace(tmp_path)


def require_taken_over(place):
    with open_ledger(place) as ledger:
        assert table(place) == sorted(ROWS)
        decided = ledger.fetched("SELECT lead_id, cutoff, decided_route FROM decided ORDER BY ALL")
        assert decided == [
            ("a", CUTOFF, "sales"),
            ("a", LATER, "nurture"),
            ("b", LATER, "sales"),
        ]
        assert [each.leads for each in ledger.runs] == [1, 2]
        assert len(decisions_about(ledger, "a")) == 1


def test_it_goes_on_where_it_was(place):
    notes = []
    with open_ledger(place, notes.append):
        pass
    assert len(notes) == 1
    assert not (place.folder / "ledger.duckdb").exists()
    require_taken_over(place)
    late = part(("a", 0.1, 0.0), ("b", 0.95, 1.0), ("c", 0.2, 1.0)).assign(
        disqualified=[None, None, "unsubscribed"]
    )
    assert write(place, late) == 2
    assert table(place)[0] == ROWS[0]
    with open_ledger(place) as ledger:
        rows = ledger.rows(RUN).set_index("lead_id")
        assert ledger.counts(RUN, "route") == {"disqualified": 1, "sales": 2}
    assert rows.loc["c", "route_reason"] == "disqualified: unsubscribed"
    assert rows.loc["a", ["route_reason", "contact_by", "marked", "segments"]].isna().all()


@pytest.mark.parametrize("after", [0, 1, 2])
def test_broken_off_it_begins_again(place, monkeypatch, after):
    """After so many of the two run files; 2: before the decisions."""
    original, saved = RunFiles.save, []

    def save(self, connection, figures):
        if len(saved) == after:
            raise KeyboardInterrupt
        saved.append(figures)
        original(self, connection, figures)

    with monkeypatch.context() as patched:
        patched.setattr(RunFiles, "save", save)
        if after == 2:
            patched.setattr(earlier_release, "open_decisions", lambda place: 1 / 0)
        with pytest.raises((KeyboardInterrupt, ZeroDivisionError)), open_ledger(place):
            pass
    require_taken_over(place)


def test_killed_before_it_was_renamed_it_adds_nothing_twice(place, tmp_path):
    shutil.copy(tmp_path / "ledger.duckdb", tmp_path / "copy")
    require_taken_over(place)
    shutil.move(tmp_path / "copy", tmp_path / "ledger.duckdb")
    require_taken_over(place)


@pytest.mark.parametrize(
    "content", ["text", "empty", "CREATE TABLE scores (lead_id VARCHAR, other DOUBLE)",
                "CREATE TABLE other (lead_id VARCHAR)"]
)  # fmt: skip
def test_what_is_no_ledger_is_refused_and_left(tmp_path, content):
    path = tmp_path / "ledger.duckdb"
    if content.startswith("CREATE"):
        with duckdb.connect(str(path)) as connection:
            connection.execute(content)
    else:
        path.write_text("lead_id,readiness\n" * 1000 if content == "text" else "")
    before = path.read_bytes()
    with pytest.raises(BadInput, match=r"ledger\.duckdb"), open_ledger(LedgerPlace(tmp_path)):
        pass
    assert path.read_bytes() == before
