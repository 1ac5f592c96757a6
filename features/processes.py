"""Which process left something behind, and whether it is gone, so that what it left may be removed.

The mark of a process holds its host, its id and when it was started: an id is given again to
another process some day, and on another host, such as a container, it means another one.
"""

import os
import re
import socket
from pathlib import Path
from zlib import crc32

MARK = r"[0-9a-f]{8}-[0-9]+-[0-9]+"


def mark() -> str:
    """The mark of this process, of letters that any file name may have: 1f5a03c9-4711-8812345."""
    pid = os.getpid()
    return f"{_host()}-{pid}-{_started(pid) or 0}"


def is_gone(mark: str) -> bool:
    """Whether the process of this mark was on this host and has ended. False where it cannot be
    known: of another host, and of what is no mark."""
    if not re.fullmatch(MARK, mark):
        return False
    host, pid, started = mark.split("-")
    if host != _host():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # of another user, so there
        pass
    now = _started(int(pid))
    return now is not None and int(started) not in (0, now)


def _host() -> str:
    return f"{crc32(socket.gethostname().encode()):08x}"


def _started(pid: int) -> int | None:
    """When a process was started, in the kernel's ticks; None where the system has no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # the name, in parentheses, may hold blanks; the start is the 20th value behind it
    return int(stat.rpartition(b")")[2].split()[19])
