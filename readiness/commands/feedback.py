"""The verb feedback."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.options import AsJson, Page, Where
from readiness.commands.printing import out, print_json, print_notes, print_path

if TYPE_CHECKING:
    from serve.reports.feedback.figures import Feedback


def verb(
    where: Where = Path(),
    to: Page = None,
    as_json: AsJson = False,
) -> None:
    """Which leads sales accepted, which they rejected and why, and what became of them.

    Reads the table of contacts (lead_id, contacted_at; by, accepted, reason) against the lists in
    the ledger: how many were accepted, by readiness, points, source, basket and seller; why others
    were not; who was never called, and how soon the rest were. A contact belongs to the last list
    made before it; to make lists of the past: readiness score --cutoff DAY
    """
    from features.config import load
    from features.open import open_database
    from serve.reports.feedback.figures import feedback
    from serve.reports.feedback.page import render
    from serve.reports.page import write_page

    config = load(where)
    with open_database(config) as database:
        result = feedback(config, database)
    page = write_page(to or config.out_folder / "feedback.html", render(result), result)
    if as_json:
        print_json(result, page=page)
        return
    print_notes(result.notes)
    out.print(
        f"{result.contacts:,} contacts against {result.lists:,} lists: {result.matched:,} times a "
        "lead of the list was contacted before the next one."
    )
    out.print(_acceptance_table(result))
    if result.reasons:
        reasons = "; ".join(f"{escape(why)}: {count:,}" for why, count in result.reasons.items())
        out.print(f"Why leads of the list were rejected. {reasons}.")
    out.print(_speed_table(result))
    out.print(_ends_table(result))
    out.print(f"[bold]{escape(str(result.verdict))}[/]")
    print_path(f"Page: {page}")


def _acceptance_table(result: "Feedback") -> Table:
    table = Table(
        Column("by", no_wrap=True),
        "group",
        Column("judged", justify="right"),
        Column("accepted", justify="right"),
        Column("share (95 % interval)", justify="right", no_wrap=True),
        title="Accepted by sales",
        title_justify="left",
        caption="route: all contacts of leads in the ledger; the rest: those on the list for sales",
        caption_justify="left",
    )
    for how, groups in result.by.items():
        for place, each in enumerate(groups):
            share = f"{each.share:.0%} ({each.low:.0%} to {each.high:.0%})"
            name = "" if place else how
            table.add_row(name, escape(each.group), f"{each.judged:,}", f"{each.accepted:,}", share)
        table.add_section()
    return table


def _speed_table(result: "Feedback") -> Table:
    fates = ("in time", "late", "overdue", "due", "closed")
    table = Table(
        "basket",
        *(Column(name, justify="right") for name in ("leads", *fates, "hours", "target")),
        title="Time to the first call, from the first list that the lead was on",
        title_justify="left",
        caption="overdue: not called yet, and late; due: not yet late; closed: ended uncalled; "
        "hours: the median until the first call",
        caption_justify="left",
    )
    for each in result.speed:
        hours = (each.median_hours, each.target_hours)
        table.add_row(
            escape(each.basket),
            f"{each.leads:,}",
            *(f"{each.fates[fate]:,}" for fate in fates),
            *("-" if hour is None else f"{hour:,.0f}" for hour in hours),
        )
    return table


def _ends_table(result: "Feedback") -> Table:
    table = Table(
        "first score",
        *(Column(name, justify="right") for name in ("won", "lost", "open")),
        title="What became of the leads handed over",
        title_justify="left",
    )
    for score, ends in result.ends.items():
        table.add_row(score, *(f"{count:,}" for count in ends.values()))
    return table
