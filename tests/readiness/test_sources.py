"""`readiness sources`, as operations run it."""

import shutil
from pathlib import Path

import pytest

from tests.readiness.running import little_folder, readiness


@pytest.fixture
def folder(demo_folder: Path, tmp_path: Path) -> Path:
    for path in demo_folder.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    return tmp_path


def test_the_review_and_its_moves(folder: Path) -> None:
    """Who comes back directly is won far more often than passive-2 asks for."""
    path = folder / "sources.toml"
    direct = '[[source]]\nname = "direct"\nsource = "direct"\nbasket = '
    before = path.read_text().replace(f'{direct}"active-2"', f'{direct}"passive-2"')
    path.write_text(before)
    ran = readiness("sources", folder)
    assert ran.code == 0
    assert "newsletter" in ran.out
    (moved,) = [line for line in ran.out.splitlines() if "from passive-2 to " in line]
    assert "direct" in moved
    assert "To write these moves into sources.toml: --apply" in ran.out
    assert max(map(len, ran.out.splitlines()[:-1])) <= 80
    assert path.read_text() == before
    result = readiness("sources", folder, "--apply", "--json").result
    assert result["applied"] == result["moves"] == ["direct"]
    assert {source["source"] for source in result["sources"]} >= {"partner", "social", "direct"}
    assert Path(result["page"]) == folder / "out" / "sources.html"
    text = path.read_text()
    assert text.startswith(before.rstrip("\n"))
    assert text.count("[[move]]") == len(result["applied"])
    assert readiness("sources", folder, "--apply", "--json").result["applied"] == []
    early = readiness("sources", folder, "--cutoff", "2025-01-01", "--apply")
    assert (early.code, "history is not rewritten" in early.err) == (2, True)


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    ran = readiness("sources", little_folder(tmp_path), "--json")
    assert ran.code == 2
    assert "There is no" in ran.result["error"]
    assert "readiness init" in ran.result["error"]
