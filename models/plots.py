"""The pictures of a judgement, for MLflow and for the page, each a matplotlib Figure of its own.

No pyplot and no rcParams, so nothing is left behind. Every colour has one meaning in every picture
and is told apart by colour-blind readers; what a colour stands for is said in its own words above
the axes, with its figure at capacity, where no curve can run through it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, NullLocator, PercentFormatter
from numpy.typing import ArrayLike

from models.metrics import calibration_curve, capacity_curve

MODEL, RULES, CHANCE = "#0072b2", "#bf4d00", "#6b7280"
INK, GRID, PAPER = "#1f2937", "#e2e5ea", "#ffffff"
FURTHER = ("#007a5a", "#a3417f")  # for rankers that are neither the model nor the rules
TOP = 20
WIDTH, HEIGHT = 6.0, 4.4  # inches; at 11 pt the text stays readable on a phone


def gain(
    won: ArrayLike, scores: Mapping[str, ArrayLike], cutoff: ArrayLike, share: float
) -> Figure:
    """Share of the wins found against the share of each cutoff's leads called, best first.

    scores: each ranker's name and its float per snapshot, the higher the sooner called. share: the
    capacity to mark, in (0, 1].
    """
    figure, axes = _canvas("How many of the deals are in the top of each list?")
    curves = _capacity_curves(won, scores, cutoff, share, axes, "gain")
    axes.plot([0, 1], [0, 1], color=CHANCE, lw=1.5, ls=(0, (4, 3)), label="chance")
    for name, curve in curves.items():
        x, y = [0.0, *curve["share"]], [0.0, *curve["gain"]]
        axes.plot(x, y, color=colour(name, scores), lw=2.5, label=name)
    _key_at_capacity(axes, curves, share, "gain", scores, chance=share)
    axes.set(ylim=(0, 1.02), xlabel="leads called, best of the list first", ylabel="deals found")
    return figure


def precision_by_capacity(
    won: ArrayLike,
    scores: Mapping[str, ArrayLike],
    cutoff: ArrayLike,
    base_rate: float,
    share: float,
) -> Figure:
    """Share of the called leads that are won, against the share of each cutoff's leads called.

    As `gain`; base_rate: the win rate of a list drawn at random.
    """
    figure, axes = _canvas("Of the leads that sales call, how many are won?")
    curves = _capacity_curves(won, scores, cutoff, share, axes, "precision")
    axes.axhline(base_rate, color=CHANCE, lw=1.5, ls=(0, (4, 3)), label="chance")
    for name, curve in curves.items():
        axes.plot(
            curve["share"], curve["precision"], color=colour(name, scores), lw=2.5, label=name
        )
    _key_at_capacity(axes, curves, share, "precision", scores, chance=base_rate)
    highest = max(base_rate, *(curve["precision"].max() for curve in curves.values()))
    axes.set_ylim(0, min(1.02, 1.1 * highest) or 1.02)
    axes.set(xlabel="leads called, best of the list first", ylabel="won of those called")
    return figure


def calibration(won: ArrayLike, probability: ArrayLike) -> Figure:
    """Win rate against probability in bins of equal mass with Wilson intervals, and beneath it how
    often each probability was given; one beyond the axis counts in the last bar."""
    curve = calibration_curve(won, probability)
    limit = min(1.0, 1.08 * float(curve[["predicted", "high"]].to_numpy().max()))
    figure, axes = _canvas("When the model says 40 %, are 40 % won?", beneath=True)
    reliability, histogram = axes, figure.axes[1]
    reliability.plot([0, limit], [0, limit], color=CHANCE, lw=1.5, ls=(0, (4, 3)), label="exact")
    below, above = curve["observed"] - curve["low"], curve["high"] - curve["observed"]
    reliability.errorbar(
        curve["predicted"],
        curve["observed"],
        yerr=[below.clip(lower=0), above.clip(lower=0)],
        fmt="o",
        ms=7,
        lw=1.5,
        color=MODEL,
        label="observed",
    )
    dots = f"● {len(curve)} equal groups, with 95 % interval"
    _key(reliability, [(0.0, dots, MODEL), (0.68, "- - exactly right", CHANCE)])
    reliability.set(ylim=(0, limit), ylabel="share that was won")
    given = np.minimum(np.asarray(probability, float), limit)
    histogram.hist(given, bins=np.linspace(0, limit, 31).tolist(), color=MODEL, alpha=0.55)
    histogram.set(xlim=(0, limit), ylabel="leads", xlabel="readiness that the model gave")
    histogram.yaxis.set_major_locator(NullLocator())
    histogram.grid(visible=False)
    return figure


def importance(names: Sequence[str], drop: ArrayLike, spread: ArrayLike) -> Figure:
    """The TOP features by what shuffling them costs, the dearest first.

    drop: rise of the log loss under permutation, shape (n,); spread: its standard deviation.
    """
    found = pd.DataFrame({"name": list(names), "drop": drop, "spread": spread})
    found = found.sort_values("drop", ascending=False, kind="stable").head(TOP)
    figure, axes = _canvas("What does the model rely on most?", height=1.3 + 0.27 * len(found))
    rows = np.arange(len(found))
    axes.barh(rows, found["drop"], xerr=found["spread"], color=MODEL, ecolor=CHANCE, height=0.66)
    axes.set_yticks(rows, found["name"].tolist(), parse_math=False)
    axes.set(
        xlabel="rise of the log loss when the feature is shuffled", ylim=(len(found) - 0.4, -0.6)
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.grid(visible=False)
    axes.axvline(0, color=CHANCE, lw=1)
    return figure


def colour(name: str, among: Mapping[str, object]) -> str:
    """The colour of a ranker: fixed for the model and the rules, in turn for others.

    >>> colour("rules", {"model": [], "rules": []})
    '#bf4d00'
    """
    fixed = {"model": MODEL, "rules": RULES}
    others = [other for other in among if other not in fixed]
    return fixed.get(name) or FURTHER[others.index(name) % len(FURTHER)]


def _canvas(title: str, beneath: bool = False, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """A figure and its main axes, in the one style; with a low second axes `beneath` if wanted."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor=PAPER)
    rows = [5, 1] if beneath else [1]
    grid = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=rows)
    for axes in grid[:, 0]:
        axes.set(facecolor=PAPER, axisbelow=True)
        axes.spines[:].set_visible(False)
        axes.spines["bottom"].set(visible=True, color=CHANCE, linewidth=1)
        axes.grid(visible=True, color=GRID, linewidth=1, linestyle="-")
        axes.tick_params(colors=INK, labelsize=11, length=0, pad=5)
        axes.xaxis.label.set(color=INK, size=11)
        axes.yaxis.label.set(color=INK, size=11)
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    figure.suptitle(title, x=0.02, ha="left", size=13, weight="bold", color=INK)
    return figure, grid[0, 0]


