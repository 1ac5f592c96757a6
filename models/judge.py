"""Which of two rankers was right: the same snapshots, lists of the same length, one verdict.

Training and serving both judge here, model against rules or challenger against champion, so that
the gate and the report cannot disagree.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from features.errors import BadInput
from models.bootstrap import Floats, Interval, bootstrap, interval
from models.metrics import NAN, Capacity, Ranking

OVERALL = ("roc_auc", "average_precision", "log_loss", "brier", "ece")
LISTED = ("precision", "gain", "lift")
METRICS = (*OVERALL, *LISTED)
# Noise looks like miscalibration, and resampling adds noise: its percentile interval lies too high
# and held the truth in 9 % of 200 simulations, the basic interval in 86 % (docs/adr/0012).
INFLATED = "ece"
FEW_LEADS = 30  # below this the bootstrap's interval is too narrow to name a winner by


@dataclass(frozen=True)
class Contender:
    """A ranker's float for each snapshot, shape (n,), higher is called sooner.

    is_probability: False for points, which have no log loss, Brier score or calibration.
    ValueError if a score is not finite, or a probability outside [0, 1].
    """

    name: str
    score: Floats
    is_probability: bool

    def __post_init__(self) -> None:
        if not np.isfinite(self.score).all():
            raise ValueError(f"{self.name}: {(~np.isfinite(self.score)).sum()} scores not finite")
        if self.is_probability and ((self.score < 0) | (self.score > 1)).any():
            raise ValueError(f"{self.name}: a probability lies outside [0, 1]")


class Estimate(NamedTuple):
    """A figure and the 95 % interval [low, high] around it; NaN where undefined. That of
    the calibration error takes off what resampling adds, so that the figure may lie above it."""

    point: float
    low: float
    high: float


@dataclass(frozen=True)
class Judgement:
    """What `judge` found. METRICS names the figures in `estimates` and `difference`.

    cutoffs: by date, snapshots, wins, slots (length of the list), precision of each contender.
    estimates: by contender, then metric. baselines: the same for `base_rate` and `random`, without
    intervals. differences: first contender minus each of the others; for log_loss, brier and ece
    less is better.
    """

    snapshots: int
    leads: int
    wins: int
    capacity: Capacity
    share: float
    cutoffs: dict[str, dict[str, Any]]
    estimates: dict[str, dict[str, Estimate]]
    baselines: dict[str, dict[str, float]]
    differences: dict[str, dict[str, Estimate]]

    @property
    def difference(self) -> dict[str, Estimate]:
        """First contender minus second."""
        return self.differences[self.names[1]]

    @property
    def names(self) -> tuple[str, str]:
        """The two that are compared, in the order given."""
        first, second, *_ = self.estimates
        return first, second

    @property
    def winner(self) -> str | None:
        """The better by precision at capacity, if the interval leaves no doubt of it."""
        _, low, high = self.difference["precision"]
        if self.leads < FEW_LEADS or not (low > 0 or high < 0):
            return None
        return self.names[0] if low > 0 else self.names[1]

    def to_json(self) -> dict[str, Any]:
        """A dict for json.dumps: null where a figure makes no sense, never NaN."""
        points = {
            name: {metric: found.point for metric, found in estimates.items()}
            for name, estimates in self.estimates.items()
        }
        return {
            "snapshots": self.snapshots,
            "leads": self.leads,
            "wins": self.wins,
            "base_rate_observed": self.wins / self.snapshots,
            "cutoffs": self.cutoffs,
            **{name: self._block(p) for name, p in (points | self.baselines).items()},
            "difference": {m: _or_null(d._asdict()) for m, d in self.difference.items()},
            "interval": {
                name: {m: _or_null({"low": e.low, "high": e.high}) for m, e in estimates.items()}
                for name, estimates in self.estimates.items()
            },
        }

    def _block(self, points: Mapping[str, float]) -> dict[str, Any]:
        safe = {metric: None if math.isnan(p) else p for metric, p in points.items()}
        listed = {"share": self.share, **{m: safe[m] for m in LISTED}}
        return {**{m: safe[m] for m in OVERALL}, "at_capacity": listed}


def _or_null(figures: Mapping[str, float]) -> dict[str, float] | None:
    return None if any(math.isnan(f) for f in figures.values()) else dict(figures)


def judge(
    snapshots: pd.DataFrame,
    outcome: ArrayLike,
    contenders: Sequence[Contender],
    capacity: Capacity,
    base_rate: float,
    replicates: int = 1000,
    seed: int = 0,
) -> Judgement:
    """Hold the contenders against each other, and against no knowledge at all.

    snapshots: columns lead_id, cutoff (a time); n rows, one for each mature snapshot. outcome: 0 or
    1, shape (n,). contenders: at least two; the first two are compared. base_rate: the win rate of
    the TRAINING snapshots, which the baseline of that name gives to everyone. replicates, seed: of
    the bootstrap (see models.bootstrap).

    BadInput without snapshots; ValueError for what a caller can only get wrong in code.
    """
    _check(snapshots, contenders)
    won, cutoff = np.asarray(outcome, float), snapshots["cutoff"].to_numpy()
    rankings = [Ranking(won, c.score, cutoff) for c in contenders]

    def measure(weight: Floats) -> Floats:
        pairs = zip(contenders, rankings, strict=True)
        return np.stack([_measure(c, ranking, capacity, weight) for c, ranking in pairs])

    point = measure(np.ones(won.size))
    replicated = bootstrap(measure, snapshots["lead_id"], replicates, seed)
    by_contender = zip(contenders, point, np.moveaxis(replicated, 1, 0), strict=True)
    return Judgement(
        snapshots=won.size,
        leads=snapshots["lead_id"].nunique(),
        wins=int(won.sum()),
        capacity=capacity,
        share=rankings[0].at_capacity(capacity).share,
        cutoffs=_by_cutoff(cutoff, won, contenders, capacity),
        estimates={c.name: _estimates(p, r) for c, p, r in by_contender},
        baselines=_baselines(base_rate, won, cutoff, capacity),
        differences={
            c.name: _estimates(point[0] - point[i], replicated[:, 0] - replicated[:, i])
            for i, c in enumerate(contenders[1:], start=1)
        },
    )


def _check(snapshots: pd.DataFrame, contenders: Sequence[Contender]) -> None:
    if snapshots.empty:
        raise BadInput("No mature snapshot to judge by: test on earlier cutoffs, or wait.")
    names = {"base_rate", "random", *(c.name for c in contenders)}
    if len(contenders) < 2 or len(names) < len(contenders) + 2:
        raise ValueError(f"judging takes two contenders or more, each of its own name: {names}")


def _measure(
    contender: Contender, ranking: Ranking, capacity: Capacity, weight: Floats | None = None
) -> Floats:
    """The METRICS of one contender, in their order."""
    tally, listed = ranking.tally(weight), ranking.at_capacity(capacity, weight)
    calibration = (NAN, NAN, NAN)
    if contender.is_probability:
        calibration = (tally.log_loss(), tally.brier(), tally.ece())
    ranked = (tally.roc_auc(), tally.average_precision())
    return np.array([*ranked, *calibration, listed.precision, listed.gain, listed.lift])


def _baselines(
    base_rate: float, won: Floats, cutoff: np.ndarray, capacity: Capacity
) -> dict[str, dict[str, float]]:
    """Both tie everybody, which is the mean of all orders; only the base rate is a probability."""
    found = {}
    for name, is_probability in (("base_rate", True), ("random", False)):
        alike = Contender(name, np.full(won.size, float(base_rate)), is_probability)
        figures = _measure(alike, Ranking(won, alike.score, cutoff), capacity)
        found[name] = dict(zip(METRICS, figures.tolist(), strict=True))
    return found


def _estimates(point: Floats, replicated: Floats) -> dict[str, Estimate]:
    """point: shape (metrics,); replicated: shape (replicates, metrics)."""
    found = zip(METRICS, point.tolist(), replicated.T, strict=True)
    return {
        metric: Estimate(p, *(_basic(p, r) if metric == INFLATED else interval(r)))
        for metric, p, r in found
    }


def _basic(point: float, replicated: Floats) -> Interval:
    """The basic interval, turned around the point; not below 0 where no replicate is."""
    low, high = interval(replicated)
    if math.isnan(low):
        return Interval(low, high)
    least = 0.0 if not (replicated < 0).any() else -math.inf
    return Interval(max(least, 2 * point - high), max(least, 2 * point - low))


def _by_cutoff(
    cutoff: np.ndarray, won: Floats, contenders: Sequence[Contender], capacity: Capacity
) -> dict[str, dict[str, Any]]:
    found = {}
    for at in np.unique(cutoff):
        here = cutoff == at
        cohort = int(here.sum())
        precision = {
            c.name: Ranking(won[here], c.score[here]).at_capacity(capacity).precision
            for c in contenders
        }
        found[pd.Timestamp(at).isoformat().removesuffix("T00:00:00")] = {
            "snapshots": cohort,
            "wins": int(won[here].sum()),
            "slots": float(capacity.slots(np.array([cohort], float))[0]),
            "precision": precision,
        }
    return found


def verdict(judgement: Judgement) -> str:
    """One sentence for sales: who had it right, by how much, and how sure that is."""
    j = judgement
    if j.leads < FEW_LEADS:
        return f"No verdict: {j.leads} leads are too few to judge by; wait for {FEW_LEADS} or more."
    better, worse = j.names
    point, low, high = j.difference["precision"]
    if j.winner == worse:
        better, worse, point, low, high = worse, better, -point, -high, -low
    slots = j.share * j.snapshots / len(j.cutoffs)
    found = (
        f"calling the top {100 * j.share:.3g} % ({_round(slots)} leads per cutoff), "
        f"{_percent(j, better)} of the leads listed by the {better} were won, "
        f"{_percent(j, worse)} of those listed by the {worse} "
        f"and {100 * j.baselines['random']['precision']:.1f} % at random"
    )
    sure = f"95 % interval {100 * low:.1f} to {100 * high:.1f}"
    if j.winner is None:
        return (
            f"No clear winner: {found}; the difference of {100 * point:.1f} points "
            f"({sure}) may be chance."
        )
    return (
        f"The {better} had it right: {found}: {100 * point:.1f} points more ({sure}), "
        f"about {_round(point * slots)} more won deals on each list."
    )


def _percent(judgement: Judgement, name: str) -> str:
    return f"{100 * judgement.estimates[name]['precision'].point:.1f} %"


def _round(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
