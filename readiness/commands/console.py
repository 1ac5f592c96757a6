"""How the command speaks: results on standard output, progress and errors on standard error."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from features.progress import Progress

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
]


def print_path(said: str) -> None:
    """A line with a path or an address in it: never broken, never read as markup."""
    out.print(said, soft_wrap=True, markup=False)


def print_json(result: Any, **more: Any) -> None:
    """The one JSON object of a --json run: a result, and more keys beside its own."""
    from features.result_json import to_json

    sys.stdout.write(json.dumps(to_json(result) | to_json(more), allow_nan=False) + "\n")


def require_html(to: Path | None) -> None:
    """Refuse, before the work begins, a page that would not be called .html."""
    if to and to.suffix != ".html":
        raise typer.BadParameter(f"an .html file, please, not {to.name}", param_hint="--out")


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

    def told(what: str, done: int, of: int) -> None:
        if what not in tasks:
            bars.start()  # not before there is something to show: an empty one leaves a blank line
            tasks[what] = bars.add_task(what, total=of)
        bars.update(tasks[what], completed=done, total=of)

    try:
        yield told
    finally:
        if tasks:
            bars.stop()
