"""`readiness explain` of a lead in an account: the people in --json, the page and the terminal."""

from pathlib import Path

import pytest

from tests.readiness.running import SETTINGS, little_folder, readiness

HOSTILE = "<script>alert(1)</script> CEO"
LEADS = f"""lead_id,created_at,source,company,job_title
1,2024-01-01,ads,A & <b>B</b>,Analyst
2,2024-01-02,ads,A & <b>B</b>,{HOSTILE}
3,2024-01-02,web,,CEO
"""
EVENTS = "lead_id,occurred_at,action\n" + "".join(
    f"1,2024-01-0{day} 10:00:00,read_<i>blog\n" for day in range(2, 9)
)
DEALS = "lead_id,closed_at,outcome\n3,2025-01-12,won\n"
NAMED = f'{SETTINGS}[features]\naccount = "company"\ntitle = "job_title"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return little_folder(tmp_path, leads=LEADS, events=EVENTS, deals=DEALS, settings=NAMED)


def test_the_people_are_in_json_page_and_text(folder: Path) -> None:
    ran = readiness("explain", "1", folder, "--cutoff", "2024-01-15", "--page", "--json")
    account = ran.result["account"]
    assert (account["account_id"], account["count"]) == ("A & <b>B</b>", 2)
    boss, reader = account["people"]
    assert (boss["lead_id"], boss["role"], boss["seniority"]) == ("2", "decides", "executive")
    assert HOSTILE in boss["because"]
    assert (reader["lead_id"], reader["role"], reader["did"]) == (
        "1",
        "researches",
        {"reading": 7},
    )
    page = Path(ran.result["page"]).read_text(encoding="utf-8")
    assert "A &amp; &lt;b&gt;B&lt;/b&gt;" in page
    assert not any(raw in page for raw in ("<script>", "<b>B", "<i>blog"))
    text = " ".join(readiness("explain", "1", folder, "--cutoff", "2024-01-15").out.split())
    assert "7 of the account's 7 events" in text
    assert account["reading"] in text


def test_the_page_of_an_account_names_them_too(folder: Path) -> None:
    settings = (folder / "readiness.toml").read_text()
    (folder / "readiness.toml").write_text(f'unit = "account"\n{settings}')
    named = ("explain", "A & <b>B</b>", folder, "--cutoff", "2024-01-15", "--page", "--json")
    ran = readiness(*named)
    people = {each["lead_id"]: each["role"] for each in ran.result["account"]["people"]}
    assert people == {"1": "researches", "2": "decides"}
    page = Path(ran.result["page"]).read_text(encoding="utf-8")
    assert "People of the account" in page
    assert "this lead" not in page


def test_without_an_account_there_is_none(folder: Path) -> None:
    ran = readiness("explain", "3", folder, "--cutoff", "2024-01-15", "--page", "--json")
    assert ran.result["account"] is None
    assert "People of the account" not in Path(ran.result["page"]).read_text(encoding="utf-8")


def test_what_the_roles_ask_for_must_be_in_the_leads(folder: Path) -> None:
    role = '[[role]]\nname = "buys"\nwhere = [{attribute = "buying_role", is = ["BUYER"]}]\n'
    (folder / "roles.toml").write_text(role)
    for verb in (("check",), ("explain", "1")):
        ran = readiness(*verb, folder)
        assert ran.code == 2
        assert "buying_role" in ran.err


def test_both_tables_are_written_and_nothing_over_them(folder: Path) -> None:
    (folder / "titles.toml").write_text("")
    assert readiness("titles", folder, "--json").result == {"written": [str(folder / "roles.toml")]}
    assert readiness("titles", folder).code == 2
    assert (folder / "titles.toml").read_text() == ""
    (folder / "titles.toml").unlink()
    assert readiness("titles", folder).code == 0
    assert readiness("check", folder).code != 2
