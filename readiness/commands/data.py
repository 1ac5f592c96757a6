"""The verbs about data: init, check, features, simulate.

Verbs import what they run when they run, here as in the other groups: `--help` answers at once.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.console import AsJson, out, print_json, print_path, progress_bars

if TYPE_CHECKING:
    from features.check.report import Report

Where = Annotated[
    Path, typer.Argument(metavar="DIR", help="The folder of readiness.toml, or the file itself.")
]


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command("init")(init_verb)
    app.command("check")(check_verb)
    app.command("features")(features_verb)
    app.command("simulate")(simulate_verb)


def init_verb(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with your tables.")],
    as_json: AsJson = False,
) -> None:
    """Write a commented readiness.toml and rules.toml, with sources, funnel and segments.toml.

    DIR holds events, leads and deals (.parquet, .csv, .sql, or one DuckDB file with them). Points,
    the baskets of sources and the stages of the funnel are guessed from words: they are yours to
    edit. Nothing is overwritten.
    """
    from features.starter.starter import write_starter

    written = write_starter(folder)
    if as_json:
        print_json({"written": [str(path) for path in written]})
        return
    for path in written:
        print_path(f"wrote {path}")
    print_path(f"Read them, edit what you know better, then: readiness check {folder}")


def check_verb(where: Where = Path(), as_json: AsJson = False) -> None:
    """Read the lead database and say what is in it, and what is wrong with it.

    Rows, time range, actions, class balance, mature and censored snapshots, and every breach of the
    contract with its count, first offenders and what to do. Then the leakage audit: actions,
    attributes and times that may tell the outcome before it could be known. Exits 2 if the contract
    is breached, 1 if the audit finds what readiness.toml does not accept.

    Says beforehand whether training has enough to learn from, or every reason why not
    (docs/enough-data.md). That alone is no fault: until then the points are served.
    """
    from features.check.check import check
    from features.conditions.segments import opted_in
    from features.config import load
    from features.cutoffs import utc_now
    from features.open import open_database

    config = load(where)
    with progress_bars() as told, open_database(config, opted_in(config)) as database:
        report = check(database, config, utc_now(), told)
    if as_json:
        print_json(report.to_json())
    else:
        _print_report(report, config.audit.accepted)
    if not report.ok:
        raise typer.Exit(2)
    if report.leaks:
        raise typer.Exit(1)


def _print_report(report: "Report", accepted: list[str]) -> None:
    tables = Table("table", _number("rows"), "from", "to", title="Tables", title_justify="left")
    for span in report.tables:
        tables.add_row(span.table, f"{span.rows:,}", _day(span.first), _day(span.last))
    out.print(tables)
    numbers = (_number("events"), _number("leads"), _number("share"))
    actions = Table("action", *numbers, title="Actions", title_justify="left")
    for action in report.actions[:20]:
        left_out = " (left out)" if action.left_out else ""
        actions.add_row(
            escape(action.action) + left_out,
            f"{action.events:,}",
            f"{action.leads:,}",
            f"{action.share:.1%}",
        )
    out.print(actions)
    if len(report.actions) > 20:
        out.print(f"... and {len(report.actions) - 20} rarer actions (--json has all)")
    deals, snapshots = report.deals, report.snapshots
    won = "unknown" if report.won_share is None else f"{report.won_share:.1%}"
    out.print(
        f"Leads: {deals['won']:,} won, {deals['lost']:,} lost, {deals['open']:,} still open.\n"
        f"Snapshots (lead and cutoff): {snapshots['mature']:,} mature, of which {won} won within "
        f"{report.horizon_days} days; {snapshots['censored']:,} censored (outcome not yet known: "
        "not trained on, still scored).\n"
        f"Data end: {report.data_end:%Y-%m-%d %H:%M} UTC. "
        f"Features: {sum(report.features.values())} (readiness features lists them)."
    )
    for said in filter(None, (str(report.maturity or ""), str(report.worked or ""))):
        out.print(said)
    told = Table.grid(padding=(0, 1))
    for note in report.notes:
        told.add_row("[yellow]note[/]", escape(str(note)))
    for breach in report.breaches:
        told.add_row("[red]breach[/]", escape(str(breach)))
    for finding in report.findings:
        kind = "[dim]accepted[/]" if finding.accepted else "[red]leak[/]"
        told.add_row(kind, escape(str(finding)))
    for lack in report.lacks:
        told.add_row("[yellow]lack[/]", escape(str(lack)))
    out.print(told)
    if report.lacks:
        out.print("[bold yellow]Not enough to train yet:[/] the points alone are served.")
    if report.leaks:
        _print_leaks([finding.code for finding in report.leaks], accepted)
    if report.ok:
        out.print("[bold green]The contract is kept.[/]")
    else:
        kinds = len(report.breaches)
        out.print(f"[bold red]{kinds} kind{'s' * (kinds != 1)} of breach to mend.[/]")


def _print_leaks(codes: list[str], accepted: list[str]) -> None:
    from features.audit.finding import to_paste

    count = len(codes)
    out.print(
        f"[bold red]{count} finding{'s' * (count != 1)} of the leakage audit:[/] training refuses "
        "until each is mended, left out, or accepted in readiness.toml (docs/audit.md). To accept, "
        "with a comment that says why, put in place of its [audit]:"
    )
    print_path(to_paste(dict.fromkeys([*accepted, *codes])))


def _number(heading: str) -> Column:
    return Column(heading, justify="right")


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def features_verb(where: Where = Path(), as_json: AsJson = False) -> None:
    """List every feature that is computed, with its meaning in words."""
    from features.config import load
    from features.described import describe_features
    from features.open import open_database

    config = load(where)
    with open_database(config) as database:
        described = describe_features(database, config)
    if as_json:
        print_json({"features": described})
        return
    table = Table("feature", "meaning")
    for feature in described:
        table.add_row(escape(feature["name"]), escape(feature["meaning"]))
    out.print(table)
    out.print(f"{len(described)} features. Adding one is one line in features/catalog.py.")


def simulate_verb(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the tables.")],
    leads: Annotated[int, typer.Option(help="How many leads, from 1,000 to 1,000,000.")] = 5_000,
    days: Annotated[int, typer.Option(help="How many days of history.")] = 540,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same database.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Make a lead database whose true win probabilities are known.

    Intent rises and fades, sources differ in worth, some ready buyers postpone, sales can call only
    so many, and many leads are still open at the end.
    """
    from features.simulator.simulate import simulate, write

    with progress_bars() as told:
        world = simulate(
            leads, seed, days, progress=lambda s: told("simulate", round(s * days), days)
        )
    written = write(world, folder)
    if as_json:
        counts = {"leads": len(world.leads), "events": len(world.events), "deals": len(world.deals)}
        print_json(counts | {"written": [str(path) for path in written]})
        return
    print_path(
        f"{len(world.leads):,} leads, {len(world.events):,} events, {len(world.deals):,} closed "
        f"deals in {folder}.\nNext: readiness init {folder}"
    )
