"""The pictures of a judgement, for MLflow and for the page, each a matplotlib Figure of its own.

No pyplot and no rcParams, so nothing is left behind. Every colour has one meaning in every picture
and is told apart by colour-blind readers; what a colour stands for is said in its own words above
the axes, with its figure at capacity, where no curve can run through it.
"""

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea, VPacker
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike

from features.spec.wording import percent
from models.statistics.calibration_report import reliability
from models.statistics.metrics import capacity_curve

MODEL, RULES, CHANCE = "#0072b2", "#bf4d00", "#6b7280"
FURTHER = ("#007a5a", "#a3417f")  # for rankers that are neither the model nor the rules
INK, GRID, PAPER = "#1f2937", "#e2e5ea", "#ffffff"
DASHES = (0, (4, 3))
WIDTH, HEIGHT = 6.0, 4.4  # inches; so small that 11 pt stay readable on a phone
TOP = 15  # features
_SETTINGS = threading.Lock()  # matplotlib's are the whole process's
KEY_WIDTH = 52  # letters that fit on a line above the axes


def gain(
    won: ArrayLike, scores: Mapping[str, ArrayLike], cutoff: ArrayLike, share: float
) -> Figure:
    """Share of the wins found against the share of each cutoff's leads called, best first.

    scores: each ranker's name and its float per snapshot, the higher the sooner called. share: the
    capacity to mark, in (0, 1].
    """
    figure, axes = canvas("How many of the deals are in the top of each list?")
    axes.plot([0, 1], [0, 1], color=CHANCE, lw=1.5, ls=DASHES, label="chance")
    _by_capacity(axes, won, scores, cutoff, share, "gain", chance=share)
    axes.set(ylim=(0, 1.02), ylabel="deals found")
    return figure


def precision_by_capacity(
    won: ArrayLike,
    scores: Mapping[str, ArrayLike],
    cutoff: ArrayLike,
    base_rate: float,
    share: float,
) -> Figure:
    """Share of the called leads that are won, against the share of each cutoff's leads called.

    As `gain`; base_rate: the part of a list drawn at random that is won.
    """
    figure, axes = canvas("Of those that sales call, how many are won?")
    axes.axhline(base_rate, color=CHANCE, lw=1.5, ls=DASHES, label="chance")
    curves = _by_capacity(axes, won, scores, cutoff, share, "precision", chance=base_rate)
    highest = largest([0, base_rate, *(curve["precision"].max() for curve in curves)])
    axes.set(ylim=(0, min(1.02, 1.1 * highest) or 1.02), ylabel="won of those called")
    return figure


def calibration(won: ArrayLike, probability: ArrayLike, lead_id: ArrayLike) -> Figure:
    """Win rate against probability in bins of equal mass with their intervals
    (`models.statistics.calibration_report.reliability`), and below it how often each probability
    was given; one beyond the axis counts in the last bar."""
    given = np.asarray(probability, float)
    curve = reliability(won, given, lead_id).fillna({"low": 0.0, "high": 1.0})
    most = largest([*curve["predicted"], *curve["high"], np.quantile(given, 0.99), 1e-6])
    limit = min(1.0, 1.05 * most)
    promise = f"{100 * curve['predicted'].iloc[-1]:.2g}%"
    figure, axes = canvas(f"When the model says {promise}, are {promise} won?", low_panel=True)
    axes.plot([0, limit], [0, limit], color=CHANCE, lw=1.5, ls=DASHES, label="exactly right")
    below, above = curve["observed"] - curve["low"], curve["high"] - curve["observed"]
    error = [below.clip(lower=0), above.clip(lower=0)]  # rounding may give -1e-17
    axes.errorbar(
        *(curve["predicted"], curve["observed"], error),
        fmt="o",
        color=MODEL,
        ms=7,
        lw=1.5,
        clip_on=False,  # a dot on the axis stays whole
    )
    groups = f"{len(curve)} equal groups, with 95% interval"
    key(axes, [(groups, MODEL), ("exactly right", CHANCE)])
    axes.set(ylim=(0, limit), ylabel="share that was won")
    histogram = figure.axes[1]
    histogram.hist(
        np.minimum(given, limit), bins=np.linspace(0, limit, 31).tolist(), color=MODEL, alpha=0.55
    )
    histogram.set(xlim=(0, limit), ylabel="snapshots", xlabel="readiness that the model gave")
    histogram.yaxis.set_major_locator(NullLocator())
    histogram.grid(visible=False)
    return figure


