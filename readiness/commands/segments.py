"""The verb segments."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from readiness.commands.console import (
    AsJson,
    err,
    out,
    print_json,
    print_path,
    progress_bars,
    require_html,
)
from readiness.commands.data import Where
from readiness.commands.use import Cutoff

if TYPE_CHECKING:
    from serve.reports.segments.figures import SegmentGroup, SegmentsReport

WIDEST = 6  # segments whose overlap fits on a terminal


def add_to(app: typer.Typer) -> None:
    """Add this verb to the command."""
    app.command("segments")(segments_verb)


def segments_verb(
    where: Where = Path(),
    cutoff: Cutoff = None,
    which: Annotated[
        str,
        typer.Option(
            "--model",
            help="champion, challenger, or the number of a version, for the mean readiness. "
            "Default: the champion, else the challenger, else none.",
        ),
    ] = "",
    to: Annotated[
        Path | None, typer.Option("--out", help="The HTML page. Default: segments.html in `out`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Who is in which segment, what share of them is won, and how segments overlap.

    Segments are named filters over the leads, those of segments.toml beside readiness.toml
    (`readiness init` writes a starter). Of each: how many open leads are in it now, the share won
    within the horizon on past cutoffs with its 95 % interval, times as many as of all leads (lift),
    mean readiness and points. Writes a self-contained HTML page (and segments.json beside it).

    A segment as a feature of the model: features.segments in readiness.toml. Only its leads:
    readiness score --segment NAME, readiness compare --segment NAME.
    """
    from features.config import load
    from serve.reports.segments.figures import segments_report
    from serve.reports.segments.page import write_page

    require_html(to)
    config = load(where)
    with progress_bars() as told:
        report = segments_report(config, which, cutoff, told)
    page = write_page(report, to or config.out_folder / "segments.html")
    if as_json:
        print_json(report, page=page)
        return
    _print(report)
    print_path(f"Report: {page}")


def _print(report: "SegmentsReport") -> None:
    for note in report.notes:
        err.print(f"[yellow]note[/] {escape(note)}")
    out.print(_conversions(report))
    if 1 < len(report.segments) <= WIDEST:
        out.print(_overlap(report))
    elif report.segments[1:]:
        out.print("How they overlap: see the report, or --json.")
    out.print(f"[bold]{escape(str(report.verdict))}[/]")


def _conversions(report: "SegmentsReport") -> Table:
    past = report.cutoffs
    span = f"{past[0]:%Y-%m-%d} to {past[-1]:%Y-%m-%d}" if past else "none yet"
    table = Table(
        title=f"Segments of the open leads at {report.cutoff:%Y-%m-%d %H:%M} UTC",
        title_justify="left",
        caption=f"open: leads in it now. won: within {report.horizon_days} days, of those in it at "
        f"the past cutoffs ({span}), 95 % interval. lift: over all open leads; + - surely more or "
        "fewer. ready, points: means of those open now.",
        caption_justify="left",
    )
    table.add_column("segment", overflow="fold", min_width=14)
    for heading in ("open", "won", "95 %", "lift", "ready", "points"):
        table.add_column(heading, justify="right", no_wrap=True)
    for group in report.segments:
        table.add_row(*_row(group))
    table.add_section()
    table.add_row(*_row(report.everyone))
    table.add_row(*_row(report.nowhere))
    return table


def _row(group: "SegmentGroup") -> list[str]:
    found = group.conversion
    sign = {"more": "+", "fewer": "-", "not clear": " "}[found.against_all]
    lift = "-" if math.isnan(found.lift.point) else f"{found.lift.point:.2f}{sign}"
    unknown = math.isnan(found.rate.low)
    return [
        escape(group.name),
        f"{group.open_leads:,}",
        "-" if math.isnan(found.rate.point) else f"{found.rate.point:.1%}",
        "-" if unknown else f"{100 * found.rate.low:.1f}-{100 * found.rate.high:.1f}",
        lift,
        "-" if group.readiness is None else f"{group.readiness:.1%}",
        "-" if group.points is None else f"{group.points:.1f}",
    ]


def _overlap(report: "SegmentsReport") -> Table:
    table = Table(
        title="How they overlap",
        title_justify="left",
        caption="Of the open leads of the segment to the left, the share that is also in the other",
        caption_justify="left",
    )
    table.add_column("of", overflow="fold", min_width=14)
    for name in report.overlap.columns:
        table.add_column(escape(name), justify="right", overflow="fold")
    for name, shares in zip(report.overlap.index, report.overlap.to_numpy(), strict=True):
        told = ["-" if math.isnan(share) else f"{share:.0%}" for share in shares]
        table.add_row(escape(str(name)), *told)
    return table
