"""The verb init."""

from pathlib import Path
from typing import Annotated

import typer

from readiness.commands.options import AsJson
from readiness.commands.printing import print_json, print_path


def verb(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with your tables.")],
    as_json: AsJson = False,
) -> None:
    """Write a commented readiness.toml and rules.toml, with sources, funnel and segments.toml.

    DIR holds events, leads and deals (.parquet, .csv, .sql, or one DuckDB file with them). Points,
    the baskets of sources and the stages of the funnel are guessed from the names in your data:
    check and edit them. Nothing is overwritten.
    """
    from features.starter.starter import write_starter

    written = write_starter(folder)
    if as_json:
        print_json({"written": [str(path) for path in written]})
        return
    for path in written:
        print_path(f"wrote {path}")
    print_path(f"Read them, edit what you know better, then: readiness check {folder}")
