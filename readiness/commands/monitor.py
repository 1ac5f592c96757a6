"""The verb that watches a model in use."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from readiness.commands.options import AsJson, Cutoff, Question, Where
from readiness.commands.printing import (
    out,
    print_json,
    print_path,
    print_table,
    progress_bars,
)

if TYPE_CHECKING:
    from serve.reports.monitor.figures import Monitoring

_COLOURS = {"red": "bold red", "amber": "yellow", "green": "green", "grey": "dim"}


def verb(
    where: Where = Path(),
    question: Question = None,
    cutoff: Cutoff = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on amber too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Is the champion still right? Drift, calibration of past scores, inflation, lost leads.

    Run it after `readiness score`, as often. Today's leads are compared with leads of the same age
    at the last training cutoffs; the probabilities in the ledger, with what has happened since.
    Each check is green, amber, red, or grey while there is too little data (docs/monitoring.md).

    Exits 1 if a check is red, else 0, for schedulers. Figures go to MLflow, the page to
    monitor.html in `out`.
    """
    from features.open_database import open_database
    from models.registry import CHAMPION, Registry
    from readiness.settings import load
    from serve.ledger.ledger import open_ledger_of
    from serve.reports.monitor.figures import known_models, monitor
    from serve.reports.monitor.page import log, render
    from serve.reports.page import write_page
    from serve.scoring.scored import refuse_future

    config = load(where, question=question)
    refuse_future(cutoff, "checked or logged", "Leave out --cutoff, or name a past one.")
    registry = Registry(config)
    champion = registry.load(CHAMPION)
    with open_ledger_of(config) as ledger:
        models = known_models(registry, ledger)
        with (
            open_database(champion.staged(config), champion.specs) as database,
            progress_bars() as progress,
        ):
            result = monitor(config, database, ledger, models, cutoff, progress)
    page = write_page(config.out_folder / "monitor.html", render(result))
    run = log(result, registry)
    if as_json:
        print_json(result, page=page, run_id=run)
    else:
        _print(result)
        print_path(f"Page: {page}\nLogged to MLflow as run {run}.")
    if result.exit_code(strict):
        raise typer.Exit(1)


def _print(result: "Monitoring") -> None:
    title = f"Version {result.model_version} at {result.cutoff:%Y-%m-%d %H:%M} UTC"
    rows = [
        (f"[{_COLOURS[check.status]}]{check.status}[/]", check.name, escape(check.message))
        for check in result.checks
    ]
    print_table(title, ["status", "check", "finding"], rows)
    for check in (*result.of("red"), *result.of("amber")):
        out.print(f"[{_COLOURS[check.status]}]{check.name}[/]: {escape(check.todo)}")
