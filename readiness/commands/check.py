"""The verb check."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Table

from features.spec.wording import plural
from readiness.commands.options import AsJson, Question, Where
from readiness.commands.printing import (
    out,
    print_error,
    print_json,
    print_path,
    print_table,
    progress_bars,
)

if TYPE_CHECKING:
    from features.audit.finding import Finding
    from features.check.report import Note, Report
    from features.config import Config
    from features.contract.database import LeadDatabase


def verb(where: Where = Path(), question: Question = None, as_json: AsJson = False) -> None:
    """Show what is in the lead database, and what is wrong with it.

    Rows, time range, actions, class balance, mature and censored snapshots, and every breach of the
    contract with its count, first offenders and what to do. Then what can hardly be true
    (docs/plausibility.md), and the leakage audit: actions, attributes and times that may reveal the
    outcome before it could be known. Exits 2 if the contract is breached, 1 if the audit reports
    what readiness.toml does not accept, or if something can hardly be true and is not accepted.

    Also says whether there is enough data to train, or every reason why not (docs/enough-data.md).
    Too little data is not an error: until then `readiness score` uses the points alone.

    A fault in the settings of another question of the project (docs/questions.md) is reported after
    that, and exits 2.
    """
    from features.check.check import check
    from features.cutoffs import utc_now
    from features.open_database import open_database
    from readiness.settings import faults_of_others, load, specs

    config = load(where, question=question)
    with progress_bars() as progress, open_database(config, specs(config)) as database:
        report = check(database, config, utc_now(), progress)
        report = replace(report, notes=(*report.notes, *_model_notes(config, database)))
    others = faults_of_others(where, config)
    if as_json:
        print_json(report, other_questions=others)
    else:
        _print_report(report, config.audit.accepted)
    for name, fault in others.items():
        print_error(f"question {name}: {fault}")
    if others or not report.ok:
        raise typer.Exit(2)
    if report.refused:
        raise typer.Exit(1)


def _model_notes(config: "Config", database: "LeadDatabase") -> Iterator["Note"]:
    """Attributes that are not what the model learnt; nothing where there is no model."""
    from features.check.inputs import changed_columns, inputs_at
    from features.check.report import Note
    from features.errors import BadInput, Refused

    store = Path(config.mlflow_uri.partition("?")[0].removeprefix("sqlite:///"))
    if not store.exists():  # none yet, or a server: a check of the data does not wait for it
        return
    from models.registry import Registry

    try:
        model = Registry(config).pick(None)
    except (BadInput, Refused) as error:
        yield Note("models that cannot be read", 1, str(error))
        return
    if model is None or model.inputs is None:
        return
    changes = changed_columns(model.inputs, inputs_at(database, database.data_end))
    if changes:
        yield Note(
            f"attributes that differ from what version {model.version} learnt",
            len(changes),
            "Correct them in the query of tables.leads, or train again.",
            tuple(f"{name}: {change}" for name, change in changes.items()),
        )


def _print_report(report: "Report", accepted: list[str]) -> None:
    from features.audit.finding import grouped, to_lines
    from features.check.plausibility import as_shown

    spans = [(t.table, f"{t.rows:,}", _day(t.first), _day(t.last)) for t in report.tables]
    print_table("Tables", ["table", ">rows", "from", "to"], spans)
    actions = [
        (
            escape(as_shown(action.action)) + " (left out)" * action.left_out,
            *(f"{action.events:,}", f"{action.leads:,}", f"{action.share:.1%}"),
        )
        for action in report.actions[:20]
    ]
    print_table("Actions", ["action", ">events", ">leads", ">share"], actions)
    if len(report.actions) > 20:
        out.print(f"... and {plural(len(report.actions) - 20, 'rarer action')} (--json has all)")
    deals, snapshots = report.deals, report.snapshots
    won = "unknown" if report.won_share is None else f"{report.won_share:.1%}"
    out.print(
        f"Deals: {deals['won']:,} won, {deals['lost']:,} lost. Open leads: {deals['open']:,}.\n"
        f"Snapshots (lead and cutoff): {snapshots['mature']:,} mature, of which {won} won within "
        f"{plural(report.horizon_days, 'day')}; {snapshots['censored']:,} censored (outcome not "
        "yet known: not trained on, still scored).\n"
        f"Data end: {report.data_end:%Y-%m-%d %H:%M} UTC. "
        f"Features: {sum(report.features.values())} (readiness features lists them)."
    )
    for line in filter(None, (str(report.maturity or ""), str(report.worked or ""))):
        out.print(line)
    rows = Table.grid(padding=(0, 1))
    for note in report.notes:
        rows.add_row("[yellow]note[/]", escape(str(note)))
    for breach in report.breaches:
        rows.add_row("[red]breach[/]", escape(str(breach)))
    for findings, status in ((report.implausible, "implausible"), (report.findings, "leak")):
        for is_accepted, label in ((False, f"[red]{status}[/]"), (True, "[dim]accepted[/]")):
            same = [each for each in findings if each.accepted is is_accepted]
            for heading, group in grouped(same).items():
                rows.add_row(label, escape("\n  ".join([heading, *to_lines(group)])))
    for lack in report.lacks:
        rows.add_row("[yellow]lack[/]", escape(str(lack)))
    out.print(rows)
    if report.lacks:
        out.print("[bold yellow]Not enough to train yet:[/] the points alone are served.")
    if report.refused:
        _print_refused(report.refused, accepted)
    if report.ok:
        out.print("[bold green]The contract is kept.[/]")
    else:
        out.print(f"[bold red]{plural(len(report.breaches), 'kind')} of breach to mend.[/]")


def _print_refused(findings: Sequence["Finding"], accepted: list[str]) -> None:
    from features.audit.finding import codes_to_accept, to_paste

    out.print(
        f"[bold red]{plural(len(findings), 'finding')}:[/] training refuses until each is "
        "mended, left out, or accepted in readiness.toml (docs/audit.md, docs/plausibility.md). To "
        "accept, with a comment that says why, put in place of its \\[audit]:"
    )
    print_path(to_paste(dict.fromkeys([*accepted, *codes_to_accept(findings)])))


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"
