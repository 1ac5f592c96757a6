"""The verb init."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from readiness.commands.options import AsJson
from readiness.commands.printing import print_json, print_path


def verb(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with your tables.")],
    flat: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="One table with a row per lead and its outcome, in DIR: .csv, .parquet or .xlsx.",
        ),
    ] = None,
    crm: Annotated[
        Literal["hubspot", "salesforce", "pipedrive", "dynamics"] | None,
        typer.Option("--from", help="DIR holds exports of this system, or its warehouse tables."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The tables are in this database: a path, or postgresql://user:${PASSWORD}@host/name.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a commented readiness.toml and rules.toml, with sources, funnel and segments.toml.

    DIR holds leads, deals and events: .parquet, .csv, .sql, or one DuckDB or SQLite file with them.
    With --database they may be on a server, whose password the environment holds. Points,
    the baskets of sources and the stages of the funnel are guessed from the names in your data:
    check and edit them. With --flat or --from, tables of another shape are mapped by queries
    (leads.sql, deals.sql, ...), and readiness.toml begins with the questions that only you can
    answer. Nothing is overwritten.
    """
    from features.starter.crm.map import map_crm
    from features.starter.flat import map_flat
    from features.starter.starter import write_starter

    if flat and crm:
        raise typer.BadParameter("name --flat or --from, one of them")
    mapped = map_crm(folder, crm, database) if crm else map_flat(folder, flat) if flat else None
    written = write_starter(folder, mapped, database)
    questions = {"questions": list(mapped.questions)} if mapped else {}
    if as_json:
        print_json({"written": [str(path) for path in written]} | questions)
        return
    for path in written:
        print_path(f"wrote {path}")
    for number, question in enumerate(questions.get("questions", ()), start=1):
        print_path(f"{number}. {question}")
    print_path(f"Read them, edit what you know better, then: readiness check {folder}")
