"""The verb promote."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from readiness.commands.options import AsJson, By, Question, Where
from readiness.commands.printing import out, print_json, print_path, progress_bars


def verb(
    where: Where = Path(),
    question: Question = None,
    because: Annotated[
        str | None,
        typer.Option(help="Your approval and the reason, where the figures alone are not enough."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --because: promote it against the figures.")
    ] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Make the challenger champion, if it is better than the champion and the rules.

    All are compared on the same mature cutoffs that no model was trained on, by average precision
    (or promotion.metric). Without approval it becomes champion only if it is ahead of the rules and
    significantly better than the champion (95% interval above 0), or equal within noise and
    simpler: a logistic regression instead of boosted trees. An equal model may follow a champion
    that is stale (promotion.stale_after_days) with an approval, --because; a worse one only with
    --force.

    Where promotion.realised is set, what challenger and champion said in past nights decides by the
    same rule, in place of what they would have said (docs/shadow.md).

    Exits 1 and says by how much the challenger fell short if it does not become champion. Each
    change of champion is recorded; see readiness history.
    """
    from readiness.settings import load
    from serve.reports.compare.realised import realised_for
    from training.promotion.promote import promote

    config = load(where, question=question)
    evidence = partial(realised_for, config) if config.promotion.realised else None
    with progress_bars() as progress:
        promotion = promote(config, because, by, force, progress, evidence)
    if as_json:
        print_json(promotion)
    else:
        out.print(promotion.summary, markup=False)
        if promotion.promoted:
            print_path("Next: readiness score")
    if not promotion.promoted:
        raise typer.Exit(1)