def _capacity_curves(
    won: ArrayLike,
    scores: Mapping[str, ArrayLike],
    cutoff: ArrayLike,
    share: float,
    axes: Axes,
    measure: str,
) -> dict[str, pd.DataFrame]:
    """Every ranker's curve, with `share` among its points; marks the capacity and its points."""
    shares = np.union1d(np.arange(1, 101) / 100, share)
    axes.axvspan(0, share, color=GRID, alpha=0.6, lw=0)
    axes.axvline(share, color=INK, lw=1)
    axes.xaxis.set_major_locator(MultipleLocator(0.2))
    axes.set_xlim(0, 1)
    curves = {n: capacity_curve(won, score, cutoff, shares) for n, score in scores.items()}
    for name, curve in curves.items():
        at = curve.loc[curve["share"] == share, measure]
        axes.plot([share], at, "o", ms=7, color=colour(name, scores), mec=PAPER, zorder=4)
    return curves


def _key_at_capacity(
    axes: Axes,
    curves: Mapping[str, pd.DataFrame],
    share: float,
    measure: str,
    scores: Mapping[str, object],
    chance: float,
) -> None:
    """What each colour stands for, and its figure at capacity."""
    figures = {n: float(c.loc[c["share"] == share, measure].iloc[0]) for n, c in curves.items()}
    words = [(f"{n} {_percent(figure)}", colour(n, scores)) for n, figure in figures.items()]
    words = [
        (f"in the top {100 * share:.3g} %:", INK),
        *words,
        (f"chance {_percent(chance)}", CHANCE),
    ]
    step = 1 / len(words)
    _key(axes, [(step * n, text, shade) for n, (text, shade) in enumerate(words)])


def _key(axes: Axes, words: Sequence[tuple[float, str, str]]) -> None:
    """One line of coloured words above the axes, each at its part of the width."""
    for x, text, shade in words:
        axes.text(
            x,
            1.04,
            text,
            color=shade,
            size=11,
            weight="normal" if shade in (INK, CHANCE) else "bold",
            transform=axes.transAxes,
            parse_math=False,
        )


def _percent(figure: float) -> str:
    return "-" if np.isnan(figure) else f"{100 * figure:.1f} %"
