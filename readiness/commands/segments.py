"""The verb segments."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Column

from features.spec.wording import plural
from readiness.commands.options import AsJson, Cutoff, IfAny, Page, Question, Where
from readiness.commands.printing import (
    figure,
    out,
    print_json,
    print_notes,
    print_path,
    print_table,
    print_verdict,
    progress_bars,
)

if TYPE_CHECKING:
    from serve.reports.segments.figures import SegmentGroup, SegmentsReport

WIDEST = 6  # segments whose overlap fits on a terminal


def verb(
    where: Where = Path(),
    question: Question = None,
    cutoff: Cutoff = None,
    which: IfAny = None,
    to: Page = None,
    as_json: AsJson = False,
) -> None:
    """Who is in which segment, what share of them is won, and how segments overlap.

    Segments are named filters over the leads, defined in segments.toml next to readiness.toml
    (`readiness init` writes a starter). For each: how many open leads are in it now, the share won
    within the horizon on past cutoffs with its 95% interval, its lift (relative to all leads),
    mean readiness and points. Writes a self-contained HTML page (segments.html), and segments.json.

    A segment as a feature of the model: features.segments in readiness.toml. Only its leads:
    readiness score --segment NAME, readiness compare --segment NAME.
    """
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.reports.page import write_page
    from serve.reports.segments.figures import segments_report
    from serve.reports.segments.page import render

    config = load(where, to, question=question)
    with progress_bars() as progress:
        report = segments_report(config, which or "", cutoff, progress)
    page = write_page(destination(config, to, "segments.html"), render(report), report)
    if as_json:
        print_json(report, page=page)
        return
    print_notes(report.notes)
    _print_conversions(report)
    if 1 < len(report.segments) <= WIDEST:
        _print_overlap(report)
    elif report.segments[1:]:
        out.print("How they overlap: see the report, or --json.")
    print_verdict(report.verdict)
    print_path(f"Report: {page}")


def _print_conversions(report: "SegmentsReport") -> None:
    past = report.cutoffs
    span = f"{past[0]:%Y-%m-%d} to {past[-1]:%Y-%m-%d}" if past else "none yet"
    print_table(
        f"Segments of the open leads at {report.cutoff:%Y-%m-%d %H:%M} UTC",
        [_name("segment"), ">open", ">won", ">95%", ">lift", ">ready", ">points"],
        [*map(_row, report.segments), (), _row(report.all_open_leads), _row(report.in_no_segment)],
        f"open: leads in it now. won: within {plural(report.horizon_days, 'day')}, of "
        "those in it at "
        f"the past cutoffs ({span}), 95% interval. lift: over all open leads; + - surely more or "
        "fewer. ready, points: means of those open now.",
    )


def _name(heading: str) -> Column:
    return Column(heading, overflow="fold", min_width=14)


def _row(group: "SegmentGroup") -> list[str]:
    rate, lift = group.conversion.rate, group.conversion.lift
    sign = {"more": "+", "fewer": "-", "not clear": " "}[group.conversion.against_all]
    return [
        escape(group.name),
        f"{group.open_leads:,}",
        figure(rate.point, "{:.1%}"),
        f"{100 * rate.low:.1f}-{100 * rate.high:.1f}" if rate.known else "-",
        figure(lift.point, "{:.2f}" + sign),
        figure(group.readiness, "{:.1%}"),
        figure(group.points, "{:.1f}"),
    ]


def _print_overlap(report: "SegmentsReport") -> None:
    others = (f">{escape(name)}" for name in report.overlap.columns)
    rows = [
        (escape(str(name)), *(figure(share, "{:.1%}") for share in shares))
        for name, shares in zip(report.overlap.index, report.overlap.to_numpy(), strict=True)
    ]
    print_table(
        "How they overlap",
        [_name("of"), *others],
        rows,
        "Of the open leads of the segment to the left, the share that is also in the other",
    )
