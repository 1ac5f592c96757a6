"""The page that says who had it right, model or rules: one file, nothing to fetch.

Words and layout are in page.html; figures.py has the figures.
"""

import math
import re
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from features.check.worked import Worked
from features.result_json import to_json
from features.spec.wording import percent
from models import plots
from models.comparison import Comparison
from models.fairness import wording
from models.simpler import Simpler
from models.statistics.intervals import FEW_LEADS, Estimate, wilson
from models.statistics.judge import Judgement
from models.statistics.list_lengths import ListLength
from serve.reports import page
from serve.reports.compare.details import Details
from serve.reports.compare.figures import enough_calls, leads_per_list
from serve.reports.page import MINUS, number


@dataclass(frozen=True)
class Metric:
    """One line of the table of figures: what it means in words, where {unit} is a lead or an
    account, and how it is written."""

    key: str
    name: str
    meaning: str
    in_percent: bool = False
    lower_is_better: bool = False

    def write(self, figure: float) -> str:
        """The bare figure."""
        return f"{100 * figure:.1f}" if self.in_percent else f"{figure:.3f}"

    def write_signed(self, figure: float) -> str:
        """A difference, or one end of its interval."""
        sign = MINUS if figure < 0 else "+" if figure > 0 else ""
        return sign + self.write(abs(figure))

    def better(self, judged: Judgement) -> str:
        """Whom the difference speaks for, if its interval leaves no doubt; "" if there is none."""
        _, low, high = judged.difference[self.key]
        if math.isnan(low):
            return ""
        if judged.leads < FEW_LEADS or low <= 0 <= high:
            return "not clear"
        return judged.names[0] if (high < 0) == self.lower_is_better else judged.names[1]


LONGEST_NAME = 40  # letters of a segment in the name of a file
METRICS = (
    Metric("precision", "Won on the list", "part of the list that was won", in_percent=True),
    Metric("gain", "Deals found", "part of all deals that was on the list", in_percent=True),
    Metric("lift", "Lift", "times as many won as on a random list"),
    Metric("roc_auc", "ROC AUC", "chance that a won {unit} stands above one not won"),
    Metric("average_precision", "Average precision", "won on the list, over all its lengths"),
    Metric(
        "log_loss",
        "Log loss",
        "penalty for probabilities far from the outcome",
        lower_is_better=True,
    ),
    Metric("brier", "Brier score", "squared error of the probability", lower_is_better=True),
    Metric("ece", "Calibration error", "gap between promised and seen", lower_is_better=True),
)


BESIDE = ("precision", "roc_auc", "average_precision", "log_loss")


def page_name(segment: str | None) -> str:
    """The file of the page, a segment's apart from that of all leads.

    >>> page_name(None), page_name("quiet for 14 days"), page_name("../é: 50%")
    ('compare.html', 'compare-quiet-for-14-days.html', 'compare-é-50.html')
    """
    if segment is None:
        return "compare.html"
    words = "-".join(re.findall(r"\w+", segment))[:LONGEST_NAME]
    return f"compare-{words or 'segment'}.html"


def render(
    comparison: Comparison,
    simpler: Simpler | None = None,
    contacted: Worked | None = None,
    details: Details | None = None,
) -> str:
    """The page as text; the same comparison gives the same page. simpler: what its training found;
    contacted: whom sales never contacted, where that is known; details: what `details` measured."""
    judged = comparison.judgement
    fairness = details.fairness if details else None
    lists = _lists(judged)
    first_cutoff = pd.Timestamp(next(iter(judged.cutoffs)))
    return page.render(
        "compare/page.html",
        comparison=comparison,
        unit=comparison.unit,
        judged=judged,
        verdict=comparison.verdict,
        shade=judged.winner or "",
        per_list=leads_per_list(judged, judged.share),
        lists=lists,
        scale=page.scale_of(chain(*lists.values())),
        enough=enough_calls(comparison),
        pictures=_pictures(comparison),
        metrics=METRICS,
        simpler=simpler,
        contacted=contacted,
        contacted_rows=_contacted_rows(contacted) if contacted else [],
        beside=[metric for metric in METRICS if metric.key in BESIDE],
        details=details,
        fairness=fairness,
        fairness_summary=wording.summary(fairness) if fairness else "",
        warnings=wording.warnings(fairness) if fairness else [],
        fairness_columns=[page.begun(name) for name in wording.COLUMNS],
        fairness_caption=wording.CAPTION,
        steps=[_step(each, comparison.unit) for each in details.lengths] if details else [],
        capacity_step=_capacity_step(details),
        span=span,
        script=page.Script("compare/lengths.js"),
        data=page.data,
        on_lists=ON_LISTS,
        gap_days=(first_cutoff - pd.Timestamp(comparison.trained_until)).days,
    )


