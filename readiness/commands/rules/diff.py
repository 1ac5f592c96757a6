"""The verb rules diff."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from readiness.commands.options import RULES, AsJson, Cutoff, Export, Question, Where
from readiness.commands.printing import (
    out,
    print_json,
    print_path,
    print_table,
    progress_bars,
)

if TYPE_CHECKING:
    from serve.reports.rules.diff import RulesDiff

HEAD = 10  # leads shown


def verb(
    old: Annotated[str, typer.Argument(metavar="A", help=RULES)],
    new: Annotated[str, typer.Argument(metavar="B", help=RULES)],
    where: Where = Path(),
    question: Question = None,
    cutoff: Cutoff = None,
    to: Export = None,
    as_json: AsJson = False,
) -> None:
    """Which open leads would change points or band under the rules B instead of A, and why.

    Counts how many leads go from which band to which, and shows first the leads that change band,
    with the lines of the points table that moved them.
    """
    from features.open_database import open_database
    from models.rules.rules import find_rules
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.ledger.ledger import require_exportable
    from serve.reports.rules.diff import diff_rules, export

    config = load(where, to, question=question)
    if to:
        require_exportable(to)
    a, b = find_rules(old, config), find_rules(new, config)
    with open_database(config, (*a.specs, *b.specs)) as database, progress_bars() as progress:
        result = diff_rules(config, database, a, b, cutoff, progress)
    written = export(result.leads, destination(config, to)) if to else None
    if as_json:
        print_json(result, export=written)
        return
    _print_diff(result)
    if written:
        print_path(f"Exported to {written}")


def _print_diff(result: "RulesDiff") -> None:
    counts = result.json_fields()
    out.print(
        f"From {escape(result.old.file.name)} ({result.old.version}) to "
        f"{escape(result.new.file.name)} ({result.new.version}): of {counts['open_leads']:,} open "
        f"leads at {result.cutoff:%Y-%m-%d %H:%M} UTC, {counts['other_points']:,} have other "
        f"points and [bold]{counts['other_band']:,} change band[/]. Disqualified: "
        f"{counts['disqualified']['old']:,}, then {counts['disqualified']['new']:,}."
    )
    bands = [
        (
            before,
            *(f"[bold]{n:,}[/]" if n and to != before else f"{n:,}" for to, n in row.items()),
        )
        for before, row in result.bands.items()
    ]
    print_table("Leads by band", ["from \\ to", *(f">{band}" for band in result.bands)], bands)
    changed = result.changed.head(HEAD)
    if len(changed):
        _print_leads(changed.to_dict("records"), len(result.changed))


def _print_leads(leads: list[dict[Any, Any]], of: int) -> None:
    rows = []
    for lead in leads:
        cells = [
            f"{lead[f'{which}_points']:.4g} {lead[f'{which}_band']}" for which in ("old", "new")
        ]
        moved = str(lead["moved_by"]).replace("; ", "\n")
        if (lead["old_disqualified"] is None) != (lead["new_disqualified"] is None):
            reason = lead["new_disqualified"] or "no longer disqualified"
            moved = f"{reason}\n{moved}" if moved else str(reason)
        rows.append((escape(str(lead["lead_id"])), *cells, escape(moved)))
    print_table(
        f"The first {len(rows)} of {of:,} leads with other points",
        ["lead", ">A", ">B", "moved by"],
        rows,
    )
