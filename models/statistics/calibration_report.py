"""Does the model keep its word: where, for whom, and what its Brier score is made of.

Reliability is shown in ten bins of equal count, ties never torn, each with the share that was won
and its interval (Wilson, at the effective sample size of leads that recur). The Brier score falls
into reliability - resolution + uncertainty (Murphy, J. Appl. Meteorol. 1973), and what bins leave
within them (Stephenson, Coelho and Jolliffe, Weather and Forecasting 2008), so that it adds up.

Groups (band, source, age) are held to their own mean: what was promised them together, and what
was won. One is called off only beyond chance, at 95 % for all groups together (Bonferroni).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from models.statistics.bootstrap import LEVEL
from models.statistics.calibration_error import bin_numbers
from models.statistics.clustered import conversions
from models.statistics.judge import FEW_LEADS, Estimate
from models.statistics.metrics import BINS, ece

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
FEW_WINS = 5  # promised, and promised not: below it a group tells nothing of its calibration
SOURCES = ("attribute(source)", "first_source")  # the source as entered, else of the first deed
AGE = "age_days"
AGES = {"under a week": 7.0, "1 to 4 weeks": 30.0, "1 to 3 months": 90.0, "older": math.inf}


@dataclass(frozen=True)
class Brier:
    """brier = reliability - resolution + uncertainty + within, exactly but for rounding.

    reliability: squared gap between promised and seen; less is better. resolution: how far the
    bins' win rates lie from the base rate; more is better. uncertainty: of the base rate, the
    same for every model. within: the same within bins, near 0.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


@dataclass(frozen=True)
class Group:
    """promised: mean readiness. won: share won, with its 95 % interval. off: "more" or "fewer" were
    won than promised, beyond chance; "" otherwise."""

    kind: str
    name: str
    snapshots: int
    leads: int
    promised: float
    won: Estimate
    ece: float
    off: str


@dataclass(frozen=True)
class CalibrationReport:
    """The first of `groups` is everyone; `groups_too_small`: how many of them were
    too small to tell."""

    bins: pd.DataFrame
    brier: Brier
    groups: tuple[Group, ...]
    groups_too_small: int

    @property
    def off(self) -> tuple[Group, ...]:
        """The groups to which the model does not keep its word, surely."""
        return tuple(group for group in self.groups if group.off)


def calibration_report(
    frame: pd.DataFrame, won: Floats, probability: Floats, band: npt.ArrayLike
) -> CalibrationReport:
    """frame: lead_id of each snapshot, and of the columns in SOURCES and AGE those that there are;
    n rows. won, probability, band: shape (n,)."""
    lead = frame["lead_id"].to_numpy()
    members = {("everyone", "all leads"): np.ones(len(frame), bool)}
    members |= {(kind, name): rows for kind, name, rows in _members(frame, band)}
    told = {key: rows for key, rows in members.items() if _enough(lead, probability, rows)}
    groups = [
        _group(*key, lead[rows], won[rows], probability[rows], len(told))
        for key, rows in told.items()
    ]
    return CalibrationReport(
        bins=reliability(won, probability, lead),
        brier=brier_parts(won, probability),
        groups=tuple(groups),
        groups_too_small=sum(bool(rows.any()) for rows in members.values()) - len(told),
    )


def reliability(
    won: npt.ArrayLike, probability: npt.ArrayLike, lead_id: npt.ArrayLike, bins: int = BINS
) -> pd.DataFrame:
    """By rising probability: predicted (mean), observed (share won), count, low, high; the interval
    holds for leads that recur, NaN in a bin of a single lead."""
    given, number = np.asarray(probability, float), bin_numbers(probability, bins)
    present = np.unique(number)[::-1]
    held = number[:, None] == present
    found = conversions(held, lead_id, won, compared=0)
    return pd.DataFrame(
        {
            "predicted": [float(given[rows].mean()) for rows in held.T],
            "observed": [each.rate.point for each in found],
            "count": [each.snapshots for each in found],
            "low": [each.rate.low for each in found],
            "high": [each.rate.high for each in found],
        }
    )


def brier_parts(won: npt.ArrayLike, probability: npt.ArrayLike, bins: int = BINS) -> Brier:
    """What the Brier score is made of.

    >>> brier_parts([1, 0], [0.5, 0.5])
    Brier(brier=0.25, reliability=0.0, resolution=0.0, uncertainty=0.25, within=0.0)
    """
    outcome, given = np.asarray(won, float), np.asarray(probability, float)
    number = bin_numbers(given, bins)
    count = np.maximum(np.bincount(number), 1)
    seen = (np.bincount(number, outcome) / count)[number]
    promised = (np.bincount(number, given) / count)[number]
    base_rate, strays = outcome.mean(), given - promised
    return Brier(
        brier=float(np.mean((given - outcome) ** 2)),
        reliability=float(np.mean((promised - seen) ** 2)),
        resolution=float(np.mean((seen - base_rate) ** 2)),
        uncertainty=float(base_rate * (1 - base_rate)),
        within=float(np.mean(strays**2) - 2 * np.mean(strays * (outcome - seen))),
    )


def _members(frame: pd.DataFrame, band: npt.ArrayLike) -> Iterator[tuple[str, str, Bools]]:
    columns: Mapping[str, pd.Series] = {"band": pd.Series(np.asarray(band), dtype=object)}
    source = next((name for name in SOURCES if name in frame), None)
    if source:
        columns = {**columns, "source": frame[source].reset_index(drop=True)}
    for kind, column in columns.items():
        for name in sorted(column.dropna().unique(), key=str):
            yield kind, str(name), (column == name).to_numpy(bool)
    if AGE in frame:
        age, begin = frame[AGE].to_numpy(float), -math.inf
        for name, end in AGES.items():
            yield "age", name, (begin <= age) & (age < end)
            begin = end


def _enough(lead: npt.NDArray[Any], probability: Floats, rows: Bools) -> bool:
    expected = float(probability[rows].sum())
    wins = min(expected, rows.sum() - expected)
    return wins >= FEW_WINS and len(pd.unique(lead[rows])) >= FEW_LEADS


def _group(
    kind: str, name: str, lead: npt.NDArray[Any], won: Floats, probability: Floats, compared: int
) -> Group:
    (all_of_it,) = conversions(np.ones((len(won), 1), bool), lead, won, compared=0)
    gap = float((won - probability).sum())
    beyond = abs(gap) > norm.ppf(1 - (1 - LEVEL) / (2 * compared)) * gap_error(
        lead, won, probability
    )
    return Group(
        kind=kind,
        name=name,
        snapshots=len(won),
        leads=all_of_it.leads,
        promised=float(probability.mean()),
        won=all_of_it.rate,
        ece=ece(won, probability),
        off=("more" if gap > 0 else "fewer") if beyond else "",
    )


def gap_error(lead: npt.ArrayLike, won: Floats, probability: Floats) -> float:
    """Standard error of wins minus promised wins: from the leads' totals, but no less than if
    every snapshot had drawn for itself as promised (Spiegelhalter 1986): in a group with hardly a
    win, the totals alone look surer than they are."""
    per_lead = np.bincount(pd.factorize(pd.Series(lead))[0], won - probability)
    drawn = float((probability * (1 - probability)).sum())
    return math.sqrt(max(float((per_lead**2).sum()), drawn))
