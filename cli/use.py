"""The verbs that use a model: score, compare, explain."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import AsJson, out, print_json, progress_bars
from cli.data import Where

if TYPE_CHECKING:
    from serve.batch import Scored

Which = Annotated[
    str, typer.Option("--model", help="champion, challenger, or the number of a version.")
]
Cutoff = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"],
        help="UTC. Only what was known strictly before it counts. Default: the end of the data.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command("score")(score_verb)
    app.command("compare")(compare_verb)
    app.command("explain")(explain_verb)


def score_verb(
    where: Where = Path(),
    cutoff: Cutoff = None,
    which: Which = "champion",
    to: Annotated[
        Path | None, typer.Option("--export", help="Also write the rows to this .csv or .parquet.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score every open lead into the ledger, beside its points, with reasons and a route.

    Each open lead is in the ledger exactly once per cutoff and versions; running it again changes
    nothing. A lead that cannot be scored is there too, with the reason.
    """
    from features.config import load
    from features.database import open_database
    from serve.batch import score_all
    from serve.ledger import export, open_ledger
    from serve.scorer import Scorer

    config = load(where)
    scorer = Scorer.of(config, which)
    ledger_path = config.out_folder / "ledger.duckdb"
    with (
        open_ledger(ledger_path) as ledger,
        open_database(config) as database,
        progress_bars() as told,
    ):
        scored = score_all(config, database, scorer, ledger, cutoff, told)
    written = export(scored.rows, to) if to else None
    if as_json:
        print_json(scored.to_json() | {"ledger": str(ledger_path), "export": written})
        return
    _print_scored(scored)
    out.print(f"Ledger: {ledger_path} (table scores)", soft_wrap=True, highlight=False)
    if written:
        out.print(f"Exported to {written}", soft_wrap=True, highlight=False)


def _print_scored(scored: "Scored") -> None:
    run = scored.run
    table = Table(
        "lead", "readiness", "points", "band", "route", "why", title="The head of the list",
        title_justify="left",
    )  # fmt: skip
    for row in scored.rows.head(5).to_dict("records"):
        ready, points = f"{row['readiness']:.1%}", f"{row['rule_score']:g}"
        table.add_row(row["lead_id"], ready, points, row["band"], row["route"], row["reasons"])
    out.print(table)
    counts = scored.to_json()
    out.print(
        f"{scored.open_leads:,} open leads at {run.cutoff:%Y-%m-%d %H:%M} UTC: "
        f"{counts['routes'].get('sales', 0):,} to sales, {counts['routes'].get('nurture', 0):,} to "
        f"nurture; {scored.unscored:,} could not be scored. {scored.added:,} rows added (model "
        f"version {run.model_version}, rules {run.rules_version}).",
        highlight=False,
    )


def compare_verb(
    where: Where = Path(),
    which: Which = "",
    to: Annotated[
        Path | None, typer.Option("--out", help="The HTML page. Default: compare.html in `out`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Model against rules on real outcomes, at the number of leads that sales can call.

    The same mature snapshots are ranked by the model, by the rules and at random, in lists of equal
    size. Writes a self-contained HTML page (and compare.json beside it). Without --model: the
    champion, or the challenger where there is no champion yet.
    """
    from cli.tables import judgement_table
    from features.config import load
    from features.database import open_database
    from models.registry import CHALLENGER, CHAMPION, Registry
    from models.rules import load_rules
    from serve.compare import compare
    from serve.report import write_page

    config = load(where)
    registry = Registry(config)
    model = registry.load(which or (CHAMPION if registry.has(CHAMPION) else CHALLENGER))
    rules = load_rules(config.folder / config.rules)
    with open_database(config) as database, progress_bars() as told:
        compared = compare(config, database, model, rules, told)
    page = write_page(compared, to or config.out_folder / "compare.html")
    if as_json:
        print_json(compared.to_json() | {"page": str(page)})
        return
    out.print(judgement_table(compared.judgement))
    out.print(f"[bold]{compared.verdict}[/]", highlight=False)
    out.print(f"Report: {page}", soft_wrap=True, highlight=False)


def explain_verb(
    lead: Annotated[str, typer.Argument(metavar="LEAD", help="The lead_id.")],
    where: Where = Path(),
    cutoff: Cutoff = None,
    which: Which = "champion",
    as_json: AsJson = False,
) -> None:
    """Why one lead has its readiness and its points.

    Shows the readiness with every reason (they add up to its log-odds), and the points with every
    line of the points table that gave or took some (they add up to the points).
    """
    from features.config import load
    from features.database import open_database
    from serve.explain import explain_lead
    from serve.scorer import Scorer

    config = load(where)
    scorer = Scorer.of(config, which)
    with open_database(config) as database:
        told = explain_lead(config, database, scorer, lead, cutoff)
    if as_json:
        print_json(told.to_json())
        return
    out.print(
        f"Lead {lead} at {told.cutoff:%Y-%m-%d %H:%M} UTC: readiness [bold]{told.readiness:.1%}[/] "
        f"within {scorer.model.horizon_days} days, [bold]{told.points:g}[/] points ({told.band}).",
        highlight=False,
    )
    reasons = Table("log-odds", "why", title="Readiness", title_justify="left")
    reasons.add_row(f"{told.base:+.2f}", "where every lead begins")
    for reason in told.reasons:
        reasons.add_row(f"{reason.log_odds:+.2f}", reason.text)
    reasons.add_row(f"{told.log_odds:+.2f}", f"in all: readiness {told.readiness:.1%}")
    out.print(reasons)
    lines = Table("points", "rule", title="Points", title_justify="left")
    for rule, points in told.lines.items():
        lines.add_row(f"{points:+g}", rule)
    lines.add_row(f"{told.points:g}", f"in all: {told.band}")
    out.print(lines)
