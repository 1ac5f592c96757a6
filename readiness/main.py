"""The command `readiness` and its exit codes. Each verb is the function `verb` of the file in
readiness/commands/ that has its name."""

from readiness.threads import require_threads

require_threads()  # before anything is imported that begins some

# ruff: noqa: E402
import atexit
import gc

# Hundreds of thousands of objects are imported, to stay: looking through them for garbage at every
# 700 new ones takes a fifth of the start, and at the end, where all is let go, up to two seconds.
gc.set_threshold(100_000, 10, 10)
atexit.register(gc.freeze)

import os
import signal
import sys
import warnings
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from typing import Annotated, Literal

import typer
from typer.exceptions import TyperException

from features.errors import BadInput
from features.masking import without_secrets
from readiness.commands import ledger, rules
from readiness.commands.printing import begin_log, log, print_error, print_json
from readiness.faults import (
    BAD_INPUT,
    EXIT_CODES,
    INTERRUPTED,
    INTERRUPTION,
    NOBODY_READS,
    TERMINATED,
    Fault,
    fault_of,
)

# On a machine that does other work too, threads that spin while they wait for each other make
# boosting many times slower. Read by OpenMP when scikit-learn is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

PANELS = {
    "The daily path, in this order": "init check train promote score publish monitor",
    "Reports": "movers compare explain card funnel segments sources feedback effect plan",
    "The service": "serve",
    "Decisions of people": "override rollback history forget",
    "To begin with": "simulate features titles",
}

app = typer.Typer(
    name="readiness",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help=f"""
Which leads are ready to buy? Calibrated probabilities from what leads do, next to your points
table.

The daily path, for a folder DIR with your tables (events, leads, deals):

    readiness init DIR      write starter settings and points
    readiness check DIR     is the data sound, and enough to train on?
    readiness train DIR     train a model, measure it, register it as challenger
    readiness promote DIR   make it champion, if better than champion and rules
    readiness score DIR     every night: score every open lead
    readiness publish DIR   into a database table, files for a CRM, a webhook
    readiness monitor DIR   is it still right? exits 1 if a check is red

No data yet? `readiness simulate DIR` makes some. `readiness VERB --help` explains each verb.

Exit codes: {"; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())}.
""",
)
for panel, verbs in PANELS.items():
    for name in verbs.split():
        app.command(name, rich_help_panel=panel)(import_module(f"readiness.commands.{name}").verb)
for group in (rules, ledger):
    app.add_typer(group.app, rich_help_panel="Decisions of people")


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"readiness {version('sales-readiness')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version, and exit."
        ),
    ] = False,
    log_format: Annotated[
        Literal["text", "json"],
        typer.Option(
            help="How notes, errors and times are written to standard error: text, or json, an "
            "object a line (docs/operations.md)."
        ),
    ] = "text",
) -> None:
    """The options of the command itself."""
    log().verb = context.invoked_subcommand or ""
    if log().as_json:
        log().write(
            "info", "start", " ".join(map(str, sys.argv[1:])), version=version("sales-readiness")
        )


def main() -> None:
    """Run the command. A user's mistake is one message on standard error; so is an error of the
    program, whose traceback is in a file. Only what a verb found out exits with its codes. A signal
    to end lets go of what is open: runs of MLflow, temporary folders, unfinished files."""
    warnings.filterwarnings("ignore", "Polars binary is missing")  # our message says why
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    log = begin_log(_wants_json_log(sys.argv))
    try:
        code = _run()
        sys.stdout.flush()  # a closed pipe shows here, and not when the interpreter ends
    except BrokenPipeError:  # as of `readiness features | head`
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        code = NOBODY_READS
    finally:
        signal.signal(signal.SIGTERM, before)
    log.end(code)
    sys.exit(code)


def _wants_json_log(words: list[str]) -> bool:
    """Read before the options are: what is wrong with them is logged, too."""
    return "--log-format=json" in words or ("--log-format", "json") in pairwise(words)


def _run() -> int:
    """Run the command; its exit code."""
    try:
        _require_text(sys.argv)
        if log().as_json:
            return int(app(standalone_mode=False) or 0)
        app()
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            raise ended.__context__ from None  # typer would exit with 1
        if ended.code == INTERRUPTED:  # by typer, of a KeyboardInterrupt
            return _failed(INTERRUPTION)
        return ended.code if isinstance(ended.code, int) else 0
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, typer.Abort):
        return _failed(INTERRUPTION)
    except TyperException as error:  # wrong usage, where the log is JSON: else typer prints it
        message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
        return _failed(Fault(BAD_INPUT, without_secrets(message)))
    except Exception as error:
        return _failed(fault_of(error))
    return 0


def _require_text(words: list[str]) -> None:
    """Raises BadInput for bytes that are no text: neither MLflow nor a database takes them."""
    for word in words:
        if not word.isascii() and word.encode(errors="ignore").decode() != word:
            raise BadInput(f"The argument {word!a} is no UTF-8 text.")


def _failed(fault: Fault) -> int:
    if not fault.is_end and "--json" in sys.argv:
        print_json({"error": fault.message}, **fault.details)
    if fault.message:
        print_error(fault.message, **fault.more)
    return fault.code


if __name__ == "__main__":
    main()
