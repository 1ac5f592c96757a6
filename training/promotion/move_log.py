"""The log of champions, `promotions.jsonl` in `out`: appended to, never written over.

One JSON object a line, with the SHA-256 of its own content and that of the line before, so that a
line that is changed, taken out or put in between is found. That the newest lines were cut off is
found by the champion's tag in MLflow, which holds the SHA-256 of its move's line.

A move is two lines: the intent, with who, when, why, from, to and the figures, is on the disk
before the alias moves; `done` (or `abandoned`) comes after it. Worked example: the power fails
between the two. The intent stands without its end, and where the alias now points says whether the
champion had changed; the next move writes the end that is missing (training/promotion/crown.py).
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from features.config import Config
from features.errors import Refused

FILE_NAME = "promotions.jsonl"
BEGINNING = "0" * 64
Line = Mapping[str, Any]


@dataclass(frozen=True)
class MoveLog:
    """The log as read. `fault`: what breaks the chain, and in which line; "" if nothing does."""

    path: Path
    lines: tuple[Line, ...]
    fault: str

    @property
    def last_digest(self) -> str:
        """What the next line must name as the one before it."""
        return str(self.lines[-1]["sha256"]) if self.lines else BEGINNING

    @property
    def unfinished(self) -> Line | None:
        """The intent whose end is not written, if the last line is one."""
        last = self.lines[-1] if self.lines else None
        return last if last and last["step"] == "intent" else None

    @property
    def done(self) -> list[Line]:
        """The intents of the moves that took place, in order."""
        ends = {line["move"] for line in self.lines if line["step"] == "done"}
        return [each for each in self.lines if each["step"] == "intent" and each["move"] in ends]

    def require_whole(self) -> None:
        """Raises Refused where the chain is broken: nothing is built on such a log."""
        if self.fault:
            raise Refused(
                f"{self.path}: {self.fault} Put the file back as it was, from a backup; or move it "
                "away, and a new log begins with what is champion then."
            )


def log_path(config: Config) -> Path:
    """Where the log is."""
    return config.out_folder / FILE_NAME


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One move at a time: others wait. The system frees the lock of a process that died."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read(path: Path) -> MoveLog:
    """The log, checked line by line; empty where there is no file. An unended last line is left
    out: it is what a crash in the midst of writing leaves, and what it was to say did not happen
    or is said by the line before."""
    if not path.exists():
        return MoveLog(path, (), "")
    ended = path.read_bytes().split(b"\n")[:-1]
    lines: list[Line] = []
    before = BEGINNING
    for number, text in enumerate(ended, start=1):
        line = _parsed(text)
        if line is None or line["sha256"] != _digest(line):
            return MoveLog(path, tuple(lines), f"line {number} was changed after it was written.")
        if line["previous"] != before:
            fault = f"before line {number} a line was taken out, put in or written anew."
            return MoveLog(path, tuple(lines), fault)
        lines.append(line)
        before = line["sha256"]
    return MoveLog(path, tuple(lines), "")


def append(log: MoveLog, content: Mapping[str, Any]) -> MoveLog:
    """Write one line at the end and wait until it is on the disk. Under `locked` only."""
    line = {**content, "previous": log.last_digest}
    line["sha256"] = _digest(line)
    text = f"{json.dumps(line, allow_nan=False)}\n".encode()
    descriptor = os.open(log.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        _cut_unended(descriptor)
        if os.write(descriptor, text) < len(text):
            raise OSError(f"{log.path}: the disk is full; nothing was moved.")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return MoveLog(log.path, (*log.lines, line), log.fault)


def _cut_unended(descriptor: int) -> None:
    """Remove what a crash left of a line that was never ended."""
    whole = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    os.ftruncate(descriptor, whole.rfind(b"\n") + 1)


def _parsed(text: bytes) -> Line | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    keys = ("move", "step", "previous", "sha256")
    return found if isinstance(found, dict) and all(key in found for key in keys) else None


def _digest(line: Line) -> str:
    content = {key: value for key, value in line.items() if key != "sha256"}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
