"""A training is tracked by an MLflow server; nothing is printed, above all not its password."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing

import pytest

from models.registry import Registry
from tests.features.lead_databases import config_for
from tests.models.small_model import fitted, training

PASSWORD = "c4n4ry-of-the-server"


@pytest.fixture
def server(tmp_path):
    """The address of a running MLflow."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(
            command, stdout=log, stderr=log, cwd=tmp_path, env=os.environ, start_new_session=True
        ) as process,
    ):
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).read()
                    break
                except (urllib.error.URLError, OSError):
                    assert process.poll() is None, (tmp_path / "log").read_text()
                    time.sleep(0.5)
            yield f"127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, 15)


@pytest.mark.long
def test_a_server_whose_address_holds_a_password(server, tmp_path, capfd):
    uri = f"http://tracker:{PASSWORD}@{server}"
    registry = Registry(config_for(tmp_path, mlflow={"uri": uri}))
    named = registry.log(training(fitted(300)))
    assert registry.load("challenger").version == named.version
    assert capfd.readouterr() == ("", "")
    artifacts = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    for path in (*artifacts, tmp_path / "server.db"):
        assert PASSWORD.encode() not in path.read_bytes(), path
