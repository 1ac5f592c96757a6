"""The verbs about the points table: rules show, rules diff, rules test, rules learn."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.console import (
    AsJson,
    out,
    print_json,
    print_path,
    progress_bars,
    require_html,
)
from readiness.commands.data import Where
from readiness.commands.rules_learn import learn_verb
from readiness.commands.use import Cutoff

if TYPE_CHECKING:
    from models.rules.rules import RuleScore
    from serve.reports.rules.backtest import Backtest
    from serve.reports.rules.diff import RulesDiff

HEAD = 10  # leads shown of a diff

app = typer.Typer(
    name="rules",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
The points table: look at it, compare versions of it, test a draft before it goes live.

For a folder DIR with a readiness.toml and a rules.toml:

    readiness rules show DIR              the rules in words, with their version
    readiness rules diff A B DIR          who would stand elsewhere under B
    readiness rules test draft.toml DIR   would the draft have called better leads?
    readiness rules learn DIR             a points table from outcomes; what yours overpays

A, B: a .toml file, `current`, or the version of rules that were scored with (its first digits).
""",
)

Rules = Annotated[
    str, typer.Option("--rules", help="A .toml file, `current`, or a version scored with.")
]
_NAMED = "A .toml file, `current`, or a version scored with."


def add_to(parent: typer.Typer) -> None:
    """Add the group to the command."""
    app.command("learn")(learn_verb)
    parent.add_typer(app)


@app.command("show")
def show_verb(where: Where = Path(), named: Rules = "current", as_json: AsJson = False) -> None:
    """Show the rules in words: what gives how many points, what bounds them, who is left out.

    The version follows the content: the same rules have the same version, whatever their layout.
    """
    from features.config import load
    from models.rules.history import find_rules

    config = load(where)
    rules = find_rules(named, config)
    if as_json:
        print_json(rules.json_fields(config.words))
        return
    out.print(_rules_table(rules, config.words))
    for line in rules.limits_in_words():
        out.print(escape(line))
    for each in rules.file.disqualify:
        out.print(f"Disqualified: [bold]{escape(each.name)}[/], {escape(each.words(config.words))}")


def _rules_table(rules: "RuleScore", words: dict[str, str]) -> Table:
    bands = rules.file.bands
    table = Table(
        *(Column("points", justify="right"), "for", Column("cap", justify="right"), "group"),
        title=f"{escape(rules.file.name)}, version {rules.version}",
        title_justify="left",
        caption=f"warm from {bands.warm:g} points, hot from {bands.hot:g}",
        caption_justify="left",
    )
    for rule in rules.file.rule:
        cap = "" if rule.cap is None else f"{rule.cap:g}"
        said = escape(rule.words(words))
        table.add_row(f"{rule.points:+g}", said, cap, escape(rule.group or ""))
    return table


