"""The ledger holds each lead of a run exactly once, all of a run or nothing of it."""

import math
import signal
import subprocess
import sys
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import BadInput
from models.routing import Router
from serve.ledger.ledger import Ledger, Run, open_ledger
from serve.ledger.schema import SCORES

CUTOFF, NIGHT = datetime(2026, 3, 1), datetime(2026, 3, 1, 4)
RUN = Run(CUTOFF, "1", "a41f09c3be")
ROOT = Path(__file__).parents[3]


def part(*rows: tuple) -> pd.DataFrame:
    """Scored leads from (lead_id, readiness, points); a readiness of None: could not be scored."""
    return pd.DataFrame(
        [
            {
                "lead_id": lead,
                "state": "not scored" if ready is None else "scored",
                "state_reason": "two rows" if ready is None else None,
                "readiness": ready,
                "rule_score": points,
                "band": None if ready is None else "warm",
                "reasons": None if ready is None else "called in once (+0.50)",
            }
            for lead, ready, points in rows
        ],
        columns=["lead_id", "state", "state_reason", "readiness", "rule_score", "band", "reasons"],
    )


FIVE = part(("a", 0.9, 5.0), ("b", 0.2, 50.0), ("c", 0.9, 7.0), ("d", 0.9, 7.0), ("e", None, None))


FIRST = list(SCORES)[:12]  # the columns of the first release


def write(path: Path, *parts: pd.DataFrame, run: Run = RUN, slots: int = 2, **more) -> int:
    expected = more.pop("expected", sum(map(len, parts)))
    with open_ledger(path) as ledger:
        router = Router(slots, run.cutoff)
        return ledger.write(run, parts, expected, router, more.pop("scored_at", NIGHT))


def table(path: Path) -> list[tuple]:
    """What the file holds in its first columns, read by DuckDB alone."""
    with duckdb.connect(str(path), read_only=True) as connection:
        sql = f"SELECT {', '.join(FIRST)} FROM scores ORDER BY ALL"
        return connection.execute(sql).fetchall()


def sales(path: Path, run: Run = RUN) -> list[str]:
    with open_ledger(path) as ledger:
        rows = ledger.rows(run)
    return list(rows.loc[rows["route"] == "sales", "lead_id"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "ledger.duckdb"


def test_worked_example(path: Path) -> None:
    """Two slots; a, c and d are equally ready: c and d have more points, and c comes before d."""
    assert write(path, FIVE) == 5
    scored = ("warm", "sales", "called in once (+0.50)", "1", "a41f09c3be", NIGHT)
    nurture = ("warm", "nurture", "called in once (+0.50)", "1", "a41f09c3be", NIGHT)
    assert table(path) == [
        ("a", CUTOFF, "scored", None, 0.9, 5.0, *nurture),
        ("b", CUTOFF, "scored", None, 0.2, 50.0, *nurture),
        ("c", CUTOFF, "scored", None, 0.9, 7.0, *scored),
        ("d", CUTOFF, "scored", None, 0.9, 7.0, *scored),
        ("e", CUTOFF, "not scored", "two rows", None, None, None, "nurture", None, *nurture[3:]),
    ]
    with open_ledger(path) as ledger:
        assert list(ledger.rows(RUN)["lead_id"]) == ["c", "d", "a", "b", "e"]
        assert ledger.known(RUN) == 5
        assert ledger.known(Run(CUTOFF, "2", RUN.rules_version)) == 0


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]])
def test_the_list_does_not_depend_on_order_or_parts(path: Path, order: list[int]) -> None:
    write(path, *(FIVE.iloc[[place]] for place in order))
    assert sales(path) == ["c", "d"]


@pytest.mark.parametrize("nothing", [None, math.nan, np.float64("nan"), pd.NA])
def test_what_is_missing_is_null_never_nan(path: Path, nothing: object) -> None:
    rows = part(("a", 0.5, 1.0), ("b", 0.25, 2.0))
    rows.loc[1, ["state_reason", "band", "reasons"]] = nothing
    rows["rule_score"] = rows["rule_score"].astype(object)
    rows.loc[1, "rule_score"] = nothing
    rows.loc[1, "readiness"] = math.nan
    write(path, rows)
    assert table(path)[1][3:7] == (None, None, None, None)
    assert table(path)[1][8] is None


