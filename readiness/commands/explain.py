"""The verb explain: why one lead has its readiness and its points, and why they changed."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from features.spec.wording import due, plural, say
from readiness.commands.options import (
    TIMES,
    AsJson,
    Cutoff,
    Lead,
    Question,
    Where,
    Which,
    time_option,
)
from readiness.commands.printing import (
    figure,
    out,
    print_json,
    print_path,
    print_table,
    with_details,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from serve.reports.explain.change import Change, Difference
    from serve.reports.explain.figures import LeadExplained
    from serve.reports.explain.history import LedgerLine
    from serve.reports.explain.page import Story
    from serve.reports.people.figures import AccountPeople, Person

LATEST = 12  # lines of the history that are shown
SMALL = 0.005  # log-odds that would be printed as 0.00


def verb(
    lead: Lead,
    where: Where = Path(),
    question: Question = None,
    cutoff: Cutoff = None,
    since: Annotated[
        datetime | None,
        time_option(
            f"Also show what changed since this earlier cutoff, by factor and by rule. {TIMES}"
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
    of the lead at each cutoff so far. Without a champion yet: the points alone, and why there is no
    probability.

    With --since, also the difference between two cutoffs, by factor: today's model scores both;
    if another model had scored the earlier cutoff, the effect of the change of model is a line of
    its own, and all lines add up to the whole change. The same for the points and their rules.
    """
    from readiness.settings import load
    from serve.reports.explain.page import page_name, render, tell
    from serve.reports.page import write_page
    from serve.scoring.points_only import scorer_of

    config = load(where, question=question)
    story = tell(config, scorer_of(config, which), lead, cutoff, since, since_last=with_page)
    page = (
        write_page(config.out_folder / page_name(lead), render(story), story) if with_page else None
    )
    if as_json:
        print_json(story, page=page)
        return
    _print_explained(story)
    if story.account:
        _print_people(story.account, story.words)
    _print_history(story.history, story.lead.cutoff, story.change)
    if story.change:
        _print_change(story.change, story.rule_words)
    if page:
        print_path(f"Page: {page}")


def _print_explained(story: "Story") -> None:
    from serve.reports.explain.figures import LeadExplained

    now, horizon_days, rules, ready = story.lead, story.horizon_days, story.rule_words, ""
    if isinstance(now, LeadExplained):
        ready = f"readiness [bold]{now.readiness:.1%}[/] within {plural(horizon_days, 'day')}, "
    who = f"{story.unit.capitalize()} {escape(now.lead_id)}"
    out.print(
        f"{who} at {now.cutoff:%Y-%m-%d %H:%M} UTC: {ready}"
        f"[bold]{now.rule_score:g}[/] points ({now.band})."
    )
    if story.is_to_call and (line := story.line):
        by = f" by {due(line.contact_by)} UTC" if line.contact_by else ""
        reason = line.decided_because or line.route_reason or "on the list for sales"
        out.print(f"[bold]Call[/]{by}: {escape(reason)}.")
    if isinstance(now, LeadExplained):
        if now.prior_shift and now.prior_shift.log_odds:
            out.print(str(now.prior_shift))
        if now.fit:
            out.print(f"Fit {now.fit}, of A (best) to D: who it is.")
        if now.engagement:
            out.print(f"Engagement {now.engagement}, of 1 (most) to 4: what it did.")
        if now.time_to_close:
            out.print(str(now.time_to_close))
        _print_reasons(now, story.unit)
    else:
        out.print(f"There is no probability: {now.why_no_readiness}.", markup=False)
    lines = [(f"{points:+g}", escape(rules.get(rule, rule))) for rule, points in now.lines.items()]
    total = (f"{now.rule_score:g}", f"in all: {now.band}")
    print_table("Points", [">points", "rule"], [*lines, (), total])
    if now.disqualified:
        out.print(f"[bold]Disqualified:[/] {escape(now.disqualified)}")


def _print_reasons(now: "LeadExplained", unit: str) -> None:
    """Reasons that would be printed as 0.00 are added up in one line."""
    shown = [reason for reason in now.reasons if abs(reason.log_odds) >= SMALL]
    rows = [
        (f"{now.base:+.2f}", f"start value of every {unit}"),
        *((f"{reason.log_odds:+.2f}", escape(reason.text)) for reason in shown),
        *_together([reason.log_odds for reason in now.reasons[len(shown) :]], "{:+.2f}", "reasons"),
        (),
        (f"{now.log_odds:+.2f}", f"in all: readiness {now.readiness:.1%}"),
    ]
    print_table("Readiness", [">log-odds", "why"], rows)


