"""The verb history."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from readiness.commands.options import AsJson, Page, Question, Where
from readiness.commands.printing import (
    print_json,
    print_notes,
    print_path,
    print_table,
)

if TYPE_CHECKING:
    from models.decisions.champion_history import ChampionHistory, Period


def verb(
    where: Where = Path(), question: Question = None, to: Page = None, as_json: AsJson = False
) -> None:
    """Who was champion from when to when, who approved it, why and by which figures.

    Read from decisions.sqlite in `out`; the promotions.jsonl of an earlier release is imported
    once. A change of champion that a crash interrupted is completed or abandoned, and shown as
    such. Exits 1 if the change that set the current champion is missing. Writes a self-contained
    HTML page (history.html), and the same as .json.
    """
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.reports.history.page import render
    from serve.reports.page import write_page
    from training.promotion.history import history

    config = load(where, to, question=question)
    result = history(config)
    page = write_page(destination(config, to, "history.html"), render(result), result)
    if as_json:
        print_json(result, page=page)
    else:
        _print(result)
        print_path(f"Page: {page}")
    if result.fault:
        raise typer.Exit(1)


def _print(result: "ChampionHistory") -> None:
    print_notes(result.notes)
    if not result.periods:
        print_path("There was no champion yet. Next: readiness promote")
    else:
        _print_periods(result.periods)
    if result.fault:
        print_path(f"The history is not complete. {result.fault}")


def _print_periods(periods: "list[Period]") -> None:
    from serve.reports.history.page import moment

    rows = [
        (
            str(period.version),
            moment(period.since, "unknown"),
            moment(period.until, "now" if period is periods[-1] else "unknown"),
            escape(period.change.approved_by if period.change else ""),
            escape(_reason(period)),
        )
        for period in periods
    ]
    print_table(
        "Champions, times in UTC",
        [">version", ">champion from", ">to", "approved by", "reason"],
        rows,
        show_lines=True,
    )


def _reason(period: "Period") -> str:
    """A person's reason first, then the decision."""
    if period.change is None:
        return "set as champion outside of this history"
    reason, summary = period.change.reason, period.change.summary
    return f'"{reason}" {summary}' if reason else summary
