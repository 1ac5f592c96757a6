"""Arguments and options that several verbs share."""

import re
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from readiness.commands.printing import remember_folder, remember_question

_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")
_WEEK = re.compile("([0-9]{4})-W([0-9]{2})")
_DAYS_AGO = {"today": 0, "yesterday": 1}
TIMES = (
    "A day, a time as 2026-03-01T14:30:00, an ISO week as 2026-W48 (its Monday), today or "
    "yesterday: all in UTC, a day is the midnight that begins it."
)
RULES = "A .toml file, `current`, or a version that was scored with."


def _html(path: Path | None) -> Path | None:
    """Refuses, before the work begins, a page that would not be called .html."""
    if path and path.suffix != ".html":
        raise typer.BadParameter(f"an .html file, please, not {path.name}")
    return path


def read_time(text: str) -> datetime:
    """A point in time, naive UTC, as the options of cutoffs take it: a day (its midnight), a day
    and a time, today, yesterday, or an ISO week (the midnight of its Monday).

    `today` is the last midnight of UTC: at 2026-03-02 23:30 in New York (03-03 04:30 UTC) it is
    2026-03-03 00:00. 2026-W01 is 2025-12-29 00:00.

    Raises BadParameter for another text, a week that the year has not, and a slip of the pen, from
    which no window or horizon could be counted.
    """
    from features.config import EARLIEST_CUTOFF, LATEST_CUTOFF

    time = _time(text.strip())
    if time is None:
        raise typer.BadParameter(
            f"{text!r} is no time; write 2026-03-01, 2026-03-01T14:30:00, 2026-W48, today or "
            "yesterday"
        )
    if not EARLIEST_CUTOFF <= time < LATEST_CUTOFF:
        raise typer.BadParameter(f"{time} does not lie in the years from 1900 to 2199")
    return time


def _time(text: str) -> datetime | None:
    from features.cutoffs import utc_now

    if text in _DAYS_AGO:
        midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=_DAYS_AGO[text])
    if week := _WEEK.fullmatch(text):
        year, number = map(int, week.groups())
        try:
            return datetime.fromisocalendar(year, number, 1)
        except ValueError:
            raise typer.BadParameter(f"{year} has no week {number}") from None
    for form in _FORMATS:
        with suppress(ValueError):
            return datetime.strptime(text, form)
    return None


def time_option(meaning: str, *names: str, metavar: str = "TIME") -> Any:
    """An option that takes a point in time; named after its parameter, unless `names` are given."""
    return typer.Option(*names, parser=read_time, metavar=metavar, help=meaning)


Where = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        callback=remember_folder,
        help="The folder of readiness.toml, or the file itself.",
    ),
]
Question = Annotated[
    str | None,
    typer.Option(
        "--question",
        metavar="NAME",
        callback=remember_question,
        help="Which question of the project: [questions.NAME] of readiness.toml (docs/questions.md)"
        ". Default: main, the file itself; of score, all.",
    ),
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
    time_option(
        f"{TIMES} Only what was known strictly before it counts. Default: the first midnight (UTC) "
        "after the data end; before that has come, just after the data end."
    ),
]
Lead = Annotated[str, typer.Argument(metavar="LEAD", help="The lead_id.")]
Because = Annotated[str, typer.Option(help="Why, in a few words.")]
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
