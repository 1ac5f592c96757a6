"""The pictures of the monitor: what moved, past scores against outcomes, scores over time."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from features.spec.wording import percent
from models.plots import CHANCE, DASHES, GRID, INK, MODEL, RULES, canvas, key, largest
from serve.reports.monitor.drift import PSI_AMBER, PSI_RED, Drift
from serve.reports.monitor.outcomes import PastScores

MOST_BARS = 15


def drifts(moved: Sequence[Drift]) -> Figure:
    """The stability index of the MOST_BARS features that moved farthest, farthest first; pale where
    chance explains it. Features that cannot be compared are left out."""
    shown = [each for each in moved if math.isfinite(each.psi)][:MOST_BARS]
    figure, axes = canvas("Which features moved?", height=1.5 + 0.3 * max(len(shown), 1))
    for place, each in enumerate(shown):
        sure = each.psi > each.by_chance
        axes.barh(place, each.psi, color=MODEL if sure else GRID, ec=MODEL, lw=1, height=0.62)
    for limit in (PSI_AMBER, PSI_RED):
        axes.axvline(limit, color=INK, lw=1, ls=DASHES)
    axes.set_yticks(np.arange(len(shown)), [each.meaning for each in shown], parse_math=False)
    most = largest([PSI_RED, *(each.psi for each in shown)])
    axes.set(xlim=(0, 1.1 * most), ylim=(max(len(shown), 1) - 0.4, -0.6))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.grid(visible=False)
    axes.set_xlabel("stability index; amber and red begin at the lines", loc="right")
    key(axes, [("beyond chance", MODEL), ("pale: by chance", CHANCE)])
    return figure


def past_scores(bands: Sequence[PastScores]) -> Figure:
    """Wins promised and seen in each band of readiness, with what chance makes of right scores."""
    figure, axes = canvas("Are past scores calibrated?")
    places = np.arange(len(bands))
    for place, band in enumerate(bands):
        axes.plot([place, place], [band.low, band.high], color=CHANCE, lw=9, alpha=0.35)
    axes.plot(places, [band.expected for band in bands], "_", ms=18, mew=2, color=INK)
    axes.plot(places, [band.won for band in bands], "o", ms=9, color=MODEL, zorder=4)
    names = [f"{percent(b.lowest)} to\n{percent(b.highest)}" for b in bands]
    axes.set_xticks(places, names)
    axes.set(xlim=(-0.6, len(bands) - 0.4), ylabel="wins", xlabel="readiness that was given")
    axes.set_ylim(0, 1.1 * largest([1, *(max(band.high, band.won) for band in bands)]))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.xaxis.grid(visible=False)
    key(axes, [("seen", MODEL), ("promised (line), 95% of chance (bar)", CHANCE)])
    return figure


def over_time(runs: pd.DataFrame) -> Figure:
    """Mean readiness and, beneath each other, mean points and the part of hot leads at every cutoff
    of the ledger. runs: cutoff, readiness, points, hot; rows in order of time."""
    figure, axes = canvas("Do scores inflate?", height=5.2)
    axes.remove()
    grid = figure.subplots(3, 1, sharex=True)
    rows = (("readiness", MODEL, "mean readiness"), ("points", RULES, "mean points"))
    for panel, (column, shade, word) in zip(grid, (*rows, ("hot", INK, "hot")), strict=True):
        _line(panel, runs, column, shade, word)
    locator = dates.AutoDateLocator(maxticks=6)  # type: ignore[no-untyped-call]
    grid[-1].xaxis.set_major_locator(locator)
    short = dates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    grid[-1].xaxis.set_major_formatter(short)
    return figure


def _line(axes: Axes, runs: pd.DataFrame, column: str, shade: str, word: str) -> None:
    """One panel; a line for each version of the model, or for all of them the points' own."""
    axes.set_facecolor("none")
    axes.spines[:].set_visible(False)
    axes.grid(visible=True, color=GRID, linewidth=1)
    axes.tick_params(colors=INK, labelsize=11, length=0, pad=5)
    version = "model_version" if column == "readiness" else "rules_version"
    for _, part in runs.groupby(version):
        axes.plot(part["cutoff"], part[column], "o-", color=shade, lw=2, ms=4)
    axes.set_ylim(
        min(0.0, -1.15 * largest([0, *-runs[column]])), 1.15 * largest([1e-9, *runs[column]])
    )
    axes.set_title(word, loc="left", size=11, color=shade, weight="bold")
    axes.yaxis.set_major_locator(MaxNLocator(3))
    form = "{x:g}" if column == "points" else None
    axes.yaxis.set_major_formatter(form or (lambda x, _: f"{100 * x:.3g}%"))
