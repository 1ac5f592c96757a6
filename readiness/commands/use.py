"""The verbs that use a model: score and compare."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from readiness.commands.console import (
    AsJson,
    err,
    out,
    print_json,
    print_path,
    progress_bars,
    require_html,
)
from readiness.commands.data import Where

if TYPE_CHECKING:
    import pandas as pd

    from serve.scoring.batch import Scored

HEAD = 5  # leads shown of the list for sales

Which = Annotated[
    str, typer.Option("--model", help="champion, challenger, or the number of a version.")
]
Cutoff = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"],
        metavar="TIME",
        help="A day, or a time as 2026-03-01T14:30:00, UTC. Only what was known strictly before it "
        "counts. Default: the first midnight (UTC) after the data end; before that has come, just "
        "after the data end.",
    ),
]


Named = Annotated[
    str | None, typer.Option("--segment", metavar="NAME", help="Only leads of this segment.")
]


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command("score")(score_verb)
    app.command("compare")(compare_verb)


def score_verb(
    where: Where = Path(),
    cutoff: Cutoff = None,
    which: Which = "champion",
    to: Annotated[
        Path | None, typer.Option("--export", help="Also write the rows to this .csv or .parquet.")
    ] = None,
    segment: Named = None,
    as_json: AsJson = False,
) -> None:
    """Score every open lead into the ledger, beside its points, with reasons and a route.

    Each open lead is in the ledger exactly once per cutoff and versions; a second run leaves what
    was said as it stands, and adds leads that became known late. A lead that cannot be scored is
    there too, with the reason. --export writes all of them: to call are those whose decided_route
    is sales.

    Without a champion yet, the points alone rank: readiness is empty, and the reason of each route
    says what a model lacks (docs/enough-data.md).

    [routing] of readiness.toml says who goes to sales, and by when they are called; all others go
    to nurture, or are disqualified. Leads on which model and rules disagree are marked. What
    people decided otherwise (readiness override) is exported beside it, as decided_route.

    The ledger names the segments (segments.toml) of each lead; --segment shows and exports only the
    leads of one, while the ledger gets them all.
    """
    from features.config import load
    from features.contract.database import open_database
    from serve.ledger.ledger import open_ledger, require_exportable
    from serve.scoring.batch import score_all
    from serve.scoring.points_only import scorer_of

    config = load(where)
    if to:
        require_exportable(to)
    scorer = scorer_of(config, which)
    if segment:
        scorer.segments.named(segment)
    ledger_path = config.out_folder / "ledger.duckdb"
    with (
        open_ledger(ledger_path) as ledger,
        open_database(scorer.staged(config), scorer.specs) as database,
        progress_bars() as told,
    ):
        scored = score_all(config, database, scorer, ledger, cutoff, told)
        written = ledger.export(scored.run, to, segment) if to else None
        found = scored.json_fields() | {"ledger": ledger_path, "export": written}
        found |= {"segment": scored.of_segment(segment)} if segment else {}
        head = ledger.rows(scored.run, HEAD, segment)
    if as_json:
        print_json(found)
        return
    _print_scored(scored, found, head)
    print_path(f"Ledger: {ledger_path} (table scores); --export list.csv writes a file of it")
    if written:
        print_path(f"Exported to {written}")


def _print_scored(scored: "Scored", found: dict[str, Any], head: "pd.DataFrame") -> None:
    for breach in scored.breaches:
        err.print(f"[red]breach[/] {escape(breach)}")
    for note in scored.notes:
        err.print(f"[yellow]note[/] {escape(note)}")
    run = scored.run
    ready = head[(head["state"] == "scored") & (head["decided_route"] == "sales")]
    part = found.get("segment")
    if len(ready):
        whose = f" of the segment {part['name']}" if part else ""
        out.print(_head_of_the_list(ready, whose, scored.by_points))
    if part:
        routes = part["routes"]
        out.print(
            f"[bold]In the segment {escape(part['name'])}: {part['open_leads']:,} open leads[/], "
            f"{routes.get('sales', 0):,} to sales, {routes.get('nurture', 0):,} to nurture, "
            f"{routes.get('disqualified', 0):,} disqualified. In all:"
        )
    routes = found["routes"]
    out.print(
        f"{scored.open_leads:,} open leads at {run.cutoff:%Y-%m-%d %H:%M} UTC: "
        f"{routes.get('sales', 0):,} to sales, {routes.get('nurture', 0):,} to nurture, "
        f"{routes.get('disqualified', 0):,} disqualified "
        f"({'no model' if scored.by_points else f'model version {run.model_version}'}, "
        f"rules {run.rules_version})."
    )
    if found["marked"]:
        marked = "; ".join(f"{count:,} {how}" for how, count in found["marked"].items())
        out.print(f"Marked, as model and rules disagree: {marked}.")
    if found["postponing"]:
        out.print(
            f"{found['postponing']:,} ready but postponing: follow_up_on says when to return."
        )
    if found["decided_otherwise"]:
        decided = f"{found['decided_otherwise']:,} decided by people"
        out.print(f"{decided}: see decided_route; the history of one: readiness override LEAD")
    if scored.unscored:
        out.print(
            f"{scored.unscored:,} of them could not be scored, the ledger says why (first: "
            f"{escape(scored.first_unscored)}). Mend them: readiness check"
        )
    known = sum(routes.values()) - scored.added
    out.print(
        f"{scored.added:,} rows added"
        + (f"; {known:,} were in the ledger before and stand as they were." if known else ".")
    )


def _head_of_the_list(ready: "pd.DataFrame", whose: str, by_points: bool) -> Table:
    import pandas as pd

    why = "lines of the points table" if by_points else "reasons, in log-odds"
    table = Table(
        title=f"The head of the list for sales{escape(whose)}",
        title_justify="left",
        caption=f"band: by points. call by: UTC. why: the strongest {why}"
        + ("" if by_points else "; all of one lead's: readiness explain LEAD"),
        caption_justify="left",
    )
    for heading in ("lead", "readiness", "points"):
        table.add_column(heading, justify="right", no_wrap=heading != "lead")
    table.add_column("band", no_wrap=True)
    table.add_column("call by", no_wrap=True)
    table.add_column("why")
    for row in ready.to_dict("records"):
        table.add_row(
            escape(row["lead_id"]),
            "" if pd.isna(row["readiness"]) else f"{row['readiness']:.1%}",
            f"{row['rule_score']:g}",
            row["band"],
            "" if pd.isna(row["contact_by"]) else f"{row['contact_by']:%m-%d %H:%M}",
            escape(row["reasons"].replace("; ", "\n")),
        )
    return table


def compare_verb(
    where: Where = Path(),
    which: Which = "",
    to: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The HTML page. Default: compare.html in `out`, of a segment compare-NAME.html.",
        ),
    ] = None,
    segment: Named = None,
    as_json: AsJson = False,
) -> None:
    """Model against rules on real outcomes, at the number of leads that sales can call.

    The same mature snapshots are ranked by the model, by the rules and at random, in lists of equal
    size. Writes a self-contained HTML page (and compare.json beside it). Without --model: the
    champion, or the challenger where there is no champion yet; where there is no model because
    there is too little to learn from, it says what is missing.
    """
    from features.conditions.segments import load_segments
    from features.config import load
    from features.contract.database import open_database
    from models.rules.rules import load_rules
    from readiness.commands.tables import calibration_table, judgement_table
    from serve.reports.compare.figures import compare, model_of, simpler_at_training, worked_at
    from serve.reports.compare.page import page_name, write_page

    require_html(to)
    config = load(where)
    model = model_of(config, which)
    rules = load_rules(config.folder / config.rules)
    only = load_segments(config).named(segment) if segment else None
    specs = (*rules.specs, *(only.specs if only else ()))
    with open_database(model.staged(config), specs) as database, progress_bars() as told:
        compared = compare(config, database, model, rules, told, only)
        contacted = None if segment else worked_at(database, compared)
    simpler = None if segment else simpler_at_training(config, model)
    page = write_page(compared, to or config.out_folder / page_name(segment), simpler, contacted)
    if as_json:
        print_json(compared, contacted=contacted, page=page)
        return
    if segment:
        out.print(f"Only the open leads in the segment [bold]{escape(segment)}[/]:")
    out.print(judgement_table(compared.judgement))
    off = compared.calibration and calibration_table(compared.calibration)
    if off:
        out.print(off)
    out.print(f"[bold]{compared.verdict}[/]")
    if compared.prior_shift:
        added = ", ".join(f"{day} {moved:+.2f}" for day, moved in compared.prior_shift.items())
        out.print(f"With the prior shift that scoring would have added to the log-odds: {added}.")
    if contacted:
        out.print(f"At these cutoffs: {contacted}")
    print_path(f"Report: {page}")
