"""The verb feedback."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from features.spec.wording import plural
from readiness.commands.options import AsJson, Page, Question, Where
from readiness.commands.printing import (
    figure,
    out,
    print_json,
    print_notes,
    print_path,
    print_table,
    print_verdict,
)

if TYPE_CHECKING:
    from serve.reports.feedback.figures import Feedback


def verb(
    where: Where = Path(),
    question: Question = None,
    to: Page = None,
    as_json: AsJson = False,
) -> None:
    """Which leads sales accepted, which they rejected and why, and what became of them.

    Reads the table of contacts (lead_id, contacted_at; by, accepted, reason) against the lists in
    the ledger: how many were accepted, by readiness, points, source, basket and seller; why others
    were not; who was never called, and how soon the rest were. A contact belongs to the last list
    made before it; to make lists of the past: readiness score --cutoff DAY
    """
    from features.open_database import open_database
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.ledger.ledger import open_ledger_of
    from serve.reports.feedback.figures import feedback
    from serve.reports.feedback.page import render
    from serve.reports.page import write_page

    config = load(where, to, question=question)
    with open_database(config) as database, open_ledger_of(config) as ledger:
        result = feedback(ledger, database)
    page = write_page(destination(config, to, "feedback.html"), render(result), result)
    if as_json:
        print_json(result, page=page)
        return
    print_notes(result.notes)
    out.print(
        f"{plural(result.contacts, 'contact')} against {plural(result.lists, 'list')}: "
        f"{result.contacts_on_a_list:,} times a lead of the list was contacted before the next one."
    )
    _print_acceptance(result)
    if result.reasons_of_rejection:
        reasons = "; ".join(
            f"{escape(why)}: {count:,}" for why, count in result.reasons_of_rejection.items()
        )
        out.print(f"Why leads of the list were rejected. {reasons}.")
    _print_speed(result)
    _print_ends(result)
    print_verdict(result.verdict)
    print_path(f"Page: {page}")


def _print_acceptance(result: "Feedback") -> None:
    rows: list[tuple[str, ...]] = []
    for how, groups in result.acceptance.items():
        for place, each in enumerate(groups):
            share = f"{each.share:.1%} ({each.low:.1%} to {each.high:.1%})"
            judged = (f"{each.judged:,}", f"{each.accepted:,}")
            rows.append(("" if place else how, escape(each.group), *judged, share))
        rows.append(())
    print_table(
        "Accepted by sales",
        ["by", "group", ">judged", ">accepted", ">share (95% interval)"],
        rows,
        "route: all contacts of leads in the ledger; the rest: those on the list for sales",
    )


def _print_speed(result: "Feedback") -> None:
    fates = ("in time", "late", "overdue", "due", "closed")
    rows = [
        (
            escape(each.basket),
            f"{each.leads:,}",
            *(f"{each.fates[fate]:,}" for fate in fates),
            figure(each.median_hours, "{:,.0f}"),
            figure(each.target_hours, "{:,.0f}"),
        )
        for each in result.speed
    ]
    print_table(
        "Time to the first call, from the first list that the lead was on",
        ["basket", ">leads", *(f">{fate}" for fate in fates), ">hours", ">target"],
        rows,
        "overdue: not called yet, and late; due: not yet late; closed: ended uncalled; "
        "hours: the median until the first call",
    )


def _print_ends(result: "Feedback") -> None:
    rows = [(score, *(f"{n:,}" for n in ends.values())) for score, ends in result.became.items()]
    print_table(
        "What became of the leads handed over",
        ["first score", ">won", ">lost", ">open"],
        rows,
    )
