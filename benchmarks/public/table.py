"""One row per public task: what ours reaches, and what was published."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.statistics.bootstrap import bootstrap, interval, rarer, too_few
from models.statistics.metrics import Ranking

REPLICATES, SEED = 400, 7
HEAD = "| data | task | split | rows | ours | std. error | 95% interval | published | source |"


class Area(NamedTuple):
    """ROC AUC, its standard error and interval, both by resampling leads; `interval` says why there
    is none where the leads of the rarer outcome are too few."""

    point: float
    error: float
    interval: str


class Row(NamedTuple):
    """A task by its split; `published` is "none verified" where there is no figure to be compared
    with, and `source` why."""

    data: str
    task: str
    split: str
    rows: int
    ours: Area
    published: str
    source: str


def area(won: npt.ArrayLike, score: npt.ArrayLike, lead_id: npt.ArrayLike) -> Area:
    """Of rows of shape (n,), clustered by lead."""

    def measure(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.array(Ranking(won, score).tally(weight).roc_auc())

    replicated = bootstrap(measure, lead_id, REPLICATES, SEED)
    rare = rarer(lead_id, won)
    low, high = interval(replicated, rare)
    of_rows = float(measure(np.ones(np.size(lead_id))))
    return Area(of_rows, float(np.nanstd(replicated)), too_few(rare) or f"{low:.3f} to {high:.3f}")


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        f"| {row.data} | {row.task} | {row.split} | {row.rows:,} | {row.ours.point:.3f} "
        f"| {row.ours.error:.3f} | {row.ours.interval} | {row.published} | {row.source} |"
        for row in rows
    ]
    return "\n".join([HEAD, "|---|---|---|---:|---:|---:|---|---|---|", *lines])
