"""Results go to standard output; progress, notes and errors to standard error."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from features.progress import Progress

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_path(line: str) -> None:
    """A line with a path or an address in it: never broken, never read as markup."""
    out.print(line, soft_wrap=True, markup=False)


def print_json(result: Any, **more: Any) -> None:
    """The one JSON object of a --json run: a result, and more keys beside its own."""
    from features.result_json import to_json

    sys.stdout.write(json.dumps(to_json(result) | to_json(more), allow_nan=False) + "\n")


def print_notes(notes: Iterable[object]) -> None:
    """One line each, on standard error."""
    for note in notes:
        err.print(f"[yellow]note[/] {escape(str(note))}")


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Bars on standard error, one per kind of work, shown while they run and left when done."""
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    bars = Bars(*columns, console=err)
    tasks: dict[str, Any] = {}

    def report(what: str, done: int, of: int) -> None:
        if what not in tasks:
            bars.start()  # not before there is something to show: an empty one leaves a blank line
            tasks[what] = bars.add_task(what, total=of)
        bars.update(tasks[what], completed=done, total=of)

    try:
        yield report
    finally:
        if tasks:
            bars.stop()
