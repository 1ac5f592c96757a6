"""Who was champion when, the way back, and what a crash leaves; on three versions of one registry.

No lead database is needed: who may be crowned is decided in promote.py; here it is moved and told.
"""

import threading
from dataclasses import replace

import numpy as np
import pytest

from features.errors import BadInput, Refused
from models.registry import CHAMPION, Registry
from tests.features.lead_databases import config_for
from tests.models.small_model import fitted, snapshots, training
from training.promotion import crown as crowning
from training.promotion.crown import Move, crown, who
from training.promotion.move_log import log_path, read
from training.promotion.reigns import history, rollback, taken_back

FIGURES = {"metric": "average_precision", "difference": {"rules": {"point": 0.1}}}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Settings and registry with versions 1, 2 and 3, each another model."""
    config = config_for(tmp_path_factory.mktemp("three"))
    registry = Registry(config)
    for seed in range(3):
        registry.log(training(fitted(300, seed=seed)))
    return config, registry


@pytest.fixture
def house(three):
    """The same with neither champion nor log."""
    config, registry = three
    if registry.has(CHAMPION):
        registry.client.delete_registered_model_alias(registry.name, CHAMPION)
    log_path(config).unlink(missing_ok=True)
    return config, registry


def promoted(house, before, to, **more):
    move = Move("promote", before, to, "ann", "", False, f"{to} is better.", FIGURES)
    crown(*house, replace(move, **more))


def names(config):
    return [reign.version for reign in history(config).reigns]


def test_nobody_yet(house):
    found = history(house[0])
    assert (found.reigns, found.champion, found.fault) == ((), None, "")


def test_the_reigns_follow_each_other_with_figures_and_reasons(house):
    config, _ = house
    promoted(house, None, "1")
    promoted(house, "1", "3", because="stale", forced=True)
    rollback(config, "it calls nobody", by="bob")
    found = history(config)
    assert [reign.version for reign in found.reigns] == ["1", "3", "1"]
    assert [reign.by for reign in found.reigns] == ["ann", "ann", "bob"]
    assert [reign.because for reign in found.reigns] == ["", "stale", "it calls nobody"]
    assert [reign.forced for reign in found.reigns] == [False, True, False]
    assert found.reigns[0].judged == FIGURES
    ends = [reign.until for reign in found.reigns]
    assert ends == [*(reign.since for reign in found.reigns[1:]), None]
    assert (found.champion, found.fault, found.notes) == ("1", "", ())


def test_a_rollback_scores_bit_for_bit_as_before(house):
    config, registry = house
    frame, _ = snapshots(200, seed=9)
    promoted(house, None, "1")
    before = registry.load(CHAMPION).rank(frame)
    promoted(house, "1", "2")
    assert not np.array_equal(registry.load(CHAMPION).rank(frame), before)
    rollback(config, "the sales team trusts the old one")
    assert np.array_equal(registry.load(CHAMPION).rank(frame), before)


def test_back_step_by_step_to_the_first_and_no_further(house):
    config, registry = house
    for before, to in ((None, "1"), ("1", "2"), ("2", "3")):
        promoted(house, before, to)
    assert rollback(config, "so").to == "2"
    assert rollback(config, "so").to == "1"
    with pytest.raises(Refused, match="Version 1 is champion, and the log knows none before it"):
        rollback(config, "so")
    assert rollback(config, "forth again", to="3").to == "3"
    assert rollback(config, "and back").to == "1"
    assert registry.find(CHAMPION) == "1"
    assert names(config) == ["1", "2", "3", "2", "1", "3", "1"]


@pytest.mark.parametrize("to", ["3", "17", "challenger", "2"])
def test_only_to_who_was_champion_and_is_not(house, to):
    promoted(house, None, "1")
    promoted(house, "1", "2")
    with pytest.raises(Refused, match=r"no earlier champion \(earlier champions: 1\)"):
        rollback(house[0], "so", to=to)
    assert house[1].find(CHAMPION) == "2"


def test_without_champion_or_reason_no_rollback(house):
    with pytest.raises(Refused, match="There is no champion to go back from"):
        rollback(house[0], "so")
    with pytest.raises(BadInput, match="Say why"):
        rollback(house[0], "  ")


def test_a_champion_from_before_there_was_a_log(house):
    """As a company has it that updates this project: it can be gone back to as well."""
    config, registry = house
    registry.crown("1", {})
    assert [(reign.version, reign.since, reign.kind) for reign in history(config).reigns] == [
        ("1", None, "outside the log")
    ]
    promoted(house, "1", "2")
    assert names(config) == ["1", "2"]
    assert rollback(config, "so").to == "1"


def test_an_alias_moved_by_hand_is_told(house):
    config, registry = house
    promoted(house, None, "1")
    registry.crown("3", {})
    last = history(config).reigns[-1]
    assert (last.version, last.kind) == ("3", "outside the log")
    with pytest.raises(Refused, match="The champion is version 3 by now, not version 1"):
        promoted(house, "1", "2")
    promoted(house, "3", "2")
    assert names(config) == ["1", "3", "2"]


class Crash(Exception):
    """The power fails."""


def crash(*_):
    raise Crash


def test_a_crash_before_the_alias_moves_leaves_the_champion_and_the_attempt(house, monkeypatch):
    config, registry = house
    promoted(house, None, "1")
    with monkeypatch.context() as patched:
        patched.setattr(Registry, "crown", crash)
        with pytest.raises(Crash):
            promoted(house, "1", "2")
    assert registry.find(CHAMPION) == "1"
    found = history(config)
    assert [reign.version for reign in found.reigns] == ["1"]
    assert "Move 2 (from 1 to 2) was broken off" in found.notes[0]
    assert "by MLflow it was abandoned" in found.notes[0]
    promoted(house, "1", "3")
    steps = [(line["move"], line["step"]) for line in read(log_path(config)).lines]
    assert steps[2:] == [(2, "intent"), (2, "abandoned"), (3, "intent"), (3, "done")]
    assert names(config) == ["1", "3"]


def test_a_crash_after_the_alias_moved_loses_no_record(house, monkeypatch):
    config, registry = house
    promoted(house, None, "1")
    with monkeypatch.context() as patched:
        patched.setattr(crowning, "_end", crash)
        with pytest.raises(Crash):
            promoted(house, "1", "2", because="so")
    assert registry.find(CHAMPION) == "2"
    found = history(config)
    assert [reign.version for reign in found.reigns] == ["1", "2"]
    assert found.reigns[-1].because == "so"
    assert "by MLflow it was done" in found.notes[0]
    assert rollback(config, "back").to == "1"
    assert history(config).notes == ()
    assert names(config) == ["1", "2", "1"]
    steps = [(line["move"], line["step"]) for line in read(log_path(config)).lines]
    assert steps[2:] == [(2, "intent"), (2, "done"), (3, "intent"), (3, "done")]


def test_of_many_at_once_one_moves_and_the_others_are_told(house):
    config, _ = house
    promoted(house, None, "1")
    told = []

    def at_once():
        try:
            promoted((config, Registry(config)), "1", "2")
            told.append("moved")
        except Refused as refused:
            told.append(str(refused))

    threads = [threading.Thread(target=at_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told)[-1] == "moved"
    assert sum("somebody changed it meanwhile" in each for each in told) == 3
    assert names(config) == ["1", "2"]
    assert history(config).fault == ""


def test_on_a_changed_log_nothing_is_built_and_history_says_so(house):
    config, registry = house
    promoted(house, None, "1")
    promoted(house, "1", "2")
    path = log_path(config)
    path.write_text(path.read_text("utf-8").replace("ann", "bob", 1), "utf-8")
    assert "line 1 was changed after it was written" in history(config).fault
    for attempt in (lambda: promoted(house, "2", "3"), lambda: rollback(config, "so")):
        with pytest.raises(Refused, match="line 1 was changed"):
            attempt()
    assert registry.find(CHAMPION) == "2"


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_the_newest_lines_cut_off_are_missed_by_the_champion_s_tag(house, kept):
    config, _ = house
    promoted(house, None, "1")
    promoted(house, "1", "2")
    path = log_path(config)
    path.write_text("".join(path.read_text("utf-8").splitlines(True)[:kept]), "utf-8")
    assert read(path).fault == ""  # the chain alone cannot tell
    assert "the line that crowned version 2 is not in it" in history(config).fault


def test_what_was_rolled_back_is_known(house):
    promoted(house, None, "1")
    promoted(house, "1", "2")
    rollback(house[0], "so")
    done = read(log_path(house[0])).done
    assert taken_back(done, "2") is done[-1]
    assert taken_back(done, "1") is None


def test_an_account_without_a_name_is_unknown(monkeypatch):
    def nameless():
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert (who(None), who("ann")) == ("unknown", "ann")
