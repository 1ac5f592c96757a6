"""Several questions in one project: every verb by --question, and `score` of all."""

import json
import re
import shutil

import duckdb
import pytest
from fastapi.testclient import TestClient

from features.config import load_all
from serve.app.application import create_app
from tests.readiness.running import SETTINGS, little_folder, readiness

QUESTIONS = """
[questions.east]
tables.deals = "SELECT * FROM 'deals.csv' WHERE lead_id = 1"
capacity.leads = 1
[questions.west]
tables.deals = "SELECT * FROM 'deals.csv' WHERE lead_id = 2"
rules = "west.toml"
[questions.west.cohort]
where = [{action = "visited"}]
"""
WEST_RULES = """
name = "west"
bands = { warm = 5, hot = 10 }
[[rule]]
action = "visited"
points = 7
"""
ACCOUNTS = """[features]
account = "source"
[questions.east]"""
AT = ("--cutoff", "2024-01-20")


@pytest.fixture
def folder(tmp_path):
    """Lead 1 is won in the east and open in the west; lead 2 is open in both on 2024-01-20; lead 3
    did nothing. No model: the points rank."""
    little_folder(tmp_path, settings=SETTINGS + QUESTIONS)
    (tmp_path / "west.toml").write_text(WEST_RULES)
    return tmp_path


def rows(folder, question):
    """The rows of a question's ledger but for the time of scoring."""
    out = folder / "out" / ("" if question == "main" else f"questions/{question}")
    runs = f"'{out}/ledger/*.parquet'"
    return duckdb.sql(f"SELECT * EXCLUDE scored_at FROM {runs} ORDER BY lead_id").df()


def test_score_runs_all_questions_as_each_alone(folder, tmp_path_factory):
    alone = shutil.copytree(folder, tmp_path_factory.mktemp("alone") / "company")
    ran = readiness("score", folder, *AT, "--json")
    assert ran.code == 0
    results = ran.result["questions"]
    assert list(results) == ["main", "east", "west"]
    assert ran.result["failed"] == []
    for question, result in results.items():
        single = readiness("score", alone, *AT, "--json", "--question", question)
        assert single.code == 0
        assert single.result["open_leads"] == result["open_leads"] == len(rows(folder, question))
        expected = rows(alone, question)
        assert rows(folder, question).equals(expected)
        assert len(expected)
    scored = {
        question: set(each.loc[each["state"] == "scored", "lead_id"])
        for question in results
        for each in [rows(folder, question)]
    }
    assert scored == {"main": {"2", "3"}, "east": {"2", "3"}, "west": {"1", "2"}}
    assert set(rows(folder, "west")["rule_score"].dropna()) == {7.0}
    # what is scored again is as it was
    again = readiness("score", folder, *AT, "--json").result["questions"]
    assert {result["added"] for result in again.values()} == {0}


def test_a_question_that_fails_stops_no_other_and_says_which(folder):
    (folder / "west.toml").write_text("bands = 3")
    ran = readiness("score", folder, *AT, "--json")
    assert ran.code == 2
    assert ran.result["failed"] == ["west"]
    assert "west.toml" in ran.result["questions"]["west"]["error"]
    assert "question west" in ran.err
    assert [ran.result["questions"][name]["added"] for name in ("main", "east")] == [2, 2]
    words = readiness("score", folder, *AT)
    assert words.code == 2
    assert "Question east" in words.out


def test_a_question_whose_deals_do_not_open_leaves_the_others_as_they_are(folder):
    path = folder / "readiness.toml"
    path.write_text(path.read_text().replace("lead_id = 1", "pipeline = 'east'"))
    ran = readiness("score", folder, *AT, "--json")
    assert (ran.code, ran.result["failed"]) == (2, ["east"])
    assert "tables.deals" in ran.result["questions"]["east"]["error"]
    assert len(rows(folder, "west")) == 3
    assert not (folder / "out/questions/east/ledger").exists() or not list(
        (folder / "out/questions/east/ledger").glob("*.parquet")
    )


@pytest.mark.parametrize("words", [("--model", "3"), ("--export", "list.csv")])
def test_what_is_of_one_question_asks_which(folder, words):
    ran = readiness("score", folder, *AT, *words)
    assert ran.code == 2
    assert "--question west" in " ".join(ran.err.split())


def test_without_questions_the_output_has_none(tmp_path):
    ran = readiness("score", little_folder(tmp_path), *AT, "--json")
    assert "questions" not in ran.result
    assert not (tmp_path / "out" / "questions").exists()