def test_a_second_run_adds_nothing_and_changes_nothing(path: Path) -> None:
    write(path, FIVE)
    before = table(path)
    better = FIVE.assign(readiness=0.99, rule_score=0.0)
    assert write(path, better, slots=4, scored_at=datetime(2026, 3, 2)) == 0
    assert table(path) == before


def test_other_cutoffs_and_versions_stand_beside(path: Path) -> None:
    runs = [RUN, Run(datetime(2026, 3, 2), "1", "a41f09c3be"), Run(CUTOFF, "2", "a41f09c3be")]
    runs.append(Run(CUTOFF, "1", "0000000000"))
    assert [write(path, FIVE, run=run) for run in runs] == [5, 5, 5, 5]
    assert len(table(path)) == 20
    assert all(sales(path, run) == ["c", "d"] for run in runs)


def test_late_leads_join_the_list_only_if_as_ready_as_its_last(path: Path) -> None:
    write(path, part(("a", 0.8, 1.0), ("b", 0.6, 1.0), ("c", 0.3, 1.0)), slots=2)
    before = table(path)
    late = part(("a", 0.1, 0.0), ("late1", 0.7, 0.0), ("late2", 0.6, 0.0), ("late3", 0.59, 9.0))
    assert write(path, late, slots=2, scored_at=datetime(2026, 3, 2)) == 3
    assert table(path)[:3] == before
    assert sales(path) == ["a", "late1", "b", "late2"]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([FIVE], 6),  # one was lost on the way
        ([FIVE], 4),
        ([FIVE, FIVE.iloc[[1]]], 6),  # one came twice
        ([FIVE, FIVE.iloc[[1]]], 5),
        ([], 1),
    ],
)
def test_a_lead_lost_or_doubled_on_the_way_is_refused(
    path: Path, parts: list[pd.DataFrame], expected: int
) -> None:
    write(path, part(("z", 0.5, 1.0)))
    before = table(path)
    with pytest.raises(RuntimeError, match=f"{expected} open leads .* nothing was written"):
        write(path, *parts, expected=expected)
    assert table(path) == before


@pytest.mark.parametrize("error", [ValueError("in part 2"), KeyboardInterrupt()])
def test_an_error_on_the_way_leaves_all_as_it_was(path: Path, error: BaseException) -> None:
    write(path, part(("z", 0.5, 1.0)))
    before = table(path)

    def parts():
        yield FIVE.iloc[:2]
        raise error

    with open_ledger(path) as ledger:
        with pytest.raises(type(error)):
            ledger.write(RUN, parts(), 5, Router(2, CUTOFF), NIGHT)
        assert table_of(ledger) == before
        assert ledger.write(RUN, [FIVE], 5, Router(2, CUTOFF), NIGHT) == 5  # and it can go on
    assert len(table(path)) == 6


def table_of(ledger: Ledger) -> list[tuple]:
    sql = f"SELECT {', '.join(FIRST)} FROM scores ORDER BY ALL"
    return ledger.connection.execute(sql).fetchall()


# Writes a run of 3,000 leads, in 3 parts, for one day after the other, until it is killed.
WRITER = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from models.routing import Router
from serve.ledger.ledger import Run, open_ledger
from tests.serve.ledger.test_ledger import part

parts = [part(*((f"{n}-{i}", i / 1000, 1.0) for i in range(1000))) for n in range(3)]

def told(day):
    for number, each in enumerate(parts):
        print(day, number, flush=True)
        yield each

with open_ledger(Path(sys.argv[1])) as ledger:
    for day in range(10_000):
        cutoff = datetime(2026, 1, 1) + timedelta(days=day)
        run, router = Run(cutoff, "1", "a41f09c3be"), Router(300, cutoff)
        ledger.write(run, told(day), 3000, router, cutoff)
