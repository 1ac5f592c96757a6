"""What an error means: the exit code of the command, and what the user reads."""

import re
import resource
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from features.errors import BadInput, Refused
from readiness.crash import report_crash

A_LIBRARY = 256_000_000  # bytes that a large one takes of the address space
REFUSED, BAD_INPUT, CRASHED, INTERRUPTED, NOBODY_READS, TERMINATED = 1, 2, 70, 130, 141, 143
EXIT_CODES = {
    0: "done",
    REFUSED: "refused, gate not passed, or a red check",
    BAD_INPUT: "wrong usage or bad input",
    CRASHED: "an error of this program: no verdict on anything",
    INTERRUPTED: "interrupted",
    NOBODY_READS: "whoever read the output closed it",
    TERMINATED: "ended by a signal",
}


@dataclass(frozen=True)
class Fault:
    """code: the exit code. message: what the user reads. details: what --json prints beside it;
    those of them that the log has too are `more`."""

    code: int
    message: str
    details: Mapping[str, object] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_end(self) -> bool:
        """Whether the command was told to end: then nothing that follows is begun."""
        return self.code in (INTERRUPTED, TERMINATED)


INTERRUPTION = Fault(INTERRUPTED, "interrupted")


def fault_of(error: Exception) -> Fault:
    """What an error means; for an unexpected one a report is written into a file."""
    if isinstance(error, Refused | BadInput):
        code = REFUSED if isinstance(error, Refused) else BAD_INPUT
        return Fault(code, str(error), getattr(error, "details", {}))
    if isinstance(error, OSError):
        if error.errno is None:  # not of the system, as a full disk or a closed folder are
            return _crash(error)
        return Fault(BAD_INPUT, str(error))
    return _lack_of_means(error) or _signal(error) or _crash(error)


# Of libraries that are not imported yet, where this one is.
_OF_THE_SYSTEM = {"MemoryError", "IOException", "OutOfMemoryException", "TerminatedWorkerError"}
_LACKS = re.compile("allocate|failed to map segment|can't start new thread|No space left", re.I)


def _lack_of_means(error: Exception) -> Fault | None:
    """Where the machine has no memory, threads or room left for what was asked of it."""
    if _little_address_space():
        return Fault(BAD_INPUT, f"Out of memory within `ulimit -v`: {error!r}")
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & _OF_THE_SYSTEM or _LACKS.search(str(error)):
        return Fault(BAD_INPUT, f"{type(error).__name__}: {_briefly(error)}")
    return None


def _little_address_space() -> bool:
    """Whether a limit on it (`ulimit -v`) is nearly reached: a library that cannot be loaded for it
    fails later, and in its own words, as of a version that it lacks."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    memory = Path("/proc/self/statm")  # of Linux
    if limit == resource.RLIM_INFINITY or not memory.exists():
        return False
    pages = memory.read_text(encoding="ascii").partition(" ")[0]
    return limit - int(pages) * resource.getpagesize() < A_LIBRARY


def _briefly(error: Exception) -> str:
    """The first lines of an error, as one, and what helps where memory or threads are short."""
    text = " ".join(re.split(r"\n\s*\n|\nPossible", str(error))[0].split())
    return f"{text or 'out of memory'}. See engine.memory_gb and engine.threads in readiness.toml."


def _signal(error: BaseException | None) -> Fault | None:
    """Where a signal lies behind an error, such as the RuntimeError of a query that DuckDB ended
    for it."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return INTERRUPTION
        if isinstance(error, SystemExit):
            return Fault(TERMINATED, "")
        error = error.__context__
    return None


def _crash(error: Exception) -> Fault:
    report = report_crash(error)
    message = (
        f"An error of this program, {type(error).__name__}, and no verdict on your data or model. "
        "Please report it, with this file, as an issue of the repository that it was installed "
        f"from: {report}"
    )
    more = {"crash_report": report}
    return Fault(CRASHED, message, more, more)
