"""A flat table: one row per customer with attributes, dates and an outcome, and no events.

    simulated = flat_table(leads=5_000, seed=7, days=540)

Its columns have names of their own, for `readiness init DIR --flat customers.csv` to map. The
chance of a win on a day follows from the attributes and from how near the end of the customer's
present contract is. `discount` is written when a sale is won: it reveals the outcome.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from features.simulator.simulated import (
    CLOSED,
    START,
    Simulated,
    moments,
    places,
    refuse_sizes,
    texts,
)
from features.simulator.world import DAY, Floats, Ints

INDUSTRIES = {"machines": 0.5, "health": 0.0, "retail": -0.6, "public": -0.2}  # log-hazards
REGIONS = {"north": 30, "south": 40, "west": 30}
BASE_WIN, LOSS = 0.0022, 0.006  # chances per day
PER_LOG_EMPLOYEES, PER_VISIT = 0.35, 0.25
# The win hazard times so much while the present contract ends within so many days.
RENEWAL, RENEWAL_DAYS = 4.0, 60
LONGEST_CONTRACT = 720


def flat_table(
    leads: int, seed: int, days: int, progress: Callable[[float], None] = lambda share: None
) -> Simulated:
    """The table `customers`, and its truth. Raises BadInput as refuse_sizes."""
    refuse_sizes(leads, days)
    rng = np.random.default_rng(seed)
    made = np.sort(rng.integers(days, size=leads))
    industry = texts(rng, dict.fromkeys(INDUSTRIES, 1.0), leads)
    employees = np.ceil(rng.lognormal(3.5, 1.2, leads))
    visits = rng.poisson(1.2, leads)
    ends = made + rng.integers(LONGEST_CONTRACT, size=leads)
    hazard = BASE_WIN * np.exp(
        np.array([INDUSTRIES[name] for name in industry])
        + PER_LOG_EMPLOYEES * (np.log(employees) - 3.5)
        + PER_VISIT * visits
    )
    closed, won = np.full(leads, CLOSED), np.zeros(leads, bool)
    there_at = np.full((leads, days + 1), CLOSED, np.int8)
    for day in range(days):
        there = np.flatnonzero((made < day) & (closed == CLOSED))
        there_at[there, day] = 0
        chance, luck = _chance(hazard[there], ends[there], day), rng.random(len(there))
        ended = luck < chance + LOSS
        closed[there[ended]], won[there[ended]] = day, luck[ended] < chance[ended]
        progress((day + 1) / days)
    there_at[closed == CLOSED, days] = 0
    is_won = closed != CLOSED
    is_won &= won
    customers = pd.DataFrame(
        {
            "customer_no": np.arange(1, leads + 1),
            "created_on": _days(made),
            "industry": industry,
            "region": texts(rng, REGIONS, leads),
            "employees": employees.astype(np.int64),
            "site_visits": visits,
            "contract_ends": _days(ends),
            "status": np.select([is_won, closed != CLOSED], ["Won", "Lost"], "Open"),
            "closed_on": _days(closed),
            "discount": np.where(is_won, rng.integers(1, 20, size=leads), np.nan),
        }
    )

    def true_probability(snapshots: pd.DataFrame, horizon_days: int) -> Floats:
        lead, day = places(snapshots, there_at)
        still, chance = np.ones(len(lead)), np.zeros(len(lead))
        for later in range(horizon_days):
            now = _chance(hazard[lead], ends[lead], day + later)
            chance += still * now
            still *= 1 - now - LOSS
        return chance

    end = START + pd.Timedelta(days=days)
    return Simulated({"customers": customers}, end, true_probability)


def _chance(hazard: Floats, ends: Ints, day: int | Ints) -> Floats:
    """The chance of a win on a day."""
    left = ends - day
    near = (left >= 0) & (left < RENEWAL_DAYS)
    chance: Floats = np.minimum(hazard * np.where(near, RENEWAL, 1.0), 0.5)
    return chance


def _days(since_start: Ints) -> pd.Series:
    """Days since the start as dates; negative ones are missing."""
    times = pd.Series(moments(np.where(since_start < 0, -1, since_start * DAY)))
    return times.dt.date
