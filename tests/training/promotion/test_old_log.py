"""The promotions.jsonl of an earlier release is imported once, checked as that release checked it.

old_promotions.jsonl was written by that release: 1 promoted, 2 in its place against the figures, 3
abandoned, and a rollback from 2 to 1 whose end a crash left out.
"""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from features.errors import Refused
from features.result_json import to_json
from models.decisions.champion_changes import add
from models.registry import CHAMPION
from tests.training.promotion.changes import promoted
from training.promotion import old_log
from training.promotion.history import history, rollback

OLD = Path(__file__).with_name("old_promotions.jsonl").read_bytes()
LINES = OLD.splitlines(keepends=True)


@pytest.fixture
def old(company):
    """The company, and its old log; versions 2 and then 1 were champion."""
    config, registry = company
    registry.set_champion("1")
    path = config.out_folder / "promotions.jsonl"
    path.write_bytes(OLD)
    yield company, path
    path.unlink(missing_ok=True)


def test_the_history_goes_on_and_the_file_stays(old):
    (config, registry), path = old
    result = history(config)
    report = to_json(result)["periods"]
    for line, each in zip((LINES[0], LINES[2], LINES[6]), report, strict=True):
        intent = json.loads(line)
        assert (each["version"], each["since"]) == (intent["to"], intent["at"])
        for key in ("kind", "by", "because", "forced", "said", "judged"):
            assert each[key] == intent[key]
    assert "Change 4 (from 2 to 1) was interrupted after the alias moved" in result.notes[0]
    assert path.read_bytes() == OLD
    promoted((config, registry), "1", "3")
    assert [period.version for period in history(config).periods] == ["1", "2", "1", "3"]
    assert rollback(config, "so").new_version == "1"


def test_an_end_that_is_missing_is_decided_by_the_alias(old):
    (config, registry), _ = old
    registry.set_champion("2")
    result = history(config)
    assert [period.version for period in result.periods] == ["1", "2"]
    assert "interrupted before the alias moved" in result.notes[0]


def test_it_is_imported_once(old):
    (config, _), path = old
    before = history(config).periods
    path.write_bytes(b"nonsense\n")
    assert history(config).periods == before


def test_a_crash_while_importing_leaves_nothing(old, monkeypatch):
    (config, _), _ = old
    added = []

    def add_two(store, change):
        added.append(change)
        if len(added) == 3:
            raise KeyboardInterrupt
        return add(store, change)

    with monkeypatch.context() as patched:
        patched.setattr(old_log, "add", add_two)
        with pytest.raises(KeyboardInterrupt):
            history(config)
    assert len(history(config).periods) == 3


def forged(line):
    """The line with another reason, its own digest mended."""
    content = json.loads(line) | {"because": "no"}
    del content["sha256"]
    content["sha256"] = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return json.dumps(content).encode() + b"\n"


BROKEN = {
    "changed": (lambda lines: [*lines[:2], lines[2].replace(b"ann", b"bob"), *lines[3:]], 3),
    "removed": (lambda lines: [*lines[:2], *lines[3:]], 3),
    "the first removed": (lambda lines: lines[1:], 1),
    "added": (lambda lines: [*lines[:4], lines[3], *lines[4:]], 5),
    "forged": (lambda lines: [*lines[:2], forged(lines[2]), *lines[3:]], 4),
    "nonsense": (lambda lines: [*lines[:6], b"nonsense\n"], 7),
    "another object": (lambda lines: [*lines[:6], b"{}\n"], 7),
    "no object": (lambda lines: [*lines[:6], b"[1]\n"], 7),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_log_is_refused_by_its_line_until_it_is_moved_away(old, how):
    (config, registry), path = old
    break_it, number = BROKEN[how]
    path.write_bytes(b"".join(break_it(LINES)))
    for attempt in (
        lambda: history(config),
        lambda: rollback(config, "so"),
        lambda: promoted((config, registry), "1", "3"),
    ):
        with pytest.raises(Refused, match=rf"promotions\.jsonl: line {number} .*from a backup"):
            attempt()
    assert registry.find(CHAMPION) == "1"
    path.unlink()
    promoted((config, registry), "1", "3")
    assert [period.version for period in history(config).periods] == ["1", "3"]


def test_a_last_line_without_its_end_does_not_count(old):
    (config, _), path = old
    path.write_bytes(OLD + LINES[0][:20])
    assert len(history(config).periods) == 3


def test_lines_cut_off_at_the_end_are_missed_by_the_champion_s_tag(old):
    (config, registry), path = old
    name = "champion_move_sha256"
    registry.tag("1", {name: json.loads(LINES[6])["sha256"]})
    path.write_bytes(b"".join(LINES[:4]))
    with pytest.raises(Refused, match="the line that made version 1 champion is missing"):
        history(config)
    path.write_bytes(OLD)
    assert len(history(config).periods) == 3
    registry.tag("1", {name: ""})
