"""The verb simulate."""

from pathlib import Path
from typing import Annotated

import typer

from features.spec.wording import plural
from readiness.commands.options import AsJson
from readiness.commands.printing import print_json, print_path, progress_bars


def verb(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the tables.")],
    leads: Annotated[int, typer.Option(help="How many leads, from 1,000 to 1,000,000.")] = 5_000,
    days: Annotated[int, typer.Option(help="How many days of history.")] = 540,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same database.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Make a lead database whose true win probabilities are known.

    Intent rises and fades, sources differ in how many leads buy, some ready buyers postpone, sales
    can call only so many, and many leads are still open at the end.
    """
    from features.simulator.simulate import simulate, write

    with progress_bars() as progress:
        world = simulate(
            leads, seed, days, progress=lambda s: progress("simulate", round(s * days), days)
        )
    written = write(world, folder)
    if as_json:
        counts = {"leads": len(world.leads), "events": len(world.events), "deals": len(world.deals)}
        print_json(counts | {"written": [str(path) for path in written]})
        return
    print_path(
        f"{plural(len(world.leads), 'lead')}, {plural(len(world.events), 'event')}, "
        f"{len(world.deals):,} closed "
        f"deals in {folder}.\nNext: readiness init {folder}"
    )
