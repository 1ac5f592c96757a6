"""The average of trees and regression beside the trees: how good, and at what cost per lead.

    .venv/bin/python -m benchmarks.average [--write]          # docs/adr/0047 says what it means
    .venv/bin/python -m benchmarks.average DIR [ROWS] [--write]

The first judges them as they are registered: settings searched and calibration fitted on the
earlier cutoffs of each fold alone. The second measures CPU seconds on leads of DIR, a folder with a
champion, as `make demo` leaves it: each learner is fitted anew with the champion's settings.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit

from benchmarks.learner_contest import SEED, Floats, Predict, Task, contests, folds_of
from benchmarks.one_lead import newest
from benchmarks.page import tell
from features.config import load
from features.dataset import Dataset
from features.open_database import open_database
from features.progress import silent
from models.classifier.classifier import AVERAGE, LOGISTIC, TREES
from serve.scoring.scorer import Scorer
from training.fit import SMALL, SMALL_LOGISTIC, fit, is_small
from training.search import STRENGTHS, choose, draw, least_loss, search, shrunk
from training.splits import configured_split, labelled_sides

CANDIDATES, ROWS, CALLS = 3, 100_000, 100


class Searched:
    """Learners as a training registers them; what the search chose for the last past is kept."""

    past: Dataset | None = None
    trees: Any = None
    line: Any = None

    def search(self, past: Dataset, task: Task) -> None:
        """The settings of either part."""
        if past is self.past:
            return
        folds, small = folds_of(past, task.horizon_days), is_small(past)
        candidates = [SMALL] if small else draw(CANDIDATES, SEED)
        tried = search(past, task.specs, folds, candidates, SEED, 1, silent)
        strengths = (SMALL_LOGISTIC["strength"],) if small else STRENGTHS
        self.trees = choose(tried).settings
        self.line = least_loss(shrunk(past, task.specs, folds, strengths)).settings
        self.past = past

    def fitted(self, past: Dataset, task: Task, trees: bool, line: bool) -> Predict:
        """The calibrated model of either part, or both."""
        self.search(past, task)
        settings = (self.trees if trees else {}) | (self.line if line else {})
        model = fit(past, task.specs, settings, task.horizon_days, SEED)
        return lambda frame: logit(model.rank(frame))


def quality() -> str:
    """The table of log losses, as Markdown."""
    ours = Searched()
    lines = contests(
        {
            TREES: lambda past, task: ours.fitted(past, task, trees=True, line=False),
            LOGISTIC: lambda past, task: ours.fitted(past, task, trees=False, line=True),
            AVERAGE: lambda past, task: ours.fitted(past, task, trees=True, line=True),
        }
    )
    return (
        "## The average of trees and regression\n\n"
        "Log loss on the later cutoffs of rolling-origin folds, settings searched among three "
        "candidates and calibration fitted on the earlier cutoffs of each fold; the difference to "
        "the trees with its 95% interval, paired and clustered by lead (below 0: better). Of 1,000 "
        "leads there are four companies, taken together.\n\n"
        "| data | learner | log loss | difference to the trees |\n|---|---|---:|---|\n"
        + "".join(f"| {' | '.join(line[:-1])} |\n" for line in lines)
    )


def cost(folder: Path, rows: int) -> str:
    """The table of CPU seconds, as Markdown."""
    config, scorer = load(folder), Scorer.champion(folder)
    with open_database(scorer.staged(config), scorer.specs) as database:
        split = configured_split(config, database.data_end)
        past, _ = labelled_sides(config, database, scorer.specs, split)
    settings: dict[str, Any] = dict(scorer.model.classifier.tree_settings)
    line = {"strength": STRENGTHS[1]}
    scorers = {}
    for name, given in ((TREES, settings), (LOGISTIC, line), (AVERAGE, settings | line)):
        model = fit(past, scorer.model.specs, given, config.time.horizon_days, SEED)  # type: ignore[arg-type]
        scorers[name] = replace(
            scorer, model=replace(scorer.model, classifier=model.classifier, specs=model.specs)
        )
    frame = past.frame.sample(rows, replace=True, random_state=SEED, ignore_index=True)
    cutoff, leads = newest(folder, scorer, CALLS)
    no_deals = pd.DataFrame({"lead_id": [], "closed_at": [], "outcome": []}).astype(
        {"lead_id": "int64", "closed_at": "datetime64[us]", "outcome": "str"}
    )

    def one(scorer: Scorer, lead: int) -> None:
        scorer.score(*leads[lead], cutoff, no_deals)

    ways: dict[str, tuple[Callable[[Scorer, int], object], int, float, str]] = {
        "readiness of a lead in bulk": (lambda s, _: s.model.rank(frame), 3, 1e6 / rows, "µs"),
        "readiness and three reasons in bulk": (lambda s, _: s.judged(frame), 3, 1e6 / rows, "µs"),
        "one lead through Scorer.score": (one, CALLS, 1e3, "ms"),
    }
    text = []
    for what, (work, times, unit, unit_name) in ways.items():
        spent = measured({name: partial(work, each) for name, each in scorers.items()}, times)
        base = np.median(spent[TREES])
        for name, each in spent.items():
            middle = float(np.median(each))
            text.append(
                f"| {what} | {name} | {middle * unit:.1f} {unit_name} | {middle / base:.2f} |\n"
            )
    return (
        "## The average, per lead\n\n"
        f"CPU time, medians of turns: {rows:,} leads three times, and {CALLS} calls with one lead "
        f"each; {len(scorer.model.specs)} features, {settings['max_iter']} trees, "
        f"{os.environ.get('OMP_NUM_THREADS', 'all')} thread.\n\n"
        "| | learner | CPU per lead | to the trees |\n|---|---|---:|---:|\n" + "".join(text)
    )


def measured(ways: dict[str, Callable[[int], object]], times: int) -> dict[str, Floats]:
    """CPU seconds of each, all of them in turn so often; once before, for what is made once."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(-1, times):
        for name, work in ways.items():
            begin = process_time()
            work(max(number, 0))
            if number >= 0:
                spent[name].append(process_time() - begin)
    return {name: np.array(each) for name, each in spent.items()}


if __name__ == "__main__":
    given = [each for each in sys.argv[1:] if each != "--write"]
    tell(cost(Path(given[0]), int([*given, ROWS][1])) if given else quality(), "benchmarks.average")
