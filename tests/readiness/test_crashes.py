"""A crash is never a verdict: it has an exit code of its own, and its traceback goes to a file."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from readiness.main import app
from tests.readiness.running import little_folder, readiness

SCRIPT = Path(sys.executable).with_name("readiness")
# Runs the command after `features.config.load_each`, which every verb of a folder calls, broke.
BROKEN = """
import sys
import features.config
def load(where):
    {does}
features.config.load_each = load
from readiness.main import main
sys.argv[0] = "readiness"
main()
"""
VERBS = {
    **{
        verb.name or verb.callback.__module__.rsplit(".", 1)[1]: ()
        for verb in app.registered_commands
    },
    "explain": ("1",),
    "override": ("1", "--withdraw"),
    "rollback": ("--because", "why"),
    "init": None,  # has no settings to load
    "simulate": None,
}


def ran(does: str, *words: object, tmp: Path, **more) -> subprocess.CompletedProcess[str]:
    """A child process in which loading the settings does this."""
    return subprocess.run(
        [sys.executable, "-c", BROKEN.format(does=does), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TMPDIR": str(tmp), "LEADS_PASSWORD": "hunter22"},
        **more,
    )


def reports(tmp: Path) -> list[str]:
    return [path.read_text("utf-8") for path in tmp.glob("readiness-crash-*.txt")]


@pytest.mark.slow
def test_the_traceback_is_in_a_file_and_nowhere_else(tmp_path: Path) -> None:
    does = "raise RuntimeError('no postgresql://anna:pw@db/leads by hunter22 of [audit]')"
    crashed = ran(does, "check", tmp_path, tmp=tmp_path)
    assert (crashed.returncode, crashed.stdout) == (70, "")
    assert "Traceback" not in crashed.stderr
    assert "RuntimeError" in crashed.stderr
    (report,) = reports(tmp_path)
    (name,) = tmp_path.glob("readiness-crash-*.txt")
    assert str(name) in crashed.stderr
    assert name.stat().st_mode & 0o077 == 0
    assert "Traceback (most recent call last)" in report
    assert f"command: readiness check {tmp_path}" in report
    assert "no postgresql://anna:***@db/leads by *** of [audit]" in report


@pytest.mark.slow
def test_with_json_it_is_one_object(tmp_path: Path) -> None:
    crashed = ran("return {}['gone']", "score", tmp_path, "--json", tmp=tmp_path)
    assert crashed.returncode == 70
    printed = json.loads(crashed.stdout)
    assert "KeyError: 'gone'" in Path(printed["crash_report"]).read_text("utf-8")
    assert printed["crash_report"] in printed["error"]


@pytest.mark.slow
@pytest.mark.parametrize("extra", [(), ("--json",)])
def test_an_interruption_has_its_own_code(tmp_path: Path, extra: tuple[str, ...]) -> None:
    does = f"import os; os.kill(os.getpid(), {int(signal.SIGINT)})"
    ended = ran(does, "check", tmp_path, *extra, tmp=tmp_path)
    assert (ended.returncode, ended.stdout, reports(tmp_path)) == (130, "", [])
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("extra", [(), ("--json",)])
def test_nobody_reads_the_output(tmp_path: Path, extra: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            [SCRIPT, "features", little_folder(tmp_path), *extra],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.parametrize("verb", [verb for verb, words in VERBS.items() if words is not None])
@pytest.mark.parametrize(
    ("error", "code"),
    [(ZeroDivisionError("x"), 70), (AssertionError(), 70), (OSError("no number"), 70),
     (PermissionError(13, "closed", "/x"), 2), (KeyboardInterrupt(), 130)],
    ids=lambda each: type(each).__name__ if isinstance(each, BaseException) else "",
)  # fmt: skip
def test_of_every_verb(verb, error, code, monkeypatch, tmp_path) -> None:
    def load(where: Path) -> None:
        raise error

    monkeypatch.setattr("features.config.load_each", load)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    words = (*VERBS[verb], tmp_path)
    assert readiness(verb, *words).code == code
    assert len(reports(tmp_path)) == (code == 70)


LONG_QUERY = "import duckdb; duckdb.sql('SELECT sum(a.range * b.range) FROM range(999999) a, range(99999) b').fetchall()"  # noqa: E501


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_a_query_is_no_crash(tmp_path: Path, number, code: int) -> None:
    """DuckDB ends the query with an error of its own."""
    soon = (
        f"import os, threading; threading.Timer(1, os.kill, (os.getpid(), {int(number)})).start()"
    )
    ended = ran(f"{soon}; {LONG_QUERY}", "check", tmp_path, tmp=tmp_path)
    assert (ended.returncode, ended.stdout, reports(tmp_path)) == (code, "", [])
    assert "Traceback" not in ended.stderr