ON_LISTS = {
    "both": "Both lists",
    "model": "Only the model's list",
    "rules": "Only the rules' list",
    "neither": "Neither list",
}


def _step(length: ListLength, unit: str) -> dict[str, Any]:
    """One position of the slider: its figures, and how they are written."""
    written = {name: number(each.point) for name, each in length.deals.items()}
    ranges = {name: span(each) for name, each in length.deals.items()}
    leads = on_list(length.leads, unit)
    deals = [
        f"{who} {written[name]} {'deal' if written[name] == '1' else 'deals'}"
        + (f" ({ranges[name]})" if ranges[name] else "")
        for name, who in (("model", "the model"), ("rules", "the rules"), ("chance", "at random"))
    ]
    gap = length.difference
    sure = "that is more than chance" if gap.significant else "that may be chance"
    compared = f"{number(gap.point)} ({span(gap)}), {sure}" if gap.known else number(gap.point)
    figures: dict[str, Any] = to_json(length)
    return figures | {
        "label": f"{leads} ({percent(length.share)} of the open ones)",
        "written": written,
        "ranges": ranges,
        "gap": number(gap.point),
        "gap_range": span(gap),
        "sentence": f"Of {leads} on each list: {'; '.join(deals)}. Model minus rules: {compared}.",
    }


def _capacity_step(details: Details | None) -> int:
    lengths = details.lengths if details else []
    return next((at for at, each in enumerate(lengths) if each.at_capacity), 0)


def span(estimate: Estimate) -> str:
    """The interval of a number of deals; "" without one.

    >>> span(Estimate(12.0, 9.4, 15.2)), span(Estimate(1.0, math.nan, math.nan))
    ('9 to 15', '')
    """
    if not estimate.known:
        return ""
    return f"{number(estimate.low, estimate.high)} to {number(estimate.high)}"


def on_list(length: float, unit: str) -> str:
    """So many leads or accounts of a list, which may be a part of one.

    >>> on_list(1.0, "lead"), on_list(60.3, "account")
    ('1 lead', '60 accounts')
    """
    text = number(length)
    return f"{text} {unit}{'' if text == '1' else 's'}"


def _contacted_rows(contacted: Worked) -> list[tuple[str, int, float, Estimate]]:
    """Who, how many leads, their part of the cohort, and what part of them was won."""
    parts = {
        "Contacted": (contacted.leads - contacted.never, contacted.worked_won),
        "Never contacted": (contacted.never, contacted.never_won),
    }
    return [
        (who, leads, leads / contacted.leads, wilson(won, leads))
        for who, (leads, won) in parts.items()
        if leads
    ]


def _lists(judged: Judgement) -> dict[str, Estimate]:
    """What part of each list was won; by chance without an interval."""
    lists = {name: judged.estimates[name]["precision"] for name in ("model", "rules")}
    return {**lists, "chance": Estimate(judged.baselines["random"]["precision"], np.nan, np.nan)}


def _pictures(comparison: Comparison) -> dict[str, Markup]:
    judged, cutoff, won = comparison.judgement, comparison.snapshots["cutoff"], comparison.won
    scores = {"model": comparison.model, "rules": comparison.rules}
    chance = judged.baselines["random"]["precision"]
    figures = {
        "gain": plots.gain(won, scores, cutoff, judged.share),
        "precision": plots.precision_by_capacity(won, scores, cutoff, chance, judged.share),
        "calibration": plots.calibration(won, comparison.model, comparison.snapshots["lead_id"]),
    }
    return {name: page.inline(figure, name) for name, figure in figures.items()}
