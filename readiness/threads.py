"""Whether this process may begin threads, before a library that needs them ends it without a word.

Imports nothing but the standard library: numpy's own threads begin with its import, and where they
cannot it sends itself an interrupt, which looks like somebody's Ctrl-C.
"""

import os
import sys
import threading

NEEDED = 16  # and two for each core: of OpenBLAS, DuckDB and Arrow


def require_threads() -> None:
    """Exits with 2, and one line, where not so many threads can run at once."""
    needed = min(NEEDED + 2 * (os.cpu_count() or 1), 255)  # an exit code has no more
    begun = _begun_in_a_child(needed)
    if begun < needed:
        sys.stderr.write(
            f"readiness: no more than {begun} threads can be begun, and {needed} are needed. Raise "
            "what limits them: `ulimit -u` of this account, TasksMax= of the systemd unit, or the "
            "process limit of the container.\n"
        )
        sys.exit(2)


def _begun_in_a_child(needed: int) -> int:
    """How many of so many threads can run at once. In a process of its own, for each would leave
    64 MB of address space taken, which `ulimit -v` counts."""
    try:
        child = os.fork()
    except OSError:
        return 0
    if child:
        _, status = os.waitpid(child, 0)
        return max(os.waitstatus_to_exitcode(status), 0)  # below 0: it was killed
    begun, end = 0, threading.Event()
    try:
        while begun < needed:
            threading.Thread(target=end.wait, daemon=True).start()
            begun += 1
    finally:
        os._exit(begun)