def test_commands_to_paste_name_the_question(folder):
    ran = readiness("train", folder, "--json", "--question", "east")
    assert ran.code == 1
    named = re.findall(r"readiness (?:score|check|train)\b[^`]*", ran.result["error"])
    assert named
    assert all(each.endswith(f" {folder} --question east") for each in named)
    unknown = readiness("history", folder, "--question", "eats")
    assert unknown.code == 2
    assert "east" in unknown.err


def test_verbs_read_the_ledger_of_their_question(folder):
    assert readiness("score", folder, *AT).code == 0
    decided = readiness(
        *("override", "1", folder, "--question", "west"),
        *("--route", "nurture", "--because", "asked", "--by", "ann", "--json"),
    )
    assert len(decided.result["history"]) == 1
    other = readiness("override", "1", folder, "--question", "east", "--json")
    assert other.result["history"] == []
    runs = readiness("ledger", "runs", folder, "--question", "west", "--json").result
    assert "2024-01-20" in json.dumps(runs)


def test_a_person_is_forgotten_in_every_question(folder):
    assert readiness("score", folder, *AT).code == 0
    forgotten = readiness("forget", "2", folder, "--because", "asked", "--json")
    assert forgotten.code == 0
    removed = [each["where"] for each in forgotten.result["removed"] if "ledger" in each["what"]]
    assert len(removed) == 3
    for question in ("main", "east", "west"):
        assert "2" not in set(rows(folder, question)["lead_id"])


def test_the_api_answers_for_every_question(folder):
    assert readiness("score", folder, *AT).code == 0
    main, *others = load_all(folder).values()
    with TestClient(create_app(main, others=others), base_url="http://localhost:8000") as client:

        def listed(**given):
            answer = client.get("/v1/leads", params=given).json()
            return [lead["lead_id"] for lead in answer["leads"]]

        assert listed() == listed(question="main")
        assert "1" in listed(question="west")
        assert "1" not in listed()
        assert client.get("/v1/leads/1", params={"question": "west"}).status_code == 200
        assert client.get("/v1/leads/1").status_code == 404
        unknown = client.get("/v1/leads", params={"question": "north"})
        assert unknown.status_code == 404
        assert "west" in unknown.text


def test_no_name_is_no_question(folder):
    ran = readiness("check", folder, "--question", "")
    assert (ran.code, "main" in ran.err) == (2, True)


def test_publishing_a_question_names_its_own_section(folder):
    assert readiness("score", folder, *AT).code == 0
    ran = readiness("publish", folder, "--question", "east")
    assert (ran.code, "questions.east.publish" in ran.err) == (2, True)


def test_questions_over_accounts_are_scored_as_each_alone(folder, tmp_path_factory):
    settings = folder / "readiness.toml"
    text = settings.read_text()
    assert "[questions.east]" in text
    settings.write_text(text.replace("[questions.east]", ACCOUNTS, 1))
    alone = shutil.copytree(folder, tmp_path_factory.mktemp("alone") / "company")
    assert readiness("score", folder, *AT).code == 0
    for question in ("main", "east", "west"):
        assert readiness("score", alone, *AT, "--question", question).code == 0
        assert rows(folder, question).equals(rows(alone, question))


def test_check_reports_the_fault_of_another_question_and_checks_all_the_same(folder):
    sound = readiness("check", folder, "--json")
    assert sound.result["other_questions"] == {}
    path = folder / "readiness.toml"
    path.write_text(path.read_text().replace("capacity.leads = 1", "capacity.lead = 1"))
    for question in ("main", "west"):
        ran = readiness("check", folder, "--question", question, "--json")
        assert ran.code == 2
        assert list(ran.result["other_questions"]) == ["east"]
        assert "questions.east.capacity.lead" in ran.result["other_questions"]["east"]
        assert ran.result["deals"]
        assert "question east" in ran.err
    assert ran.result["deals"] != readiness("check", folder, "--json").result["deals"]
    faulty = readiness("check", folder, "--question", "east", "--json")
    assert (faulty.code, set(faulty.result)) == (2, {"error"})
    (folder / "west.toml").write_text("bands = 3")
    both = readiness("check", folder, "--json")
    assert list(both.result["other_questions"]) == ["east", "west"]


def test_score_of_all_scores_those_whose_settings_have_no_fault(folder):
    path = folder / "readiness.toml"
    path.write_text(path.read_text().replace("capacity.leads = 1", "capacity.lead = 1"))
    ran = readiness("score", folder, *AT, "--json")
    assert (ran.code, ran.result["failed"]) == (2, ["east"])
    assert "questions.east.capacity.lead" in ran.result["questions"]["east"]["error"]
    assert [ran.result["questions"][name]["added"] for name in ("main", "west")] == [2, 3]
