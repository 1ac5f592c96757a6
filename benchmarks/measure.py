"""What a process costs: wall seconds, CPU seconds of all threads and children, peak memory."""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent.parent


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and seconds of CPU (user and system) over all threads."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Run:
    """What one process cost from its start to its end, as its parent saw it; the most memory it
    held, libraries included; and the JSON object that it printed last, if any."""

    total: Cost
    peak_gb: float
    printed: dict[str, Any]


class Stopwatch:
    """Runs from its making on; each lap is the cost since the one before."""

    def __init__(self) -> None:
        self._begun = Cost(time.perf_counter(), _cpu_seconds())

    def lap(self) -> Cost:
        """What was spent since the last lap."""
        begun, self._begun = self._begun, Cost(time.perf_counter(), _cpu_seconds())
        return Cost(self._begun.wall - begun.wall, self._begun.cpu - begun.cpu)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def in_fresh_process(module: str, *arguments: str, python: str = sys.executable) -> Run:
    """Run a module of ours in a process of its own, to its end.

    A child's peak begins at what this process held when it started it, so this one has to stay
    small: it imports little and holds no data. Raises CalledProcessError where the module fails.
    """
    begun = time.perf_counter()
    with subprocess.Popen(
        [python, "-m", module, *arguments], cwd=HOME, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        lines = child.stdout.read().splitlines()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, module)
    total = Cost(time.perf_counter() - begun, used.ru_utime + used.ru_stime)
    return Run(total, used.ru_maxrss / 2**20, json.loads(lines[-1]) if lines else {})


def peak_gb() -> float:
    """The most memory that this process ever held (VmHWM: unlike ru_maxrss, a fresh process does
    not inherit it from the one that started it)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) / 2**20
