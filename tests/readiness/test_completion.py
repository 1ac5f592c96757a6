"""The shell completes verbs and options: by the protocol of bash, and by bash itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("readiness")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("readiness sc", {"score"}), ("readiness score --cu", {"--cutoff"}),
     ("readiness rules ", {"show", "diff", "test", "learn"}), ("readiness xyz", set())],
)  # fmt: skip
def test_by_the_protocol(typed: str, offered: set[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    ran = subprocess.run(
        [SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | words | {"_READINESS_COMPLETE": "complete_bash"},
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert set(ran.stdout.split()) == offered


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_in_bash() -> None:
    code = (
        'eval "$(readiness --show-completion bash)"; COMP_WORDS=(readiness mon); COMP_CWORD=1; '
        '_readiness_completion readiness; echo "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(
        ["bash", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {
            "PATH": f"{SCRIPT.parent}:{os.environ['PATH']}",
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        },
    )
    assert (ran.stdout, ran.stderr) == ("monitor\n", "")
