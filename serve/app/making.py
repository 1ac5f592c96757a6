"""Pages that are made anew on request, as their commands make them: each in a process of its own,
one at a time (docs/adr/0035-pages-are-made-by-commands.md)."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features.cutoffs import utc_now
from features.errors import Refused
from features.masking import without_secrets
from features.questions import MAIN

LONGEST = 600  # letters of a fault


@dataclass(frozen=True)
class Job:
    """What is being made: a page's name, and since when (UTC)."""

    page: str
    since: datetime


class Making:
    """Runs commands of `readiness` on a question of a readiness.toml, in the background."""

    def __init__(self, settings: Path, question: str = MAIN) -> None:
        self.of = [str(settings), *(["--question", question] if question != MAIN else [])]
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._process: subprocess.Popen[str] | None = None
        self._faults: dict[str, str] = {}
        self._stopped = False

    @property
    def job(self) -> Job | None:
        """What is being made now; None where nothing is."""
        return self._job

    def fault(self, page: str) -> str:
        """Why a page could not be made when it was last tried; "" where it could."""
        return self._faults.get(page, "")

    def begin(self, page: str, command: Sequence[str]) -> None:
        """Run a command that writes a page, and come back at once. command: its words, without the
        folder, which is put last. Raises Refused while another one runs."""
        with self._lock:
            if self._stopped:
                raise Refused("The service is ending.")
            if self._job:
                raise Refused(
                    f"{self._job.page} is being made since {self._job.since:%H:%M:%S} UTC: one "
                    "page at a time. Try again when it is done."
                )
            self._job = Job(page, utc_now())
            self._faults.pop(page, None)
            words = [sys.executable, "-m", "readiness.main", *command, *self.of, "--json"]
            try:
                self._process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError as error:
                self._job, self._faults[page] = None, str(error)
                return
            follow = (page, self._process)
        threading.Thread(target=self._follow, args=follow, name="making", daemon=True).start()

    def _follow(self, page: str, process: subprocess.Popen[str]) -> None:
        fault = _fault(*process.communicate(), process.returncode)
        with self._lock:
            if fault:
                self._faults[page] = fault
            self._job = self._process = None

    def stop(self) -> None:
        """End the command that runs, as Ctrl-C does: what it wrote is whole or not there."""
        with self._lock:
            self._stopped = True
            if self._process:
                self._process.terminate()


def _fault(output: str, errors: str, code: int) -> str:
    """Why a command failed, as one line; "" where it did not. It exits with 1 also where it did as
    it should and found something, as a red check of the monitor: its JSON has no error then."""
    try:
        printed = json.loads(output)
    except ValueError:
        printed = {}
    if printed and "error" not in printed:
        return ""
    written = [line for line in errors.split("\n") if line.strip()]
    text = str(printed.get("error") or (written or [f"It ended with exit code {code}."])[-1])
    return without_secrets(" ".join(text.split()))[:LONGEST]
