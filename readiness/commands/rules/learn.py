"""The verb rules learn."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.options import AsJson, IfAny, Where
from readiness.commands.printing import out, print_json, print_path, progress_bars

if TYPE_CHECKING:
    from models.rules.file import Rule
    from models.statistics.estimate import Estimate
    from training.points import LearnedPoints


def verb(
    where: Where = Path(),
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The file to write. Default: learned_rules.toml in `out`."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
    which: IfAny = None,
    as_json: AsJson = False,
) -> None:
    """Learn a points table from outcomes, and show what the current one over- and underpays.

    Whole points for events and for how recent they are, as a rules.toml: at most 20 rules of at
    most 20 points. It learns at the cutoffs that training learns from, and is judged at the test
    cutoffs against the current table and the model, in lists of equal size. An action whose own
    lift is good never takes points.

    Fair points: the current rules with new weights, estimated together, on the scale of their own
    table (one factor for all rules, so that the leads' points spread equally far).
    """
    from features.config import load
    from features.errors import BadInput
    from features.open import open_database
    from features.whole_file import write_whole
    from models.registry import Registry
    from models.rules.rules import current_rules
    from training.points import learn

    config = load(where)
    path = to or config.out_folder / "learned_rules.toml"
    if path.suffix != ".toml":
        raise typer.BadParameter(f"a .toml file, please, not {path.name}", param_hint="--to")
    if path.exists() and not force:
        raise BadInput(f"{path} exists already: write elsewhere (--to), or over it (--force).")
    current, model = current_rules(config), Registry(config).pick(which)
    staged = config if model is None else model.staged(config)
    with open_database(staged, current.specs) as database, progress_bars() as progress:
        result = learn(config, database, current, model, progress)
    write_whole(path, result.text)
    if as_json:
        print_json(result, file=path)
        return
    _print(result, config.words)
    print_path(f"Written: {path}. Which leads would change: readiness rules diff current {path}")


def _print(result: "LearnedPoints", words: dict[str, str]) -> None:
    from readiness.commands.tables import judgement_table

    out.print(_learned_table(result, words))
    out.print(_paid_table(result, words))
    out.print(judgement_table(result.judged))
    out.print(f"[bold]{escape(str(result.verdict))}[/]")
    if result.model_verdict:
        out.print(f"Against the model: {escape(str(result.model_verdict))}")
    else:
        out.print("Against the model: every model was trained on labels of the test cutoffs.")


def _learned_table(result: "LearnedPoints", words: dict[str, str]) -> Table:
    bands = result.rules.file.bands
    table = Table(
        *(Column(name, justify="right") for name in ("points", "by hand")),
        Column("for", overflow="fold"),
        Column("lift (95 %)", justify="right", no_wrap=True),
        title=f"Learned from {result.wins:,} wins among {result.snapshots:,} snapshots of "
        f"{len(result.split.fit)} cutoffs",
        title_justify="left",
        caption=f"warm from {bands.warm:g} points, hot from {bands.hot:g}: {result.hot:.1%} of the "
        "leads of the test cutoffs are hot; by hand: the points of today's rules for the same",
        caption_justify="left",
    )
    for rule, each in zip(result.rules.file.rule, result.lifts, strict=True):
        most = "" if rule.cap is None else f"\nat most {rule.cap:g}"
        meaning = escape(rule.words(words))
        table.add_row(f"{rule.points:+g}{most}", _by_hand(result, rule), meaning, _lift(each.lift))
    return table


def _by_hand(result: "LearnedPoints", rule: "Rule") -> str:
    about = (rule.about, rule.action, rule.attribute)
    same = [r for r in result.current.file.rule if (r.about, r.action, r.attribute) == about]
    return ", ".join(f"{each.points:+g}" for each in same) or "-"


def _paid_table(result: "LearnedPoints", words: dict[str, str]) -> Table:
    from features.spec.wording import say

    table = Table(
        Column("points", justify="right"),
        Column("fair (95 %)", justify="right", no_wrap=True),
        "",
        Column("rule by hand", overflow="fold"),
        Column("lift (95 %)", justify="right", no_wrap=True),
        title=f"What does {escape(result.current.file.name)} overpay and underpay?",
        title_justify="left",
        caption="fair: what outcomes would pay for it beside the other rules, on the scale of this "
        "table; lift: by itself, how many times as often as all leads these were won",
        caption_justify="left",
    )
    for each in result.reviews:
        fair = f"{each.fair.point:+z.0f} ({each.fair.low:z.0f} to {each.fair.high:z.0f})"
        rule = each.rule
        meaning = say(rule.action, words, rule.where) if rule.about == "an event" else rule.label
        clear = each.verdict not in ("about right", "not clear")
        lift = _lift(each.by_itself.lift)
        verdict = f"[bold]{each.verdict}[/]" if clear else each.verdict
        table.add_row(f"{each.rule.points:+g}", fair, verdict, escape(meaning), lift)
    return table


def _lift(lift: "Estimate") -> str:
    known = lift.point == lift.point
    return f"{lift.point:.2f} ({lift.low:.2f} to {lift.high:.2f})" if known else "-"
