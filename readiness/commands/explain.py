"""The verb explain: why one lead has its readiness and its points, and why they changed."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.console import AsJson, out, print_json, print_path
from readiness.commands.data import Where
from readiness.commands.use import Cutoff, Which

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serve.reports.explain.change import Change, Difference
    from serve.reports.explain.figures import LeadExplained, PointsExplained
    from serve.reports.explain.history import LedgerLine

LATEST = 12  # lines of the history that are shown
SMALL = 0.005  # log-odds that would be printed as 0.00


def add_to(app: typer.Typer) -> None:
    """Add this verb to the command."""
    app.command("explain")(explain_verb)


def explain_verb(
    lead: Annotated[str, typer.Argument(metavar="LEAD", help="The lead_id.")],
    where: Where = Path(),
    cutoff: Cutoff = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"],
            metavar="TIME",
            help="Also tell what changed from this earlier cutoff on, by factor and by rule.",
        ),
    ] = None,
    which: Which = "champion",
    with_page: Annotated[
        bool, typer.Option("--page", help="Also write it as an HTML page, explain-LEAD.html.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Why one lead has its readiness and its points, and why they changed.

    Shows the readiness with every reason (they add up to its log-odds), the points with every line
    of the points table that gave or took some (they add up to the points), and what the ledger has
    said of the lead at each cutoff so far. Without a champion yet, the points alone, and why there
    is no probability.

    With --since, the difference between two cutoffs too, by factor: one model, today's, judges
    both; where another one had scored the earlier cutoff, what the change of model did is a line of
    its own, and all lines add up to the whole change. So with the points and their rules.
    """
    from features.config import load
    from features.contract.database import open_database
    from serve.reports.explain.figures import explain_change, explain_lead, explain_points
    from serve.reports.explain.history import history_of
    from serve.reports.explain.page import page_name, story_of, write_page
    from serve.scoring.points_only import PointsOnly, scorer_of

    config = load(where)
    scorer = scorer_of(config, which)
    with open_database(scorer.staged(config), scorer.specs, [lead]) as database:
        told: PointsExplained
        if isinstance(scorer, PointsOnly):
            told = explain_points(config, database, scorer, lead, cutoff)
        else:
            told = explain_lead(config, database, scorer, lead, cutoff)
        history = history_of(config.out_folder / "ledger.duckdb", lead)
        change = None
        if since:
            change = explain_change(config, database, scorer, lead, since, told.cutoff, history)
        story = story_of(database, scorer, told, history, change)
    page = write_page(story, config.out_folder / page_name(lead)) if with_page else None
    if as_json:
        print_json(story, page=page)
        return
    _print_explained(told, story.horizon_days)
    _print_history(history, told.cutoff, change)
    if change:
        _print_change(change)
    if page:
        print_path(f"Page: {page}")


def _print_explained(told: "PointsExplained", horizon_days: int) -> None:
    from serve.reports.explain.figures import LeadExplained

    ready = ""
    if isinstance(told, LeadExplained):
        ready = f"readiness [bold]{told.readiness:.1%}[/] within {horizon_days} days, "
    out.print(
        f"Lead {escape(told.lead_id)} at {told.cutoff:%Y-%m-%d %H:%M} UTC: {ready}"
        f"[bold]{told.rule_score:g}[/] points ({told.band})."
    )
    if isinstance(told, LeadExplained):
        if told.prior_shift and told.prior_shift.log_odds:
            out.print(str(told.prior_shift))
        if told.time_to_close:
            out.print(str(told.time_to_close))
        out.print(_reasons_table(told))
    else:
        out.print(f"There is no probability: {told.why_no_readiness}.", markup=False)
    lines = Table(Column("points", justify="right"), "rule", title="Points", title_justify="left")
    for rule, points in told.lines.items():
        lines.add_row(f"{points:+g}", escape(rule))
    lines.add_section()
    lines.add_row(f"{told.rule_score:g}", f"in all: {told.band}")
    out.print(lines)
    if told.disqualified:
        out.print(f"[bold]Disqualified:[/] {escape(told.disqualified)}")


