"""The verb rules learn."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from features.spec.wording import plural
from readiness.commands.options import AsJson, IfAny, Question, Where
from readiness.commands.printing import (
    out,
    print_json,
    print_path,
    print_table,
    print_verdict,
    progress_bars,
    with_interval,
)

if TYPE_CHECKING:
    from models.rules.file import Rule
    from training.points import LearnedPoints


def verb(
    where: Where = Path(),
    question: Question = None,
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
    table (one factor for all rules, so that the leads' points spread equally far). Writes them as a
    page, points.html in `out`, and the whole result next to it as .json.
    """
    from features.errors import BadInput
    from features.open_database import open_database
    from features.result_json import to_json
    from features.whole_file import write_whole
    from models.registry import Registry
    from models.rules.rules import current_rules
    from readiness.outputs import require_output
    from readiness.settings import load
    from serve.reports.page import write_page
    from serve.reports.points.page import render
    from training.points import learn

    config = load(where, question=question)
    path = to or config.out_folder / "learned_rules.toml"
    require_output(config, path)
    if path.suffix != ".toml":
        raise typer.BadParameter(f"a .toml file, please, not {path.name}", param_hint="--to")
    if path.exists() and not force:
        raise BadInput(f"{path} exists already: write elsewhere (--to), or over it (--force).")
    current, model = current_rules(config), Registry(config).pick(which)
    staged = config if model is None else model.staged(config)
    with open_database(staged, current.specs) as database, progress_bars() as progress:
        result = learn(config, database, current, model, progress)
    write_whole(path, result.text)
    shown = render(current, config.words, to_json(result))
    page = write_page(config.out_folder / "points.html", shown, result)
    if as_json:
        print_json(result, file=path, page=page)
        return
    _print(result, config.words)
    print_path(f"Page: {page}")
    print_path(f"Written: {path}. Which leads would change: readiness rules diff current {path}")


def _print(result: "LearnedPoints", words: dict[str, str]) -> None:
    from readiness.commands.tables import print_judgement

    _print_learned(result, words)
    _print_review(result, words)
    print_verdict(result.verdict)
    print_judgement(result.judged)
    if result.model_verdict:
        out.print(f"Against the model: {escape(str(result.model_verdict))}")
    else:
        out.print("Against the model: every model was trained on labels of the test cutoffs.")


def _print_learned(result: "LearnedPoints", words: dict[str, str]) -> None:
    bands = result.rules.file.bands
    rows = [
        (
            f"{rule.points:+g}" + ("" if rule.cap is None else f"\nat most {rule.cap:g}"),
            _by_hand(result, rule),
            escape(rule.words(words)),
            with_interval(each.lift, "{:.2f}"),
        )
        for rule, each in zip(result.rules.file.rule, result.lifts, strict=True)
    ]
    print_table(
        f"Learned from {plural(result.wins, 'win')} among {plural(result.snapshots, 'snapshot')} "
        f"of {plural(len(result.split.fit), 'cutoff')}",
        [">points", ">by hand", "for", ">lift (95%)"],
        rows,
        f"warm from {bands.warm:g} points, hot from {bands.hot:g}: {result.hot:.1%} of the "
        "leads of the test cutoffs are hot; by hand: the points of today's rules for the same",
    )


def _by_hand(result: "LearnedPoints", rule: "Rule") -> str:
    about = (rule.about, rule.action, rule.attribute)
    same = [r for r in result.current.file.rule if (r.about, r.action, r.attribute) == about]
    return ", ".join(f"{each.points:+g}" for each in same) or "-"


def _print_review(result: "LearnedPoints", words: dict[str, str]) -> None:
    from features.spec.wording import say

    rows = []
    for each in result.reviews:
        rule = each.rule
        meaning = say(rule.action, words, rule.where) if rule.about == "an event" else rule.label
        clear = each.verdict not in ("about right", "not clear")
        rows.append(
            (
                f"{rule.points:+g}",
                f"{each.fair.point:+z.0f} ({each.fair.low:z.0f} to {each.fair.high:z.0f})",
                f"[bold]{each.verdict}[/]" if clear else each.verdict,
                escape(meaning),
                with_interval(each.by_itself.lift, "{:.2f}"),
            )
        )
    print_table(
        f"What does {escape(result.current.file.name)} overpay and underpay?",
        [">points", ">fair (95%)", "", "rule by hand", ">lift (95%)"],
        rows,
        "fair: what outcomes would pay for it next to the other rules, on the scale of this "
        "table; lift: by itself, how many times as often as all leads these were won",
    )
