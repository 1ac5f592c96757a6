"""The verbs by which people answer the machine: override, feedback."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.console import AsJson, err, out, print_json, print_path, require_html
from readiness.commands.data import Where

if TYPE_CHECKING:
    import pandas as pd

    from serve.reports.feedback.figures import Feedback


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command("override")(override_verb)
    app.command("feedback")(feedback_verb)


def override_verb(
    lead: Annotated[str, typer.Argument(metavar="LEAD", help="The lead_id.")],
    where: Where = Path(),
    route: Annotated[
        str | None, typer.Option(help="Where the lead goes: sales, nurture or disqualified.")
    ] = None,
    because: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
    by: Annotated[str | None, typer.Option(envvar="USER", help="Who decides.")] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DAY", help="The first day on which it holds no more."
        ),
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take the decision in force back.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Decide otherwise than the machine for one lead; or show what was decided.

    Your route stands beside the machine's in the ledger, never over it: `route` stays what the
    machine said, `decided_route` is yours from the newest list on, in every export and count.
    Without --route or --withdraw: the history of the lead. Nothing is ever deleted from it.
    """
    from features.config import load
    from features.cutoffs import utc_now
    from serve.ledger.ledger import open_ledger
    from serve.ledger.overrides import Override, add_override, history, last_cutoff

    if withdraw and (route or until):
        raise typer.BadParameter("it takes neither --route nor --until", param_hint="--withdraw")
    config = load(where)
    with open_ledger(config.out_folder / "ledger.duckdb") as ledger:
        if route or withdraw:
            since = last_cutoff(ledger.connection)
            decided = Override(lead, route, because, by, utc_now(), since, until)
            add_override(ledger.connection, decided)
        rows = history(ledger.connection, lead)
    if as_json:
        known = rows.astype(object).where(rows.notna(), None)
        told = known.map(lambda each: str(each) if isinstance(each, datetime) else each)
        print_json({"lead_id": lead, "history": told})
        return
    if rows.empty:
        out.print(f"Nobody decided otherwise for lead {escape(lead)}: the machine's route counts.")
        return
    out.print(_history_table(lead, rows))


def _history_table(lead: str, rows: "pd.DataFrame") -> Table:
    table = Table(
        Column("decided", no_wrap=True),
        Column("by"),
        Column("route"),
        Column("lists from", no_wrap=True),
        Column("until", no_wrap=True),
        "because",
        title=f"What people decided for lead {escape(lead)}; the last word counts",
        title_justify="left",
    )
    known = rows.astype(object).where(rows.notna(), None)
    for row in known.to_dict("records"):
        table.add_row(
            f"{row['decided_at']:%Y-%m-%d}",
            escape(row["decided_by"] or ""),
            row["route"] or "withdrawn",
            f"{row['since']:%Y-%m-%d}",
            f"{row['until']:%Y-%m-%d}" if row["until"] else "",
            escape(row["because"]),
        )
    return table


def feedback_verb(
    where: Where = Path(),
    to: Annotated[
        Path | None, typer.Option("--out", help="The HTML page. Default: feedback.html in `out`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What sales said of the leads they were handed, and what became of those.

    Reads the table of contacts (lead_id, contacted_at; by, accepted, reason) against the lists in
    the ledger: how many were accepted, by readiness, points, source, basket and seller; why others
    were not; who was never called, and how soon the rest were. A contact belongs to the last list
    made before it; lists of the past are made by: readiness score --cutoff DAY
    """
    from features.config import load
    from features.contract.database import open_database
    from serve.reports.feedback.figures import feedback
    from serve.reports.feedback.page import write_page

    require_html(to)
    config = load(where)
    with open_database(config) as database:
        found = feedback(config, database)
    page = write_page(found, to or config.out_folder / "feedback.html")
    if as_json:
        print_json(found, page=page)
        return
    for note in found.notes:
        err.print(f"[yellow]note[/] {escape(note)}")
    out.print(
        f"{found.contacts:,} contacts against {found.lists:,} lists: {found.matched:,} times a "
        "lead of the list was contacted before the next one."
    )
    out.print(_acceptance_table(found))
    if found.reasons:
        told = "; ".join(f"{escape(why)}: {count:,}" for why, count in found.reasons.items())
        out.print(f"Why leads of the list were rejected. {told}.")
    out.print(_speed_table(found))
    out.print(_ends_table(found))
    out.print(f"[bold]{escape(str(found.verdict))}[/]")
    print_path(f"Page: {page}")


def _acceptance_table(found: "Feedback") -> Table:
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
    for how, groups in found.by.items():
        for place, each in enumerate(groups):
            share = f"{each.share:.0%} ({each.low:.0%} to {each.high:.0%})"
            name = "" if place else how
            table.add_row(name, escape(each.group), f"{each.judged:,}", f"{each.accepted:,}", share)
        table.add_section()
    return table


def _speed_table(found: "Feedback") -> Table:
    fates = ("in time", "late", "overdue", "due", "closed")
    table = Table(
        "basket",
        *(Column(name, justify="right") for name in ("leads", *fates, "hours", "target")),
        title="How soon they were called, from the first list that they were on",
        title_justify="left",
        caption="overdue: not called yet, and late; due: not yet late; closed: ended uncalled; "
        "hours: the median until the first call",
        caption_justify="left",
    )
    for each in found.speed:
        hours = (each.median_hours, each.target_hours)
        table.add_row(
            escape(each.basket),
            f"{each.leads:,}",
            *(f"{each.fates[fate]:,}" for fate in fates),
            *("-" if hour is None else f"{hour:,.0f}" for hour in hours),
        )
    return table


def _ends_table(found: "Feedback") -> Table:
    table = Table(
        "said of it first",
        *(Column(name, justify="right") for name in ("won", "lost", "open")),
        title="What became of the leads handed over",
        title_justify="left",
    )
    for said, ends in found.ends.items():
        table.add_row(said, *(f"{count:,}" for count in ends.values()))
    return table
