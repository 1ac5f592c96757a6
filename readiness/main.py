"""The command `readiness` and its exit codes. Each verb is the function `verb` of the file in
readiness/commands/ that has its name."""

from readiness.threads import require_threads

require_threads()  # before anything is imported that begins some

# ruff: noqa: E402
import os
import re
import resource
import signal
import sys
import warnings
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.exceptions import TyperException

from features.errors import BadInput, Refused
from readiness.commands import ledger, rules
from readiness.commands.printing import begin_log, log, print_error, print_json
from readiness.crash import report_crash

# On a machine that does other work too, threads that spin while they wait for each other make
# boosting many times slower. Read by OpenMP when scikit-learn is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

PANELS = {
    "The daily path, in this order": "init check train promote score publish monitor",
    "Reports": "movers compare explain card funnel segments sources feedback effect",
    "The service": "serve",
    "Decisions of people": "override rollback history forget",
    "To begin with": "simulate features",
}

A_LIBRARY = 256_000_000  # bytes that a large one takes of the address space
REFUSED, BAD_INPUT, CRASHED, INTERRUPTED, NOBODY_READS, TERMINATED = 1, 2, 70, 130, 141, 143
EXIT_CODES = {
    0: "done",
    REFUSED: "refused, gate not passed, or a red check",
    BAD_INPUT: "wrong usage or bad input",
    CRASHED: "an error of this program: no verdict on anything",
    INTERRUPTED: "interrupted",
    NOBODY_READS: "whoever read the output closed it",
    TERMINATED: "ended by a signal",
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
            return _interrupted()
        return ended.code if isinstance(ended.code, int) else 0
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except TyperException as error:  # wrong usage, where the log is JSON: else typer prints it
        message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
        return _failed(BadInput(message), BAD_INPUT)
    except Refused as error:
        return _failed(error, REFUSED)
    except BadInput as error:
        return _failed(error, BAD_INPUT)
    except OSError as error:
        if error.errno is None:  # not of the system, as a full disk or a closed folder are
            return _crashed(error)
        return _failed(error, BAD_INPUT)
    except Exception as error:
        return _lacks_means(error) or _signalled(error) or _crashed(error)
    return 0


# Of libraries that are not imported yet, where this one is.
_OF_THE_SYSTEM = {"MemoryError", "IOException", "OutOfMemoryException", "TerminatedWorkerError"}
_LACKS = re.compile("allocate|failed to map segment|can't start new thread|No space left", re.I)


def _lacks_means(error: Exception) -> int:
    """The exit code where the machine has no memory, threads or room left for what was asked of
    it; else 0."""
    if _little_address_space():
        return _failed(BadInput(f"Out of memory within `ulimit -v`: {error!r}"), BAD_INPUT)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & _OF_THE_SYSTEM or _LACKS.search(str(error)):
        return _failed(BadInput(f"{type(error).__name__}: {_briefly(error)}"), BAD_INPUT)
    return 0


def _little_address_space() -> bool:
    """Whether a limit on it (`ulimit -v`) is nearly reached: a library that cannot be loaded for it
    fails later, and in its own words, as of a version that it lacks."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    memory = Path("/proc/self/statm")  # of Linux
    if limit == resource.RLIM_INFINITY or not memory.exists():
        return False
    pages = memory.read_text(encoding="ascii").partition(" ")[0]
    return limit - int(pages) * resource.getpagesize() < A_LIBRARY


def _briefly(error: Exception) -> str:
    """The first lines of an error, as one, and what helps where memory or threads are short."""
    text = " ".join(re.split(r"\n\s*\n|\nPossible", str(error))[0].split())
    return f"{text or 'out of memory'}. See engine.memory_gb and engine.threads in readiness.toml."


def _signalled(error: BaseException | None) -> int:
    """The exit code where a signal lies behind an error, such as the RuntimeError of a query that
    DuckDB ended for it; else 0."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return _interrupted()
        if isinstance(error, SystemExit):
            return TERMINATED
        error = error.__context__
    return 0


def _require_text(words: list[str]) -> None:
    """Raises BadInput for bytes that are no text: neither MLflow nor a database takes them."""
    for word in words:
        if not word.isascii() and word.encode(errors="ignore").decode() != word:
            raise BadInput(f"The argument {word!a} is no UTF-8 text.")


def _interrupted() -> int:
    print_error("interrupted")
    return INTERRUPTED


def _crashed(error: Exception) -> int:
    report = report_crash(error)
    message = (
        f"An error of this program, {type(error).__name__}, and no verdict on your data or model. "
        "Please report it, with this file, as an issue of the repository that it was installed "
        f"from: {report}"
    )
    return _failed(RuntimeError(message), CRASHED, crash_report=report)


def _failed(error: Exception, code: int, **more: object) -> int:
    if "--json" in sys.argv:
        print_json({"error": str(error)}, **getattr(error, "details", {}), **more)
    print_error(str(error), **more)
    return code


if __name__ == "__main__":
    main()
