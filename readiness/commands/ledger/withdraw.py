"""The verb ledger withdraw."""

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from readiness.commands.options import TIMES, AsJson, Because, By, Question, Where, time_option
from readiness.commands.printing import out, print_json, print_waiting


def verb(
    cutoff: Annotated[datetime, time_option(f"The cutoff of the run. {TIMES}")],
    where: Where = Path(),
    question: Question = None,
    because: Because = "",
    model: Annotated[
        str | None, typer.Option(help="Its version of the model, where the cutoff has several.")
    ] = None,
    rules: Annotated[
        str | None, typer.Option(help="Its version of the rules (first digits), likewise.")
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Take a run out of the ledger: one with a mistyped cutoff, or wrong tables.

    No list, report or later decision sees it any more. Who withdrew it, why and when stays in the
    history (readiness ledger runs). Scored again, the cutoff counts again.
    """
    from features.cutoffs import utc_now
    from models.decisions.place import LedgerPlace
    from readiness.settings import load
    from serve.ledger.ledger import open_ledger

    place = LedgerPlace.of(load(where, question=question))
    with open_ledger(place, notify=print_waiting) as ledger:
        run = ledger.only_run(cutoff, model, rules)
        withdrawn = ledger.withdraw(run, because, by or getpass.getuser(), utc_now())
        newest = ledger.runs[-1].cutoff if ledger.runs else None
    if as_json:
        print_json({"withdrawn": withdrawn, "newest_cutoff": newest})
        return
    out.print(f"Withdrawn: the run of {run}, {withdrawn.leads:,} leads.", markup=False)
    if newest:
        out.print(f"The newest list is now that of {newest:%Y-%m-%d %H:%M} UTC.")
