"""`--help` teaches, at once."""

import re
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.main import get_command

from readiness.main import EXIT_CODES, PANELS, app
from tests.readiness.running import readiness

# Of each verb the names and codes that a newcomer must read in its help.
TAUGHT = {
    "init": ("readiness.toml", "rules.toml"),
    "check": ("Exits 2", "1 if the audit", "docs/enough-data.md"),
    "features": ("feature", "meaning"),
    "simulate": ("--leads", "--seed"),
    "titles": ("titles.toml", "features.title"),
    "train": ("challenger", "MLflow", "exits 1"),
    "promote": ("challenger", "--because", "--force", "Exits 1"),
    "rollback": ("champion", "--because", "Exits 1"),
    "history": ("champion", "Exits 1"),
    "card": ("MLflow", "card.html"),
    "score": ("ledger", "exactly once", "--export", "decided_route"),
    "segments": ("segments.toml", "features.segments"),
    "compare": ("compare.html", "--segment"),
    "funnel": ("funnel.toml", "within_days"),
    "plan": ("--deals 40 --by", "[plan]", "Exits 1"),
    "override": ("decided_route", "--withdraw"),
    "feedback": ("contacted_at", "score --cutoff DAY"),
    "effect": ("holdout", "[routing]", "effect.html"),
    "sources": ("--apply", "sources.toml"),
    "monitor": ("amber", "Exits 1"),
    "explain": ("log-odds", "--since"),
    "forget": ("receipt", "out/forgotten"),
    "movers": ("moved_because", "--since"),
    "publish": ("[publish]", "--dry-run", "Exits 1"),
    "serve": ("token", "docs/serve.md"),
    "ledger runs": ("cutoff", "withdrawn"),
    "ledger withdraw": ("--because", "history"),
    "rules show": ("version", "--rules"),
    "rules diff": ("band", "--export"),
    "rules test": ("Exits 0", "--gate"),
    "rules learn": ("20 rules", "--force"),
}
AVOIDED = re.compile(r"\b(lights?|told|beside|promised|surely|worth)\b", re.I)


def flowing(text: str) -> str:
    """The text without frames and line ends."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("verb", TAUGHT)
def test_every_verb_teaches(verb: str) -> None:
    ran = readiness(*verb.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    for taught in (*TAUGHT[verb], *(["--json"] if verb != "serve" else [])):
        assert taught in flowing(ran.out)
    assert AVOIDED.findall(ran.out) == []
    assert max(map(len, ran.out.splitlines())) <= 80


def test_each_verb_is_taught_and_is_in_a_file_of_its_name() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    groups = ("rules", "ledger")
    verbs = {verb for verb in commands if verb not in groups}
    verbs |= {f"{group} {verb}" for group in groups for verb in commands[group].commands}
    assert verbs == set(TAUGHT)
    for verb in TAUGHT:
        module = sys.modules[f"readiness.commands.{verb.replace(' ', '.')}"]
        command = commands[verb.split()[0]].commands if " " in verb else commands
        assert command[verb.split()[-1]].callback.__module__ == module.__name__


def test_the_daily_path_is_first_and_in_order() -> None:
    message = flowing(readiness("--help").out)
    path = ["init", "check", "train", "promote", "score", "publish", "monitor"]
    assert next(iter(PANELS.values())).split() == path
    text = [message.index(f"readiness {verb} DIR") for verb in path]
    panels = [message.index(panel) for panel in PANELS]
    assert text + panels == sorted(text + panels)
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in message


def test_the_version_is_that_of_the_installed_package() -> None:
    ran = readiness("--version")
    assert (ran.code, ran.out) == (0, f"readiness {version('sales-readiness')}\n")


@pytest.mark.parametrize("module", ["readiness", "readiness.main"])
def test_help_waits_for_no_heavy_import(module: str) -> None:
    code = (
        f"import {module}, sys; "
        "print({'mlflow', 'sklearn', 'pandas', 'numpy', 'duckdb', 'pyarrow'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
