"""Inputs are sacred: no option that writes a file may name what is read or kept, by whatever path;
and a file that cannot be written is refused before the work."""

import os
import shutil
from pathlib import Path

import pytest

from tests.readiness.running import LEADS, SETTINGS, little_folder, readiness

QUERIED = SETTINGS.replace(
    '"leads.csv"', "\"SELECT * FROM read_csv('raw/*.csv') WHERE source <> 'x.y' AND source <> ''\""
).replace('"deals.csv"', '"deals.sql"')


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """Tables by name, by a pattern in a query, in a query's file and in a folder; and a ledger."""
    folder = tmp_path / "company"
    folder.mkdir()
    little_folder(folder, settings=QUERIED.replace("leads.csv", "raw/leads.csv"))
    (folder / "raw").mkdir()
    (folder / "raw" / "leads.csv").write_text(LEADS)
    (folder / "deals.sql").write_text('SELECT * FROM "deals.csv"')
    (folder / "out").mkdir()
    for name in ("ledger.duckdb", "decisions.sqlite", "mlflow.db"):
        (folder / "out" / name).write_bytes(b"kept")
    os.symlink("events.csv", folder / "linked.csv")
    os.link(folder / "events.csv", folder / "hard.csv")
    os.symlink(".", folder / "here")
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


INPUTS = [
    "events.csv",
    "./raw/../events.csv",
    "here/events.csv",
    "linked.csv",
    "hard.csv",
    "deals.csv",
    "raw/leads.csv",
    "raw/new.csv",  # would be read by the next run
    "readiness.toml",
    "rules.toml",
    "segments.toml",  # is not there, and would be read
    "deals.sql",
    "out/ledger.duckdb",
    "out/decisions.sqlite",
    "out/mlflow.db",
    "out/mlartifacts/1/scores.csv",
    "out/rules/0123456789.toml",
]


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize(
    "verb", [("score", "--export"), ("rules", "diff", "current", "current", "--export")]
)
def test_no_export_goes_over_what_is_read_or_kept(company: Path, verb, name: str) -> None:
    before = contents(company)
    *words, option = verb
    ran = readiness(*words, company, option, company / name)
    assert (ran.code, ran.out) == (2, "")
    assert Path(name).name in ran.err
    assert contents(company) == before


def test_from_within_the_folder(company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(company)
    before = contents(company)
    assert readiness("score", "--export", "events.csv").code == 2
    assert readiness("score", company, "--export", "../company/events.csv").code == 2
    assert contents(company) == before


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_folder_of_parts_gets_no_export_among_them(company: Path, kind: str) -> None:
    (company / "parts").mkdir()
    shutil.copy(company / "events.csv", company / "parts" / "1.csv")
    named = '"parts/"' if kind == "parquet" else '"parts/*.csv"'
    (company / "readiness.toml").write_text(SETTINGS.replace('"events.csv"', named))
    ran = readiness("score", company, "--export", company / "parts" / f"2.{kind}")
    assert ran.code == 2
    assert "tables.events" in ran.err


@pytest.mark.parametrize(
    "verb",
    [("compare", "--out"), ("funnel", "--out"), ("plan", "--out"),
     ("feedback", "--out"), ("effect", "--out"), ("card", "--out"),
     ("segments", "--out"), ("rules", "test", "current", "--out")],
    ids=" ".join,
)  # fmt: skip
def test_a_page_and_what_is_written_beside_it(company: Path, verb: tuple[str, ...]) -> None:
    """tables.json belongs to the page tables.html."""
    (company / "readiness.toml").write_text(
        SETTINGS.replace('"events.csv"', "\"SELECT * FROM read_json('tables.json')\"")
    )
    (company / "tables.json").write_text("{}")
    *words, option = verb
    ran = readiness(*words, company, option, company / "tables.html")
    assert ran.code == 2
    assert "tables.json" in ran.err
    assert (company / "tables.json").read_text() == "{}"


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_learnt_points_do_not_go_over_the_current_ones(company: Path, force) -> None:
    before = contents(company)
    assert readiness("rules", "learn", company, "--to", company / "rules.toml", *force).code == 2
    assert contents(company) == before


@pytest.mark.parametrize(
    ("name", "says"),
    [("file.txt/scores.csv", "file.txt"), ("taken.csv", "folder"), ("n" * 300 + ".csv", "nnn"),
     ("n" * 250 + ".csv", "nnn"), ("a\0b.csv", "null")],
)  # fmt: skip
def test_a_file_that_cannot_be_made_is_refused_first(company: Path, name: str, says: str) -> None:
    (company / "file.txt").write_text("")
    (company / "taken.csv").mkdir()
    before = contents(company)
    ran = readiness("score", company, "--export", company / name)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert contents(company) == before


def test_other_files_may_be_written_over(company: Path) -> None:
    (company / "out" / "ledger.duckdb").unlink()
    for name in ("out/list.csv", "raw/list.txt.parquet", "new/folder/list.csv", "list.csv"):
        for _ in range(2):
            ran = readiness("score", company, "--export", company / name)
            assert ran.code in (0, 2)
            assert "written over" not in ran.err


@pytest.mark.parametrize("there", ["leads.csv", "Events.parquet", "deals.sql", "readiness.toml"])
def test_no_company_is_simulated_into_a_folder_with_tables(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("ours")
    ran = readiness("simulate", tmp_path, "--leads", 1000)
    assert (ran.code, ran.out) == (2, "")
    assert there in ran.err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["ours"]


PAGES = ["compare", "funnel", "segments", "feedback", "effect", "card", "history"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder of Linux")
@pytest.mark.parametrize(
    "words",
    [
        *(f"{verb} DIR --out /proc/x.html" for verb in PAGES),
        "plan DIR --deals 1 --by 2024-09-01 --out /proc/x.html",
        *("rules test rules.toml DIR --out /proc/x.html", "rules learn DIR --to /proc/x.toml"),
        *("score DIR --export /proc/x.csv", "movers DIR --export /proc/x.csv"),
        "rules diff current rules.toml DIR --export /proc/x.csv",
    ],
)
def test_a_file_that_cannot_be_made_is_refused_by_the_name_that_was_given(
    tmp_path: Path, words: str
) -> None:
    little_folder(tmp_path)
    named = {"DIR": tmp_path, "rules.toml": tmp_path / "rules.toml"}
    ran = readiness(*(named.get(word, word) for word in words.split()))
    assert (ran.code, ran.out) == (2, "")
    assert "/proc/x." in ran.err
    assert "cannot be written" in ran.err
    assert ".tmp" not in ran.err
