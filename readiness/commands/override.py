"""The verb override."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from readiness.commands.options import AsJson, Because, Lead, Question, Where
from readiness.commands.printing import out, print_json, print_table


def verb(
    lead: Lead,
    where: Where = Path(),
    question: Question = None,
    route: Annotated[
        str | None, typer.Option(help="Where the lead goes: sales, nurture or disqualified.")
    ] = None,
    because: Because = "",
    by: Annotated[str | None, typer.Option(envvar="USER", help="Who decides.")] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DAY", help="The first day it is no longer valid."
        ),
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw the current decision.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Decide otherwise than the model for one lead; or show what was decided.

    Your route is stored next to the computed one in the ledger, never over it: `route` stays as
    computed, `decided_route` is yours from the newest list on, in every export and count.
    Without --route or --withdraw: the history of the lead. Nothing is ever deleted from it.
    """
    from features.cutoffs import utc_now
    from models.decisions.overrides import Override
    from readiness.settings import load
    from serve.ledger.decide import add_override, decisions_about
    from serve.ledger.ledger import open_ledger_of

    if withdraw and (route or until):
        raise typer.BadParameter("it takes neither --route nor --until", param_hint="--withdraw")
    config = load(where, question=question)
    with open_ledger_of(config) as ledger:
        if route or withdraw:
            since = ledger.newest_cutoff()
            add_override(ledger, Override(lead, route, because, by, utc_now(), since, until))
        records = [vars(each) for each in decisions_about(ledger, lead)]
    if as_json:
        print_json({"lead_id": lead, "history": records})
        return
    named = f"{config.unit} {escape(lead)}"
    if not records:
        out.print(f"Nobody decided otherwise for {named}: the computed route counts.")
        return
    _print_history(named, records)


def _print_history(named: str, records: list[dict[Any, Any]]) -> None:
    rows = [
        (
            f"{row['decided_at']:%Y-%m-%d}",
            escape(row["decided_by"] or ""),
            row["route"] or "withdrawn",
            f"{row['since']:%Y-%m-%d}",
            f"{row['until']:%Y-%m-%d}" if row["until"] else "",
            escape(row["because"]),
        )
        for row in records
    ]
    print_table(
        f"What people decided for {named}; the last decision counts",
        [">decided", "by", "route", ">lists from", ">until", "because"],
        rows,
    )
