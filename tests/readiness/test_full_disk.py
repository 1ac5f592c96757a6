"""On a disk that is full a verb ends with one line and exit code 2; what was there stays as it was,
and once there is room the same command does all of its work."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.copied_company import copied_company
from tests.readiness.running import readiness

pytestmark = pytest.mark.slow
MEGABYTES = 24
NIGHT = ("score", "--cutoff", "2025-06-01")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    (tmp_path / "disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(tmp_path / "disk")]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a disk: a full one is not tested")
    yield tmp_path / "disk"
    lazily = ["umount", "--lazy"]  # this process keeps MLflow's database open
    subprocess.run([*lazily, str(tmp_path / "disk")], check=True)


def fill(disk: Path, but: int) -> Path:
    """A file that leaves so many kB of the disk free."""
    file = disk / "fill"
    file.write_bytes(bytes(shutil.disk_usage(disk).free - but * 1024))
    return file


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*.parquet")}


@pytest.mark.parametrize("free", [0, 40, 60, 150])  # kB; a run of the demo takes about 80
def test_a_night_is_written_whole_or_not_at_all(company, disk, free):
    folder = copied_company(company.folder, disk / "company")
    before, filler = contents(folder), fill(disk, free)
    ran = readiness(*NIGHT, folder)
    after = contents(folder)
    if ran.code:
        assert ran.code == 2
        assert ran.err.strip().splitlines()[-1].startswith("readiness: ")
        assert ran.err.count("readiness: ") == 1
        assert str(folder) in ran.err
    assert before.items() <= after.items()
    assert not [path for path in folder.rglob("*") if "tmp" in path.suffix]
    filler.unlink()
    result = readiness(*NIGHT, folder, "--json").result
    whole = len(after) > len(before)  # also where what is printed of it needed more room
    assert whole or ran.code
    assert result["added"] == (0 if whole else result["open_leads"])


@pytest.mark.parametrize("verb", ["train", "compare", "funnel", "segments"])
def test_a_report_or_a_training_says_which_place_is_full(company, disk, verb):
    folder = copied_company(company.folder, disk / "company")
    before = contents(folder)
    fill(disk, 0)
    ran = readiness(verb, folder)
    assert ran.code == 2, ran.err
    assert ran.err.count("readiness: ") == 1
    assert str(folder) in ran.err
    assert contents(folder) == before
