"""A registry that cannot be read is never "no model": against a server that answers as MLflow's
does, and stores that are lost, broken or closed."""

import json
import multiprocessing
import multiprocessing.context
import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from features.errors import BadInput, Refused
from models.decisions.champion_changes import ChampionChange, add, mark
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions, transaction
from models.registry import CHAMPION, Registry, StoreFault
from tests.copied_company import copied_company
from tests.features.lead_databases import config_for
from tests.models.killed_training import train_and_wait
from tests.models.small_model import fitted, training
from tests.readiness.running import SETTINGS, little_folder, readiness
from tests.ready_processes import with_all_imported

pytestmark = pytest.mark.slow  # each asks MLflow, half a second a test
ABSENT = (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Registered Model not found"})
SAID = "registered-models/get"


@contextmanager
def server(answers: dict[str, tuple[int, object]]) -> Iterator[str]:
    """The address of a server that answers by the end of the path; else 200 and {}."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            status, body = next((a for end, a in answers.items() if path.endswith(end)), (200, {}))
            text = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()


@pytest.fixture(autouse=True)
def asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def at(folder: Path, uri: str) -> Registry:
    config = config_for(folder)
    return Registry(
        config.model_copy(update={"mlflow": config.mlflow.model_copy(update={"uri": uri})})
    )


MODEL = {
    "registered_model": {
        "name": "sales-readiness",
        "aliases": [{"alias": CHAMPION, "version": "3"}],
    }
}
FAULTS = {
    "forbidden": {SAID: (403, {"error_code": "PERMISSION_DENIED", "message": "not for anna"})},
    "a proxy forbids": {SAID: (403, "<html>forbidden</html>")},
    "an error of the server": {SAID: (500, {"error_code": "INTERNAL_ERROR", "message": "disk"})},
    "a bad gateway": {SAID: (502, "<html>bad gateway</html>")},
    "no MLflow there": {SAID: (404, "<html>not found</html>")},
    "a 404 of something else": {SAID: (404, {"detail": "Not Found"})},
    "nothing that it knows": {SAID: (200, {})},
    "a page": {SAID: (200, "<html>please log in</html>")},
    "a version that vanished": {SAID: (200, MODEL), "model-versions/get": ABSENT},
    "a version that is forbidden": {SAID: (200, MODEL), "model-versions/get": (403, {})},
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_does_not_answer_has_not_no_model(fault: str, tmp_path: Path) -> None:
    with server(FAULTS[fault]) as address:
        for ask in (Registry.find, Registry.has, Registry.load, Registry.pick):
            with pytest.raises(StoreFault):
                ask(at(tmp_path, address), CHAMPION)
        with pytest.raises(StoreFault):
            at(tmp_path, address).usual()


def test_only_does_not_exist_means_none(tmp_path: Path) -> None:
    without_alias = {"registered_model": {"name": "sales-readiness"}}
    for answer in (ABSENT, (200, without_alias)):
        with server({SAID: answer}) as address:
            assert at(tmp_path, address).find(CHAMPION) is None
            assert at(tmp_path, address).usual() is None
    with server({"model-versions/get": ABSENT}) as address:
        assert at(tmp_path, address).find("7") is None


@pytest.mark.parametrize("fault", FAULTS)
def test_the_nightly_run_writes_nothing(fault: str, tmp_path: Path) -> None:
    with server(FAULTS[fault]) as address:
        little_folder(tmp_path, settings=f'{SETTINGS}[mlflow]\nuri = "{address}"\n')
        before = sorted(tmp_path.rglob("*"))
        ran = readiness("score", tmp_path, "--json")
    assert ran.code == 2
    assert "sales-readiness" in ran.result["error"] or address in ran.result["error"]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "uri",
    ["htp://mlflow", "postgresql+nodriver://u@h/d", "http://127.0.0.1:9", "sqlite:////proc/no/m.db",
     "http://no.such.host.invalid", "file:///nowhere/at\0all"],
)  # fmt: skip
def test_an_address_that_leads_nowhere(uri: str, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(BadInput, match=r"MLflow at|mlflow\.uri"):
        at(tmp_path, uri).prepared()
    assert time.monotonic() - began < 20
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_silent_is_waited_for_in_bounds(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        began = time.monotonic()
        with pytest.raises(StoreFault):
            at(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}").find(CHAMPION)
        assert time.monotonic() - began < 5


def test_waiting_is_bounded_unless_the_user_says_otherwise() -> None:
    assert int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 15
    assert int(os.environ["PGCONNECT_TIMEOUT"]) <= 10


@pytest.mark.parametrize(
    "content", [b"no database at all" * 99, b"SQLite format 3\0" + b"\1" * 4000]
)
def test_a_damaged_store(content: bytes, tmp_path: Path) -> None:
    registry = at(tmp_path, f"sqlite:///{tmp_path / 'mlflow.db'}")
    (tmp_path / "mlflow.db").write_bytes(content)
    began = time.monotonic()
    with pytest.raises(StoreFault):
        registry.usual()
    assert time.monotonic() - began < 20
    assert (tmp_path / "mlflow.db").read_bytes() == content


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose version 1 is champion, by MLflow and by the history. Copy it."""
    folder = tmp_path_factory.mktemp("sound")
    registry = Registry(config_for(folder))
    registry.log(training(fitted(300)))
    registry.set_champion("1")
    with open_decisions(LedgerPlace.of(registry.config)) as store, transaction(store):
        change = ChampionChange("promote", None, "1", "anna", "", False, "", {})
        mark(store, add(store, change), "done")
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return copied_company(sound, tmp_path / "company")


def _alias_removed(registry: Registry) -> None:
    registry.client.delete_registered_model_alias(registry.name, CHAMPION)


def _version_removed(registry: Registry) -> None:
    with closing(sqlite3.connect(str(registry.file))) as store, store:
        store.execute("DELETE FROM model_versions")


LOST = {
    "the store": lambda registry: registry.file.unlink(),
    "the alias": _alias_removed,
    "the version": _version_removed,
    "the model": lambda registry: registry.client.delete_registered_model(registry.name),
}


@pytest.mark.slow
@pytest.mark.parametrize("lost", LOST)
def test_the_history_names_a_champion_that_the_registry_lacks(lost: str, folder: Path) -> None:
    registry = Registry(config_for(folder))
    assert registry.usual() == CHAMPION
    LOST[lost](registry)
    again = Registry(config_for(folder))
    for ask in (again.usual, lambda: again.has(CHAMPION), lambda: again.load(CHAMPION)):
        with pytest.raises(StoreFault, match="1"):
            ask()
    if lost == "the store":
        assert not again.file.exists()


@pytest.mark.slow
def test_a_mistyped_store_does_not_make_the_nightly_run_score_by_points(
    folder: Path, tmp_path: Path
) -> None:
    little_folder(folder, settings=f'{SETTINGS}[mlflow]\nuri = "sqlite:///out/mlfow.db"\n')
    ran = readiness("score", folder)
    assert ran.code == 2
    assert "mlfow.db" in ran.err
    assert "decisions" in ran.err
    assert not (folder / "out" / "mlfow.db").exists()
    assert not (folder / "out" / "ledger.duckdb").exists()


@pytest.mark.slow
@pytest.mark.parametrize("damage", range(12))
def test_an_artefact_of_which_any_bytes_are_damaged(damage: int, folder: Path) -> None:
    """Cut off, or 8 bytes overwritten, at a place that moves through the file: loaded as it was or
    refused, and never an error of any other kind."""
    (stored,) = folder.rglob("model.skops" if damage % 2 else "MLmodel")
    content = stored.read_bytes()
    place = len(content) * damage // 12
    stored.write_bytes(
        content[:place] + (b"" if damage % 4 < 2 else b"\0\xff[{:" * 2 + content[place + 10 :])
    )
    with suppress(BadInput, Refused):
        Registry(config_for(folder)).load("1")


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.ForkServerContext:
    """Other processes, which begin with everything imported."""
    return with_all_imported("tests.models.killed_training")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_run_counts_as_running_after_a_kill(
    number: signal.Signals, folder: Path, processes: multiprocessing.context.ForkServerContext
) -> None:
    """A live process's run stays; that of a killed one is ended by the next training."""
    registered = processes.Event()
    child = processes.Process(target=train_and_wait, args=(folder, registered))
    child.start()
    assert registered.wait(240)

    def statuses() -> list[str]:
        registry = Registry(config_for(folder)).prepared()
        runs = registry.client.search_runs([registry.experiment])
        return [run.info.status for run in runs]

    assert statuses().count("RUNNING") == 1
    os.kill(child.pid, number)
    child.join(240)
    assert child.exitcode == (-number if number == signal.SIGKILL else 143)
    assert "RUNNING" not in statuses()
    assert set(statuses()) - {"FINISHED"} == {"KILLED"}


@pytest.mark.parametrize("name", ["a?b", "a%41b"])
def test_a_folder_that_would_put_the_store_elsewhere(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(BadInput, match=r"mlflow\.uri"):
        Registry(config_for(tmp_path / name)).prepared()
    assert [path for path in tmp_path.rglob("*") if path.name != name] == []
