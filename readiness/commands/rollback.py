"""The verb rollback."""

from pathlib import Path
from typing import Annotated

import typer

from readiness.commands.options import AsJson, By, Question, Where
from readiness.commands.printing import out, print_json, print_path


def verb(
    because: Annotated[str, typer.Option(help="Why, in a few words. Required.")],
    where: Where = Path(),
    question: Question = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="An earlier champion. Default: the one before."),
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Go back to an earlier champion; the next scoring run uses it.

    It is the same stored model, so it gives the same scores. Exits 1 if there is none to go back
    to. A model that was rolled back becomes champion again only with an approval: promote
    --because.
    """
    from readiness.settings import load
    from training.promotion.history import rollback

    change = rollback(load(where, question=question), because, to, by)
    if as_json:
        versions = {"from": change.old_version, "to": change.new_version}
        print_json(versions | {"by": change.approved_by, "because": change.reason})
        return
    out.print(change.summary, markup=False)
    print_path("Next: readiness score")