def _reasons_table(told: "LeadExplained") -> Table:
    """Reasons that would be printed as 0.00 are added up in one line."""
    table = Table(
        Column("log-odds", justify="right"), "why", title="Readiness", title_justify="left"
    )
    table.add_row(f"{told.base:+.2f}", "where every lead begins")
    shown = [reason for reason in told.reasons if abs(reason.log_odds) >= SMALL]
    for reason in shown:
        table.add_row(f"{reason.log_odds:+.2f}", escape(reason.text))
    small = [reason.log_odds for reason in told.reasons[len(shown) :]]
    if small:
        together = round(sum(small), 2) + 0.0  # never -0.00
        table.add_row(f"{together:+.2f}", f"smaller reasons together: {len(small)}")
    table.add_section()
    table.add_row(f"{told.log_odds:+.2f}", f"in all: readiness {told.readiness:.1%}")
    return table


def _print_history(
    history: "Sequence[LedgerLine]", cutoff: datetime, change: "Change | None"
) -> None:
    from serve.reports.explain.history import as_seen, sparkline

    if not history:
        out.print("Never scored so far: the ledger has no line of this lead (readiness score).")
        return
    seen = as_seen(history)
    table = Table(
        *("cutoff", Column("readiness", justify="right"), Column("points", justify="right")),
        *("band", "route", "model", "rules"),
        title=f"History: readiness {sparkline([said.readiness for said in seen])}  "
        f"points {sparkline([said.rule_score for said in seen])}",
        title_justify="left",
        caption=f"the latest {LATEST} of {len(history)}" if len(history) > LATEST else None,
    )
    for said in history[-LATEST:]:
        table.add_row(
            f"{said.cutoff:%Y-%m-%d}",
            "-" if said.readiness is None else f"{said.readiness:.1%}",
            "-" if said.rule_score is None else f"{said.rule_score:g}",
            said.band or "",
            said.decided_route,
            said.model_version,
            said.rules_version,
        )
    out.print(table)
    earlier = [said.cutoff for said in seen if said.cutoff < cutoff]
    if earlier and not change:
        out.print(f"What changed since the list before: add --since {earlier[-1]:%Y-%m-%d}")


def _print_change(change: "Change") -> None:
    span = f"{change.since:%Y-%m-%d} to {change.cutoff:%Y-%m-%d}"
    if change.readiness and change.log_odds:
        then, now = change.readiness
        title = f"Readiness {then:.1%} -> {now:.1%}, {span}"
        out.print(_change_table(title, "log-odds", change.log_odds, "{:+.2f}", SMALL))
    points = change.points
    title = f"Points {points.before:g} -> {points.after:g}, {span}"
    out.print(_change_table(title, "points", points, "{:+g}", 0.0))
    if change.ledger is None:
        out.print(f"The ledger has no line of {change.since:%Y-%m-%d}: both are judged as today.")


def _change_table(
    title: str, unit: str, found: "Difference", form: str, small_below: float
) -> Table:
    """Small parts are one line, which makes good the rounding of those above it."""
    table = Table(Column(unit, justify="right"), "why", title=title, title_justify="left")
    shown = [part for part in found.parts if abs(part.difference) >= small_below]
    for part in shown:
        named = part.text if unit == "log-odds" else f"{part.name}: {part.then:g} -> {part.now:g}"
        more = f" ({part.text})" if unit == "points" and part.text else ""
        table.add_row(form.format(part.difference), escape(named + more))
    if found.revised:
        table.add_row(form.format(found.revised), escape(found.because))
    small = [part.difference for part in found.parts[len(shown) :]]
    if small:
        together = round(sum(small), 2) + 0.0
        table.add_row(form.format(together), f"smaller differences together: {len(small)}")
    table.add_section()
    table.add_row(form.format(found.total), f"in all: {found.before:.4g} -> {found.after:.4g}")
    return table
