"""The verb about sources and their baskets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from features.spec.wording import plural
from readiness.commands.options import AsJson, Cutoff, Question, Where
from readiness.commands.printing import (
    figure,
    out,
    print_json,
    print_notes,
    print_path,
    print_table,
)

if TYPE_CHECKING:
    from serve.reports.sources.figures import Review


def verb(
    where: Where = Path(),
    question: Question = None,
    cutoff: Cutoff = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Append the moves to sources.toml, with their evidence.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What share of each source's leads is won, and whether it is in the right basket.

    Measures how many of its leads were won within the horizon, over a rolling window of leads whose
    horizon is over, shrunk towards its basket. Recommends a move by one basket only where the data
    leave little doubt (the settings are in sources.toml). Writes sources.html into `out`.
    """
    from features.open_database import open_database
    from models.sources.sources import load_sources
    from readiness.settings import load
    from serve.reports.page import write_page
    from serve.reports.sources.figures import apply_moves, review, sources_path
    from serve.reports.sources.page import render
    from serve.scoring.scored import refuse_future

    config = load(where, question=question)
    if apply:
        refuse_future(cutoff, "appended to sources.toml", "Leave out --apply, or --cutoff.")
    known = load_sources(sources_path(config))
    with open_database(config) as database:
        result = review(config, database, known, cutoff)
    applied = apply_moves(config, result) if apply else None
    page = write_page(config.out_folder / "sources.html", render(result, applied))
    if as_json:
        print_json(result, applied=applied, page=page)
        return
    print_notes(result.notes)
    _print_sources(result)
    _print_moves(result, applied)
    print_path(f"Page: {page}")


def _print_moves(result: "Review", applied: list[str] | None) -> None:
    moves: dict[str, list[str]] = {}
    for source in result.moving:
        moves.setdefault(f"from {source.basket} to {source.verdict.to}", []).append(source.name)
    for move, names in moves.items():
        out.print(f"[bold]{plural(len(names), 'source')} {move}[/]: {escape(', '.join(names))}.")
    if moves:
        out.print("How sure each of these moves is: the page, or --json.")
    if not result.moving:
        out.print("No source should move.")
    elif applied is None:
        out.print("Nothing was changed. To write these moves into sources.toml: --apply")
    else:
        out.print(f"{plural(len(applied), 'move')} written into sources.toml.")


def _print_sources(result: "Review") -> None:
    rows: list[tuple[str, ...]] = []
    for basket, sources in result.by_basket.items():
        for place, source in enumerate(sources):
            measures, (low, high) = source.measures, source.interval
            trend = measures.trend
            rows.append(
                (
                    "" if place else basket,
                    escape(source.name),
                    f"{measures.whole.leads:,}",
                    f"{measures.whole.won:,}",
                    f"{source.verdict.belief.mean:.1%} ({low:.1%} to {high:.1%})",
                    "-" if trend is None else f"{100 * trend.point:+.1f}{'*' * trend.significant}",
                    figure(measures.days_to_win, "{:.0f}"),
                )
            )
        rows.append(())
    print_table(
        f"Leads first touched from {result.first:%Y-%m-%d} up to {result.last:%Y-%m-%d}, won "
        f"within {plural(result.horizon_days, 'day')}",
        ["basket", "source", ">leads", ">won", ">conversion", ">trend\n(pp)", ">days"],
        rows,
        "conversion: shrunk towards its basket, with a 95% interval. trend: later minus "
        "earlier half of the window in percentage points (pp), * if beyond chance. days: within "
        "which half of the wins come",
    )
