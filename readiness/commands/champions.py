"""The verbs about who is champion: promote, rollback, history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.console import AsJson, err, out, print_json, print_path, progress_bars
from readiness.commands.data import Where

if TYPE_CHECKING:
    from training.promotion.reigns import History, Reign

By = Annotated[str | None, typer.Option(help="Who decides. Default: the name of your account.")]


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command("promote")(promote_verb)
    app.command("rollback")(rollback_verb)
    app.command("history")(history_verb)


def promote_verb(
    where: Where = Path(),
    because: Annotated[
        str | None,
        typer.Option(help="Your word, and why, where the figures alone do not crown it."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --because: crown it against the figures.")
    ] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make the challenger champion, if it beats the champion and the rules.

    All are judged on the same mature cutoffs that no model was trained on, by average precision
    (or promotion.metric). By itself it is crowned only if ahead of the rules and surely better
    than the champion (95 % interval above 0), or as good within noise and simpler: a logistic
    regression in place of boosted trees. An equal may follow a champion that is stale
    (promotion.stale_after_days) on your word, --because; one that is worse only with --force.

    Exits 1 and says by how much it fell short if the challenger is not crowned. Each change of
    champion is logged in promotions.jsonl in `out`; see readiness history.
    """
    from features.config import load
    from training.promotion.promote import promote

    config = load(where)
    with progress_bars() as told:
        promotion = promote(config, because, by, force, told)
    if as_json:
        print_json(promotion)
    else:
        out.print(promotion.said, markup=False)
        if promotion.promoted:
            print_path(f"Next: readiness score {where}")
    if not promotion.promoted:
        raise typer.Exit(1)


def rollback_verb(
    because: Annotated[str, typer.Option(help="Why, in a few words. Required.")],
    where: Where = Path(),
    to: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="An earlier champion. Default: the one before."),
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Go back to the champion before this one; the next scoring run uses it.

    It is the very same model, so it scores as it did. Exits 1 where there is none to go back to.
    What was rolled back does not become champion again by itself: promote then asks for --because.
    """
    from features.config import load
    from training.promotion.reigns import rollback

    moved = rollback(load(where), because, to, by)
    if as_json:
        print_json({"from": moved.before, "to": moved.to, "by": moved.by, "because": moved.because})
        return
    out.print(moved.said, markup=False)
    print_path(f"Next: readiness score {where}")


def history_verb(where: Where = Path(), as_json: AsJson = False) -> None:
    """Who was champion from when to when, who crowned it, why and by which figures.

    Read from promotions.jsonl in `out`, which is only ever appended to. Each of its lines holds
    the SHA-256 of the line before: one that was changed or taken out is found, and is an error
    (exit code 1). A move that a crash broke off is shown as such.
    """
    from features.config import load
    from training.promotion.reigns import history

    found = history(load(where))
    if as_json:
        print_json(found)
    else:
        _print(found)
    if found.fault:
        raise typer.Exit(1)


def _print(found: "History") -> None:
    for note in found.notes:
        err.print(f"[yellow]note[/] {escape(note)}")
    if not found.reigns:
        out.print("There was no champion yet. Crown one with: readiness promote")
    else:
        out.print(_table(found.reigns))
    if found.fault:
        print_path(f"The log cannot be believed. {found.fault}")


def _table(reigns: "tuple[Reign, ...]") -> Table:
    table = Table(
        Column("version", justify="right"),
        Column("champion from", no_wrap=True),
        Column("to", no_wrap=True),
        Column("by", overflow="fold"),
        Column("why", overflow="fold"),
        title="Champions, times in UTC",
        title_justify="left",
        show_lines=True,
    )
    for reign in reigns:
        table.add_row(
            reign.version,
            _minute(reign.since, "unknown"),
            _minute(reign.until, "now"),
            escape(reign.by),
            escape(_why(reign)),
        )
    return table


def _minute(at: str | None, otherwise: str) -> str:
    return otherwise if at is None else at[:16].replace("T", " ")


def _why(reign: "Reign") -> str:
    """A person's reason first, then what was decided."""
    if reign.kind == "outside the log":
        return "crowned outside the log"
    return f'"{reign.because}" {reign.said}' if reign.because else reign.said
