"""The picture of a phase of the funnel: what becomes of its leads, day by day."""

import pandas as pd
from matplotlib.figure import Figure

from models.funnel import DAY_US, Way, incidence
from models.plots import CHANCE, DASHES, FURTHER, INK, canvas, key

ON, LOST = FURTHER
LOOK_ON = 1.5  # the picture goes on so many times the days that the phase is judged by


def fates(way: Way) -> Figure:
    """The shares of the leads of a phase that have gone on, been lost, or are still there, against
    the days since they entered it; open leads censored (models.funnel.incidence)."""
    seen = float(way.stay.max(initial=0)) / DAY_US
    last = max(min(LOOK_ON * way.within, seen), 1.0)
    curve = incidence(way)
    curve = curve[curve["days"] <= last]
    curve = pd.concat([curve, curve.tail(1).assign(days=last)])
    marked = min(float(way.within), last)
    then = curve[curve["days"] <= marked].iloc[-1]
    figure, axes = canvas(f"From {way.begin} to {way.to}")
    axes.axvline(marked, color=INK, lw=1)
    words = [(f"after {marked:.0f} days:", INK)]
    still = curve.assign(still=1 - curve["left"])["still"]
    lines = (("gone on", curve["on"], then["on"], ON, 2.5, "-"),
             ("lost", curve["lost"], then["lost"], LOST, 2.5, "-"),
             ("still there", still, 1 - then["left"], CHANCE, 1.5, DASHES))  # fmt: skip
    for name, shares, share, shade, width, style in lines:
        axes.step(curve["days"], shares, where="post", color=shade, lw=width, ls=style)
        words.append((f"{name} {100 * share:.0f} %", shade))
    key(axes, words)
    axes.set(xlim=(0, last), ylim=(0, 1.02), xlabel="days in the phase")
    axes.xaxis.set_major_formatter("{x:g}")
    return figure
