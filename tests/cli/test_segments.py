"""The verb segments, as a user runs it on three leads."""

import json
from pathlib import Path

import pytest

from tests.cli.running import little_folder, readiness

SEGMENTS = """
[[segment]]
name = "visited [b]"
all = [{action = "visited"}]
[[segment]]
name = "from ads"
all = [{attribute = "source", is = "ads"}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "segments.toml").write_text(SEGMENTS)
    return little_folder(tmp_path)


def test_the_tables_and_the_page(folder: Path) -> None:
    ran = readiness("segments", folder, "--cutoff", "2024-01-13")
    assert ran.code == 0
    assert "visited [b]" in ran.out
    assert "How they overlap" in ran.out
    assert max(map(len, ran.out.split("Report:")[0].splitlines())) <= 80
    assert (folder / "out" / "segments.html").is_file()


def test_one_json_object_that_is_also_beside_the_page(folder: Path) -> None:
    to = folder / "page.html"
    ran = readiness("segments", folder, "--cutoff", "2024-01-20", "--out", to, "--json")
    assert ran.found["page"] == str(to)
    kept = json.loads((folder / "page.json").read_text())
    assert kept == {key: found for key, found in ran.found.items() if key != "page"}
    # at 01-08 leads 1 and 2 are open, both have visited; lead 1 is won on 01-12
    assert ran.found["cutoffs"] == ["2024-01-08"]
    visited, ads = ran.found["segments"]
    assert visited["conversion"]["rate"]["point"] == 0.5
    assert (visited["conversion"]["leads"], ads["conversion"]["leads"]) == (2, 1)
    assert (visited["open_leads"], ads["open_leads"]) == (1, 1)
    assert ran.found["overlap"]["from ads"] == {"visited [b]": 0.0, "from ads": 1.0}


def test_without_segments_it_is_refused_with_how_to_write_one(folder: Path) -> None:
    (folder / "segments.toml").unlink()
    ran = readiness("segments", folder)
    assert ran.code == 1
    assert "There are no segments: write some into" in ran.err
    assert "all = [{quiet_days = 14}]" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[segment]]\nname = "a"\nall = [{acton = "x"}]', "did you mean action?"),
        ('[[segment]]\nname = "a"\nall = [{attribute = "size", is = "x"}]', "asks for size, which"),
    ],
)
def test_faults_are_told(folder: Path, text: str, said: str) -> None:
    (folder / "segments.toml").write_text(text)
    ran = readiness("segments", folder)
    assert ran.code == 2
    assert said in ran.err


def test_the_page_is_html(folder: Path) -> None:
    ran = readiness("segments", folder, "--out", folder / "x.txt")
    assert ran.code == 2
    assert "an .html file, please" in ran.err
