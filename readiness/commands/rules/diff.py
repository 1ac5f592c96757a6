"""The verb rules diff."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.options import RULES, AsJson, Cutoff, Export, Where
from readiness.commands.printing import out, print_json, print_path, progress_bars

if TYPE_CHECKING:
    from serve.reports.rules.diff import RulesDiff

HEAD = 10  # leads shown


def verb(
    old: Annotated[str, typer.Argument(metavar="A", help=RULES)],
    new: Annotated[str, typer.Argument(metavar="B", help=RULES)],
    where: Where = Path(),
    cutoff: Cutoff = None,
    to: Export = None,
    as_json: AsJson = False,
) -> None:
    """Which open leads would change points or band under the rules B instead of A, and why.

    Counts how many leads go from which band to which, and shows first the leads that change band,
    with the lines of the points table that moved them.
    """
    from features.config import load
    from features.open import open_database
    from models.rules.rules import find_rules
    from serve.ledger.ledger import require_exportable
    from serve.reports.rules.diff import diff_rules, export

    config = load(where)
    if to:
        require_exportable(to)
    a, b = find_rules(old, config), find_rules(new, config)
    with open_database(config, (*a.specs, *b.specs)) as database, progress_bars() as progress:
        result = diff_rules(config, database, a, b, cutoff, progress)
    written = export(result.leads, to) if to else None
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
        f"leads at {result.cutoff:%Y-%m-%d %H:%M} UTC, "
        f"{counts['other_points']:,} have other points "
        f"and [bold]{counts['other_band']:,} change band[/]. Disqualified: "
        f"{counts['disqualified']['old']:,}, then {counts['disqualified']['new']:,}."
    )
    bands = Table("from \\ to", title="Leads by band", title_justify="left")
    for name in result.bands:
        bands.add_column(name, justify="right")
    for name, row in result.bands.items():
        cells = [f"[bold]{n:,}[/]" if n and to != name else f"{n:,}" for to, n in row.items()]
        bands.add_row(name, *cells)
    out.print(bands)
    changed = result.changed.head(HEAD)
    if len(changed):
        out.print(_leads_table(changed.to_dict("records"), len(result.changed)))


def _leads_table(rows: list[dict[Any, Any]], of: int) -> Table:
    table = Table(
        Column("lead", overflow="fold"),
        *(Column(name, justify="right", no_wrap=True) for name in ("A", "B")),
        "moved by",
        title=f"The first {len(rows)} of {of:,} leads with other points",
        title_justify="left",
    )
    for row in rows:
        cells = [f"{row[f'{of}_points']:.4g} {row[f'{of}_band']}" for of in ("old", "new")]
        moved = str(row["moved_by"]).replace("; ", "\n")
        if (row["old_disqualified"] is None) != (row["new_disqualified"] is None):
            reason = row["new_disqualified"] or "no longer disqualified"
            moved = f"{reason}\n{moved}" if moved else str(reason)
        table.add_row(escape(str(row["lead_id"])), *cells, escape(moved))
    return table
