"""The ledger holds each lead of a run exactly once, all of a run or nothing of it."""

import math
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import BadInput, Refused
from models.decisions import withdrawn_runs
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions, set_version, transaction
from models.decisions.withdrawn_runs import WithdrawnRun
from models.routing import Router
from serve.ledger import run_files
from serve.ledger.ledger import Ledger, open_ledger
from serve.ledger.postgres import MIGRATIONS, PART
from serve.ledger.runs import Run
from serve.ledger.schema import FIRST
from tests.serve.ledger.places import rows as rows_of

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


def write(place: LedgerPlace, *parts: pd.DataFrame, run: Run = RUN, slots: int = 2, **more) -> int:
    expected = more.pop("expected", sum(map(len, parts)))
    with open_ledger(place) as ledger:
        router = Router(slots, run.cutoff)
        return ledger.write(run, parts, expected, router, more.pop("scored_at", NIGHT))


def table(place: LedgerPlace) -> list[tuple]:
    """What is stored in its first columns, read by another program."""
    return rows_of(place, list(FIRST))


def sales(place: LedgerPlace, run: Run = RUN) -> list[str]:
    with open_ledger(place) as ledger:
        rows = ledger.rows(run)
    return list(rows.loc[rows["route"] == "sales", "lead_id"])


def test_worked_example(place: LedgerPlace) -> None:
    """Two slots; a, c and d are equally ready: c and d have more points, and c comes before d."""
    assert write(place, FIVE) == 5
    scored = ("warm", "sales", "called in once (+0.50)", "1", "a41f09c3be", NIGHT)
    nurture = ("warm", "nurture", "called in once (+0.50)", "1", "a41f09c3be", NIGHT)
    assert table(place) == [
        ("a", CUTOFF, "scored", None, 0.9, 5.0, *nurture),
        ("b", CUTOFF, "scored", None, 0.2, 50.0, *nurture),
        ("c", CUTOFF, "scored", None, 0.9, 7.0, *scored),
        ("d", CUTOFF, "scored", None, 0.9, 7.0, *scored),
        ("e", CUTOFF, "not scored", "two rows", None, None, None, "nurture", None, *nurture[3:]),
    ]
    with open_ledger(place) as ledger:
        assert list(ledger.rows(RUN)["lead_id"]) == ["c", "d", "a", "b", "e"]
        assert ledger.known(RUN) == 5
        assert ledger.known(Run(CUTOFF, "2", RUN.rules_version)) == 0


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]])
def test_the_list_does_not_depend_on_order_or_parts(place: LedgerPlace, order: list[int]) -> None:
    write(place, *(FIVE.iloc[[number]] for number in order))
    assert sales(place) == ["c", "d"]


@pytest.mark.parametrize("nothing", [None, math.nan, np.float64("nan"), pd.NA])
def test_what_is_missing_is_null_never_nan(place: LedgerPlace, nothing: object) -> None:
    rows = part(("a", 0.5, 1.0), ("b", 0.25, 2.0))
    rows.loc[1, ["state_reason", "band", "reasons"]] = nothing
    rows["rule_score"] = rows["rule_score"].astype(object)
    rows.loc[1, "rule_score"] = nothing
    rows.loc[1, "readiness"] = math.nan
    write(place, rows)
    assert table(place)[1][3:7] == (None, None, None, None)
    assert table(place)[1][8] is None


def test_a_second_run_adds_nothing_and_changes_nothing(place: LedgerPlace) -> None:
    write(place, FIVE)
    before = table(place)
    better = FIVE.assign(readiness=0.99, rule_score=0.0)
    assert write(place, better, slots=4, scored_at=datetime(2026, 3, 2)) == 0
    assert table(place) == before


def test_other_cutoffs_and_versions_stand_beside(place: LedgerPlace) -> None:
    runs = [RUN, Run(datetime(2026, 3, 2), "1", "a41f09c3be"), Run(CUTOFF, "2", "a41f09c3be")]
    runs.append(Run(CUTOFF, "1", "0000000000"))
    assert [write(place, FIVE, run=run) for run in runs] == [5, 5, 5, 5]
    assert len(table(place)) == 20
    assert all(sales(place, run) == ["c", "d"] for run in runs)


