"""The log tells whoever changes it: every line holds the SHA-256 of the one before.

The example: three moves, an intent and its end each, six lines.
"""

import json
import re

import pytest

from features.errors import Refused
from training.promotion.move_log import MoveLog, append, locked, read

STEPS = [(move, step) for move in (1, 2, 3) for step in ("intent", "done")]


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "out" / "promotions.jsonl"
    with locked(path):
        log = read(path)
        for move, step in STEPS:
            log = append(log, {"move": move, "step": step, "because": "so ü"})
    return path


def test_what_is_written_is_read_in_order(written):
    log = read(written)
    assert [(line["move"], line["step"]) for line in log.lines] == STEPS
    assert (log.fault, log.unfinished) == ("", None)
    assert [line["move"] for line in log.done] == [1, 2, 3]
    assert len({line["sha256"] for line in log.lines}) == 6
    befores = [line["previous"] for line in log.lines]
    assert befores == ["0" * 64, *(line["sha256"] for line in log.lines[:-1])]


def changed(path, number, edit):
    lines = path.read_text("utf-8").splitlines(keepends=True)
    lines[number] = edit(lines[number])
    path.write_text("".join(lines), "utf-8")


@pytest.mark.parametrize("number", range(6))
def test_a_changed_line_is_found(written, number):
    changed(written, number, lambda line: line.replace("so", "no"))
    assert read(written).fault == f"line {number + 1} was changed after it was written."
    with pytest.raises(Refused, match="Put the file back as it was, from a backup"):
        read(written).require_whole()


@pytest.mark.parametrize("number", range(5))
def test_a_line_taken_out_is_found(written, number):
    changed(written, number, lambda line: "")
    assert read(written).fault.startswith(f"before line {number + 1} a line was taken out")


def test_a_line_put_in_twice_is_found(written):
    changed(written, 3, lambda line: line * 2)
    assert read(written).fault.startswith("before line 5 a line was taken out, put in")


def test_a_forger_who_mends_the_line_s_own_digest_is_found_by_the_next(written):
    def forge(line):
        log = MoveLog(written.with_name("forged"), (), "")
        content = json.loads(line) | {"because": "no"}
        before = content.pop("previous")
        content.pop("sha256")
        forged = append(MoveLog(log.path, ({"sha256": before},), ""), content)
        return json.dumps(dict(forged.lines[-1])) + "\n"

    changed(written, 2, forge)
    assert read(written).fault.startswith("before line 4 a line was")


@pytest.mark.parametrize("line", ["{}", "[1]", "nonsense", '{"move": 1}'])
def test_a_line_that_is_none_of_ours_is_found(written, line):
    changed(written, 5, lambda _: line + "\n")
    assert read(written).fault.startswith("line 6 was changed")


def test_what_a_crash_left_of_a_line_is_cut_when_the_next_is_written(written):
    whole = written.read_bytes()
    written.write_bytes(whole + b'{"move": 4, "st')
    log = read(written)
    assert (len(log.lines), log.fault) == (6, "")
    append(log, {"move": 4, "step": "intent"})
    assert written.read_bytes().startswith(whole + b'{"move": 4, "step": "intent"')
    assert re.fullmatch(rb"([^\n]+\n){7}", written.read_bytes())
    again = read(written)
    assert again.fault == ""
    assert again.unfinished is not None
    assert again.unfinished["move"] == 4
