"""The verb rules show."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from readiness.commands.options import RULES, AsJson, Question, Where
from readiness.commands.printing import out, print_json, print_table

if TYPE_CHECKING:
    from models.rules.rules import RuleScore


def verb(
    where: Where = Path(),
    question: Question = None,
    which: Annotated[str, typer.Option("--rules", help=RULES)] = "current",
    as_json: AsJson = False,
) -> None:
    """Show the rules in words: what gives how many points, caps and groups, who is disqualified.

    The version follows the content: the same rules have the same version, whatever their layout.
    """
    from models.rules.rules import find_rules
    from readiness.settings import load

    config = load(where, question=question)
    rules = find_rules(which, config)
    if as_json:
        print_json(rules.json_fields(config.words))
        return
    _print_rules(rules, config.words)
    for line in rules.limits_in_words():
        out.print(escape(line))
    for each in rules.file.disqualify:
        out.print(f"Disqualified: [bold]{escape(each.name)}[/], {escape(each.words(config.words))}")


def _print_rules(rules: "RuleScore", words: dict[str, str]) -> None:
    bands = rules.file.bands
    rows = [
        (
            f"{rule.points:+g}",
            escape(rule.words(words)),
            "" if rule.cap is None else f"{rule.cap:g}",
            escape(rule.group or ""),
        )
        for rule in rules.file.rule
    ]
    print_table(
        f"{escape(rules.file.name)}, version {rules.version}",
        [">points", "for", ">cap", "group"],
        rows,
        f"warm from {bands.warm:g} points, hot from {bands.hot:g}",
    )
