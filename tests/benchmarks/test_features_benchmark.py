"""The benchmark at a small size: the contestants agree on every value. Time is not asserted."""

import argparse
import subprocess
import sys
from datetime import timedelta
from itertools import groupby

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import feature_medstab, feature_page, feature_pandas, features
from benchmarks.feature_contestants import (
    FLOORS,
    OURS,
    PEERS,
    POLARS,
    Contestant,
    Peer,
    contestants,
)
from benchmarks.feature_data import write_lead_database
from benchmarks.feature_values import differences
from benchmarks.measure import in_fresh_process

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return features.contest(events=20_000, rounds=1, scratch=tmp_path_factory.mktemp("scratch"))


@pytest.mark.long
def test_contestants_give_equal_values(record):
    assert (record["rows"], record["columns"]) == (2_000, 80)
    assert record["differing"] == []


@pytest.mark.long
def test_each_contestant_is_measured_and_in_the_table(record):
    names = {each.name for each in contestants(20_000)} | set(FLOORS)
    assert [set(each) for each in record["rounds"]] == [names]
    for run in record["rounds"][0].values():
        assert 0 < run["total"]["cpu"] < 60
        assert 0.01 < run["peak_gb"] < 2
    page = feature_page.section(record)
    assert all(f"| {name} |" in page for name in names)


@pytest.mark.long
def test_the_page_keeps_every_size_and_what_others_wrote(record, tmp_path, monkeypatch):
    page = tmp_path / "benchmarks.md"
    page.write_text(f"# Mine\n\n{feature_page.BEGIN}\nold\n{feature_page.END}\n\n## Others\n")
    monkeypatch.setattr(feature_page, "PAGE", page)
    monkeypatch.setattr(feature_page, "RECORDS", tmp_path / "kept" / "features.json")
    monkeypatch.setattr(feature_page, "PLOT", tmp_path / "kept" / "features.png")
    feature_page.write_page(record)
    feature_page.write_page(record | {"events": 30_000, "not_run": {"pandas": "no room"}})
    peer = {"peer": "mine", "version": "1.2", "shared": {"pandas": 7}}
    feature_page.write_page(record | peer | {"events": 10_000})
    feature_page.write_page(record | peer)
    text = page.read_text()
    assert text.startswith("# Mine\n")
    assert text.endswith("## Others\n")
    assert "old" not in text
    assert "### 20,000 events" in text
    assert "### 30,000 events" in text
    assert "Not run: pandas (no room)." in text
    assert "10,000 events" not in text  # a peer has one size
    assert text.index("### 30,000 events") < text.index("### mine 1.2: 20,000 events")
    assert "7 features" in text
    assert "--peer mine=PYTHON" in text
    assert (tmp_path / "kept" / "features.png").stat().st_size > 5_000


@pytest.mark.long
def test_a_peer_is_compared_on_what_it_computes(tmp_path, monkeypatch):
    """pandas as the peer, with the files that it alone writes."""
    only_one = Contestant("pandas, alone", "benchmarks.feature_pandas", ("1",))
    monkeypatch.setitem(PEERS, "pandas", Peer((only_one,), 4_000))
    record = features.against_peer("pandas", sys.executable, 4_000, 2, tmp_path)
    assert (record["rows"], record["columns"], record["differing"]) == (400, 80, [])
    assert record["shared"] == {"pandas, alone": 80}
    assert [set(each) for each in record["rounds"]] == [{OURS, POLARS, "pandas, alone"}] * 2
    assert f"### pandas {pd.__version__}: 4,000 events" in feature_page.section(record)
    assert feature_page.kept_up(record)
    assert not feature_page.kept_up(record | {"differing": ["pandas, alone: count_all: 1 rows"]})


def test_a_peer_is_named_with_a_python_that_runs(tmp_path):
    python = sys.executable
    assert features.peer_and_python(f"fastdfs={python}") == ("fastdfs", python)
    for text in (f"fastdf={python}", "fastdfs", f"meds-tab={tmp_path}/python"):
        with pytest.raises(argparse.ArgumentTypeError):
            features.peer_and_python(text)


def test_the_rows_for_meds_tab_make_its_windows_ours(tmp_path):
    """Its definitions in plain Python, as its release 0.2.0 has them: the last row of an instant is
    not seen; a window ends with the row of the prediction time, and leaves out what lies a whole
    window before; what is done in one instant counts once."""
    write_lead_database(tmp_path, 4_000, 400, some_late=False)
    events = pd.read_parquet(tmp_path / "events.parquet")
    at_the_edges = pd.read_parquet(tmp_path / "snapshots.parquet").loc[0, "cutoff"] - pd.Series(
        pd.to_timedelta(["0s", "1s", "7D", "7D", "7D 1s", "30D", "30D 1s"])
    )
    more = pd.DataFrame({"occurred_at": at_the_edges, "recorded_at": at_the_edges})
    more = more.assign(lead_id=events["lead_id"].iloc[0], action="chatted")
    pd.concat([events, more], ignore_index=True).to_parquet(tmp_path / "events.parquet")
    feature_pandas.main(tmp_path, tmp_path / "ours", 1)
    ours = pd.read_parquet(tmp_path / "ours").set_index(["lead_id", "cutoff"])
    for shard in range(feature_medstab.SHARDS):
        feature_medstab.write_shard(tmp_path, tmp_path / "spill", shard)
    rows = pd.read_parquet(tmp_path / "spill" / "meds" / "train")
    labels = pd.read_parquet(tmp_path / "spill" / "labels" / "train")
    assert len(labels) == len(ours) == 400
    instants = {}
    for (lead, at), own in groupby(rows.itertuples(), lambda row: (row.subject_id, row.time)):
        instants.setdefault(lead, []).append((at, {row.code for row in list(own)[:-1]}))
    for lead, end in labels.itertuples(index=False):
        seen = [(at, codes) for at, codes in instants[lead] if at <= end]
        assert seen[-1][0] == end
        for window, span in feature_medstab.WINDOWS.items():
            begin = end - (timedelta(9999) if window == "full" else pd.Timedelta(window.upper()))
            counted = [code for at, codes in seen if at > begin for code in codes]
            snapshot = ours.loc[(lead, end + pd.Timedelta(1, "us"))]
            assert len(counted) - counted.count("cutoff") == snapshot[f"count_{span}"]
            if window in feature_medstab.BY_ACTION:
                assert counted.count("chatted") == snapshot[f"count_{span}(chatted)"]


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
