"""The process that scores: it comes back when it is killed, and never outlives the service."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from features.config import Config
from serve.app.score_request import Event, Lead, ScoreRequest, ScoreResponse
from serve.app.scoring import score
from serve.app.scoring_process import Ended, ScoringProcess
from serve.scoring.scorer import Scorer

pytestmark = pytest.mark.slow
CUTOFF = datetime(2026, 3, 2)
EVENT = Event(occurred_at="2026-02-20T10:00:00Z", action="visited_pricing")
LEAD = Lead(lead_id="a", created_at="2026-02-01T00:00:00Z", source="search", events=[EVENT])
SERVICE = """
import sys, time, os
from serve.app.scoring_process import ScoringProcess
if __name__ == "__main__":
    process = ScoringProcess(None)
    print(process._submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def process(served: Config) -> Iterator[ScoringProcess]:
    result = ScoringProcess(Scorer.of(served, "champion"))
    yield result
    result.stop()


def test_it_scores_as_the_scorer_here(process: ScoringProcess) -> None:
    process.warm().result()
    other = LEAD.model_copy(update={"lead_id": "b", "events": []})
    given = [ScoreRequest(leads=[LEAD]), ScoreRequest(leads=[other])]
    answers = [ScoreResponse.model_validate_json(each) for each in process.scored(given, CUTOFF)]
    assert [answer.leads for answer in answers] == [
        score(process.scorer, [lead], CUTOFF) for lead in (LEAD, other)
    ]
    assert {answer.model_version for answer in answers} == {process.scorer.model_version}


def test_killed_it_begins_anew(process: ScoringProcess) -> None:
    before = process.scored([ScoreRequest(leads=[LEAD])], CUTOFF)
    number = process._submit(os.getpid).result()
    os.kill(number, signal.SIGKILL)
    assert process.scored([ScoreRequest(leads=[LEAD])], CUTOFF) == before
    assert process._submit(os.getpid).result() != number


def test_stopped_it_takes_nothing_more_and_ends(process: ScoringProcess) -> None:
    number = process._submit(os.getpid).result()
    process.stop()
    with pytest.raises(Ended):
        process.scored([ScoreRequest(leads=[LEAD])], CUTOFF)
    wait_for_the_end_of(number)


def test_it_ends_with_a_service_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    service = subprocess.Popen(
        [sys.executable, tmp_path / "service.py"],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert service.stdout is not None
    begun = [int(service.stdout.readline()), *children(service.pid)]
    assert all(map(runs, begun))
    service.kill()
    service.wait()
    for number in begun:
        wait_for_the_end_of(number)


def children(parent: int) -> list[int]:
    """The numbers of the processes that a process began."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = (map(int, line.split()) for line in listed.stdout.splitlines())
    return [number for number, begun_by in pairs if begun_by == parent]


def runs(number: int) -> bool:
    """Whether there is such a process, and nobody has merely not yet noticed its end."""
    shown = ["ps", "-o", "stat=", "-p", str(number)]
    state = subprocess.run(shown, capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")


def wait_for_the_end_of(number: int) -> None:
    until = time.monotonic() + 60
    while runs(number):
        assert time.monotonic() < until
        time.sleep(0.1)
