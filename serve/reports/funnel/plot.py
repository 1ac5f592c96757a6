"""The picture of a phase of the funnel: what becomes of its leads as time goes by."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from features.spec.wording import percent
from models.plots import CHANCE, DASHES, FURTHER, INK, canvas, key
from serve.reports.funnel.transitions import DAY_US, Fate, Way, stay_quantiles

ON, LOST = FURTHER
POINTS = 300
UNITS = {"days": 1.0, "hours": 24.0, "minutes": 1440.0}


def fates(way: Way) -> Figure:
    """The shares of the leads of a phase that have gone on, been lost, or are still there, against
    the time since they entered it: of the mature leads, so that the shares at the end of the days
    that the phase is judged by are those of the table. Beyond them open leads are censored.

    Shown for one and a half times those days, for less where most leads leave long before, and
    never beyond what has been seen. way: with a mature lead.
    """
    way = way.of(way.mature)
    curve = way.curve
    seen = _seen(way)
    last = _last(way, seen)
    unit, per_day = next(u for u in reversed(UNITS.items()) if last * u[1] <= 120 or u[1] == 1)
    judged = float(way.within)
    then = curve[curve["days"] < judged].iloc[-1]  # as `on_time`: [start, start + within)
    curve = _shown(curve, last)
    figure, axes = canvas(f"From {way.begin} to {way.to}")
    if judged <= last:
        axes.axvline(judged * per_day, color=INK, lw=1)
    words = [(f"after {judged:.3g} day{'' if judged == 1 else 's'}:", INK)]
    lines = (
        ("gone on", curve["on"], then["on"], ON, 2.5, "-"),
        ("lost", curve["lost"], then["lost"], LOST, 2.5, "-"),
        ("still there", 1 - curve["left"], 1 - then["left"], CHANCE, 1.5, DASHES),
    )
    for name, shares, share, shade, width, style in lines:
        axes.step(curve["days"] * per_day, shares, where="post", color=shade, lw=width, ls=style)
        words.append((f"{name} {percent(abs(share))}", shade))
    key(axes, words)
    axes.set(xlim=(0, last * per_day), ylim=(0, 1.02), xlabel=f"{unit} in the phase")
    axes.xaxis.set_major_formatter("{x:g}")
    return figure


def _shown(curve: pd.DataFrame, last: float) -> pd.DataFrame:
    """The curve at POINTS moments up to `last`: a million leads make no larger picture."""
    moments = np.linspace(0, last, POINTS)
    rows = np.searchsorted(curve["days"].to_numpy(), moments, side="right") - 1
    return curve.iloc[rows].assign(days=moments)


def _seen(way: Way) -> float:
    """Days up to which the curves are known: for ever, once no lead is open."""
    still_open = way.stay[way.fate == Fate.OPEN]
    return float(way.stay.max()) / DAY_US if len(still_open) else float("inf")


def _last(way: Way, seen: float) -> float:
    """Days that are shown."""
    longest = stay_quantiles(way)[0.75]
    enough = 1.5 * way.within if longest is None else min(1.5 * way.within, 4 * longest)
    return max(min(enough, seen), 1 / 1440)
