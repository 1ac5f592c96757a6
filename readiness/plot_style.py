"""The style of the project's pictures for pictures of one's own."""

import matplotlib as mpl
from cycler import cycler

from models.plots import CHANCE, FURTHER, GRID, INK, MODEL, PAPER, RULES


def plot_style() -> None:
    """Give matplotlib the colours and the plain axes of the project's pages.

    Colours in order: the model's, the rules', two further ones, chance (models/plots.py, where each
    has a name). It sets `matplotlib.rcParams`, so it holds for every later figure of the process.
    """
    mpl.rcParams.update(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": CHANCE,
            "axes.grid": True,
            "axes.labelcolor": INK,
            "axes.prop_cycle": cycler(color=[MODEL, RULES, *FURTHER, CHANCE]),
            "axes.spines.left": False,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlecolor": INK,
            "axes.titlelocation": "left",
            "axes.titlepad": 10,
            "axes.titleweight": "bold",
            "figure.constrained_layout.use": True,
            "figure.facecolor": PAPER,
            "figure.figsize": (8, 3.8),
            "grid.color": GRID,
            "legend.frameon": False,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "ytick.left": False,
        }
    )