@app.command("diff")
def diff_verb(
    old: Annotated[str, typer.Argument(metavar="A", help=_NAMED)],
    new: Annotated[str, typer.Argument(metavar="B", help=_NAMED)],
    where: Where = Path(),
    cutoff: Cutoff = None,
    to: Annotated[
        Path | None, typer.Option("--export", help="Also write every lead to a .csv or .parquet.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Which open leads would stand elsewhere under the rules B instead of A, and why.

    Counts how many leads go from which band to which, and shows first the leads that change band,
    with the lines of the points table that moved them.
    """
    from features.config import load
    from features.contract.database import open_database
    from models.rules.history import find_rules
    from serve.ledger.ledger import require_exportable
    from serve.reports.rules.diff import diff_rules, export

    config = load(where)
    if to:
        require_exportable(to)
    a, b = find_rules(old, config), find_rules(new, config)
    with open_database(config, (*a.specs, *b.specs)) as database, progress_bars() as told:
        found = diff_rules(config, database, a, b, cutoff, told)
    written = export(found.leads, to) if to else None
    if as_json:
        print_json(found, export=written)
        return
    _print_diff(found)
    if written:
        print_path(f"Exported to {written}")


def _print_diff(found: "RulesDiff") -> None:
    told = found.json_fields()
    out.print(
        f"From {escape(found.old.file.name)} ({found.old.version}) to "
        f"{escape(found.new.file.name)} ({found.new.version}): of {told['open_leads']:,} open "
        f"leads at {found.cutoff:%Y-%m-%d %H:%M} UTC, {told['other_points']:,} have other points "
        f"and [bold]{told['other_band']:,} change band[/]. Disqualified: "
        f"{told['disqualified']['old']:,}, then {told['disqualified']['new']:,}."
    )
    bands = Table("from \\ to", title="Leads by band", title_justify="left")
    for name in found.bands:
        bands.add_column(name, justify="right")
    for name, row in found.bands.items():
        cells = [f"[bold]{n:,}[/]" if n and to != name else f"{n:,}" for to, n in row.items()]
        bands.add_row(name, *cells)
    out.print(bands)
    changed = found.changed.head(HEAD)
    if len(changed):
        out.print(_leads_table(changed.to_dict("records"), len(found.changed)))


def _leads_table(rows: list[dict[Any, Any]], of: int) -> Table:
    table = Table(
        Column("lead", overflow="fold"),
        *(Column(name, justify="right", no_wrap=True) for name in ("A", "B")),
        "moved by",
        title=f"The first {len(rows)} of {of:,} leads that stand elsewhere",
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


@app.command("test")
def backtest_verb(
    draft: Annotated[str, typer.Argument(metavar="DRAFT", help=_NAMED)],
    where: Where = Path(),
    which: Annotated[
        str | None,
        typer.Option("--model", help="Default: the champion, or challenger, if there is one."),
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit 1 if the draft is worse beyond noise.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option("--out", help="The HTML page. Default: rules.html in `out`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Test a draft of the points table on real outcomes, before it goes live.

    Draft, current rules and model rank the same mature snapshots, in lists of equal size, with
    paired intervals; and each rule of the draft is held against the leads that it touched. Exits 0
    whatever is found, unless you ask for the gate.
    """
    from features.config import load
    from features.contract.database import open_database
    from features.spec.spec import distinct
    from models.rules.history import current_rules, find_rules
    from serve.reports.rules.backtest import backtest, model_beside
    from serve.reports.rules.page import write_page

    require_html(to)
    config = load(where)
    new, current = find_rules(draft, config), current_rules(config)
    model = model_beside(config, which)
    staged = config if model is None else model.staged(config)
    specs = distinct((*new.specs, *current.specs))
    with open_database(staged, specs) as database, progress_bars() as told:
        found = backtest(config, database, new, current, model, told)
    page = write_page(found, to or config.out_folder / "rules.html")
    if as_json:
        print_json(found, page=page)
    else:
        _print_backtest(found)
        print_path(f"Page: {page}")
    if gate and found.is_worse:
        raise typer.Exit(1)


def _print_backtest(found: "Backtest") -> None:
    from readiness.commands.tables import judgement_table

    out.print(judgement_table(found.judged))
    out.print(f"[bold]{escape(str(found.verdict))}[/]")
    if found.model_verdict:
        out.print(f"Beside the model: {escape(str(found.model_verdict))}")
    table = Table(
        *(Column("points", justify="right"), Column("rule of the draft", overflow="fold")),
        *(Column(name, justify="right", no_wrap=True) for name in ("leads", "lift (95 %)")),
        "",
        title="Which rules of the draft pay for themselves?",
        title_justify="left",
        caption="leads: that it gave points to, or took some of; lift: how many times as often as "
        "all leads these were won",
        caption_justify="left",
    )
    for each in found.rules:
        lift = each.lift
        figures = f"{lift.point:.2f} ({lift.low:.2f} to {lift.high:.2f})"
        figures = "-" if lift.point != lift.point else figures
        table.add_row(f"{each.points:+g}", escape(each.rule), f"{each.leads:,}", figures, each.pays)
    out.print(table)
