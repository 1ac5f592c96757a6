"""The verb rules learn."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.console import AsJson, out, print_json, print_path, progress_bars
from readiness.commands.data import Where

if TYPE_CHECKING:
    from models.rules.file import Rule
    from models.statistics.judge import Estimate
    from training.points import Learned


def learn_verb(
    where: Where = Path(),
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The file to write. Default: learned_rules.toml in `out`."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
    which: Annotated[
        str | None,
        typer.Option("--model", help="Default: the champion, or challenger, if there is one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Learn a points table from outcomes, and show what the hand-written one over- and underpays.

    Whole points for deeds and for how recent they are, as a rules.toml: at most 20 rules of at most
    20 points. It learns at the cutoffs that training learns from, and is judged at the test
    cutoffs against the hand-written table and the model, in lists of equal size. A deed whose own
    lift is good never takes points.

    Fair points: the hand-written rules weighed anew, each beside the others, on the scale of their
    own table (one factor for all rules, so that the leads' points spread equally far).
    """
    from features.config import load
    from features.contract.database import open_database
    from features.errors import BadInput
    from models.rules.history import current_rules
    from serve.reports.page import write
    from serve.reports.rules.backtest import model_beside
    from training.points import learn

    config = load(where)
    path = to or config.out_folder / "learned_rules.toml"
    if path.suffix != ".toml":
        raise typer.BadParameter(f"a .toml file, please, not {path.name}", param_hint="--to")
    if path.exists() and not force:
        raise BadInput(f"{path} exists already: write elsewhere (--to), or over it (--force).")
    current, model = current_rules(config), model_beside(config, which)
    staged = config if model is None else model.staged(config)
    with open_database(staged, current.specs) as database, progress_bars() as told:
        found = learn(config, database, current, model, told)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, found.text)
    if as_json:
        print_json(found.to_json() | {"file": str(path)})
        return
    _print(found, config.words)
    print_path(f"Written: {path}. Who would stand elsewhere: readiness rules diff current {path}")


def _print(found: "Learned", words: dict[str, str]) -> None:
    from readiness.commands.tables import judgement_table

    out.print(_learned_table(found, words))
    out.print(_paid_table(found, words))
    out.print(judgement_table(found.judged))
    out.print(f"[bold]{escape(found.verdict)}[/]")
    if found.model_verdict:
        out.print(f"Beside the model: {escape(found.model_verdict)}")
    else:
        out.print("Beside the model: there is none that saw no label of the test cutoffs.")


def _learned_table(found: "Learned", words: dict[str, str]) -> Table:
    bands = found.rules.file.bands
    table = Table(
        *(Column(name, justify="right") for name in ("points", "by hand")),
        Column("for", overflow="fold"),
        Column("lift (95 %)", justify="right", no_wrap=True),
        title=f"Learned from {found.wins:,} wins among {found.snapshots:,} snapshots of "
        f"{len(found.split.fit)} cutoffs",
        title_justify="left",
        caption=f"warm from {bands.warm:g} points, hot from {bands.hot:g}: {found.hot:.1%} of the "
        "leads of the test cutoffs are hot; by hand: the points of today's rules for the same",
        caption_justify="left",
    )
    for rule, each in zip(found.rules.file.rule, found.worth, strict=True):
        most = "" if rule.cap is None else f"\nat most {rule.cap:g}"
        said = escape(rule.words(words))
        table.add_row(f"{rule.points:+g}{most}", _by_hand(found, rule), said, _lift(each.lift))
    return table


def _by_hand(found: "Learned", rule: "Rule") -> str:
    about = (rule.about, rule.action, rule.attribute)
    same = [r for r in found.current.file.rule if (r.about, r.action, r.attribute) == about]
    return ", ".join(f"{each.points:+g}" for each in same) or "-"


def _paid_table(found: "Learned", words: dict[str, str]) -> Table:
    from features.spec.wording import say

    table = Table(
        Column("points", justify="right"),
        Column("fair (95 %)", justify="right", no_wrap=True),
        "",
        Column("rule by hand", overflow="fold"),
        Column("lift (95 %)", justify="right", no_wrap=True),
        title=f"What does {escape(found.current.file.name)} overpay and underpay?",
        title_justify="left",
        caption="fair: what outcomes would pay for it beside the other rules, on the scale of this "
        "table; lift: by itself, how many times as often as all leads these were won",
        caption_justify="left",
    )
    for each in found.paid:
        fair = f"{each.fair.point:+z.0f} ({each.fair.low:z.0f} to {each.fair.high:z.0f})"
        rule = each.rule
        said = say(rule.action, words, rule.where) if rule.about == "an event" else rule.label
        verdict = (
            each.verdict
            if each.verdict in ("about right", "not clear")
            else f"[bold]{each.verdict}[/]"
        )
        table.add_row(f"{each.rule.points:+g}", fair, verdict, escape(said), _lift(each.told.lift))
    return table


def _lift(lift: "Estimate") -> str:
    known = lift.point == lift.point
    return f"{lift.point:.2f} ({lift.low:.2f} to {lift.high:.2f})" if known else "-"
