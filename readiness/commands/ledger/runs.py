"""The verb ledger runs."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from readiness.commands.options import AsJson, Question, Where
from readiness.commands.printing import figure, print_json, print_path, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from models.decisions.withdrawn_runs import WithdrawnRun
    from serve.ledger.runs import RunFigures


def verb(where: Where = Path(), question: Question = None, as_json: AsJson = False) -> None:
    """Every run in the ledger, the newest last, and those that were withdrawn.

    A run is one cutoff scored by one version of the model and of the points table. Reports read
    these runs; where a cutoff was scored more than once, the list that was scored last is the one
    that sales saw.
    """
    from readiness.settings import load
    from serve.ledger.ledger import open_ledger_of

    with open_ledger_of(load(where, question=question)) as ledger:
        runs, withdrawn = ledger.runs, ledger.withdrawn
    if as_json:
        print_json({"ledger": str(ledger.store), "runs": runs, "withdrawn": withdrawn})
        return
    print_path(f"Ledger: {ledger.store}")
    if not runs:
        print_path("It has no run yet. Next: readiness score")
    else:
        _print_runs(runs)
    if withdrawn:
        _print_withdrawn(withdrawn)


def _print_runs(runs: "list[RunFigures]") -> None:
    rows = [
        (
            minute(each.cutoff),
            _versions(each.model_version, each.rules_version),
            f"{each.leads:,}" + (f"\n({each.unscored:,} not scored)" if each.unscored else ""),
            figure(each.readiness, "{:.1%}"),
            figure(each.points, "{:.1f}"),
            f"{each.scored_at:%Y-%m-%d %H:%M}",
        )
        for each in runs
    ]
    head = [">cutoff", "model, rules", ">leads", ">readiness", ">points", ">scored at"]
    print_table("Runs, times in UTC", head, rows, "readiness, points: means over the leads")


def _print_withdrawn(withdrawn: "Sequence[WithdrawnRun]") -> None:
    rows = [
        (
            minute(each.cutoff),
            _versions(each.model_version, each.rules_version),
            f"{each.leads:,}",
            minute(each.withdrawn_at),
            escape(each.withdrawn_by),
            escape(each.because),
        )
        for each in withdrawn
    ]
    head = [">cutoff", "model, rules", ">leads", ">withdrawn", "by", "because"]
    print_table("Withdrawn", head, rows)


def _versions(model: str, rules: str) -> str:
    return escape(f"{model}, {rules[:6]}")


def minute(at: "datetime") -> str:
    """A time, without its hours where it is midnight."""
    return f"{at:%Y-%m-%d}" if at.hour == at.minute == 0 else f"{at:%Y-%m-%d %H:%M}"
