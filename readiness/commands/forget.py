"""The verb forget."""

import getpass
from pathlib import Path

from rich.markup import escape

from readiness.commands.options import AsJson, Because, By, Lead, Where
from readiness.commands.printing import out, print_json, print_path, print_table, print_waiting


def verb(
    lead: Lead,
    where: Where = Path(),
    because: Because = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Delete a person from all results: ledger, decisions, exports, pages, artefacts of models.

    Of every question of the project (docs/questions.md), it takes the lead out of every run of the
    ledger, also those that were withdrawn; deletes what people decided about it; takes it out of
    the .csv and .parquet files in `out` and of those that --export wrote elsewhere; deletes the
    pages in `out` that name it (their verbs write them anew); and takes it out of what MLflow keeps
    in files. This cannot be undone.

    A receipt in `out/forgotten`, which does not name the lead, says what was removed where, and
    what is left to you: the lead comes back with the next run while it is in your tables, and
    backups, servers and what you copied elsewhere are out of reach. Where no result names the lead
    it says so, with an empty list `removed` in --json, and exits 0: a second run is no failure.
    """
    from features.config import load_all
    from readiness.forgetting import forget
    from readiness.settings import require_settings

    questions = list(load_all(where).values())
    for config in questions:
        require_settings(config)
    receipt, path = forget(questions, lead, by or getpass.getuser(), because, print_waiting)
    if as_json:
        print_json(receipt, path=path)
        return
    rows = [(f"{each.count:,}", escape(each.what), escape(each.where)) for each in receipt.removed]
    if rows:
        print_table("Removed", [">number", "what", "where"], rows)
    else:
        out.print(
            f"[yellow]nothing removed[/] No result names the lead {escape(repr(lead))}. Is the id "
            "right? If it was forgotten before, there is nothing more to do here."
        )
    for left in receipt.left:
        out.print(f"[yellow]left to you[/] {escape(left.where)}: {escape(left.todo)}")
    print_path(f"Receipt: {path}")
