"""The page of `readiness rules test`: would the draft have called better leads?

Words and layout are in page.html.
"""

import math
from itertools import chain

from features.spec.wording import Words
from models import plots
from models.statistics.intervals import Estimate
from serve.reports import page
from serve.reports.rules.backtest import CURRENT, DRAFT, MODEL, Backtest

SHADES = {DRAFT: "draft", CURRENT: "rules", MODEL: "model", "at random": "chance"}


def render(backtest: Backtest, words: Words | None = None) -> str:
    """The page as text; the same backtest gives the same page. words: for actions and
    attributes."""
    judged = backtest.judged
    lists = {name: judged.estimates[name]["precision"] for name in (DRAFT, CURRENT)}
    if backtest.beside_model is not None:
        lists[MODEL] = backtest.beside_model.estimates[MODEL]["precision"]
    chance = judged.baselines["random"]["precision"]
    lists["at random"] = Estimate(chance, math.nan, math.nan)
    scores = {"rules" if name == CURRENT else name: s for name, s in backtest.scores.items()}
    shown = (backtest.won, scores, backtest.snapshots["cutoff"])
    figures = {
        "gain": plots.gain(*shown, judged.share),
        "precision": plots.precision_by_capacity(*shown, chance, judged.share),
    }
    return page.render(
        "rules/page.html",
        backtest=backtest,
        words=[rule.words(words) for rule in backtest.draft.file.rule],
        judged=judged,
        verdict=backtest.verdict,
        shade=SHADES[judged.winner] if judged.winner else "",
        shades=SHADES,
        lists=lists,
        scale=page.scale_of(chain(*lists.values())),
        per_list=judged.share * judged.snapshots / len(judged.cutoffs),
        pictures={name: page.inline(figure, name) for name, figure in figures.items()},
    )
