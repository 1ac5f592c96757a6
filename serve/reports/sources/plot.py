"""The picture of the sources: what each is worth, how surely, and where the baskets begin.

A basket is told by colour and by shape: green is active, grey is passive; filled is the first,
hollow the second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from features.spec.wording import plural
from models.plots import CHANCE, DASHES, FURTHER, GRID, INK, PAPER, canvas, largest
from models.sources.sources import BASKETS, Basket
from serve.reports.page import spoken

ACTIVE, PASSIVE = FURTHER[0], CHANCE
MOST_ROWS = 40


@dataclass(frozen=True)
class Row:
    """A source as drawn: conversion with its interval [low, high]; `to` if it is to move."""

    name: str
    basket: Basket
    conversion: float
    low: float
    high: float
    to: Basket | None


def baskets(rows: Sequence[Row], levels: Sequence[float], horizon_days: int) -> Figure:
    """One line per source, the best conversion first (MOST_ROWS at most); upright lines where a
    basket begins. levels: of each basket but the last, falling."""
    best = sorted(rows, key=lambda row: -row.conversion)[:MOST_ROWS]
    title = f"How many leads of each source are won within {plural(horizon_days, 'day')}?"
    figure, axes = canvas(title, height=1.7 + 0.36 * len(best))
    limit = min(1.0, 1.08 * largest([*(row.high for row in best), 1.25 * levels[0]]))
    edges = [limit, *levels, 0.0]
    for place, (basket, high, low) in enumerate(zip(BASKETS, edges, edges[1:], strict=False)):
        is_second = place % 2 == 1
        axes.axvspan(low, high, color=GRID if is_second else PAPER, alpha=0.5, lw=0, zorder=0)
        if low:
            axes.axvline(low, color=INK, lw=1, ls=DASHES)
        axes.annotate(
            basket,
            (low, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 5 + 13 * is_second),  # two lines, so that narrow zones stay readable
            textcoords="offset points",
            color=INK,
            size=10,
        )
    for place, row in enumerate(best):
        _draw(axes, place, row)
    axes.set_yticks(np.arange(len(best)), [spoken(row.name) for row in best], parse_math=False)
    axes.set(xlim=(0, limit), ylim=(len(best) - 0.4, -0.6))
    axes.set_xlabel("won of its leads, with the 95% interval", loc="right")
    axes.grid(visible=False)
    return figure


def _draw(axes: Axes, place: int, row: Row) -> None:
    shade = ACTIVE if row.basket.startswith("active") else PASSIVE
    face = shade if row.basket.endswith("1") else PAPER
    axes.plot([row.low, row.high], [place, place], color=shade, lw=2.5, solid_capstyle="butt")
    axes.plot(row.conversion, place, "o", ms=9, color=face, mec=shade, mew=2.5, zorder=4)
    if row.to is not None:
        axes.annotate(
            f"to {row.to}",
            (row.high, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            size=11,
            weight="bold",
            annotation_clip=False,
        )