def _together(small: list[float], form: str, what: str) -> list[tuple[str, str]]:
    """The row of those that are too small for one of their own, if there are any."""
    total = round(sum(small), 2) + 0.0  # never -0.00
    return [(form.format(total), f"smaller {what} together: {len(small)}")] if small else []


def _print_people(account: "AccountPeople", words: "Mapping[str, str]") -> None:
    rows = [
        (
            with_details(escape(each.lead_id), escape("\n".join(_of_person(each, words)))),
            figure(each.readiness, "{:.1%}"),
            figure(each.points, "{:g}") + "\nto call" * (each.route == "sales"),
        )
        for each in account.people
    ]
    more = account.count - len(account.people)
    print_table(
        f"People of the account {escape(account.account_id)}",
        ["person and what is known", ">readiness", ">points"],
        rows,
        caption=f"and {more:,} more" if more else None,
    )
    out.print(account.reading, markup=False)


def _of_person(each: "Person", words: "Mapping[str, str]") -> "Iterator[str]":
    yield f"{each.role}: {each.because}" if each.role else "role not clear"
    if each.title:
        yield ", ".join(filter(None, (each.title, each.seniority, each.department)))
    did = ", ".join(f"{group} {count:,}" for group, count in each.did.items())
    last = f"; last {each.last_at:%Y-%m-%d}: {say(each.last_action, words)}" if each.last_at else ""
    yield f"since {each.first_seen:%Y-%m-%d}: {did or 'nothing so far'}{last}"
    if each.outcome:
        yield f"last deal {each.outcome}"


def _print_history(
    history: "Sequence[LedgerLine]", cutoff: datetime, change: "Change | None"
) -> None:
    from serve.reports.explain.history import as_seen, sparkline

    if not history:
        out.print("Never scored so far: the ledger has no line of this lead (readiness score).")
        return
    seen = as_seen(history)
    rows = [
        (
            f"{row.cutoff:%Y-%m-%d}",
            figure(row.readiness, "{:.1%}"),
            figure(row.rule_score, "{:g}"),
            *(row.band or "", row.decided_route, row.model_version, row.rules_version),
        )
        for row in history[-LATEST:]
    ]
    print_table(
        f"History: readiness {sparkline([row.readiness for row in seen])}  "
        f"points {sparkline([row.rule_score for row in seen])}",
        ["cutoff", ">readiness", ">points", "band", "route", "model", "rules"],
        rows,
        f"the latest {LATEST} of {len(history)}" if len(history) > LATEST else None,
    )
    earlier = [row.cutoff for row in seen if row.cutoff < cutoff]
    if earlier and not change:
        out.print(f"What changed since the list before: add --since {earlier[-1]:%Y-%m-%d}")


def _print_change(change: "Change", rules: "Mapping[str, str]") -> None:
    span = f"{change.since:%Y-%m-%d} to {change.cutoff:%Y-%m-%d}"
    if change.readiness and change.log_odds:
        then, now = change.readiness
        title = f"Readiness {then:.1%} -> {now:.1%}, {span}"
        _print_parts(title, "log-odds", change.log_odds, "{:+.2f}", SMALL, rules)
    points = change.points
    title = f"Points {points.before:g} -> {points.after:g}, {span}"
    _print_parts(title, "points", points, "{:+g}", 0.0, rules)
    if change.ledger is None:
        out.print(
            f"The ledger has no line of {change.since:%Y-%m-%d}: both are scored with "
            "today's model and data."
        )


def _print_parts(
    title: str,
    unit: str,
    result: "Difference",
    form: str,
    small_below: float,
    rules: "Mapping[str, str]",
) -> None:
    """Small parts are one line, which makes good the rounding of those above it."""
    shown = [part for part in result.parts if abs(part.difference) >= small_below]
    rows: list[tuple[str, ...]] = []
    for part in shown:
        rule = f"{rules.get(part.name, part.name)}: {part.then:g} -> {part.now:g}"
        named = part.text if unit == "log-odds" else rule
        more = f" ({part.text})" if unit == "points" and part.text else ""
        rows.append((form.format(part.difference), escape(named + more)))
    if result.revised:
        rows.append((form.format(result.revised), escape(result.because)))
    small = [part.difference for part in result.parts[len(shown) :]]
    total = (form.format(result.total), f"in all: {result.before:.4g} -> {result.after:.4g}")
    rows += [*_together(small, form, "differences"), (), total]
    print_table(title, [f">{unit}", "why"], rows)
