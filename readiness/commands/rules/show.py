"""The verb rules show."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from readiness.commands.options import RULES, AsJson, Where
from readiness.commands.printing import out, print_json

if TYPE_CHECKING:
    from models.rules.rules import RuleScore


def verb(
    where: Where = Path(),
    which: Annotated[str, typer.Option("--rules", help=RULES)] = "current",
    as_json: AsJson = False,
) -> None:
    """Show the rules in words: what gives how many points, caps and groups, who is disqualified.

    The version follows the content: the same rules have the same version, whatever their layout.
    """
    from features.config import load
    from models.rules.rules import find_rules

    config = load(where)
    rules = find_rules(which, config)
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
        meaning = escape(rule.words(words))
        table.add_row(f"{rule.points:+g}", meaning, cap, escape(rule.group or ""))
    return table
