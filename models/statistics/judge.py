"""Which of two rankers is better: the same snapshots, lists of the same length, one verdict.

Training and serving both judge here, model against rules or challenger against champion, so that
the gate and the report cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from features.config import Capacity
from features.errors import BadInput
from models.statistics.bootstrap import Floats, bootstrap, interval, rarer, too_few
from models.statistics.calibration_report import Gaps
from models.statistics.intervals import FEW_LEADS, Estimate
from models.statistics.metrics import BINS, NAN, Ranking

OVERALL = ("roc_auc", "average_precision", "log_loss", "brier", "ece")
LISTED = ("precision", "gain", "lift")
METRICS = (*OVERALL, *LISTED)


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


@dataclass(frozen=True)
class Judgement:
    """The result of `judge`. METRICS names the figures in `estimates` and `difference`.

    rarer: leads of the rarer outcome, mostly the won: what the intervals have to go by.
    cutoffs: by date, snapshots, wins, slots (length of the list), precision of each contender.
    estimates: by contender, then metric. baselines: the same for `base_rate` and `random`, without
    intervals. differences: first contender minus each of the others; for log_loss, brier and ece
    lower is better. ece_by_chance: the calibration error that chance alone stays under 19 times of
    20, by contender; those that are not probabilities are left out, and all below FEW_LEADS leads
    or without a lead of each outcome.
    """

    snapshots: int
    leads: int
    wins: int
    rarer: int
    capacity: Capacity
    share: float
    cutoffs: dict[str, dict[str, Any]]
    estimates: dict[str, dict[str, Estimate]]
    baselines: dict[str, dict[str, float]]
    differences: dict[str, dict[str, Estimate]]
    ece_by_chance: dict[str, float]

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
    def too_few(self) -> str:
        """Why no figure has an interval; "" where they have."""
        return too_few(self.rarer)

    @property
    def winner(self) -> str | None:
        """The better by precision at capacity, if the interval leaves no doubt of it."""
        difference = self.difference["precision"]
        if self.leads < FEW_LEADS or not difference.significant:
            return None
        return self.names[0] if difference.low > 0 else self.names[1]

    def more_than_chance(self, name: str) -> bool:
        """Whether the calibration error of a contender in `ece_by_chance` lies above that."""
        return self.estimates[name]["ece"].point > self.ece_by_chance[name]

    def against_chance(self, name: str) -> str:
        """That in words."""
        return "more than chance" if self.more_than_chance(name) else "no more than chance"

    def json_fields(self) -> dict[str, Any]:
        """null where a figure makes no sense."""
        points = {
            name: {metric: estimate.point for metric, estimate in estimates.items()}
            for name, estimates in self.estimates.items()
        }
        return {
            "snapshots": self.snapshots,
            "leads": self.leads,
            "wins": self.wins,
            "base_rate_observed": self.wins / self.snapshots,
            "cutoffs": self.cutoffs,
            **{name: self._block(each) for name, each in (points | self.baselines).items()},
            "no_interval": self.too_few or None,
            "difference": {m: d.or_none for m, d in self.difference.items()},
            "interval": {
                name: {m: e.interval_json() for m, e in estimates.items()}
                for name, estimates in self.estimates.items()
            },
            "ece_by_chance": {
                name: {"up_to": up_to, "more_than_chance": self.more_than_chance(name)}
                for name, up_to in self.ece_by_chance.items()
            },
        }

    def _block(self, points: Mapping[str, float]) -> dict[str, Any]:
        listed = {"share": self.share, **{m: points[m] for m in LISTED}}
        return {**{m: points[m] for m in OVERALL}, "at_capacity": listed}


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
    the bootstrap (see models.statistics.bootstrap).

    BadInput without snapshots; ValueError for what a caller can only get wrong in code.
    """
    _check(snapshots, contenders)
    won, cutoff = np.asarray(outcome, float), snapshots["cutoff"].to_numpy()
    rankings = [Ranking(won, c.score, cutoff) for c in contenders]
    gaps = [Gaps(won, c.score) if c.is_probability else None for c in contenders]

    def measure(weight: Floats) -> Floats:
        each = zip(contenders, rankings, gaps, strict=True)
        return np.stack([_row(c, ranking, gap, capacity, weight) for c, ranking, gap in each])

    pairs = zip(contenders, rankings, strict=True)
    point = np.stack([_measure(c, ranking, capacity) for c, ranking in pairs])
    replicated = bootstrap(measure, snapshots["lead_id"], replicates, seed)
    figures, wins = replicated[:, :, : len(METRICS)], rarer(snapshots["lead_id"], won)
    leads = snapshots["lead_id"].nunique()
    enough = leads >= FEW_LEADS and wins > 0
    return Judgement(
        snapshots=won.size,
        leads=leads,
        wins=int(won.sum()),
        rarer=wins,
        capacity=capacity,
        share=rankings[0].at_capacity(capacity).share,
        cutoffs=_by_cutoff(cutoff, won, contenders, capacity),
        estimates={
            c.name: _estimates(point[i], figures[:, i], wins) for i, c in enumerate(contenders)
        },
        baselines=_baselines(base_rate, won, cutoff, capacity),
        differences={
            c.name: _estimates(point[0] - point[i], figures[:, 0] - figures[:, i], wins)
            for i, c in enumerate(contenders[1:], start=1)
        },
        ece_by_chance={
            c.name: gap.by_chance(replicated[:, i, len(METRICS) :])
            for i, (c, gap) in enumerate(zip(contenders, gaps, strict=True))
            if gap is not None and enough
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
    """The METRICS of one contender, in their order; under a weight without the calibration error,
    which is measured by the gaps of its bins."""
    tally, listed = ranking.tally(weight), ranking.at_capacity(capacity, weight)
    calibration = (NAN, NAN, NAN)
    if contender.is_probability:
        error = tally.ece() if weight is None else NAN
        calibration = (tally.log_loss(), tally.brier(), error)
    ranked = (tally.roc_auc(), tally.average_precision())
    return np.array([*ranked, *calibration, listed.precision, listed.gain, listed.lift])


def _baselines(
    base_rate: float, won: Floats, cutoff: np.ndarray, capacity: Capacity
) -> dict[str, dict[str, float]]:
    """Both tie everybody, which is the mean of all orders; only the base rate is a probability."""
    baselines = {}
    for name, is_probability in (("base_rate", True), ("random", False)):
        alike = Contender(name, np.full(won.size, float(base_rate)), is_probability)
        figures = _measure(alike, Ranking(won, alike.score, cutoff), capacity)
        baselines[name] = dict(zip(METRICS, figures.tolist(), strict=True))
    return baselines


def _row(
    contender: Contender, ranking: Ranking, gaps: Gaps | None, capacity: Capacity, weight: Floats
) -> Floats:
    """The METRICS of one contender, then the gaps that its calibration error is made of."""
    bins = np.full(BINS, NAN) if gaps is None else gaps.measured(weight)
    return np.concatenate([_measure(contender, ranking, capacity, weight), bins])


def _estimates(point: Floats, replicated: Floats, wins: int) -> dict[str, Estimate]:
    """point: shape (metrics,); replicated: shape (replicates, metrics), NaN for the calibration
    error, which has no interval."""
    each = zip(METRICS, point.tolist(), replicated.T, strict=True)
    return {metric: Estimate(p, *interval(r, wins)) for metric, p, r in each}


def _by_cutoff(
    cutoff: np.ndarray, won: Floats, contenders: Sequence[Contender], capacity: Capacity
) -> dict[str, dict[str, Any]]:
    by_cutoff = {}
    for at in np.unique(cutoff):
        here = cutoff == at
        cohort = int(here.sum())
        precision = {
            c.name: Ranking(won[here], c.score[here]).at_capacity(capacity).precision
            for c in contenders
        }
        by_cutoff[pd.Timestamp(at).isoformat().removesuffix("T00:00:00")] = {
            "snapshots": cohort,
            "wins": int(won[here].sum()),
            "slots": float(capacity.slots(np.array([cohort], float))[0]),
            "precision": precision,
        }
    return by_cutoff
