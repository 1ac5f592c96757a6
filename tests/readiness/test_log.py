"""The log in JSON: an object a line, without secrets, and the figures of the run in the last."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.progress import Steps, measure, step, timed
from readiness.log import Log
from tests.readiness.running import Ran, little_folder, readiness

KEYS = {"time", "level", "verb", "run_id", "event", "message"}


def lines(ran: Ran) -> list[dict]:
    return [json.loads(line) for line in ran.err.splitlines()]


def test_a_scored_night(tmp_path: Path) -> None:
    folder = little_folder(tmp_path)
    ran = readiness("--log-format", "json", "score", folder, "--json")
    log = lines(ran)
    assert ran.code == 0
    assert ran.result["added"] == 1
    assert all(set(line) >= KEYS for line in log)
    assert {line["verb"] for line in log} == {"score"}
    assert len({line["run_id"] for line in log}) == 1
    assert log[0]["event"] == "start"
    assert abs(datetime.fromisoformat(log[0]["time"]) - datetime.now(UTC)) < timedelta(minutes=10)
    notes = [line["message"] for line in log if line["event"] == "note"]
    assert notes == ran.result["notes"] != []
    end = log[-1]
    assert (end["event"], end["exit_code"]) == ("end", 0)
    assert {"open the tables", "features", "score", "write the ledger"} <= end["steps"].keys()
    assert sum(end["steps"].values()) == pytest.approx(end["seconds"], abs=0.02)
    assert end["peak_memory_mb"] > 20
    begun = [line["step"] for line in log if line["event"] == "step begin"]
    ended = [line["step"] for line in log if line["event"] == "step end"]
    assert sorted(begun) == sorted(ended)
    again = lines(readiness("--log-format=json", "score", folder))
    assert again[0]["run_id"] != end["run_id"]


@pytest.mark.parametrize(
    ("words", "code"), [(["scor"], 2), (["score", "--cutof"], 2), (["score", "/nowhere"], 2)]
)
def test_what_fails_is_logged_and_nothing_else_is_written(words: list[str], code: int) -> None:
    ran = readiness("--log-format", "json", *words)
    error, end = lines(ran)[-2:]
    assert (ran.code, ran.out) == (code, "")
    assert error["event"] == "error"
    assert error["message"]
    assert (end["event"], end["exit_code"]) == ("end", code)


def test_secrets_and_control_characters_are_not_in_it() -> None:
    word = "postgresql://anna:s3cr3t-w0rd@db/\x1b[31m\x7f"
    ran = readiness("--log-format", "json", word)
    assert ran.code == 2
    assert "postgresql://anna" in ran.err
    assert "s3cr3t" not in ran.err
    assert "\x1b" not in ran.err
    assert "\x7f" not in ran.err


def test_people_get_a_line_of_times(tmp_path: Path) -> None:
    ran = readiness("score", little_folder(tmp_path))
    [line] = [line for line in ran.err.splitlines() if "MB" in line]
    assert "other" in line
    assert "{" not in ran.err


def test_the_time_within_a_step_counts_to_the_inner_one(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def spend(seconds: float) -> float:
        now[0] += seconds
        return seconds

    steps = Steps(lambda *_: None)
    measure(steps)
    spend(100)
    with step("outer"):
        spend(1)
        for _ in timed("inner", (spend(each) for each in (2, 3))):
            spend(10)
        with step("inner"):
            spend(4)
    spend(100)
    assert steps.seconds == {"outer": 21.0, "inner": 9.0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run readiness check.", "run readiness check my/co --question east."),
        ("`readiness score` first", "`readiness score my/co --question east` first"),
        ("readiness explain LEAD: why", "readiness explain LEAD my/co --question east: why"),
        ("readiness rules diff current a.toml", None),
        ("readiness serve DIR --port 8001", "readiness serve my/co --question east --port 8001"),
        ('readiness train --accept "why"', 'readiness train my/co --question east --accept "why"'),
        ("readiness score --question west", "readiness score my/co --question west"),
        ("readiness titles writes it", "readiness titles my/co writes it"),
        ("readiness init elsewhere", "readiness init elsewhere"),
    ],
)
def test_commands_to_paste_name_the_folder_and_the_question(text: str, expected: str) -> None:
    log = Log(as_json=False)
    log.folder, log.question = "my/co", "east"
    expected = expected or f"{text} my/co --question east"
    assert log.pasted(text) == expected
    assert log.pasted(expected) == expected
    assert log.pasted({"notes": [text, 1]}) == {"notes": [expected, 1]}


def test_a_folder_is_named_so_that_a_shell_takes_it(tmp_path: Path) -> None:
    folder = tmp_path / 'my "co" [b]'
    folder.mkdir()
    little_folder(folder)
    command = shlex.join(["readiness", "promote", str(folder)])
    assert command in readiness("history", folder).out
    command = shlex.join(["readiness", "score", str(folder)])
    words = ("override", "1", folder, "--withdraw", "--by", "ann")
    assert command in readiness(*words).err
    assert command in readiness(*words, "--json").result["error"]
