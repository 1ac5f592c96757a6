"""A change of champion, broken off at every step, and made by several at once. MLflow is real."""

import signal
import sqlite3
from contextlib import closing, contextmanager

import pytest

from features.errors import BadInput, Refused
from models.decisions.store import transaction
from models.registry import CHAMPION, Registry
from tests.ready_processes import with_all_imported
from tests.training.promotion.changes import compete, promote_and_die, promoted
from training.promotion import champion
from training.promotion.champion import TAG, approver, stripped_reason
from training.promotion.history import history, rollback


@pytest.fixture(scope="module")
def processes():
    """Other processes, which begin with everything imported."""
    return with_all_imported("tests.training.promotion.changes")


def rows(config):
    """The table as any program reads it: old and new version, step, reason."""
    with closing(sqlite3.connect(config.out_folder / "decisions.sqlite")) as plain:
        query = "SELECT old_version, new_version, step, reason FROM champion_changes"
        return plain.execute(f"{query} ORDER BY number").fetchall()


def versions(config):
    return [period.version for period in history(config).periods]


# Where a change from 1 to 2 is broken off, and what is left: the step, and whether it took place.
BROKEN_OFF = {
    "before the alias moves": ("set_champion", False, "intent", False),
    "before the moved alias is recorded": ("set_champion", True, "intent", True),
    "before the version is tagged": ("tag", False, "alias moved", True),
    "before the end is recorded": ("tag", True, "alias moved", True),
}


@pytest.fixture
def kill(company, processes):
    """Breaks a change from 1 to 2 off by killing its process."""

    def kill(method, after):
        args = (company[0], "1", "2", method, after)
        process = processes.Process(target=promote_and_die, args=args)
        process.start()
        process.join(240)
        assert process.exitcode == -signal.SIGKILL

    return kill


@pytest.fixture
def interrupt(company, monkeypatch):
    """Breaks a change from 1 to 2 off by an exception, in this process."""

    def interrupt(method, after):
        original = getattr(Registry, method)

        def raising(*args):
            if after:
                original(*args)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(Registry, method, raising)
            with pytest.raises(KeyboardInterrupt):
                promoted(company, "1", "2", reason="so")

    return interrupt


@pytest.mark.parametrize("how", ["kill", "interrupt"])
@pytest.mark.parametrize("point", BROKEN_OFF)
def test_a_change_broken_off_is_settled_by_where_the_alias_stands(company, request, how, point):
    config, registry = company
    promoted(company, None, "1")
    method, after, step, took_place = BROKEN_OFF[point]
    request.getfixturevalue(how)(method, after)
    assert rows(config) == [(None, "1", "done", ""), ("1", "2", step, "so")]
    assert registry.find(CHAMPION) == ("2" if took_place else "1")

    first, again = history(config), history(config)
    assert rows(config)[1] == ("1", "2", "done" if took_place else "abandoned", "so")
    assert [period.version for period in first.periods] == (["1", "2"] if took_place else ["1"])
    assert (first.periods[-1].until, first.fault) == (None, "")
    assert "Change 2 (from 1 to 2) was interrupted" in first.notes[0]
    assert (again.periods, again.notes) == (first.periods, ())
    assert registry.tags("2")[TAG] == ("2" if took_place else "")


def test_a_change_broken_off_before_its_intent_is_recorded_leaves_nothing(company, interrupt):
    config, _ = company
    promoted(company, None, "1")
    interrupt("find", True)
    assert len(rows(config)) == 1
    assert history(config).notes == ()


@pytest.mark.parametrize("point", BROKEN_OFF)
def test_the_next_change_settles_it_as_well(company, interrupt, point):
    config, _ = company
    promoted(company, None, "1")
    method, after, _, took_place = BROKEN_OFF[point]
    interrupt(method, after)
    if took_place:
        assert rollback(config, "back").new_version == "1"
    else:
        promoted(company, "1", "3", reason="back")
    settled, following = rows(config)[1:]
    assert settled[2] == ("done" if took_place else "abandoned")
    assert following[2:] == ("done", "back")
    assert versions(config) == (["1", "2", "1"] if took_place else ["1", "3"])


def test_what_is_recorded_as_moved_took_place_though_the_alias_moved_on(company, interrupt):
    config, registry = company
    promoted(company, None, "1")
    interrupt("tag", False)
    registry.set_champion("3")  # by hand
    assert versions(config) == ["1", "2", "3"]
    assert rows(config)[1][2] == "done"


def test_a_change_decided_against_another_champion_is_refused(company):
    config, registry = company
    promoted(company, None, "1")
    registry.set_champion("3")  # by hand
    with pytest.raises(Refused, match="The champion is version 3 by now, not version 1"):
        promoted(company, "1", "2")
    assert len(rows(config)) == 1
    promoted(company, "3", "2")
    assert versions(config) == ["1", "3", "2"]


def test_an_intent_that_another_command_abandoned_moves_nothing(company, monkeypatch):
    """It comes between the first step and the second."""
    config, registry = company
    promoted(company, None, "1")

    @contextmanager
    def overtaken(store):
        with transaction(store):
            yield
        monkeypatch.undo()
        history(config)

    monkeypatch.setattr(champion, "transaction", overtaken)
    with pytest.raises(Refused, match="Another command"):
        promoted(company, "1", "2")
    assert registry.find(CHAMPION) == "1"
    assert [step for _, _, step, _ in rows(config)] == ["done", "abandoned"]


def test_two_processes_at_once_leave_one_history(company, processes):
    """Each change that was not refused is in it, once; each goes on from where the last ended."""
    config, registry = company
    start, results = processes.Barrier(2), processes.Queue()
    started = [
        processes.Process(target=compete, args=(config, seed, start, results)) for seed in range(2)
    ]
    for process in started:
        process.start()
    succeeded = [change for _ in started for change in results.get(timeout=240)]
    for process in started:
        process.join(60)
        assert process.exitcode == 0
    done = [(old, new, reason) for old, new, step, reason in rows(config) if step == "done"]
    assert len(done) >= 2
    assert sorted(done, key=str) == sorted(succeeded, key=str)
    assert [old for old, _, _ in done] == [None, *(new for _, new, _ in done[:-1])]
    assert registry.find(CHAMPION) == done[-1][1]
    assert {step for _, _, step, _ in rows(config)} <= {"done", "abandoned"}
    assert history(config).fault == ""


def test_an_account_without_a_name_is_unknown(monkeypatch):
    def nameless():
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert (approver(None), approver("ann")) == ("unknown", "ann")


def test_a_reason_is_not_blank():
    assert (stripped_reason(None), stripped_reason(" so ")) == ("", "so")
    with pytest.raises(BadInput, match="Say why"):
        stripped_reason(" \t")
