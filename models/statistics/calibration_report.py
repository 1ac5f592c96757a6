"""Is the model calibrated: where, for whom, what its Brier score is made of, and beyond chance?

Reliability is shown in ten bins of equal count, ties never torn, each with the share that was won
and its interval (Wilson, at the effective sample size of leads that recur). The Brier score falls
into reliability - resolution + uncertainty (Murphy, J. Appl. Meteorol. 1973), and what bins leave
within them (Stephenson, Coelho and Jolliffe, Weather and Forecasting 2008), so that it adds up.

Groups (band, source, age) are held to their own mean: what was promised them together, and what
was won. One is called off only beyond chance, at 95% for all groups together (Bonferroni).

Noise looks like miscalibration: a readiness that is right shows an error of some size on any few
leads, never 0. So an error is not held against 0, and has no interval of its own, but is held
against the one that a perfectly calibrated readiness, on these snapshots, stays under 19 times of
20 (docs/adr/0018; python -m benchmarks.coverage).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from models.statistics.clustered import win_rates
from models.statistics.intervals import FEW_LEADS, LEVEL, Estimate
from models.statistics.metrics import BINS, Ranking

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
FEW_PROMISED = 5  # wins promised, and promised not: with fewer, a group is too small to judge
SOURCES = ("attribute(source)", "first_source")  # the source as entered, else of the first event
MOST_SOURCES = 8
OTHERS, UNKNOWN_SOURCE = "others", "unknown"
AGE = "age_days"
AGES = (
    "under 7 days",
    "7 to 30 days",
    "30 to 90 days",
    "90 to 365 days",
    "365 days or more",
)
AGE_EDGES = (-math.inf, 7.0, 30.0, 90.0, 365.0, math.inf)  # days, [edge, next edge)


@dataclass(frozen=True)
class Brier:
    """brier = reliability - resolution + uncertainty + within, exactly but for rounding.

    reliability: squared gap between promised and seen; lower is better. resolution: how far the
    bins' win rates lie from the base rate; higher is better. uncertainty: of the base rate, the
    same for every model. within: the same within bins, near 0.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


@dataclass(frozen=True)
class CalibrationGroup:
    """promised: mean readiness. won: share won, with its 95% interval. off: "more" or "fewer" were
    won than promised, beyond chance; "" otherwise, and always where the group is too small."""

    kind: str
    name: str
    snapshots: int
    leads: int
    wins: int
    promised: float
    won: Estimate
    ece: float
    off: str
    too_small: bool

    def json_fields(self) -> dict[str, Any]:
        """One of `groups` in the report."""
        return {key: each for key, each in vars(self).items() if key not in ("wins", "too_small")}


@dataclass(frozen=True)
class CalibrationReport:
    """names: the groups of each snapshot (see `group_names`). every_group: everyone first, then
    the groups of each kind, small ones included."""

    bins: pd.DataFrame
    brier: Brier
    names: pd.DataFrame
    every_group: tuple[CalibrationGroup, ...]

    @property
    def groups(self) -> tuple[CalibrationGroup, ...]:
        """Those large enough to judge."""
        return tuple(group for group in self.every_group if not group.too_small)

    @property
    def groups_too_small(self) -> int:
        """How many are not."""
        return len(self.every_group) - len(self.groups)

    @property
    def off(self) -> tuple[CalibrationGroup, ...]:
        """The groups for which the model is surely not calibrated; of those that hold the same
        snapshots, such as the only source and everyone, the first."""
        distinct = {
            (group.snapshots, group.leads, group.wins, group.promised, group.ece): group
            for group in reversed(self.every_group)
            if group.off
        }
        return tuple(reversed(distinct.values()))

    def json_fields(self) -> dict[str, Any]:
        """The block `calibration` of `train --json` and `compare --json`."""
        keys = ("bins", "brier", "groups", "groups_too_small")
        return {key: getattr(self, key) for key in keys}


