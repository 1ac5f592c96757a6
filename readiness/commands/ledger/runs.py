"""The verb ledger runs."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from readiness.commands.options import AsJson, Where
from readiness.commands.printing import figure, out, print_json, print_path, print_table

if TYPE_CHECKING:
    from models.decisions.withdrawn_runs import WithdrawnRun
    from serve.ledger.runs import RunFigures


def verb(where: Where = Path(), as_json: AsJson = False) -> None:
    """Every run in the ledger, the newest last, and those that were withdrawn.

    A run is one cutoff scored by one version of the model and of the points table. Reports read
    these runs; where a cutoff was scored more than once, the list that was scored last is the one
    that sales saw.
    """
    from models.decisions import withdrawn_runs
    from models.decisions.place import LedgerPlace
    from models.decisions.store import open_decisions
    from readiness.settings import load
    from serve.ledger.ledger import open_ledger

    place = LedgerPlace.of(load(where))
    with open_ledger(place) as ledger:
        runs = ledger.runs
    withdrawn = []
    if place.has_decisions:
        with open_decisions(place) as store:
            withdrawn = list(withdrawn_runs.all_of(store))
    if as_json:
        print_json({"ledger": str(ledger.store), "runs": runs, "withdrawn": withdrawn})
        return
    print_path(f"Ledger: {ledger.store}")
    if not runs:
        out.print("It has no run yet. Next: readiness score")
    else:
        _print_runs(runs)
    if withdrawn:
        _print_withdrawn(withdrawn)


def _print_runs(runs: "list[RunFigures]") -> None:
    rows = [
        (
            f"{each.cutoff:%Y-%m-%d %H:%M}",
            escape(each.model_version),
            escape(each.rules_version),
            f"{each.leads:,}",
            f"{each.unscored:,}",
            figure(each.readiness, "{:.1%}"),
            figure(each.points, "{:.1f}"),
            f"{each.scored_at:%Y-%m-%d %H:%M}",
        )
        for each in runs
    ]
    print_table(
        "Runs, times in UTC",
        [
            ">cutoff",
            ">model",
            "rules",
            ">leads",
            ">not scored",
            ">mean readiness",
            ">mean points",
            ">scored at",
        ],
        rows,
    )


def _print_withdrawn(withdrawn: "list[WithdrawnRun]") -> None:
    rows = [
        (
            f"{each.cutoff:%Y-%m-%d %H:%M}",
            escape(each.model_version),
            escape(each.rules_version),
            f"{each.leads:,}",
            f"{each.withdrawn_at:%Y-%m-%d %H:%M}",
            escape(each.withdrawn_by),
            escape(each.because),
        )
        for each in withdrawn
    ]
    print_table(
        "Withdrawn",
        [">cutoff", ">model", "rules", ">leads", ">withdrawn", "by", "because"],
        rows,
    )
