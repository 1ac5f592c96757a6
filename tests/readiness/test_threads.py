"""An account that may begin few threads only: one line, before a library ends the process."""

import os
import subprocess
import sys

import pytest

FEW = """
import os, resource, sys
import readiness.threads
assert not {"numpy", "duckdb", "pyarrow"} & set(sys.modules)
if os.getuid() == 0:
    os.setuid(61111)  # no limit holds for root
resource.setrlimit(resource.RLIMIT_NPROC, (5, 5))
readiness.threads.require_threads()
print("enough")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of threads are Linux's")
def test_too_few_threads_are_one_line_before_the_work() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FEW],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
    assert "ulimit -u" in ran.stderr
    assert ran.stderr.count("\n") == 1
