"""The page of `readiness rules test`: would the draft have called better leads?

Words and layout are in pages/rules.html.
"""

from pathlib import Path

import numpy as np

from models import plots
from serve.reports import page
from serve.reports.page import NBSP
from serve.reports.rules.backtest import CURRENT, DRAFT, MODEL, Backtest


def write_page(found: Backtest, path: Path) -> Path:
    """Write the page to `path`, whole or not at all, and return it; beside it, as .json, what
    `rules test --json` prints. Makes their folder."""
    return page.write_beside_figures(path, render(found), found)


def render(found: Backtest) -> str:
    """The page as text; the same backtest gives the same page."""
    judged = found.judged
    lists = {name: judged.estimates[name]["precision"] for name in (DRAFT, CURRENT)}
    if found.beside_model is not None:
        lists[MODEL] = found.beside_model.estimates[MODEL]["precision"]
    chance = judged.baselines["random"]["precision"]
    tops = [top for each in lists.values() for top in (each.point, each.high)]
    widest = float(np.nanmax([*tops, chance]))
    scores = {"rules" if name == CURRENT else name: s for name, s in found.scores.items()}
    shown = (found.won, scores, found.snapshots["cutoff"])
    figures = {
        "gain": plots.gain(*shown, judged.share),
        "precision": plots.precision_by_capacity(*shown, chance, judged.share),
    }
    headline, _, detail = found.verdict.replace(" %", f"{NBSP}%").partition(": ")
    return page.render(
        "rules/page.html",
        found=found,
        judged=judged,
        headline=headline,
        detail=detail,
        lists=lists,
        chance=chance,
        scale=100 / widest if widest else 0,
        per_list=judged.share * judged.snapshots / len(judged.cutoffs),
        pictures={name: page.inline(figure, name) for name, figure in figures.items()},
    )
