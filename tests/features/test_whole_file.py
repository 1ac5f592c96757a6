"""Whole or not at all, also where the writer is killed; what it left is removed by the next."""

import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from features.processes import mark
from features.whole_file import temporary_folder, whole, write_whole

KILLED = """
import os, signal, sys
from pathlib import Path
from features.whole_file import temporary_folder, whole
with temporary_folder() as folder, whole(Path(sys.argv[1])) as unfinished:
    (folder / "spill").mkdir()
    (folder / "spill" / "1.tmp").write_text("much")
    unfinished.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a process was killed while it wrote scores.csv."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "scores.csv")], check=False)
    assert done.returncode == -9
    assert len(list(tmp_path.iterdir())) == 2
    return tmp_path


@pytest.mark.slow
def test_the_next_writer_removes_what_a_killed_one_left(killed: Path) -> None:
    write_whole(killed / "other.csv", "whole")
    assert sorted(path.name for path in killed.iterdir() if path.is_file()) == ["other.csv"]


@pytest.mark.slow
def test_the_next_temporary_folder_removes_those_of_killed_processes(killed: Path) -> None:
    with temporary_folder() as folder:
        assert [path for path in killed.iterdir() if path.is_dir()] == [folder]
    assert [path for path in killed.iterdir() if path.is_dir()] == []


def test_what_others_left_or_still_write_stays(tmp_path: Path) -> None:
    for name in (".a.csv.tmp", ".a.csv.4711.tmp", "a.tmp", ".a.csv.ffffffff-1-1.1.tmp"):
        (tmp_path / name).write_text("theirs")
    before = set(tmp_path.iterdir())
    with whole(tmp_path / "a.csv") as first:
        first.write_text("1")
        write_whole(tmp_path / "b.csv", "2")  # another thread's, of the same process
        assert first.exists()
    assert set(tmp_path.iterdir()) == before | {tmp_path / "a.csv", tmp_path / "b.csv"}
    assert mark() not in "".join(path.name for path in tmp_path.iterdir())


def test_two_threads_write_the_same_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with whole(path) as slow:
        slow.write_text("the slow one's")
        write_whole(path, "the quick one's")
        assert path.read_text() == "the quick one's"
    assert path.read_text() == "the slow one's"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.csv", "before")
    with suppress(ZeroDivisionError), whole(tmp_path / "a.csv") as unfinished:
        unfinished.write_text("half")
        raise ZeroDivisionError
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_an_error_of_the_system_names_the_file_and_not_the_temporary_one(tmp_path):
    (tmp_path / "page.html").mkdir()
    for path in (tmp_path / "none" / "page.html", tmp_path / "page.html"):
        with pytest.raises(OSError, match=r"page\.html") as raised, whole(path) as unfinished:
            unfinished.write_text("text")
        assert raised.value.filename == str(path)
        assert ".tmp" not in str(raised.value)
