"""Arguments and options that several verbs share."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
RULES = "A .toml file, `current`, or a version that was scored with."


def _html(path: Path | None) -> Path | None:
    """Refuses, before the work begins, a page that would not be called .html."""
    if path and path.suffix != ".html":
        raise typer.BadParameter(f"an .html file, please, not {path.name}")
    return path


def plausible(time: datetime | None) -> datetime | None:
    """Refuses a slip of the pen, from which no window or horizon could be counted."""
    if time is None:
        return None
    from features.config import EARLIEST_CUTOFF, LATEST_CUTOFF

    if not EARLIEST_CUTOFF <= time < LATEST_CUTOFF:
        raise typer.BadParameter(f"{time} does not lie in the years from 1900 to 2199")
    return time


Where = Annotated[
    Path, typer.Argument(metavar="DIR", help="The folder of readiness.toml, or the file itself.")
]
Which = Annotated[
    str, typer.Option("--model", help="champion, challenger, or the number of a version.")
]
IfAny = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="champion, challenger, or the number of a version. "
        "Default: the champion, else the challenger, else none.",
    ),
]
Cutoff = Annotated[
    datetime | None,
    typer.Option(
        formats=TIME_FORMATS,
        callback=plausible,
        metavar="TIME",
        help="A day, or a time as 2026-03-01T14:30:00, UTC. Only what was known strictly before it "
        "counts. Default: the first midnight (UTC) after the data end; before that has come, just "
        "after the data end.",
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(
        formats=TIME_FORMATS,
        callback=plausible,
        metavar="TIME",
        help="Also show what changed since this earlier cutoff, by factor and by rule.",
    ),
]
Segment = Annotated[
    str | None, typer.Option("--segment", metavar="NAME", help="Only leads of this segment.")
]
By = Annotated[str | None, typer.Option(help="Who decides. Default: the name of your account.")]
Page = Annotated[
    Path | None,
    typer.Option(
        "--out", callback=_html, help="The HTML page to write. Default: a page in the folder `out`."
    ),
]
Export = Annotated[
    Path | None, typer.Option("--export", help="Also write the rows to this .csv or .parquet.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
]
