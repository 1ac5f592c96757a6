"""The verb card."""

from pathlib import Path

from readiness.commands.options import AsJson, Page, Question, Where, Which
from readiness.commands.printing import print_json, print_path


def verb(
    where: Where = Path(),
    question: Question = None,
    which: Which = "champion",
    to: Page = None,
    as_json: AsJson = False,
) -> None:
    """The model card of a version: its measured quality, its limits and what it is not for.

    Data, cohort, horizon, features, figures with intervals against rules and base rate, simpler
    models, events against demographics, calibration, groups of leads, time to close, limits, and
    how to reproduce it. Written at the training and stored in MLflow with its run, so it holds no
    figure that was not measured there.
    Prints Markdown; writes a self-contained HTML page (card.html) and the Markdown in a file.
    """
    from readiness.outputs import destination
    from readiness.settings import load
    from serve.reports.card.page import find_card, write_card

    config = load(where, to, question=question)
    card, pictures, standing = find_card(config, which)
    page = write_card(card, pictures, standing, destination(config, to, "card.html"))
    if as_json:
        print_json(card, page=page)
        return
    print_path(card.markdown())
    print_path(f"Page: {page}")
