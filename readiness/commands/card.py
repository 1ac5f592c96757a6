"""The verb card."""

from pathlib import Path
from typing import Annotated

import typer

from readiness.commands.console import AsJson, print_json, print_path, require_html
from readiness.commands.data import Where
from readiness.commands.use import Which


def add_to(app: typer.Typer) -> None:
    """Add this verb to the command."""
    app.command("card")(card_verb)


def card_verb(
    where: Where = Path(),
    which: Which = "champion",
    to: Annotated[
        Path | None, typer.Option("--out", help="The HTML page. Default: card.html in `out`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The model card of a version: what was measured of it, and what it is not for.

    Data, cohort, horizon, features, figures with intervals against rules and base rate, what is
    simpler, deeds against demographics, calibration, groups of leads, time to close, limits, and
    how to get it again. Written at the training and kept in MLflow with its run, so it holds no
    figure that was not measured there.
    Prints it as Markdown; writes a self-contained HTML page, and the Markdown beside it.
    """
    from features.config import load
    from serve.reports.card.page import find_card, write_card

    require_html(to)
    config = load(where)
    card, pictures = find_card(config, which)
    page = write_card(card, pictures, to or config.out_folder / "card.html")
    if as_json:
        print_json(card, page=page)
        return
    print_path(card.markdown())
    print_path(f"Page: {page}")