"""


@pytest.mark.parametrize("last_word", ["1 0", "2 2"])
def test_killed_in_the_middle_a_run_is_in_whole_or_not_at_all(path: Path, last_word: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if line.strip() == last_word:
                break
        if last_word == "1 0":  # while another process writes, nobody else may
            with pytest.raises(BadInput, match="Is another run"), open_ledger(path):
                pass
        writer.send_signal(signal.SIGKILL)
    with duckdb.connect(str(path)) as connection:
        days = dict(connection.execute("SELECT cutoff, count(*) FROM scores GROUP BY 1").fetchall())
    assert set(days.values()) == {3000}
    assert len(days) >= int(last_word[0])
    assert write(path, FIVE, run=Run(datetime(2027, 1, 1), "1", "a41f09c3be")) == 5


def test_a_file_that_is_no_ledger_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("lead_id,readiness\n" * 1000)
    with pytest.raises(BadInput, match=r"ledger\.duckdb cannot be opened"), open_ledger(path):
        pass
    assert path.read_text() == "lead_id,readiness\n" * 1000


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_export_is_complete(path: Path, tmp_path: Path, suffix: str) -> None:
    write(path, FIVE)
    with open_ledger(path) as ledger:
        written = ledger.export(RUN, tmp_path / "new" / f"scores{suffix}")
    assert [result.name for result in written.parent.iterdir()] == [f"scores{suffix}"]
    read = duckdb.sql(f"SELECT * FROM '{written}' ORDER BY ALL").fetchall()
    assert [(r[0], *r[2:9]) for r in read] == [(r[0], *r[2:9]) for r in table(path)]


def test_no_cell_of_an_exported_csv_is_a_formula(path: Path, tmp_path: Path) -> None:
    write(path, part(("=1+1", 0.5, 1.0), ("-7", 0.25, -2.0)))
    with open_ledger(path) as ledger:
        written = ledger.export(RUN, tmp_path / "scores.csv")
    leads = duckdb.sql(f"SELECT lead_id, rule_score FROM '{written}' ORDER BY ALL").fetchall()
    assert leads == [("'-7", -2.0), ("'=1+1", 1.0)]


def test_an_export_that_fails_leaves_no_half_file(path: Path, tmp_path: Path) -> None:
    write(path, FIVE)
    (tmp_path / "taken.csv").mkdir()
    with open_ledger(path) as ledger:
        with pytest.raises(BadInput, match=r"\.csv or \.parquet file, not scores\.xlsx"):
            ledger.export(RUN, tmp_path / "scores.xlsx")
        with pytest.raises(OSError, match=r"taken\.csv"):
            ledger.export(RUN, tmp_path / "taken.csv")
    assert sorted(result.name for result in tmp_path.glob("*.*")) == ["taken.csv"]
    assert list((tmp_path / "taken.csv").iterdir()) == []


READINESS = st.none() | st.sampled_from([0.0, 0.1, 0.1 + 1e-17, 0.5, 1.0]) | st.floats(0, 1)
POINTS = st.none() | st.sampled_from([-5.0, 0.0, 5.0]) | st.floats(-100, 100)
LEADS = st.dictionaries(st.text("aB1é'", min_size=1, max_size=4), st.tuples(READINESS, POINTS))


CUTS = st.lists(st.integers(0, 20), max_size=3)


@settings(max_examples=40)
@given(leads=LEADS, slots=st.integers(1, 12), cuts=CUTS, shuffled=st.data())
def test_every_lead_once_and_every_slot_filled(leads, slots, cuts, shuffled) -> None:
    order = shuffled.draw(st.permutations(sorted(leads)))
    rows = [(lead, *leads[lead]) for lead in order]
    edges = [0, *sorted(cuts), len(rows)]
    parts = [part(*rows[start:end]) for start, end in pairwise(edges)]
    with duckdb.connect() as connection:
        ledger = Ledger(connection)
        assert ledger.write(RUN, parts, len(leads), Router(slots, CUTOFF), NIGHT) == len(leads)
        result = ledger.rows(RUN)
    assert sorted(result["lead_id"]) == sorted(leads)
    scored = [lead for lead in leads if leads[lead][0] is not None]
    listed = set(result.loc[result["route"] == "sales", "lead_id"])
    assert len(listed) == min(slots, len(scored))

    def place(lead: str) -> tuple[float, float, bytes]:
        ready, points = leads[lead]
        return -ready, math.inf if points is None else -points, lead.encode()

    assert listed == set(sorted(scored, key=place)[:slots])


def test_a_lead_that_could_not_be_scored_is_put_right_once_it_can(path: Path) -> None:
    assert write(path, part(("a", 0.9, 5.0), ("b", None, None))) == 2
    before = table(path)
    assert write(path, part(("a", 0.1, 1.0), ("b", 0.3, 7.0))) == 1
    after = {row[0]: row for row in table(path)}
    assert after["a"] == before[0]
    assert after["b"][2:6] == ("scored", None, 0.3, 7.0)
    assert write(path, part(("a", None, None), ("b", None, None))) == 0
    assert {row[0]: row for row in table(path)} == after