def calibration_report(
    frame: pd.DataFrame, won: Floats, probability: Floats, band: npt.ArrayLike
) -> CalibrationReport:
    """frame: lead_id of each snapshot, and of the columns in SOURCES and AGE those that there are;
    n rows. won, probability, band: shape (n,)."""
    lead, names = frame["lead_id"].to_numpy(), group_names(frame, band)
    return CalibrationReport(
        bins=reliability(won, probability, lead),
        brier=brier_parts(won, probability),
        names=names,
        every_group=calibration_by_group(names, lead, won, probability),
    )


def calibration_by_group(
    names: pd.DataFrame, lead_id: npt.ArrayLike, won: Floats, probability: Floats
) -> tuple[CalibrationGroup, ...]:
    """Promised against won: of everyone, then of each group of each column of `names`.

    names: a categorical column for each kind of group, n rows (see `group_names`); snapshots
    without a name are in no group, categories without snapshots are left out. won, probability,
    lead_id: shape (n,).
    """
    lead = np.asarray(lead_id)
    members = [("everyone", "all leads", np.ones(len(won), np.bool_)), *_members(names)]
    enough = [_enough(lead[rows], probability[rows]) for *_, rows in members]
    rates = win_rates(np.column_stack([rows for *_, rows in members]), lead, won)
    sure = norm.ppf(1 - (1 - LEVEL) / (2 * max(1, sum(enough))))
    groups = []
    for (kind, name, rows), rate, judged in zip(members, rates, enough, strict=True):
        given, seen = probability[rows], won[rows]
        gap = float((seen - given).sum())
        beyond = judged and abs(gap) > sure * gap_error(lead[rows], seen, given)
        groups.append(
            CalibrationGroup(
                kind=kind,
                name=name,
                snapshots=rate.snapshots,
                leads=rate.leads,
                wins=rate.wins,
                promised=float(given.mean()),
                won=rate.rate,
                ece=Ranking(seen, given).tally().ece(),
                off=("more" if gap > 0 else "fewer") if beyond else "",
                too_small=not judged,
            )
        )
    return tuple(groups)


def group_names(frame: pd.DataFrame, band: npt.ArrayLike) -> pd.DataFrame:
    """The groups of each snapshot, one categorical column for each kind: band; source, where the
    frame has a column of SOURCES; age, where it has AGE. In the order in which they are shown."""
    names = {"band": pd.Categorical(np.asarray(band, dtype=object))}
    source = next((name for name in SOURCES if name in frame), None)
    if source:
        names["source"] = sources(frame[source])
    if AGE in frame:
        names["age"] = ages(frame[AGE])
    return pd.DataFrame(names)


def sources(source: pd.Series) -> pd.Categorical:
    """The group of each snapshot by its source, at most eight by name: of more the seven largest,
    and `others`; `unknown` where it is missing.

    >>> list(sources(pd.Series(["ads", None, "ads", "fair"])))
    ['ads', 'unknown', 'ads', 'fair']
    """
    named = source.dropna().astype(str)
    sizes = named.value_counts()
    largest = sorted(sizes.index if len(sizes) <= MOST_SOURCES else sizes.index[: MOST_SOURCES - 1])
    label = source.astype(object).where(source.notna(), UNKNOWN_SOURCE).astype(str)
    return pd.Categorical(
        label.where(label.isin([*largest, UNKNOWN_SOURCE]), OTHERS),
        categories=list(dict.fromkeys([*largest, OTHERS, UNKNOWN_SOURCE])),
    )


def ages(days: npt.ArrayLike) -> pd.Categorical:
    """The group of each snapshot by the lead's age in days: in [AGE_EDGES[i], AGE_EDGES[i + 1]).

    >>> list(ages([0.5, 7, 400]))
    ['under 7 days', '7 to 30 days', '365 days or more']
    """
    return pd.Categorical(
        pd.cut(np.asarray(days, float), list(AGE_EDGES), right=False, labels=list(AGES))
    )


def _members(names: pd.DataFrame) -> Iterator[tuple[str, str, Bools]]:
    """Kind, name and rows of each group that has any."""
    for kind, column in names.items():
        for name in column.cat.categories:
            rows = (column == name).to_numpy(np.bool_)
            if rows.any():
                yield str(kind), str(name), rows


