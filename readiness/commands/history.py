"""The verb history."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.options import AsJson, Where
from readiness.commands.printing import out, print_json, print_notes, print_path

if TYPE_CHECKING:
    from training.promotion.reigns import History, Reign


def verb(where: Where = Path(), as_json: AsJson = False) -> None:
    """Who was champion from when to when, who approved it, why and by which figures.

    Read from promotions.jsonl in `out`, which is only ever appended to. Each of its lines holds
    the SHA-256 of the line before, so a changed or missing line is detected, and is an error (exit
    code 1). A change of champion that a crash interrupted is shown as such.
    """
    from features.config import load
    from training.promotion.reigns import history

    result = history(load(where))
    if as_json:
        print_json(result.to_json())
    else:
        _print(result)
    if result.fault:
        raise typer.Exit(1)


def _print(result: "History") -> None:
    print_notes(result.notes)
    if not result.reigns:
        out.print("There was no champion yet. Next: readiness promote")
    else:
        out.print(_table(result.reigns))
    if result.fault:
        print_path(f"The log is damaged. {result.fault}")


def _table(reigns: "tuple[Reign, ...]") -> Table:
    table = Table(
        Column("version", justify="right"),
        Column("champion from", no_wrap=True),
        Column("to", no_wrap=True),
        Column("by", overflow="fold"),
        Column("why", overflow="fold"),
        title="Champions, times in UTC",
        title_justify="left",
        show_lines=True,
    )
    for reign in reigns:
        table.add_row(
            reign.version,
            _minute(reign.since, "unknown"),
            _minute(reign.until, "now"),
            escape(reign.by),
            escape(_why(reign)),
        )
    return table


def _minute(at: str | None, otherwise: str) -> str:
    return otherwise if at is None else at[:16].replace("T", " ")


def _why(reign: "Reign") -> str:
    """A person's reason first, then what was decided."""
    if reign.kind == "outside the log":
        return "set as champion outside the log"
    return f'"{reign.because}" {reign.said}' if reign.because else reign.said
