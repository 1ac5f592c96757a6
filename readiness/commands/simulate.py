"""The verb simulate."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from readiness.commands.options import AsJson
from readiness.commands.printing import print_json, print_path, progress_bars

DAYS, DAYS_OF_USAGE = 540, 730


def verb(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the tables.")],
    leads: Annotated[int, typer.Option(help="How many leads, from 1,000 to 1,000,000.")] = 5_000,
    days: Annotated[
        int | None,
        typer.Option(help=f"How many days of history. Default: {DAYS}, of usage {DAYS_OF_USAGE}."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same database.")] = 7,
    mode: Annotated[
        Literal["leads", "repeat", "usage", "flat", "accounts"],
        typer.Option(
            help="`leads` with one deal each, customers who buy again (`repeat`), accounts that "
            "only log in (`usage`), one `flat` table without events, or people who buy together "
            "(`accounts`)."
        ),
    ] = "leads",
    as_json: AsJson = False,
) -> None:
    """Make a lead database whose true win probabilities are known.

    Intent rises and fades, sources differ in how many leads buy, some ready buyers postpone, sales
    can call only so many, and many leads are still open at the end. The other modes have up to
    100,000 leads. A folder with tables is refused.
    """
    from features.simulator.modes import WORLDS
    from features.simulator.simulate import write
    from readiness.outputs import require_without_tables

    require_without_tables(folder)
    days = days or (DAYS_OF_USAGE if mode == "usage" else DAYS)
    with progress_bars() as progress:
        world = WORLDS[mode](
            leads, seed, days, progress=lambda s: progress("simulate", round(s * days), days)
        )
    written = write(world, folder)
    if as_json:
        counts = {name: len(table) for name, table in world.tables.items() if name != "contacts"}
        print_json(counts | {"written": [str(path) for path in written]})
        return
    rows = ", ".join(f"{len(table):,} {name}" for name, table in world.tables.items())
    flat = f" --flat {written[0]}" if mode == "flat" else ""
    print_path(f"{rows} in {folder}.\nNext: readiness init {folder}{flat}")
