"""The picture of one lead's history: its score at each cutoff, over what it did."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from models.plots import INK, canvas, key, largest

Moments = Sequence[datetime]


def history(
    title: str,
    scores: Mapping[datetime, float | None],
    shade: str,
    rug: Mapping[str, tuple[Moments, str]],
    in_percent: bool,
) -> Figure:
    """One figure per cutoff as dots on a line, broken where there is none; beneath, a row of marks
    per kind of moment. rug: kind -> (moments, colour). scores: not empty, in order of time."""
    figure, axes = canvas(title, low_panel=True)
    days, figures = list(scores), [float("nan") if v is None else v for v in scores.values()]
    axes.plot(days, figures, "o-", color=shade, lw=2, ms=6, clip_on=False)  # type: ignore[arg-type]
    least = -largest([0.0, *(-figure for figure in figures)])
    axes.set_ylim(bottom=1.1 * least, top=1.15 * largest([0.01, *figures]))
    if not in_percent:
        axes.yaxis.set_major_formatter("{x:g}")
    marks = figure.axes[1]
    for row, (moments, colour) in enumerate(rug.values()):
        marks.vlines(list(moments), -row - 0.35, -row + 0.35, colors=colour, lw=1.5)  # type: ignore[arg-type]
    marks.set_ylim(-len(rug) + 0.5, 0.5)
    marks.yaxis.set_major_locator(NullLocator())
    marks.grid(visible=False)
    everything = [*days, *(moment for moments, _ in rug.values() for moment in moments)]
    margin = max((max(everything) - min(everything)) / 40, timedelta(days=1))
    marks.set_xlim(min(everything) - margin, max(everything) + margin)  # type: ignore[arg-type]
    locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]
    marks.xaxis.set_major_locator(locator)
    marks.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    named = [(f"{len(moments):,} {kind}", colour) for kind, (moments, colour) in rug.items()]
    key(axes, [("beneath:", INK), *named])
    return figure
