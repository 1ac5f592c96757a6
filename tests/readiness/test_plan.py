"""The verb plan: the verdict first, the one JSON object, its exit codes; nothing later is used."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.readiness.running import Ran, little_folder, readiness
from tests.readiness.test_words import fits

FIRST, DAYS = datetime(2024, 1, 1), 200
FUNNEL = """
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
PLAN = "[plan]\ndeals = 40\nby = 2024-09-01\n"


def company(folder: Path, days: int = DAYS) -> Path:
    """A lead a day at 08:00, who visits the next day; every third is won the day after, the others
    are lost then. The data end with the visit of the last but one."""
    leads, events, deals = [], [], []
    end = FIRST + timedelta(days=days)
    for n in range(days):
        came = FIRST + timedelta(days=n, hours=8)
        leads.append(f"{n},{came},{'ads' if n % 2 else 'web'}")
        if came + timedelta(days=1) < end:
            events.append(f"{n},{came + timedelta(days=1)},visited")
        if came + timedelta(days=2) < end:
            deals.append(f"{n},{came + timedelta(days=2)},{'lost' if n % 3 else 'won'}")
    little_folder(
        folder,
        leads="\n".join(["lead_id,created_at,source", *leads]) + "\n",
        events="\n".join(["lead_id,occurred_at,action", *events]) + "\n",
        deals="\n".join(["lead_id,closed_at,outcome", *deals]) + "\n",
    )
    (folder / "funnel.toml").write_text(PLAN + FUNNEL)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company(tmp_path_factory.mktemp("planned"))


def plan(folder: Path, *words: object) -> Ran:
    return readiness("plan", folder, *words)


def test_a_person_reads_it(folder: Path) -> None:
    result = plan(folder, "--json").result
    ran = plan(folder)
    assert ran.code == 0
    fits(ran.out)
    text = " ".join(ran.out.replace("│", " ").split())
    assert text.startswith(result["sentence"])
    wins = result["wins"]
    assert f"40 deals by 2024-09-01: expected {wins['point']:.0f} " in text
    assert f"({wins['low']:.0f} to {wins['high']:.0f}), chance" in text
    needed = result["phases"][0]["further"]
    assert f"{needed['even']} further leads in lead [/b] by {needed['by'][:10]}" in text
    assert "web" in text
    assert ran.out.endswith(f"Report: {folder / 'out' / 'funnel.html'}\n")


def test_the_one_object(folder: Path) -> None:
    result = plan(folder, "--json").result
    assert (result["deals"], result["by"], result["days"]) == (40, "2024-09-01T00:00:00", 46)
    # a third of a lead a day, less those of the last two days; by chance some more or fewer
    assert result["wins"]["point"] == pytest.approx(46 / 3, rel=0.1)
    assert result["wins"]["low"] < result["wins"]["point"] < result["wins"]["high"]
    assert result["chance"] < 0.01
    assert [each["stage"] for each in result["phases"]] == ["lead [/b]", "visitor"]
    assert [each["open"] for each in result["phases"]] == [1, 1]
    assert result["phases"][0]["chance"]["point"] == pytest.approx(1 / 3, rel=0.1)
    assert sum(each["per_week"] for each in result["sources"]) == pytest.approx(7, rel=0.01)
    lifted = result["lifted"]["visitor"]
    assert 0 < lifted["low"] < lifted["point"] < lifted["high"]
    page = json.loads((folder / "out" / "funnel.json").read_text())["plan"]
    assert page == {
        name: each for name, each in result.items() if name not in {"notes", "page"}
    } | {"notes": []}


def test_the_target_of_the_command_line_goes_first(folder: Path) -> None:
    result = plan(folder, "--deals", 3, "--by", "2024-08-01", "--json").result
    assert (result["deals"], result["days"], result["no_interval"]) == (3, 15, None)
    assert 0.5 < result["chance"] <= 1
    later = plan(folder, "--by", "2024-08-01", "--from", "2024-07-25", "--json").result
    assert (later["deals"], later["begin"], later["days"]) == (40, "2024-07-25T00:00:00", 8)
    assert later["from_open"] == pytest.approx(0, abs=1e-9)


