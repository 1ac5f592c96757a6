"""The verb funnel."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from readiness.commands.options import TIMES, AsJson, Page, Question, Where, time_option
from readiness.commands.printing import (
    figure,
    print_json,
    print_notes,
    print_path,
    print_table,
    print_verdict,
    progress_bars,
)

if TYPE_CHECKING:
    from serve.reports.funnel.figures import FunnelReport
    from serve.reports.funnel.transitions import Measured


def verb(
    where: Where = Path(),
    question: Question = None,
    until: Annotated[
        datetime | None,
        time_option(
            f"{TIMES} Only what was known strictly before it counts. Default: the end of the data."
        ),
    ] = None,
    by: Annotated[
        Literal["cohort", "source", "segment", "period"] | None,
        typer.Option(
            help="Also by source, by segment (as the lead was just before it entered the phase), "
            "by cohort (when the lead came) or by period (when it entered the phase)."
        ),
    ] = None,
    to: Page = None,
    as_json: AsJson = False,
) -> None:
    """How far leads come, how fast, and which phase is the bottleneck.

    The stages are those of funnel.toml next to readiness.toml (`readiness init` writes one):
    entered by events, contacts, deals, points or readiness, or by rows of the table stages.
    Conversion counts the leads that entered a phase long enough ago (`within_days`); open leads are
    never counted as lost. Writes a self-contained HTML page (funnel.html), and funnel.json.

    Each `[[stage]]` of funnel.toml, first to last, has a `name` and ways in: `created = true`,
    `actions = ["visited_pricing"]`, `contact = "accepted"`, `won = true`, `points_from = 40`,
    `readiness_from = 0.3`; optional: `within_days = 30` and `reference = [0.3, 0.5]`, the share
    that should come there from the stage before.
    """
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.reports.funnel.figures import funnel_report
    from serve.reports.funnel.page import render
    from serve.reports.page import write_page

    config = load(where, to, question=question)
    with progress_bars() as progress:
        report = funnel_report(config, until, by, progress)
    page = write_page(destination(config, to, "funnel.html"), render(report), report)
    if as_json:
        print_json(report, page=page)
        return
    print_notes(report.notes)
    _print_conversions(report)
    _print_times(report)
    if report.groups:
        _print_groups(report)
    print_verdict(report.greatest_loss)
    print_verdict(report.verdict)
    print_path(f"Report: {page}")


def _print_conversions(report: "FunnelReport") -> None:
    rows = [
        (
            _phase(each).replace(" > ", " >\n"),
            f"{each.entered:,}",
            f"{each.within} d",
            f"{each.mature:,}",
            _rate(each) + _reference(each),
            *(f"{n / each.mature:.1%}" if each.mature else "-" for n in (each.lost, each.still)),
        )
        for each in report.measured
    ]
    print_table(
        f"From stage to stage, as known before {report.until:%Y-%m-%d %H:%M} UTC",
        ["phase", ">entered", ">within", ">counted", ">went on", ">lost", ">still"],
        rows,
        "Of the leads that entered the phase so many days ago or longer: the share that "
        "went on within them (95% interval; ref.: the reference of funnel.toml), was lost, was "
        "still there.",
    )


def _print_times(report: "FunnelReport") -> None:
    from serve.reports.funnel.page import span

    rows = [
        (_phase(each), *map(span, [*each.days.values(), each.median_on]), f"{each.open:,}")
        for each in report.measured
    ]
    print_table(
        "Time in each phase",
        ["phase", ">25%", ">median", ">75%", ">gone on", ">open now"],
        rows,
        "Until a quarter, half and three quarters of its leads have left a phase, by going "
        "on or lost; open leads censored (Kaplan-Meier); unknown: too few have left by now.\n"
        "gone on: the median of those that went on in time.",
    )


def _print_groups(report: "FunnelReport") -> None:
    from serve.reports.funnel.page import span

    rows: list[tuple[str, ...]] = []
    for name, measured in report.groups.items():
        entered = [each for each in measured if each.entered]
        rows += [
            (
                "" if place else escape(name),
                _phase(each),
                f"{each.mature:,}",
                figure(each.rate.point, "{:.1%}"),
                _interval(each),
                span(each.days[0.5]),
            )
            for place, each in enumerate(entered)
        ]
        rows += [()] if entered else [(escape(name), "no lead"), ()]
    columns = [str(report.by), "phase", ">counted", ">went on", ">95%", ">median"]
    print_table(f"By {report.by}", columns, rows)


def _phase(each: "Measured") -> str:
    return escape(f"{each.begin} > {each.to}")


def _rate(each: "Measured") -> str:
    return f"{figure(each.rate.point, '{:.1%}')}\n{_interval(each)}" if each.mature else "-"


def _reference(each: "Measured") -> str:
    if each.reference is None:
        return ""
    low, high = each.reference
    return f"\nref. {100 * low:g}-{100 * high:g}"


def _interval(each: "Measured") -> str:
    return f"{100 * each.rate.low:.1f}-{100 * each.rate.high:.1f}" if each.mature else "-"
