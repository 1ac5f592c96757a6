"""The verb card: Markdown on the terminal, a page in `out`, or one JSON object."""

from pathlib import Path

from tests.readiness.conftest import Company
from tests.readiness.running import readiness


def test_the_card_is_printed_and_written(company: Company) -> None:
    ran = readiness("card", company.folder)
    assert (ran.code, ran.err) == (0, "")
    markdown = (company.folder / "out" / "card.md").read_text("utf-8")
    printed = ran.out.replace(f"readiness train {company.folder}", "readiness train")
    assert printed.startswith(markdown)
    assert company.result("train")["verdict"] in ran.out
    assert (company.folder / "out" / "card.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_json_has_the_sections(company: Company, tmp_path: Path) -> None:
    page = tmp_path / "mine.html"
    ran = readiness("card", company.folder, "--model", "1", "--out", page, "--json")
    assert ran.code == 0
    assert (ran.result["version"], ran.result["page"]) == ("1", str(page))
    assert ran.result["run_id"] == company.result("train")["run_id"]
    titles = [section["title"] for section in ran.result["sections"]]
    assert titles[0] == "What it is for"
    assert "How good it was on the final test" in titles


def test_a_page_is_html_and_a_version_must_be_there(company: Company) -> None:
    ran = readiness("card", company.folder, "--out", "card.pdf")
    assert (ran.code, ran.out) == (2, "")
    ran = readiness("card", company.folder, "--model", "17")
    assert (ran.code, ran.out) == (2, "")
    assert "There is no 17 of the model" in ran.err