def importance(names: Sequence[str], drop: ArrayLike, spread: ArrayLike) -> Figure:
    """The TOP features by what shuffling them costs, the dearest first.

    drop: rise of the log loss under permutation, shape (n,); spread: its standard deviation.
    """
    costs = pd.DataFrame({"name": list(names), "drop": drop, "spread": spread})
    costs = costs.sort_values("drop", ascending=False, kind="stable").head(TOP)
    height = 1.5 + 0.4 * max(len(costs), 1)
    figure, axes = canvas("What does the model rely on most?", height=height)
    for place, (name, cost, error) in enumerate(costs.itertuples(index=False)):
        axes.barh(place, cost, xerr=error, color=MODEL, ecolor=CHANCE, height=0.35)
        label = axes.text(0, place - 0.22, name, va="bottom", size=10, color=INK, parse_math=False)
        label.set_in_layout(False)  # a long one must not squeeze the bars
    axes.axvline(0, color=CHANCE, lw=1)
    axes.yaxis.set_major_locator(NullLocator())
    axes.set_ylim(max(len(costs), 1) - 0.4, -0.8)
    axes.set_xlabel("rise of the log loss when it is shuffled", loc="right")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.grid(visible=False)
    return figure


def canvas(title: str, low_panel: bool = False, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """A figure and its main axes, in the one style; below them, if requested, a low second axes."""
    figure = Figure(figsize=(WIDTH, height), facecolor=PAPER)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    figure.suptitle(title, x=0.02, ha="left", size=13, weight="bold", color=INK)
    rows = [5, 1] if low_panel else [1]
    grid = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=rows)
    for axes in grid[:, 0]:
        axes.set(facecolor=PAPER, axisbelow=True)
        axes.spines[:].set_visible(False)
        axes.spines["bottom"].set(visible=True, color=CHANCE, linewidth=1)
        axes.grid(visible=True, color=GRID, linewidth=1, linestyle="-")
        axes.tick_params(colors=INK, labelsize=11, length=0, pad=5)
        for axis in (axes.xaxis, axes.yaxis):
            axis.label.set(color=INK, size=11)
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.3g}%"))
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    return figure, grid[0, 0]


def largest(figures: Iterable[float]) -> float:
    """The largest of some figures that an axis can end at: NaN and infinity are passed over, of
    which matplotlib raises an error. At least one is finite.

    >>> largest([0.25, float("nan"), float("inf")])
    0.25
    """
    return max(float(each) for each in figures if np.isfinite(each))


def svg(figure: Figure, name: str) -> str:
    """A picture as an svg element: text stays text, ids are its own by `name`."""
    file = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with _SETTINGS, mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(file, format="svg", metadata=nothing)
    text = file.getvalue()
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\1{name}-", text[text.index("<svg") :])


def _colour(name: str, among: Mapping[str, object]) -> str:
    """Fixed for the model and the rules, in turn for others."""
    fixed = {"model": MODEL, "rules": RULES}
    others = [other for other in among if other not in fixed]
    return fixed.get(name) or FURTHER[others.index(name) % len(FURTHER)]


def _by_capacity(
    axes: Axes,
    won: ArrayLike,
    scores: Mapping[str, ArrayLike],
    cutoff: ArrayLike,
    share: float,
    measure: str,
    chance: float,
) -> list[pd.DataFrame]:
    """Draw every ranker's curve of a measure, shade what sales can call, and say what each makes of
    it; returns the curves."""
    shares = np.union1d(np.arange(1, 101) / 100, share)
    curves = {n: capacity_curve(won, score, cutoff, shares) for n, score in scores.items()}
    start = [0.0] if measure == "gain" else []  # nobody called, nothing found
    for name, curve in curves.items():
        x, y = [*start, *curve["share"]], [*start, *curve[measure]]
        axes.plot(x, y, color=_colour(name, curves), lw=2.5, label=name)
    axes.axvspan(0, share, color=GRID, alpha=0.6, lw=0)
    axes.axvline(share, color=INK, lw=1)
    axes.set(xlim=(0, 1), xlabel="part that is called, best of the list first")
    words = [(f"in the top {100 * share:.3g}%:", INK)]
    for name, curve in curves.items():
        figure = float(curve.loc[curve["share"] == share, measure].iloc[0])
        shade = _colour(name, curves)
        axes.plot([share], [figure], "o", ms=7, color=shade, mec=PAPER, zorder=4)
        words.append((f"{name} {_percent(figure)}", shade))
    key(axes, [*words, (f"chance {_percent(chance)}", CHANCE)])
    return list(curves.values())


def key(axes: Axes, words: Sequence[tuple[str, str]]) -> None:
    """Coloured words above the axes, on as many lines as they need."""
    lines: list[list[Artist]] = [[]]
    used = 0
    for text, shade in words:
        weight = "normal" if shade in (INK, CHANCE) else "bold"
        style = {"color": shade, "size": 11, "weight": weight, "parse_math": False}
        if lines[-1] and used + len(text) > KEY_WIDTH:
            lines.append([])
            used = 0
        lines[-1].append(TextArea(text, textprops=style))
        used += len(text)
    rows: list[Artist] = [HPacker(children=line, sep=11) for line in lines]
    box = AnchoredOffsetbox(
        "lower left",
        child=VPacker(children=rows, sep=4, align="left"),
        bbox_to_anchor=(0, 1.02),
        bbox_transform=axes.transAxes,
        frameon=False,
        borderpad=0,
        pad=0,
    )
    axes.add_artist(box)


def _percent(figure: float) -> str:
    return "-" if np.isnan(figure) else percent(figure)
