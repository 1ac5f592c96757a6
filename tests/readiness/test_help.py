"""`--help` teaches, at once."""

import subprocess
import sys

import pytest

from tests.readiness.running import readiness

# Of each verb what a newcomer must read: what it does, and what is good to know.
TAUGHT = {
    "init": ("Write a commented readiness.toml and rules.toml", "Nothing is overwritten"),
    "check": ("say what is in it, and what is wrong with it", "Exits 2 if the contract is"),
    "features": ("List every feature that is computed", "meaning in words"),
    "simulate": ("true win probabilities are known", "--leads"),
    "train": ("register the challenger", "no training label overlaps it"),
    "promote": ("Make the challenger champion", "Exits 1 and says by how much"),
    "rollback": ("Go back to the champion before this one", "--because"),
    "history": ("Who was champion from when to when", "only ever appended to"),
    "card": ("what was measured of it, and what it is not for", "kept in MLflow"),
    "score": ("Score every open lead into the ledger", "exactly once"),
    "segments": ("named filters over the leads", "features.segments in readiness.toml"),
    "compare": ("Model against rules on real outcomes", "self-contained HTML page"),
    "funnel": ("which phase holds them back", "open leads are never taken for lost"),
    "override": ("beside the machine's in the ledger, never over it", "--withdraw"),
    "feedback": ("What sales said of the leads they were handed", "score --cutoff DAY"),
    "sources": ("whether it sits in the right basket", "--apply"),
    "monitor": ("Is the champion still right", "Exits 1 where a check is red"),
    "explain": ("Why one lead has its readiness", "they add up to its log-odds", "--since"),
}


def flowing(text: str) -> str:
    """The text without frames and line ends."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("verb", TAUGHT)
def test_every_verb_teaches(verb: str) -> None:
    ran = readiness(verb, "--help")
    assert (ran.code, ran.err) == (0, "")
    for taught in TAUGHT[verb]:
        assert taught in flowing(ran.out)
    assert "--json" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_the_command_names_its_verbs_in_the_order_of_work_and_its_exit_codes() -> None:
    said = flowing(readiness("--help").out)
    way = ["init", "check", "train", "promote", "score", "compare", "funnel"]
    places = [said.index(f"readiness {verb} DIR") for verb in way]
    assert places == sorted(places)
    assert all(f" {verb} " in said for verb in TAUGHT)
    assert "0 done, 1 refused or gate not passed, 2 wrong usage or bad input" in said


def test_help_waits_for_no_heavy_import() -> None:
    code = (
        "import readiness.main, sys; "
        "print({'mlflow', 'sklearn', 'pandas', 'duckdb'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
