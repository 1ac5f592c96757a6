"""What is bound to fail fails before the work, with one message and nothing written; and what the
machine lacks is said as that."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from features.whole_file import write_whole
from tests.readiness.running import RULES, SETTINGS, little_folder, readiness

SCRIPT = Path(sys.executable).with_name("readiness")
AT = "first_cutoff = 2024-01-08"
FAULTY = {
    "brackets in brackets": "a = " + "[" * 3000 + "]" * 3000,
    "tables in tables": "a = " + "{a = " * 2000 + "1" + "}" * 2000,
    "a number without end": SETTINGS.replace("= 7", "= " + "7" * 5000),
    "the last day": SETTINGS.replace(AT, f"{AT}\ndata_end = 9999-12-31T23:59:59"),
    "the first day": SETTINGS.replace(AT, f"{AT}\ndata_end = 0001-01-01T00:00:00"),
    "before the first day": SETTINGS.replace(AT, f"{AT}\ndata_end = 0001-01-01T00:00:00+10:00"),
    "a cutoff before that": SETTINGS.replace(AT, "first_cutoff = 0001-01-01T00:00:00+10:00"),
    "NUL in a file": SETTINGS.replace("leads.csv", r"le\u0000ads.csv"),
    "NUL in the folder": SETTINGS.replace("[tables]", '[tables]\nfolder = "a\\u0000b"'),
    "NUL in the database": SETTINGS.replace("[tables]", '[tables]\ndatabase = "postgresql://h/\\u0000"'),
    "NUL in out": 'out = "o\\u0000ut"\n' + SETTINGS,
    "NUL in the store": SETTINGS + '[mlflow]\nuri = "sqlite:///out/m\\u0000.db"',
    "a model of a folder": SETTINGS + '[mlflow]\nmodel = "a/b"',
    "a model of a version": SETTINGS + '[mlflow]\nmodel = "models:/a"',
    "a model without a name": SETTINGS + '[mlflow]\nmodel = ""',
    "a store in an odd path": SETTINGS + '[mlflow]\nuri = "sqlite:///out/a%41b.db"',
}  # fmt: skip


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("fault", FAULTY)
def test_settings_that_cannot_work(tmp_path: Path, fault: str) -> None:
    before = everything(little_folder(tmp_path, settings=FAULTY[fault]))
    ran = readiness("score", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "readiness.toml" in ran.err or "mlflow.uri" in ran.err
    assert len(ran.err) < 800
    assert everything(tmp_path) == before


@pytest.mark.parametrize("points", ["1e308", "-1e308", "1e400", "inf", "-inf", "nan", "9" * 400])
def test_points_whose_sum_would_not_be_a_number(tmp_path: Path, points: str) -> None:
    little_folder(tmp_path)
    (tmp_path / "rules.toml").write_text(RULES.replace("points = 2", f"points = {points}"))
    ran = readiness("score", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "points" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words",
    [("score", "{}", "--model", "\udcff"), ("explain", "\udcff", "{}"), ("check", "\udcff"),
     ("override", "\udcff", "{}", "--withdraw"), ("score", "{}", "--export", "\udcff.csv"),
     ("rollback", "{}", "--because", "a\udcff"), ("check", "{}", "--js\udcff")],
    ids=lambda words: words[0],
)  # fmt: skip
def test_arguments_that_are_no_text(tmp_path: Path, words: tuple[str, ...]) -> None:
    """The bytes 0xff, as the system hands them over."""
    before = everything(little_folder(tmp_path))
    ran = readiness(*(word.format(tmp_path) for word in words))
    assert (ran.code, ran.out) == (2, "")
    assert r"\udcff" in ran.err
    assert everything(tmp_path) == before


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file of this process may grow beyond 2,000 bytes: the system's error is that of a full
    disk in another number."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_for_which_there_is_no_room_is_named_and_left_as_it_was(
    tmp_path: Path, little_room: None
) -> None:
    write_whole(tmp_path / "page.html", "before")
    with pytest.raises(OSError, match=r"page\.html"):
        write_whole(tmp_path / "page.html", "x" * 10_000)
    assert everything(tmp_path) == {tmp_path / "page.html": b"before"}


LACKS = [
    MemoryError(),
    RuntimeError("can't start new thread"),
    duckdb.OutOfMemoryException("Out of Memory Error: 3 GB\n\nPossible solutions:\nmore"),
    duckdb.IOException("IO Error: No space left on device"),
]


@pytest.mark.parametrize("error", LACKS, ids=lambda error: type(error).__name__)
def test_what_the_machine_lacks_is_no_error_of_the_program(error, monkeypatch, tmp_path) -> None:
    def load(where: Path) -> None:
        raise error

    monkeypatch.setattr("features.config.load_each", load)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ran = readiness("check", tmp_path)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [600, 1500])
def test_a_process_without_memory_writes_nothing(tmp_path: Path, megabytes: int) -> None:
    before = everything(little_folder(tmp_path))
    ran = subprocess.run(
        ["prlimit", f"--as={megabytes * 1_000_000}", SCRIPT, "score", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.count("\n") == 1
    assert "readiness: " in ran.stderr
    assert not [
        path for path in everything(tmp_path).keys() - before.keys() if path.suffix == ".tmp"
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_named(tmp_path: Path) -> None:
    little_folder(tmp_path)
    tmp_path.chmod(0o555)
    try:
        ran = readiness("score", tmp_path)
    finally:
        tmp_path.chmod(0o755)
    assert ran.code == 2
    assert str(tmp_path) in ran.err


@pytest.mark.parametrize("content", ["PAR1", "PAR1" + "\0" * 200 + "PAR1", "no parquet", ""])
def test_a_damaged_table_is_named(tmp_path: Path, content: str) -> None:
    little_folder(tmp_path, settings=SETTINGS.replace("events.csv", "events.parquet"))
    (tmp_path / "events.parquet").write_text(content)
    ran = readiness("score", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "tables.events" in ran.err
    assert not (tmp_path / "out" / "rules").exists()
