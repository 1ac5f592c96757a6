"""The verb that watches a model in use."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from readiness.commands.console import AsJson, out, print_json, print_path, progress_bars
from readiness.commands.data import Where
from readiness.commands.use import Cutoff

if TYPE_CHECKING:
    from serve.reports.monitor.figures import Monitoring

_COLOURS = {"red": "bold red", "amber": "yellow", "green": "green", "grey": "dim"}


def add_to(app: typer.Typer) -> None:
    """Add this verb to the command."""
    app.command("monitor")(monitor_verb)


def monitor_verb(
    where: Where = Path(),
    cutoff: Cutoff = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on amber too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Is the champion still right? Drift, past scores against outcomes, inflation, lost leads.

    Run it after `readiness score`, as often. Leads of now are held against leads of the same age
    at the last training cutoffs; what the ledger promised, against what has happened since. Each
    check is green, amber, red, or grey while too little is known to tell (docs/monitoring.md).

    Exits 1 where a check is red, else 0, for schedulers. Figures go to MLflow, the page to
    monitor.html in `out`.
    """
    from features.config import load
    from features.contract.database import open_database
    from models.registry import CHAMPION, Registry
    from serve.ledger.ledger import open_ledger
    from serve.reports.monitor.figures import known_models, monitor
    from serve.reports.monitor.page import log, write_page

    config = load(where)
    registry = Registry(config)
    champion = registry.load(CHAMPION)
    with open_ledger(config.out_folder / "ledger.duckdb") as ledger:
        models = known_models(registry, ledger)
        with open_database(champion.staged(config)) as database, progress_bars() as told:
            found = monitor(config, database, ledger, models, cutoff, told)
    page = write_page(found, config.out_folder / "monitor.html")
    run = log(found, registry)
    if as_json:
        print_json(found, page=page, run_id=run)
    else:
        _print(found)
        print_path(f"Page: {page}\nLogged to MLflow as run {run}.")
    if found.exit_code(strict):
        raise typer.Exit(1)


def _print(found: "Monitoring") -> None:
    table = Table(
        title=f"Version {found.model_version} at {found.cutoff:%Y-%m-%d %H:%M} UTC",
        title_justify="left",
    )
    for heading in ("status", "check", "result"):
        table.add_column(heading, overflow="fold")
    for check in found.checks:
        status = f"[{_COLOURS[check.status]}]{check.status}[/]"
        table.add_row(status, check.name, escape(check.message))
    out.print(table)
    for check in (*found.of("red"), *found.of("amber")):
        out.print(f"[{_COLOURS[check.status]}]{check.name}[/]: {escape(check.todo)}")
