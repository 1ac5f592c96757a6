"""The verb funnel: what a person reads, the one JSON object, and its exit codes."""

from pathlib import Path

import pytest

from tests.readiness.running import little_folder, readiness
from tests.readiness.test_words import fits

FUNNEL = """
within_days = 7
[[stage]]
name = "lead [/b]"
created = true
[[stage]]
name = "visitor"
actions = ["visited"]
[[stage]]
name = "customer"
won = true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three leads until 2024-01-25; 1 came on 01-01, visited on 01-02, was won on 01-12."""
    little_folder(tmp_path)
    (tmp_path / "funnel.toml").write_text(FUNNEL)
    return tmp_path


@pytest.mark.parametrize("by", ["source", "cohort", "period"])
def test_a_person_reads_it(folder: Path, by: str) -> None:
    ran = readiness("funnel", folder, "--by", by)
    assert ran.code == 0
    assert "note" not in ran.err
    fits(ran.out)
    text = " ".join(ran.out.split())
    assert "lead [/b] > │ 3 │ 7 d │ 3 │ 66.7%" in text
    assert "No phase stands out" in text
    assert ran.out.endswith(f"Report: {folder / 'out' / 'funnel.html'}\n")
    assert (folder / "out" / "funnel.json").is_file()


def test_the_one_object(folder: Path) -> None:
    ran = readiness("funnel", folder, "--until", "2024-01-12", "--out", folder / "f.html", "--json")
    assert ran.code == 0
    result = ran.result
    assert result["page"] == str(folder / "f.html")
    assert result["stages"] == {
        "lead [/b]": 3,
        "visitor": 2,
        "customer": 0,
    }  # won on the 12th sharp
    first = result["phases"][0]
    assert (first["from"], first["mature"], first["went_on"]) == ("lead [/b]", 2, 2)
    assert result["whole"]["open"] == 3
    assert (result["by"], result["groups"], result["until"]) == (None, {}, "2024-01-12T00:00:00")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--until", "2025-01-01"], 2, "The data end on 2024-01-25"),
        (["--until", "2023-01-01"], 1, "No funnel before 2023-01-01"),
        (["--by", "moon"], 2, "moon"),
        (["--by", "segment"], 1, "There are no segments"),
        (["--out", "page.txt"], 2, "an .html file, please"),
    ],
)
def test_what_is_refused(folder: Path, words: list[str], code: int, text: str) -> None:
    ran = readiness("funnel", folder, *words)
    assert ran.code == code
    assert text in " ".join(ran.err.split())
    assert not (folder / "out").exists()


def test_without_the_file_the_stages_are_not_guessed(folder: Path) -> None:
    (folder / "funnel.toml").unlink()
    ran = readiness("funnel", folder)
    assert (ran.code, ran.out) == (2, "")
    assert str(folder / "funnel.toml") in ran.err.replace("\n", "")
    assert not (folder / "out").exists()


def test_a_broken_file_is_said(folder: Path) -> None:
    (folder / "funnel.toml").write_text(FUNNEL.replace("won", "wun"))
    ran = readiness("funnel", folder)
    assert ran.code == 2
    assert "did you mean won?" in ran.err
