"""Runs the command as a user does, and little folders to run it in."""

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import typer.main

from readiness.main import main

# Typer reads the parameters of all verbs at each run, in about 50 ms.
COMMAND_OF = cache(typer.main.get_command)

LEADS = "lead_id,created_at,source\n1,2024-01-01,ads\n2,2024-01-03,web\n3,2024-01-10,ads\n"
EVENTS = """lead_id,occurred_at,action
1,2024-01-02 10:00:00,visited
2,2024-01-04 00:00:00,visited
2,2024-01-11 00:00:00,called in [/b]
"""
DEALS = "lead_id,closed_at,outcome\n1,2024-01-12,won\n2,2024-01-25,lost\n"
SETTINGS = """
[tables]
leads = "leads.csv"
events = "events.csv"
deals = "deals.csv"
[time]
horizon_days = 7
first_cutoff = 2024-01-08
[capacity]
share = 0.1
"""
RULES = """
name = "small"
bands = { warm = 5, hot = 10 }
[[rule]]
action = "visited"
points = 2
"""


@dataclass(frozen=True)
class Ran:
    """What a run of the command left: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The one JSON object on standard output; fails if there is anything else."""
        assert self.out.count("\n") == 1, self.out
        result = json.loads(self.out)
        assert isinstance(result, dict)
        return result


def readiness(*words: object) -> Ran:
    """Run `readiness WORDS` in this process, through the function that the script calls."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        patch.object(sys, "argv", ["readiness", *map(str, words)]),
        patch.object(typer.main, "get_command", COMMAND_OF),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    assert isinstance(code, int)
    ran = Ran(code, out.getvalue(), err.getvalue())
    assert "Traceback" not in ran.out + ran.err
    return ran


def little_folder(folder: Path, **files: str) -> Path:
    """Three leads, with settings and rules; `files` may name others' texts: leads=, settings=."""
    texts = {"leads": LEADS, "events": EVENTS, "deals": DEALS, "settings": SETTINGS} | files
    for table in ("leads", "events", "deals"):
        (folder / f"{table}.csv").write_text(texts[table])
    (folder / "readiness.toml").write_text(texts["settings"])
    (folder / "rules.toml").write_text(RULES)
    return folder
