"""The verb segments, as a user runs it on three leads."""

import json
from pathlib import Path

import pytest

from tests.readiness.conftest import Company
from tests.readiness.running import little_folder, readiness

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
    assert ran.result["page"] == str(to)
    rows = json.loads((folder / "page.json").read_text())
    assert rows == {key: result for key, result in ran.result.items() if key != "page"}
    # at 01-08 leads 1 and 2 are open, both have visited; lead 1 is won on 01-12
    assert ran.result["cutoffs"] == ["2024-01-08"]
    visited, ads = ran.result["segments"]
    assert visited["conversion"]["rate"]["point"] == 0.5
    assert (visited["conversion"]["leads"], ads["conversion"]["leads"]) == (2, 1)
    assert (visited["open_leads"], ads["open_leads"]) == (1, 1)
    assert ran.result["overlap"]["from ads"] == {"visited [b]": 0.0, "from ads": 1.0}


def test_without_segments_it_is_refused_with_how_to_write_one(folder: Path) -> None:
    (folder / "segments.toml").unlink()
    ran = readiness("segments", folder)
    assert ran.code == 1
    assert "There are no segments: write some into" in ran.err
    assert "all = [{quiet_days = 14}]" in ran.err


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ('[[segment]]\nname = "a"\nall = [{acton = "x"}]', "did you mean action?"),
        ('[[segment]]\nname = "a"\nall = [{attribute = "size", is = "x"}]', "asks for size, which"),
    ],
)
def test_faults_are_told(folder: Path, text: str, printed: str) -> None:
    (folder / "segments.toml").write_text(text)
    ran = readiness("segments", folder)
    assert ran.code == 2
    assert printed in ran.err


def test_the_page_is_html(folder: Path) -> None:
    ran = readiness("segments", folder, "--out", folder / "x.txt")
    assert ran.code == 2
    assert "an .html file, please" in ran.err


def test_lists_and_comparison_of_one_segment(company: Company) -> None:
    folder, name = company.folder, "quiet for 14 days"
    ran = readiness("score", folder, "--segment", name, "--export", folder / "l.csv", "--json")
    assert (ran.code, ran.result["added"]) == (0, 0)
    assert ran.result["routes"] == company.result("score")["routes"]  # those of all open leads
    part = ran.result["segment"]
    assert part["name"] == name
    assert 0 < part["open_leads"] < ran.result["open_leads"]
    assert (folder / "l.csv").read_text().count("\n") == part["open_leads"] + 1
    message = readiness("score", folder, "--segment", name)
    assert f"In the segment {name}: {part['open_leads']:,} open leads" in message.out
    compared = readiness("compare", folder, "--segment", name, "--json")
    assert compared.result["segment"] == name
    assert compared.result["test"]["snapshots"] < company.result("compare")["test"]["snapshots"]
    assert compared.result["page"] == str(folder / "out" / "compare-quiet-for-14-days.html")
    report = readiness("segments", folder, "--json").result
    quiet = next(group for group in report["segments"] if group["name"] == name)
    assert quiet["open_leads"] == part["open_leads"]


@pytest.mark.parametrize("verb", ["score", "compare"])
def test_an_unknown_segment_is_answered_before_the_work(company: Company, verb: str) -> None:
    ran = readiness(verb, company.folder, "--segment", "quiet for 14 dayz")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean 'quiet for 14 days'?" in ran.err
