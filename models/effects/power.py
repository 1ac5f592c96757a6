"""How many leads must be in a draw until an effect of a given size can be seen; and how many weeks
that takes. Worked out beforehand, from what is known without a holdout."""

from __future__ import annotations

import math

from scipy.stats import norm

from models.statistics.intervals import LEVEL

POWER = 0.8  # how often such an effect is seen
POINTS = (0.02, 0.05, 0.1)
SHARES = (0.05, 0.1, 0.2, 0.5)


def leads_needed(called: float, effect: float, holdout: float) -> int | None:
    """How many leads, called and held back together, until an effect has its 95% interval above 0
    with a chance of 80%.

    called: the share won of the called, in (0, 1); effect: what of it the call brings, > 0, so that
    `called - effect` of those held back are won; holdout: the share held back, in (0, 1). None
    where the effect is larger than `called`: so much it cannot be. Normal approximation of the test
    of two shares (Fleiss, Levin and Paik 2003, chapter 4), for arms of different size.

    >>> leads_needed(0.2, 0.05, 0.1), leads_needed(0.2, 0.05, 0.5), leads_needed(0.04, 0.05, 0.1)
    (5193, 1811, None)
    """
    back = called - effect
    if back < 0:
        return None
    mean = (1 - holdout) * called + holdout * back
    by_chance = math.sqrt(mean * (1 - mean) * (1 / holdout + 1 / (1 - holdout)))
    as_it_is = math.sqrt(called * (1 - called) / (1 - holdout) + back * (1 - back) / holdout)
    sure, seen = float(norm.ppf((1 + LEVEL) / 2)), float(norm.ppf(POWER))
    return math.ceil(((sure * by_chance + seen * as_it_is) / effect) ** 2)


def weeks_needed(leads: int, per_week: float, horizon_days: int) -> int:
    """Whole weeks until so many leads have been drawn, `per_week` > 0, and the last one's horizon
    is over.

    >>> weeks_needed(200, 50, 30)
    9
    """
    return math.ceil(leads / per_week + horizon_days / 7)
