"""Whether the process of a mark is gone: of real processes, ended and running."""

import os
import subprocess
import sys

import pytest

from features import processes
from features.processes import is_gone, mark

MARK_OF_A_CHILD = "from features.processes import mark; print(mark(), flush=True); input()"


@pytest.fixture
def child():
    started = subprocess.Popen(
        [sys.executable, "-c", MARK_OF_A_CHILD], stdin=-1, stdout=-1, text=True
    )
    with started:
        yield started, started.stdout.readline().strip()
        started.kill()


@pytest.mark.slow
def test_a_process_is_there_until_it_has_ended(child) -> None:
    process, its_mark = child
    assert not is_gone(mark())
    assert not is_gone(its_mark)
    process.kill()
    process.wait()
    assert is_gone(its_mark)


def test_an_id_that_was_given_again_is_of_another_process() -> None:
    host, pid, started = mark().split("-")
    assert int(pid) == os.getpid()
    assert not is_gone(mark())
    if int(started):
        assert is_gone(f"{host}-{pid}-{int(started) - 1}")


@pytest.mark.slow
def test_of_another_host_nothing_is_known(monkeypatch, child) -> None:
    process, its_mark = child
    process.kill()
    process.wait()
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    assert not is_gone(its_mark)


def test_without_proc_a_running_process_is_there(monkeypatch) -> None:
    monkeypatch.setattr(processes, "_started", lambda pid: None)
    assert not is_gone(mark())
    assert is_gone(f"{mark().split('-')[0]}-{2**22 + 1}-0")


@pytest.mark.parametrize("text", ["", "4711", "1f5a03c9-x-1", "1f5a03c9-1", "../../etc"])
def test_what_is_no_mark(text: str) -> None:
    assert not is_gone(text)
