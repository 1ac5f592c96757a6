"""The verb movers."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.markup import escape

from readiness.commands.options import TIMES, AsJson, Export, IfAny, Question, Where, time_option
from readiness.commands.printing import (
    figure,
    out,
    print_json,
    print_path,
    print_table,
    print_waiting,
    with_details,
)

if TYPE_CHECKING:
    from serve.movers.moves import Movers

MOST = 20  # leads shown


def verb(
    where: Where = Path(),
    question: Question = None,
    since: Annotated[
        datetime | None,
        time_option(f"Since the list of this cutoff. {TIMES} Default: the list before the newest."),
    ] = None,
    which: IfAny = None,
    to: Export = None,
    as_json: AsJson = False,
) -> None:
    """Who moved since the list before: became hot, joined or left the list for sales, and why.

    Also who reached one of [movers] thresholds of readiness, or fell below it. The reason is the
    largest parts of the change of readiness, in log-odds (of the points, for who became hot); a
    change of the model's version is a part of its own. The ledger holds it since the list was
    scored, in the columns moved and moved_because, which `readiness score --export` writes too.

    With --since, the newest list against that of any earlier cutoff, explained by today's model,
    rules and data.
    """
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.ledger.ledger import open_ledger_of, require_exportable
    from serve.movers.moves import export, stored_movers

    config = load(where, to, question=question)
    if to:
        require_exportable(to)
    with open_ledger_of(config, notify=print_waiting) as ledger:
        run = ledger.newest().run
        movers = _since(config, ledger, since, which) if since else stored_movers(ledger, run)
    written = export(movers, destination(config, to)) if to else None
    if as_json:
        print_json(movers, export=written)
        return
    _print(movers)
    if written:
        print_path(f"Exported to {written}")


def _since(config: Any, ledger: Any, since: datetime, which: str | None) -> "Movers":
    from features.open_database import open_database
    from serve.movers.moves import list_of
    from serve.scoring.movers import movers_since
    from serve.scoring.points_only import scorer_of

    before, run = list_of(ledger, since), ledger.newest().run
    scorer = scorer_of(config, which or "champion")
    with open_database(scorer.staged(config), scorer.specs) as database:
        return movers_since(config, database, scorer, ledger, run, before)


def _print(movers: "Movers") -> None:
    if movers.before is None:
        out.print("There is one list so far: nothing to compare it with.")
        return
    span = f"{movers.before.cutoff:%Y-%m-%d %H:%M} to {movers.run.cutoff:%Y-%m-%d %H:%M} UTC"
    if movers.rows.empty:
        out.print(f"Nobody moved, {span}.")
        return
    rows = [
        (
            with_details(escape(row["lead_id"]), escape(row["moved_because"] or "")),
            f"{figure(row['readiness_before'], '{:.1%}')} -> {figure(row['readiness'], '{:.1%}')}",
            escape(row["moved"].replace("; ", "\n")),
        )
        for row in movers.rows.head(MOST).to_dict("records")
    ]
    print_table(f"Movers, {span}", ["lead and why", ">readiness", "moved"], rows)
    counts = "; ".join(f"{count:,} {move}" for move, count in movers.counts.items())
    out.print(f"{len(movers.rows):,} leads moved: {counts}.")
    if len(movers.rows) > MOST:
        out.print(f"Shown are {MOST}; all of them: --export movers.csv")