def test_nothing_from_the_cutoff_on_is_used(folder: Path, tmp_path: Path) -> None:
    """Planned as of an earlier day, as if the rest of the data were not there."""
    early = company(tmp_path, days=150)
    target = ("--deals", 30, "--by", "2024-08-01", "--json")
    cutoff = FIRST + timedelta(days=149, hours=8)  # the last event of the earlier data
    then = plan(folder, *target, "--as-of", f"{cutoff:%Y-%m-%dT%H:%M:%S}").result
    assert then == plan(early, *target).result | {"page": then["page"]}


def test_the_page_of_the_funnel_has_the_target_of_the_settings(
    folder: Path, tmp_path: Path
) -> None:
    page = tmp_path / "f.html"
    assert readiness("funnel", folder, "--out", page, "--json").result["plan"]["deals"] == 40
    assert "40 deals by 2024-09-01" in page.read_text()
    early = readiness("funnel", folder, "--out", page, "--until", "2024-01-20", "--json").result
    assert early["plan"] is None
    assert any("[plan]" in note for note in early["notes"])
    (company(tmp_path) / "funnel.toml").write_text(FUNNEL)
    assert readiness("funnel", tmp_path, "--json").result["plan"] is None


def test_without_stages_it_goes_from_lead_to_customer(tmp_path: Path) -> None:
    (company(tmp_path) / "funnel.toml").unlink()
    ran = plan(tmp_path, "--deals", 40, "--by", "2024-09-01", "--json")
    assert [each["stage"] for each in ran.result["phases"]] == ["lead"]
    assert ran.result["wins"]["point"] == pytest.approx(46 / 3, rel=0.1)
    (note,) = ran.result["notes"]
    assert "funnel.toml" in note


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--by", "2024-07-01"], 2, "2024-07-01 is over"),
        (["--from", "2024-01-01"], 2, "would begin on 2024-01-01"),
        (["--deals", "0"], 2, "--deals"),
        (["--by", "someday"], 2, "someday"),
        (["--as-of", "2025-01-01"], 2, "The data end on 2024-07-18"),
        (["--as-of", "2024-01-03"], 1, "No deal was won in the 2 days"),
        (["--by", "2026-01-01"], 1, "go back 199 days"),
        (["--out", "page.txt"], 2, "an .html file, please"),
    ],
)
def test_what_is_refused(folder: Path, words: list[str], code: int, text: str) -> None:
    ran = plan(folder, *words)
    assert (ran.code, ran.out) == (code, "")
    assert text in " ".join(ran.err.split())


def test_without_a_target_it_says_how_to_name_one(folder: Path, tmp_path: Path) -> None:
    (company(tmp_path) / "funnel.toml").write_text(FUNNEL)
    for words in ((), ("--deals", 4), ("--by", "2024-09-01")):
        ran = plan(tmp_path, *words)
        assert (ran.code, ran.out) == (2, "")
        assert "[plan]\ndeals = " in ran.err


@pytest.mark.parametrize(
    ("half", "missing", "option"),
    [
        ("deals = 40", "by = ", ("--by", "2024-09-01")),
        ("by = 2024-09-01", "deals = ", ("--deals", 40)),
    ],
)
def test_half_a_target_stops_the_plan_and_not_the_funnel(
    folder: Path, tmp_path: Path, half: str, missing: str, option: tuple[object, ...]
) -> None:
    (company(tmp_path) / "funnel.toml").write_text(f"[plan]\n{half}\n{FUNNEL}")
    ran = plan(tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert f"lacks {missing}" in ran.err
    shown = readiness("funnel", tmp_path, "--json")
    assert (shown.code, shown.result["plan"]) == (0, None)
    assert any("[plan]" in note and missing in note for note in shown.result["notes"])
    whole = plan(tmp_path, *option, "--json").result
    assert whole["sentence"] == plan(folder, "--json").result["sentence"]


def test_a_target_that_needs_no_lead_names_no_day(folder: Path) -> None:
    ran = plan(folder, "--deals", 1, "--by", "2024-09-01")
    result = plan(folder, "--deals", 1, "--by", "2024-09-01", "--json").result
    assert [each["further"]["high"] for each in result["phases"]] == [0, 0]
    table = ran.out.split("Won from")[1].split("By source")[0].split("wins: expected")[0]
    assert table.count("none") == 2
    assert "at once" not in table
    assert table.count("2024-") == 2  # the period alone
    page = (folder / "out" / "funnel.html").read_text()
    assert ">none<" in page
