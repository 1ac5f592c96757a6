"""The effect of being on the list for sales on winning within the horizon, from a random holdout.

Intention to treat: each lead counts once, by its draw and from the list of its draw on, whether or
not anybody called it. So the effect is that of being on the list, and no choice of a seller goes
into it; where some of the called are never reached, or some of those held back are called all the
same, it is smaller than that of a call.

Leads are compared within the month of their draw. Otherwise a share that was raised in a strong
season would pass for an effect: with 10% of 1,000 leads in June, when a fifth is won, and 50% of
1,000 in July, when a tenth is won, those held back would be won less often although a call changes
nothing. So the called of each month weigh as much as those held back of it (600 leads, 100 of June
and 500 of July: 11.7% on both sides).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from features.spec.wording import percent
from models.statistics.bootstrap import FEW_WINS
from models.statistics.intervals import (
    FEW_LEADS,
    LEVEL,
    UNKNOWN,
    Estimate,
    newcombe,
    score_interval,
    wilson,
)


@dataclass(frozen=True)
class Arm:
    """The leads of a draw that were called, or those held back: how many, how many of them were won
    within the horizon, and the share of them with its 95% interval, for the called by the months of
    those held back."""

    leads: int
    won: int
    share: Estimate


@dataclass(frozen=True)
class Effect:
    """What being on the list changes, of a group of leads: "all", or a range of readiness.

    difference: the share won of the called minus that of those held back, between -1 and 1, with
    its 95% interval; that is not known with fewer than FEW_WINS won leads in all or FEW_LEADS leads
    in either arm.
    """

    group: str
    called: Arm
    held_back: Arm
    difference: Estimate


def effect(draws: pd.DataFrame, group: str = "all") -> Effect:
    """The effect in a draw of leads, one row each: holdout (bool, true where held back), won (0 or
    1), cutoff (of the list of the draw).

    Shares: Wilson's intervals, of the called with the effective sample size of their weights (Kish
    1965); the difference: Newcombe 1998, method 10.

    >>> draws = pd.DataFrame({"holdout": [False, False, True], "won": [1, 0, 0]})
    >>> effect(draws.assign(cutoff=pd.Timestamp("2026-03-02"))).difference.point
    0.5
    """
    held = draws["holdout"].to_numpy(np.bool_)
    won = draws["won"].to_numpy(np.float64)
    month = np.unique(draws["cutoff"].to_numpy("datetime64[M]"), return_inverse=True)[1]
    called = Arm(int((~held).sum()), int(won[~held].sum()), _called_share(won, held, month))
    back = Arm(int(held.sum()), int(won[held].sum()), wilson(int(won[held].sum()), int(held.sum())))
    few = won.sum() < FEW_WINS or min(called.leads, back.leads) < FEW_LEADS
    difference = newcombe(called.share, back.share)
    if few:
        difference = Estimate(difference.point, np.nan, np.nan)
    return Effect(group, called, back, difference)


def _called_share(
    won: npt.NDArray[np.float64], held: npt.NDArray[np.bool_], month: npt.NDArray[np.intp]
) -> Estimate:
    """The share won of the called, each month as heavy as those held back in it; months of which
    nobody was called or held back are left out."""
    count = month.max(initial=-1) + 1
    back, called = (np.bincount(month[of], minlength=count) for of in (held, ~held))
    wins = np.bincount(month[~held], won[~held], minlength=count)
    both = (back > 0) & (called > 0)
    back, called, wins = back[both], called[both], wins[both]
    if not len(back):
        return UNKNOWN
    share = float((back * wins / called).sum() / back.sum())
    size = float(back.sum() ** 2 / (back**2 / called).sum())
    return score_interval(share, size, float(norm.ppf((1 + LEVEL) / 2)))


def effect_by_thirds(draws: pd.DataFrame) -> Iterator[Effect]:
    """The effect in each third of the leads by their readiness at the draw (a column `readiness`),
    the readiest first. Equals share a third; none where so many are equal that one would be empty.
    """
    known = draws[draws["readiness"].notna()]
    ends = known["readiness"].quantile([1 / 3, 2 / 3], interpolation="lower")
    third = np.searchsorted(ends, known["readiness"])
    if len(np.unique(third)) < 3:
        return
    for number in (2, 1, 0):
        part = known[third == number]
        low, high = part["readiness"].min(), part["readiness"].max()
        yield effect(part, f"{percent(low)} to {percent(high)}")


def comparable(thirds: Sequence[Effect]) -> bool:
    """Whether the effects of all thirds are known well enough to be compared."""
    return bool(thirds) and all(each.difference.known for each in thirds)


def order_by_effect(thirds: Sequence[Effect]) -> list[Effect]:
    """The thirds of `effect_by_thirds`, those first whom a call changes most; none where no third
    gains more than the readiest beyond chance, as an order by estimates would be noise then."""
    if not comparable(thirds):
        return []
    order = sorted(thirds, key=lambda each: -each.difference.point)
    beyond = newcombe(order[0].difference, thirds[0].difference).low > 0
    return order if beyond else []
