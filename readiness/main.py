"""The command `readiness`. Exit codes: 0 done, 1 refused or gate not passed, 2 wrong usage or bad
input. Each verb is a function of its group's file, and only parses words and prints results."""

import os
import sys

import typer
from rich.markup import escape

from features.errors import BadInput, Refused
from readiness.commands import (
    card,
    champions,
    data,
    explain,
    feedback,
    funnel,
    learn,
    monitor,
    rules,
    segments,
    sources,
    use,
)
from readiness.commands.console import err, print_json

# On a machine that does other work too, threads that spin while they wait for each other make
# boosting many times slower. Read by OpenMP when scikit-learn is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

app = typer.Typer(
    name="readiness",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""
Which leads are ready to buy? Calibrated probabilities from what leads do, beside your points table.

The usual way, for a folder DIR with your tables (events, leads, deals):

    readiness init DIR      write starter settings and points
    readiness check DIR     is the data sound? can it teach?
    readiness train DIR     learn, judge, register the challenger
    readiness promote DIR   crown it, if better than champion and rules
    readiness score DIR     score every open lead, every night
    readiness monitor DIR   is the champion still right? exits 1 where a light is red
    readiness compare DIR   model against rules: a report for sales
    readiness explain LEAD DIR  why one lead stands there, and what changed
    readiness funnel DIR    how far leads come, how fast, what holds them
    readiness segments DIR  named filters: who is in them, what share is won
    readiness sources DIR   is each source of leads in the right basket?

No data yet? `readiness simulate DIR` makes some. Exit codes: 0 done, 1 refused or gate not
passed, 2 wrong usage or bad input. `readiness VERB --help` teaches each.
""",
)
data.add_to(app)
learn.add_to(app)
champions.add_to(app)
card.add_to(app)
use.add_to(app)
explain.add_to(app)
funnel.add_to(app)
feedback.add_to(app)
segments.add_to(app)
rules.add_to(app)
sources.add_to(app)
monitor.add_to(app)


def main() -> None:
    """Run the command; a user's mistake is one message on standard error, never a traceback."""
    try:
        app()
    except (BadInput, Refused, OSError) as error:  # OSError: a full disk, a folder not writable
        if "--json" in sys.argv:
            print_json({"error": str(error)})
        err.print(f"[bold red]readiness:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1 if isinstance(error, Refused) else 2)


if __name__ == "__main__":
    main()
