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
    end, begun = threading.Event(), 0
    needed = NEEDED + 2 * (os.cpu_count() or 1)
    try:
        for _ in range(needed):
            threading.Thread(target=end.wait, daemon=True).start()
            begun += 1
    except RuntimeError:
        sys.stderr.write(
            f"readiness: no more than {begun} threads can be begun, and {needed} are needed. Raise "
            "what limits them: `ulimit -u` of this account, TasksMax= of the systemd unit, or the "
            "process limit of the container.\n"
        )
        sys.exit(2)
    finally:
        end.set()
