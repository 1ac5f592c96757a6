"""The verb plan."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from readiness.commands.options import TIMES, AsJson, Page, Question, Where, time_option
from readiness.commands.printing import (
    print_json,
    print_notes,
    print_path,
    print_table,
    print_verdict,
    progress_bars,
    with_interval,
)

if TYPE_CHECKING:
    from models.statistics.intervals import Estimate
    from serve.reports.funnel.plan import Needed, Plan


def verb(
    where: Where = Path(),
    question: Question = None,
    deals: Annotated[
        int | None,
        typer.Option(min=1, help="How many. Default: those of [plan] in funnel.toml."),
    ] = None,
    by: Annotated[
        datetime | None,
        time_option(
            "The last day of the period; it counts whole. Default: that of [plan] in funnel.toml.",
            metavar="DAY",
        ),
    ] = None,
    begin: Annotated[
        datetime | None,
        time_option("The first day of the period. Default: the cutoff.", "--from", metavar="DAY"),
    ] = None,
    as_of: Annotated[
        datetime | None,
        time_option(
            f"The cutoff. {TIMES} Only what was known strictly before it counts. Default: the end "
            "of the data."
        ),
    ] = None,
    to: Page = None,
    as_json: AsJson = False,
) -> None:
    """Can so many deals be won by a day, and how many leads would it take?

    From the stages of funnel.toml: how many deals the leads that are open now, each by its stage
    and its days in it, and those still to come will bring, with an 80% interval that holds both
    what is not known of the conversions and what chance may bring; how likely the target is; how
    many further leads in each stage, or of each source, would reach it, and by when; what a change
    would bring. `readiness plan DIR --deals 40 --by 2027-03-31`, or in funnel.toml:

        [plan]
        deals = 40
        by = 2027-03-31

    Writes the page of the funnel (funnel.html), with the plan as a section, and funnel.json.
    Exits 1 where nothing can be planned from.
    """
    from features.errors import BadInput
    from features.funnel import load_funnel
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.reports.funnel.figures import funnel_report
    from serve.reports.funnel.page import render
    from serve.reports.funnel.plan import Target
    from serve.reports.page import write_page

    config = load(where, to, question=question)
    written = load_funnel(config).plan if config.optional_file("funnel") else None
    count = deals or (written.deals if written else None)
    day = by or (written.by if written else None)
    if count is None or day is None:
        half = f"[plan] of funnel.toml lacks {' and '.join(written.missing)}. " if written else ""
        raise BadInput(
            f"{half}For how many deals, by when? Name both, as --deals 40 --by 2027-03-31, or "
            "write in funnel.toml:\n\n[plan]\ndeals = 40\nby = 2027-03-31"
        )
    with progress_bars() as progress:
        report = funnel_report(config, as_of, None, progress, Target.by(count, day, begin))
    page = write_page(destination(config, to, "funnel.html"), render(report), report)
    plan = report.plan
    assert plan is not None
    if as_json:
        print_json(plan, notes=report.notes, page=page)
        return
    print_notes(report.notes)
    print_verdict(plan.verdict)
    _print_phases(plan)
    _print_sources(plan)
    _print_changes(plan)
    print_path(f"Report: {page}")


def _print_phases(plan: "Plan") -> None:
    rows = [
        (
            escape(each.stage),
            f"{each.open:,}",
            f"{each.wins:,.1f}",
            _interval(each.chance, "{:.1f}%", 100),
            f"{each.half_of_wins:,} d",
            _leads(each.further),
            each.further.when if each.further else "-",
        )
        for each in plan.phases
    ]
    print_table(
        f"Won from {plan.begin:%Y-%m-%d} to {plan.target.last_day:%Y-%m-%d}, by the stage now",
        [
            "stage",
            ">open",
            ">wins",
            ">if it\nenters now",
            ">half\nwithin",
            ">further\nleads",
            ">entering",
        ],
        rows,
        "wins: expected of the open leads. If it enters now: the chance of one more lead to be "
        "won in the period, with its 80% interval. Half within: of the wins of a year. Further "
        "leads in this stage alone, entering by that day: so many reach the target in 50 of 100 "
        "futures (below it: in 10 to 90).",
    )


def _print_sources(plan: "Plan") -> None:
    rows = [
        (
            escape(each.source),
            f"{each.per_week:,.1f}",
            f"{each.chance.point:.1%}",
            _interval(each.wins, "{:,.0f}"),
            _leads(each.further),
            _interval(each.tenth_more, "{:+.1f}") if each.tenth_more else "-",
        )
        for each in plan.sources
    ]
    print_table(
        "By source",
        [
            "source",
            ">new\nper week",
            ">if it\ncomes now",
            ">wins",
            ">further\nleads",
            ">a tenth\nmore",
        ],
        rows,
        "wins: of its open leads and of those still to come. Further leads: of this source alone, "
        "coming now. A tenth more: wins more if a tenth of all leads to come were of this source "
        "instead of the others.",
    )


def _print_changes(plan: "Plan") -> None:
    rows = [(escape(stage), with_interval(more, "{:+.1f}")) for stage, more in plan.lifted.items()]
    print_table(
        "If a tenth more of the leads of one stage went on",
        ["stage", ">wins more"],
        rows,
        "on average, in the period. What a longer list would bring is not here: only a holdout "
        "tells (`readiness effect`).",
        min_width=56,
    )


def _interval(estimate: "Estimate", form: str, times: int = 1) -> str:
    """A figure, and on a line of its own the interval, where there is one."""
    point, low, high = (form.format(times * each) for each in estimate)
    return f"{point}\n{low.removesuffix('%')} to {high}" if estimate.known else point


def _leads(needed: "Needed | None") -> str:
    if needed is None:
        return "-"
    return f"{needed.even:,}\n{needed.low:,} to {needed.high:,}" if needed.high else "none"
