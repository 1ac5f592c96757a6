"""The command `readiness`. Exit codes: 0 done, 1 refused or gate not passed, 2 wrong usage or bad
input. Each verb is the function `verb` of the file in readiness/commands/ that has its name."""

import os
import sys
from importlib import import_module
from typing import Annotated

import typer
from rich.markup import escape

from features.errors import BadInput, Refused
from readiness.commands import rules
from readiness.commands.printing import err, print_json

# On a machine that does other work too, threads that spin while they wait for each other make
# boosting many times slower. Read by OpenMP when scikit-learn is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

PANELS = {
    "The daily path, in this order": "init check train promote score monitor",
    "Reports": "compare explain card funnel segments sources feedback",
    "Decisions of people": "override rollback history",
    "To begin with": "simulate features",
}

app = typer.Typer(
    name="readiness",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""
Which leads are ready to buy? Calibrated probabilities from what leads do, next to your points
table.

The daily path, for a folder DIR with your tables (events, leads, deals):

    readiness init DIR      write starter settings and points
    readiness check DIR     is the data sound, and enough to train on?
    readiness train DIR     train a model, measure it, register it as challenger
    readiness promote DIR   make it champion, if better than champion and rules
    readiness score DIR     every night: score every open lead
    readiness monitor DIR   is it still right? exits 1 if a check is red

No data yet? `readiness simulate DIR` makes some. Exit codes: 0 done, 1 refused or gate not
passed, 2 wrong usage or bad input. `readiness VERB --help` explains each verb.
""",
)
for panel, verbs in PANELS.items():
    for name in verbs.split():
        app.command(name, rich_help_panel=panel)(import_module(f"readiness.commands.{name}").verb)
app.add_typer(rules.app, rich_help_panel="Decisions of people")


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"readiness {version('sales-readiness')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version, and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command; a user's mistake is one message on standard error, never a traceback."""
    try:
        app()
    except (BadInput, Refused, OSError) as error:  # OSError: a full disk, a folder not writable
        if "--json" in sys.argv:
            print_json({"error": str(error)}, **getattr(error, "details", {}))
        err.print(f"[bold red]readiness:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1 if isinstance(error, Refused) else 2)


if __name__ == "__main__":
    main()