def test_late_leads_join_the_list_only_if_as_ready_as_its_last(place: LedgerPlace) -> None:
    write(place, part(("a", 0.8, 1.0), ("b", 0.6, 1.0), ("c", 0.3, 1.0)), slots=2)
    before = table(place)
    late = part(("a", 0.1, 0.0), ("late1", 0.7, 0.0), ("late2", 0.6, 0.0), ("late3", 0.59, 9.0))
    assert write(place, late, slots=2, scored_at=datetime(2026, 3, 2)) == 3
    assert table(place)[:3] == before
    assert sales(place) == ["a", "late1", "b", "late2"]


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
    place: LedgerPlace, parts: list[pd.DataFrame], expected: int
) -> None:
    write(place, part(("z", 0.5, 1.0)))
    before = table(place)
    with pytest.raises(RuntimeError, match=f"{expected} open leads .* nothing was written"):
        write(place, *parts, expected=expected)
    assert table(place) == before


@pytest.mark.parametrize("error", [ValueError("in part 2"), KeyboardInterrupt()])
def test_an_error_on_the_way_leaves_all_as_it_was(place: LedgerPlace, error: BaseException) -> None:
    write(place, part(("z", 0.5, 1.0)))
    before = table(place)

    def parts():
        yield FIVE.iloc[:2]
        raise error

    with open_ledger(place) as ledger:
        with pytest.raises(type(error)):
            ledger.write(RUN, parts(), 5, Router(2, CUTOFF), NIGHT)
        assert table_of(ledger) == before
        assert ledger.write(RUN, [FIVE], 5, Router(2, CUTOFF), NIGHT) == 5  # and it can go on
    assert len(table(place)) == 6


def table_of(ledger: Ledger) -> list[tuple]:
    return ledger.fetched(f"SELECT {', '.join(FIRST)} FROM scores ORDER BY ALL")


# Writes a run of 3,000 leads, in 3 parts, for one day after the other, until it is killed.
WRITER = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.ledger import open_ledger
from serve.ledger.postgres import MIGRATIONS, PART
from serve.ledger.runs import Run
from tests.serve.ledger.test_ledger import part

parts = [part(*((f"{n}-{i}", i / 1000, 1.0) for i in range(1000))) for n in range(3)]

def told(day):
    for number, each in enumerate(parts):
        print(day, number, flush=True)
        yield each

with open_ledger(LedgerPlace(Path(sys.argv[1]))) as ledger:
    for day in range(10_000):
        cutoff = datetime(2026, 1, 1) + timedelta(days=day)
        run, router = Run(cutoff, "1", "a41f09c3be"), Router(300, cutoff)
        ledger.write(run, told(day), 3000, router, cutoff)
