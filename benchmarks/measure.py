"""What a stretch of work costs: wall seconds, CPU seconds of all threads, peak memory."""

import json
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
    """Seconds by the clock, and seconds of CPU over all threads of this process."""

    wall: float
    cpu: float


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


def peak_gb() -> float:
    """The most memory that this process ever held (VmHWM: unlike ru_maxrss, a fresh process does
    not inherit it from the one that started it)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) / 2**20


def in_fresh_process(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module of ours in a process of its own; the JSON object that it prints last."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=HOME,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
