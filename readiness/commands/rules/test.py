"""The verb rules test."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from readiness.commands.options import RULES, AsJson, IfAny, Page, Question, Where
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
    from serve.reports.rules.backtest import Backtest


def verb(
    draft: Annotated[str, typer.Argument(metavar="DRAFT", help=RULES)],
    where: Where = Path(),
    question: Question = None,
    which: IfAny = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit 1 if the draft is worse beyond noise.")
    ] = False,
    to: Page = None,
    as_json: AsJson = False,
) -> None:
    """Test a draft of the points table on real outcomes, before it is used.

    Draft, current rules and model rank the same mature snapshots, in lists of equal size, with
    paired intervals; and each rule of the draft is measured on the leads that it matched. Exits 0
    whatever the result, unless you ask for the gate.
    """
    from features.open_database import open_database
    from features.spec.spec import distinct
    from models.registry import Registry
    from models.rules.rules import current_rules, find_rules
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.reports.page import write_page
    from serve.reports.rules.backtest import backtest
    from serve.reports.rules.page import render

    config = load(where, to, question=question)
    new, current = find_rules(draft, config), current_rules(config)
    model = Registry(config).pick(which)
    staged = config if model is None else model.staged(config)
    specs = distinct((*new.specs, *current.specs, *(model.specs if model else ())))
    with open_database(staged, specs) as database, progress_bars() as progress:
        result = backtest(config, database, new, current, model, progress)
    page = write_page(destination(config, to, "rules.html"), render(result, config.words), result)
    if as_json:
        print_json(result, page=page)
    else:
        _print_backtest(result)
        print_path(f"Page: {page}")
    if gate and result.is_worse:
        raise typer.Exit(1)


def _print_backtest(result: "Backtest") -> None:
    from readiness.commands.tables import print_judgement

    print_verdict(result.verdict)
    print_judgement(result.judged)
    if result.model_verdict:
        out.print(f"Against the model: {escape(str(result.model_verdict))}")
    rows = [
        (
            f"{each.points:+g}",
            escape(each.rule),
            f"{each.leads:,}",
            with_interval(each.lift, "{:.2f}"),
            each.pays,
        )
        for each in result.rules
    ]
    print_table(
        "Which rules of the draft pay for themselves?",
        [">points", "rule of the draft", ">leads", ">lift (95%)", ""],
        rows,
        "leads: that it gave points to, or took some of; lift: how many times as often as "
        "all leads these were won",
    )
