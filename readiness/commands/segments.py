"""The verb segments."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from readiness.commands.options import AsJson, Cutoff, IfAny, Page, Where
from readiness.commands.printing import out, print_json, print_notes, print_path, progress_bars

if TYPE_CHECKING:
    from serve.reports.segments.figures import SegmentGroup, SegmentsReport

WIDEST = 6  # segments whose overlap fits on a terminal


def verb(
    where: Where = Path(),
    cutoff: Cutoff = None,
    which: IfAny = None,
    to: Page = None,
    as_json: AsJson = False,
) -> None:
    """Who is in which segment, what share of them is won, and how segments overlap.

    Segments are named filters over the leads, defined in segments.toml next to readiness.toml
    (`readiness init` writes a starter). For each: how many open leads are in it now, the share won
    within the horizon on past cutoffs with its 95 % interval, its lift (relative to all leads),
    mean readiness and points. Writes a self-contained HTML page (segments.html), and segments.json.

    A segment as a feature of the model: features.segments in readiness.toml. Only its leads:
    readiness score --segment NAME, readiness compare --segment NAME.
    """
    from features.config import load
    from serve.reports.page import write_page
    from serve.reports.segments.figures import segments_report
    from serve.reports.segments.page import render

    config = load(where)
    with progress_bars() as progress:
        report = segments_report(config, which or "", cutoff, progress)
    page = write_page(to or config.out_folder / "segments.html", render(report), report)
    if as_json:
        print_json(report, page=page)
        return
    _print(report)
    print_path(f"Report: {page}")


def _print(report: "SegmentsReport") -> None:
    print_notes(report.notes)
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
    result = group.conversion
    sign = {"more": "+", "fewer": "-", "not clear": " "}[result.against_all]
    lift = "-" if math.isnan(result.lift.point) else f"{result.lift.point:.2f}{sign}"
    unknown = math.isnan(result.rate.low)
    return [
        escape(group.name),
        f"{group.open_leads:,}",
        "-" if math.isnan(result.rate.point) else f"{result.rate.point:.1%}",
        "-" if unknown else f"{100 * result.rate.low:.1f}-{100 * result.rate.high:.1f}",
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
        cells = ["-" if math.isnan(share) else f"{share:.0%}" for share in shares]
        table.add_row(escape(str(name)), *cells)
    return table
