"""Results go to standard output; progress, notes and errors to standard error."""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Column, Table
from rich.text import Text

from features.masking import without_secrets
from features.progress import Progress, step
from readiness.log import Log

if TYPE_CHECKING:
    from models.statistics.intervals import Estimate


# Characters that move the cursor, colour, break or reorder a line, or that no terminal takes, shown
# as \\x1b and the like: C0, DEL, C1, marks of direction, separators of lines, surrogates.
_CONTROL = {
    code: ascii(chr(code))[1:-1]
    for first, last in (
        *((0x00, 0x09), (0x0B, 0x1F), (0x7F, 0x9F), (0x061C, 0x061C), (0x200E, 0x200F)),
        *((0x2028, 0x202E), (0x2066, 0x2069), (0xD800, 0xDFFF)),
    )
    for code in range(first, last + 1)
}


class _Console(Console):
    """Rich's own would hand a terminal secrets and whatever is in the data, and exit with 1, a
    verdict, where whoever read the output has closed it."""

    def render_str(self, text: str, **more: Any) -> Text:
        written = str if more.get("markup") is False else escape
        text = log().pasted(without_secrets(text), written)
        return super().render_str(text.translate(_CONTROL), **more)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


out = _Console(highlight=False, emoji=False)  # :100: may be in the data
err = _Console(stderr=True, highlight=False, emoji=False)


def print_path(line: str) -> None:
    """A line with a path or an address in it: never broken, never read as markup."""
    out.print(line, soft_wrap=True, markup=False)


def print_json(result: Any, **more: Any) -> None:
    """The one JSON object of a --json run: a result, and more keys beside its own."""
    from features.result_json import to_json

    content = log().pasted(to_json(result) | to_json(more))
    text = json.dumps(content, allow_nan=False)  # all of it in ASCII
    sys.stdout.write(text.replace("\x7f", "\\u007f") + "\n")


def pasted(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result as JSON has it, whose commands to paste name the folder and the question."""
    from features.result_json import to_json

    content: dict[str, Any] = log().pasted(to_json(result))
    return content


_log = [Log(as_json=False)]  # of this process


def begin_log(as_json: bool) -> Log:
    """A log of its own for a run of the command."""
    _log[:] = [Log(as_json)]
    return _log[0]


def log() -> Log:
    """That of this run."""
    return _log[0]


def remember_question(name: str | None) -> str | None:
    """The question that a verb is about, for the commands that its messages name."""
    log().question = name or ""
    return name


def remember_folder(where: Path) -> Path:
    """The folder that a verb is about, for the commands that its messages name; none where it is
    the current one."""
    log().folder = "" if where == Path() else str(where)
    return where


def print_waiting(message: str) -> None:
    """What a command waits for, on standard error."""
    if log().as_json:
        log().write("info", "waiting", message)
    else:
        err.print(message, markup=False)


def print_notes(notes: Iterable[object], what: str = "note", colour: str = "yellow") -> None:
    """One line each, on standard error."""
    for note in notes:
        if log().as_json:
            log().write("warning", what, str(note))
        else:
            err.print(f"[{colour}]{what}[/] {escape(str(note))}")


def print_error(message: str, **more: object) -> None:
    """Why a command failed, on standard error."""
    if log().as_json:
        log().write("error", "error", message, **more)
    else:
        err.print(f"[bold red]readiness:[/] {escape(message)}", soft_wrap=True)


def print_times() -> None:
    """Where the time went, and how much memory it took: a line on standard error, for the mail of a
    scheduler."""
    if not log().as_json:
        figures = log().figures
        shown = {name: each for name, each in figures["steps"].items() if each >= 0.05}
        steps = ", ".join(f"{name} {each:.1f}" for name, each in shown.items())
        memory = f"at most {figures['peak_memory_mb']:,} MB of memory"
        err.print(f"[dim]{figures['seconds']:.1f} seconds ({steps}), {memory}[/]", soft_wrap=True)


def print_verdict(verdict: object) -> None:
    """The finding of a report in a sentence, in bold."""
    out.print(f"[bold]{escape(str(verdict))}[/]")


def print_section(title: str) -> None:
    """The heading of a part of a long output."""
    out.print()
    out.rule(f"[bold]{escape(title)}[/]", align="left", style="dim")


def report_table(
    title: str | None,
    columns: Iterable[Column | str],
    rows: Iterable[Sequence[RenderableType]],
    caption: str | None = None,
    **more: Any,
) -> Table:
    """A table as wide as its cells need and the terminal allows, its title and caption to the left.

    columns: the headings; ">" begins that of a column of figures or times, which stand to the right
    and are never broken. rows: their cells, in rich's markup or `with_details`; an empty row ends
    a section.
    """
    left = {"title_justify": "left", "caption_justify": "left"}
    table = Table(*map(_column, columns), title=title, caption=caption, **left | more)
    for row in rows:
        if row:
            table.add_row(*row)
        else:
            table.add_section()
    return table


def _column(heading: Column | str) -> Column:
    if isinstance(heading, Column):
        return heading
    if heading.startswith(">"):
        return Column(heading.removeprefix(">"), justify="right", no_wrap=True)
    return Column(heading, overflow="fold")


def print_table(*parts: Any, **more: Any) -> None:
    """Prints a `report_table`."""
    out.print(report_table(*parts, **more))


def with_details(name: str, details: str) -> Group:
    """A cell with a name on a line of its own, which stays whole where it fits, and its details
    below, indented: for the first column of a list, whose ids may be long. Both in rich's markup.
    """
    return Group(f"[bold]{name}[/]", Padding(details, (0, 0, 0, 2)))


def figure(value: float | None, form: str) -> str:
    """A figure in a format such as `{:.1%}`; a dash where it is None or NaN."""
    return "-" if value is None or math.isnan(value) else form.format(value)


def with_interval(estimate: "Estimate", form: str) -> str:
    """A figure with its interval: 23.0% (20.1% to 26.2%), or alone where that is not known."""
    point, low, high = (figure(value, form) for value in estimate)
    return f"{point} ({low} to {high})" if estimate.known else point


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Bars on standard error, one per kind of work, shown while they run and left when done."""
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    bars = Bars(*columns, console=err, disable=log().as_json)
    tasks: dict[str, Any] = {}
    open_steps = ExitStack()

    def report(what: str, done: int, of: int) -> None:
        if done == 0:  # a piece of work in few steps, from begin to end
            open_steps.enter_context(step(what))
        elif done == of:
            open_steps.close()
        if what not in tasks:
            bars.start()  # not before there is something to show: an empty one leaves a blank line
            tasks[what] = bars.add_task(what, total=of)
        bars.update(tasks[what], completed=done, total=of)

    try:
        yield report
    finally:
        open_steps.close()
        if tasks:
            bars.stop()
