"""The benchmark at a small size: the contestants agree on every value. Time is not asserted."""

import subprocess

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import feature_page, feature_pandas, features
from benchmarks.feature_contestants import FLOORS, OURS, POLARS, contestants
from benchmarks.feature_data import write_lead_database
from benchmarks.feature_values import differences
from benchmarks.measure import in_fresh_process

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return features.contest(events=20_000, rounds=1, scratch=tmp_path_factory.mktemp("scratch"))


def test_contestants_give_equal_values(record):
    assert (record["rows"], record["columns"]) == (2_000, 80)
    assert record["differing"] == []


def test_each_contestant_is_measured_and_in_the_table(record):
    names = {each.name for each in contestants(20_000)} | set(FLOORS)
    assert [set(each) for each in record["rounds"]] == [names]
    for run in record["rounds"][0].values():
        assert 0 < run["total"]["cpu"] < 60
        assert 0.01 < run["peak_gb"] < 2
    page = feature_page.section(record)
    assert all(f"| {name} |" in page for name in names)


def test_the_page_keeps_every_size_and_what_others_wrote(record, tmp_path, monkeypatch):
    page = tmp_path / "benchmarks.md"
    page.write_text(f"# Mine\n\n{feature_page.BEGIN}\nold\n{feature_page.END}\n\n## Others\n")
    monkeypatch.setattr(feature_page, "PAGE", page)
    monkeypatch.setattr(feature_page, "RECORDS", tmp_path / "kept" / "features.json")
    monkeypatch.setattr(feature_page, "PLOT", tmp_path / "kept" / "features.png")
    feature_page.write_page(record)
    feature_page.write_page(record | {"events": 30_000, "not_run": {"pandas": "no room"}})
    text = page.read_text()
    assert text.startswith("# Mine\n")
    assert text.endswith("## Others\n")
    assert "old" not in text
    assert "### 20,000 events" in text
    assert "### 30,000 events" in text
    assert "Not run: pandas (no room)." in text
    assert (tmp_path / "kept" / "features.png").stat().st_size > 5_000


def run(cpu, wall):
    return {"total": {"cpu": cpu, "wall": wall}, "peak_gb": 0.5}


@pytest.mark.parametrize(
    ("events", "ours", "differing", "kept_up"),
    [
        (20_000_000, run(5, 10), [], True),
        (20_000_000, run(7, 10), [], False),  # 0.7 of the CPU
        (20_000_000, run(5, 11), [], False),
        (20_000_000, run(5, 10) | {"peak_gb": 1.1}, [], False),
        (20_000_000, run(5, 10), ["pandas: count_all: 1 rows"], False),
        (2_000_000, run(7, 11), [], True),
        (2_000_000, run(11, 11), [], False),
    ],
)
def test_the_aim(events, ours, differing, kept_up):
    rounds = [{OURS: ours, POLARS: run(10, 10)}]
    record = {"events": events, "rounds": rounds, "differing": differing}
    assert feature_page.kept_up(record) is kept_up


FRAME = pd.DataFrame(
    {
        "lead_id": [1, 2, 3],
        "cutoff": pd.Timestamp("2026-03-01"),
        "count_all": [3.0, 4.0, None],
        "first_source": ["a", None, "b"],
    }
)


@pytest.mark.parametrize(
    ("other", "lines"),
    [
        (FRAME, []),
        (FRAME.assign(count_all=[3.0, 4 + 1e-10, None]), []),
        (FRAME.assign(count_all=[3.0, 5.0, 0.0]), ["count_all: 2 rows"]),
        (FRAME.assign(first_source=["a", "a", None]), ["first_source: 2 rows"]),
        (FRAME.assign(lead_id=[1, 2, 4]), ["2 of 3 snapshots are in both"]),
        (FRAME[:2], ["3 rows not 2", "2 of 3 snapshots are in both"]),
        (FRAME.drop(columns="count_all"), ["count_all: one has it"]),
    ],
)
def test_a_difference_is_listed(tmp_path, other, lines):
    paths = tmp_path / "ours.parquet", tmp_path / "other.parquet"
    for frame, path in zip((FRAME, other), paths, strict=True):
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
    assert differences(*paths)[2] == lines


def test_pandas_gives_the_same_in_chunks(tmp_path):
    """Also in seven, where ids are multiples of seven."""
    write_lead_database(tmp_path, 4_000, 400)
    for chunks in (1, 7):
        feature_pandas.main(tmp_path, tmp_path / str(chunks), chunks)
    assert [pq.read_metadata(file).num_rows > 0 for file in (tmp_path / "7").iterdir()] == [
        True
    ] * 7
    assert differences(tmp_path / "1", tmp_path / "7") == (400, 80, [])


def test_a_child_is_measured_with_what_it_started(tmp_path, monkeypatch):
    """A process that only waits for another, which works for half a second of CPU on 200 MB."""
    monkeypatch.setattr("benchmarks.measure.HOME", tmp_path)
    (tmp_path / "works.py").write_text(
        "import time\nheld = bytearray(200_000_000)\nwhile time.process_time() < 0.5: pass\n"
    )
    (tmp_path / "waits.py").write_text(
        "import subprocess, sys\nsubprocess.run([sys.executable, 'works.py'], check=True)\n"
        "print('{\"said\": 1}')\n"
    )
    direct, through = in_fresh_process("works"), in_fresh_process("waits")
    assert direct.total.cpu > 0.5
    assert direct.peak_gb > 0.18
    assert through.total.cpu > 0.5
    assert through.printed == {"said": 1}
    with pytest.raises(subprocess.CalledProcessError):
        in_fresh_process("gone")