def _enough(lead: npt.NDArray[Any], probability: Floats) -> bool:
    expected = float(probability.sum())
    promised = min(expected, len(probability) - expected)
    return promised >= FEW_PROMISED and len(pd.unique(lead)) >= FEW_LEADS


def gap_error(lead_id: npt.ArrayLike, won: Floats, probability: Floats) -> float:
    """Standard error of wins minus promised wins: from the leads' totals, but no less than if
    every snapshot had drawn for itself as promised (Spiegelhalter, Statistics in Medicine 1986): in
    a group with hardly a win, the totals alone look surer than they are."""
    per_lead = np.bincount(pd.factorize(pd.Series(lead_id))[0], won - probability)
    binomial = float((probability * (1 - probability)).sum())
    return math.sqrt(max(float((per_lead**2).sum()), binomial))


def reliability(
    won: npt.ArrayLike, probability: npt.ArrayLike, lead_id: npt.ArrayLike, bins: int = BINS
) -> pd.DataFrame:
    """The bins of `metrics.ece` by rising probability, empty ones left out: predicted (mean),
    observed (share won), count, low, high; the interval holds for leads that recur, NaN in a bin of
    a single lead."""
    given, place = np.asarray(probability, float), Ranking(won, probability).bins(bins)
    held = place[:, None] == np.unique(place)[::-1]
    rates = win_rates(held, lead_id, won)
    return pd.DataFrame(
        {
            "predicted": [float(given[rows].mean()) for rows in held.T],
            "observed": [each.rate.point for each in rates],
            "count": [each.snapshots for each in rates],
            "low": [each.rate.low for each in rates],
            "high": [each.rate.high for each in rates],
        }
    )


def brier_parts(won: npt.ArrayLike, probability: npt.ArrayLike, bins: int = BINS) -> Brier:
    """What the Brier score is made of.

    >>> brier_parts([1, 0], [0.5, 0.5])
    Brier(brier=0.25, reliability=0.0, resolution=0.0, uncertainty=0.25, within=0.0)
    """
    outcome, given = np.asarray(won, float), np.asarray(probability, float)
    place = Ranking(outcome, given).bins(bins)
    count = np.maximum(np.bincount(place), 1)
    seen = (np.bincount(place, outcome) / count)[place]
    promised = (np.bincount(place, given) / count)[place]
    base_rate, residuals = outcome.mean(), given - promised
    return Brier(
        brier=float(np.mean((given - outcome) ** 2)),
        reliability=float(np.mean((promised - seen) ** 2)),
        resolution=float(np.mean((seen - base_rate) ** 2)),
        uncertainty=float(base_rate * (1 - base_rate)),
        within=float(np.mean(residuals**2) - 2 * np.mean(residuals * (outcome - seen))),
    )


class Gaps:
    """What each bin promised beyond what it won, as parts of all snapshots: their sizes add up to
    the calibration error. The bins stay as they are, whatever the weights.

    The noise of a bin is its gap's in the bootstrap of leads, but no less than if every snapshot
    had drawn for itself as promised (Spiegelhalter 1986): a bin without a win has none to resample,
    and looks surer than it is.

    won, probability: shape (n,), n >= 1.
    """

    def __init__(self, won: Floats, probability: Floats) -> None:
        self._bin, self._residual = Ranking(won, probability).bins(BINS), probability - won
        binomial = np.bincount(self._bin, probability * (1 - probability), BINS)
        self._least = np.sqrt(binomial) / len(won)

    def measured(self, weight: Floats) -> Floats:
        """The gaps under a weight for each snapshot, shape (n,): shape (BINS,)."""
        gaps: Floats = np.bincount(self._bin, weight * self._residual, BINS) / weight.sum()
        return gaps

    def by_chance(self, replicated: Floats) -> float:
        """The error that chance alone stays under 19 times of 20, in [0, inf), from `measured`
        under each resampling of the leads, shape (replicates, BINS)."""
        noise = replicated - self.measured(np.ones(len(self._residual)))
        spread = noise.std(axis=0)
        noise *= np.maximum(1, self._least / np.where(spread > 0, spread, math.inf))
        return float(np.quantile(np.abs(noise).sum(axis=1), LEVEL))