"""


@pytest.mark.parametrize("last_word", ["1 0", "2 2"])
def test_killed_in_the_middle_a_run_is_in_whole_or_not_at_all(tmp_path, last_word: str) -> None:
    place = LedgerPlace(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if line.strip() == last_word:
                break
        with open_ledger(place) as ledger:  # while another process writes, anybody reads
            assert {each.leads for each in ledger.runs} <= {3000}
        writer.send_signal(signal.SIGKILL)
    days = Counter(cutoff for (cutoff,) in rows_of(place, ["cutoff"]))
    assert set(days.values()) == {3000}
    assert len(days) >= int(last_word[0])
    assert write(place, FIVE, run=Run(datetime(2027, 1, 1), "1", "a41f09c3be")) == 5


def test_a_writer_waits_for_another_and_says_so(tmp_path, monkeypatch) -> None:
    place, notes = LedgerPlace(tmp_path), []
    with open_ledger(place) as first, first.store.writing():
        monkeypatch.setattr(run_files, "WAIT_SECONDS", 0.3)
        with open_ledger(place, notes.append) as second, pytest.raises(Refused):
            second.write(RUN, [FIVE], 5, Router(2, CUTOFF), NIGHT)
        with open_ledger(place) as reader:
            assert reader.runs == []
    assert len(notes) == 1
    assert write(place, FIVE) == 5


def test_two_writers_of_one_run_add_it_once(place: LedgerPlace) -> None:
    def one(_):
        return write(place, FIVE)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(4))) == [0, 0, 0, 5]
    assert len(table(place)) == 5


DAMAGE = {
    "truncated": lambda path, other: path.write_bytes(path.read_bytes()[:-20]),
    "empty": lambda path, other: path.write_bytes(b""),
    "no Parquet": lambda path, other: path.write_text("lead_id,readiness\n" * 1000),
    "no run": lambda path, other: part(("a", 0.5, 1.0)).to_parquet(path),
    "exchanged": lambda path, other: shutil.copy(other, path),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_file_that_is_damaged_or_exchanged_is_named(tmp_path, how: str) -> None:
    place = LedgerPlace(tmp_path)
    write(place, FIVE)
    write(place, FIVE, run=Run(datetime(2026, 3, 2), "1", RUN.rules_version))
    first, second = sorted((tmp_path / "ledger").glob("*.parquet"))
    DAMAGE[how](first, second)
    with pytest.raises(BadInput, match=re.escape(first.name)) as refused, open_ledger(place):
        pass
    assert ".." not in str(refused.value)
    assert "corrupted" not in str(refused.value)


def test_figures_of_a_run_are_those_of_its_rows(place: LedgerPlace) -> None:
    write(place, FIVE)
    with open_ledger(place) as ledger:
        (run,) = ledger.runs
    assert (run.run, run.leads, run.unscored, run.scored_at) == (RUN, 5, 1, NIGHT)
    assert run.readiness == pytest.approx((0.9 + 0.2 + 0.9 + 0.9) / 4)
    assert run.points == pytest.approx((5 + 50 + 7 + 7) / 4)
    assert run.hot == 0


def test_a_withdrawn_run_is_seen_by_nobody_and_may_come_back(place: LedgerPlace) -> None:
    typo = Run(datetime(2062, 3, 1), "1", RUN.rules_version)
    write(place, FIVE)
    write(place, FIVE, run=typo)
    with open_ledger(place) as ledger:
        assert ledger.newest_cutoff() == typo.cutoff
        with pytest.raises(BadInput):
            ledger.withdraw(typo, " ", "eva", NIGHT)
        withdrawn = ledger.withdraw(typo, "a slip of the pen", "eva", NIGHT)
        assert (withdrawn.leads, withdrawn.withdrawn_by) == (5, "eva")
        assert ledger.newest_cutoff() == CUTOFF
        with pytest.raises(BadInput):
            ledger.withdraw(typo, "again", "eva", NIGHT)
        with pytest.raises(BadInput, match=f"{withdrawn.withdrawn_at:%Y-%m-%d %H:%M}"):
            ledger.only_run(typo.cutoff, None, None)
    assert {cutoff for _, cutoff, *_ in table(place)} == {CUTOFF}
    later = datetime(2026, 3, 1, 5)
    assert write(place, FIVE, run=typo, scored_at=later) == 5
    with open_ledger(place) as ledger:
        assert ledger.newest_cutoff() == typo.cutoff


def test_a_withdrawal_killed_before_the_run_was_moved_counts(place: LedgerPlace) -> None:
    write(place, FIVE)
    with open_decisions(place) as store:
        withdrawn_runs.add(
            store,
            WithdrawnRun(**vars(RUN), leads=5, because="x", withdrawn_by="e", withdrawn_at=NIGHT),
        )
    with open_ledger(place) as ledger:
        assert ledger.runs == []
        assert ledger.query("SELECT * FROM scores").empty
    assert write(place, FIVE, scored_at=datetime(2026, 3, 2)) == 5
    assert len(table(place)) == 5


def test_runs_older_than_keep_days_are_deleted(place: LedgerPlace) -> None:
    runs = [Run(datetime(2026, 3, day), "1", RUN.rules_version) for day in (1, 20, 31)]
    for run in runs:
        write(place, FIVE, run=run)
    with open_ledger(place) as ledger:
        assert ledger.keep(11) == [runs[0]]
        assert [each.run for each in ledger.runs] == runs[1:]
    assert {cutoff for _, cutoff, *_ in table(place)} == {runs[1].cutoff, runs[2].cutoff}


def test_new_names_of_segments_reach_the_rows_of_before(place: LedgerPlace) -> None:
    write(place, FIVE.assign(segments="old"))
    assert write(place, FIVE.assign(segments="new; paid")) == 0
    with open_ledger(place) as ledger:
        segments = ledger.rows(RUN).set_index("lead_id")["segments"].to_dict()
        assert len(ledger.rows(RUN, segment="paid")) == 4
    scored = dict.fromkeys("abcd", "new; paid")
    assert segments == scored | {"e": "old"}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_export_is_complete(place: LedgerPlace, tmp_path: Path, suffix: str) -> None:
    write(place, FIVE)
    with open_ledger(place) as ledger:
        written = ledger.export(RUN, tmp_path / "new" / f"scores{suffix}")
    assert [result.name for result in written.parent.iterdir()] == [f"scores{suffix}"]
    read = duckdb.sql(f"SELECT * FROM '{written}' ORDER BY ALL").fetchall()
    assert [(r[0], *r[2:9]) for r in read] == [(r[0], *r[2:9]) for r in table(place)]


def test_no_cell_of_an_exported_csv_is_a_formula(place: LedgerPlace, tmp_path: Path) -> None:
    write(place, part(("=1+1", 0.5, 1.0), ("-7", 0.25, -2.0)))
    with open_ledger(place) as ledger:
        written = ledger.export(RUN, tmp_path / "scores.csv")
    leads = duckdb.sql(f"SELECT lead_id, rule_score FROM '{written}' ORDER BY ALL").fetchall()
    assert leads == [("'-7", -2.0), ("'=1+1", 1.0)]


def test_an_export_that_fails_leaves_no_half_file(place: LedgerPlace, tmp_path: Path) -> None:
    write(place, FIVE)
    (tmp_path / "taken.csv").mkdir()
    with open_ledger(place) as ledger:
        with pytest.raises(BadInput, match=r"\.csv or \.parquet file, not scores\.xlsx"):
            ledger.export(RUN, tmp_path / "scores.xlsx")
        with pytest.raises(BadInput, match=r"taken\.csv"):
            ledger.export(RUN, tmp_path / "taken.csv")
    assert sorted(result.name for result in tmp_path.glob("*.*")) == ["taken.csv"]
    assert list((tmp_path / "taken.csv").iterdir()) == []


READINESS = st.none() | st.sampled_from([0.0, 0.1, 0.1 + 1e-17, 0.5, 1.0]) | st.floats(0, 1)
POINTS = st.none() | st.sampled_from([-5.0, 0.0, 5.0]) | st.floats(-100, 100)
LEADS = st.dictionaries(st.text("aB1é'", min_size=1, max_size=4), st.tuples(READINESS, POINTS))


CUTS = st.lists(st.integers(0, 20), max_size=3)


@settings(max_examples=20)
@given(leads=LEADS, slots=st.integers(1, 12), cuts=CUTS, shuffled=st.data())
def test_every_lead_once_and_every_slot_filled(leads, slots, cuts, shuffled) -> None:
    order = shuffled.draw(st.permutations(sorted(leads)))
    rows = [(lead, *leads[lead]) for lead in order]
    edges = [0, *sorted(cuts), len(rows)]
    parts = [part(*rows[start:end]) for start, end in pairwise(edges)]
    with TemporaryDirectory() as folder, open_ledger(LedgerPlace(Path(folder))) as ledger:
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


def test_a_lead_that_could_not_be_scored_is_put_right_once_it_can(place: LedgerPlace) -> None:
    assert write(place, part(("a", 0.9, 5.0), ("b", None, None))) == 2
    before = table(place)
    assert write(place, part(("a", 0.1, 1.0), ("b", 0.3, 7.0))) == 1
    after = {row[0]: row for row in table(place)}
    assert after["a"] == before[0]
    assert after["b"][2:6] == ("scored", None, 0.3, 7.0)
    assert write(place, part(("a", None, None), ("b", None, None))) == 0
    assert {row[0]: row for row in table(place)} == after


def test_a_ledger_of_before_there_was_fit_reads_as_null_and_goes_on(place: LedgerPlace) -> None:
    """Run files without the columns; a server whose tables have them added."""
    if place.server is None:
        write(place, FIVE)
        (path,) = (place.folder / "ledger").glob("*.parquet")
        whole = pq.read_table(path)
        pq.write_table(whole.drop_columns(["fit", "engagement"]), path)
        expected = [(None, None)] * 5
    else:
        with open_decisions(place) as server, transaction(server):
            for statement in ";".join(MIGRATIONS[:2]).split(";"):
                server.exec_driver_sql(statement)
            set_version(server, PART, 2)
        expected = []
    with open_ledger(place) as ledger:
        assert ledger.fetched("SELECT fit, engagement FROM scores") == expected
    later = Run(CUTOFF + timedelta(days=1), "2", RUN.rules_version)
    write(place, FIVE.head(2).assign(fit=["A", None], engagement=["4", None]), run=later)
    ranked = [("A", "4"), (None, None)]
    assert rows_of(place, ["fit", "engagement"])[: len(ranked)] == ranked
