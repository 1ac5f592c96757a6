"""`readiness serve` refuses what is unsafe, and serves until it is ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.readiness.running import readiness

TOKEN = "a-token-that-nobody-will-guess-0123"


def test_off_loopback_it_wants_a_token(untrained: Path) -> None:
    ran = readiness("serve", untrained, "--host", "0.0.0.0")
    assert (ran.code, "--token-file" in ran.err) == (2, True)


@pytest.mark.parametrize(("text", "mode"), [("short", 0o600), (TOKEN, 0o644), (None, 0)])
def test_a_token_that_others_know_or_guess(
    untrained: Path, tmp_path: Path, text: str | None, mode: int
) -> None:
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    ran = readiness("serve", untrained, "--token-file", file)
    assert ran.code == 2
    assert TOKEN not in ran.err


def test_a_port_in_use_is_refused_at_once(untrained: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = readiness("serve", untrained, "--port", port)
    assert (ran.code, port in ran.err, "--port" in ran.err) == (2, True, True)


@pytest.mark.slow
def test_it_answers_until_it_is_ended(untrained: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "readiness.main", "serve", str(untrained), "--port", str(port)]
    server = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        for _ in range(240):
            time.sleep(0.5)
            try:
                answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10)
                break
            except OSError:
                assert server.poll() is None
        assert json.load(answer)["ready"]
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) in (0, 143)
