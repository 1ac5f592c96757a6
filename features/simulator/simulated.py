"""What the simpler worlds share: their tables, chains of days, and the truth that follows.

Each lead is a Markov chain in steps of one day, whose rates depend on its kind alone, so that the
chance of a win within any number of days is exact: with `without_win`, the chances of the moves
that are no win, it is 1 minus the sum of the state's row of without_win to the power of the days.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import BadInput
from features.simulator.world import DAY, HOUR, OFFICE_HOURS, Floats, Ints, time_of_day

START = pd.Timestamp("2024-01-01")
FEWEST, MOST, LEAST_DAYS = 1_000, 100_000, 60
CLOSED = -1  # the code of a lead at a midnight at which there is no truth: not created, or over


@dataclass(frozen=True)
class Simulated:
    """A lead database as known at `data_end`: its tables by name, and the truth behind them.

    `true_probability(snapshots, horizon_days)` is the probability of a win in [cutoff, cutoff +
    horizon) given the full hidden state, one for each row of lead_id and cutoff, a midnight in
    [start, data_end] at which the lead is there. It raises BadInput for any other.
    """

    tables: Mapping[str, pd.DataFrame]
    data_end: pd.Timestamp
    true_probability: Callable[[pd.DataFrame, int], Floats]


def refuse_sizes(leads: int, days: int, most: int = MOST) -> None:
    """Raises BadInput for a number of leads outside [FEWEST, most], and less than LEAST_DAYS."""
    if not FEWEST <= leads <= most:
        raise BadInput(f"{leads:,} leads are not possible: from {FEWEST:,} to {most:,} are.")
    if days < LEAST_DAYS:
        raise BadInput(f"Give at least {LEAST_DAYS} days.")


def created(rng: np.random.Generator, leads: int, days: int) -> Ints:
    """Times of creation in order, evenly over the days, in microseconds since the start."""
    return np.sort(rng.integers(days, size=leads) * DAY + time_of_day(rng, leads))


def office_time(rng: np.random.Generator, size: int) -> Ints:
    """Times of day, in microseconds since midnight, evenly within office hours."""
    opened, closed = OFFICE_HOURS
    return rng.integers(opened * HOUR, closed * HOUR, size=size)


def moments(since_start: Ints) -> np.ndarray:
    """Microseconds since the start as times; negative ones are missing."""
    times = np.datetime64(START, "us") + since_start.astype("timedelta64[us]")
    return np.where(since_start < 0, np.datetime64("NaT", "us"), times)


def texts(rng: np.random.Generator, weights: Mapping[str, float], size: int) -> np.ndarray:
    """Random texts by their weights."""
    shares = np.array(list(weights.values()), float)
    return np.array(list(weights))[rng.choice(len(shares), size=size, p=shares / shares.sum())]


def events_of(
    rng: np.random.Generator,
    who: Ints,
    rate: Floats,
    shares: Floats,
    row: np.ndarray,
    actions: Iterable[str],
    birth: Ints,
    until: Ints,
    day: int,
) -> pd.DataFrame:
    """The day's events of some leads, none before their creation, none after a closing.

    rate: how many are expected of each, shape (n,); shares: of the actions, cumulated, shape (rows,
    actions); row: which of them is each lead's, shape (n,); birth, until: of all leads.
    """
    at = np.repeat(np.arange(len(who)), rng.poisson(rate))
    lead, when = who[at], day * DAY + time_of_day(rng, len(at))
    action = (rng.random((len(at), 1)) >= shares[row[at], :-1]).sum(axis=1)
    known = (when >= birth[lead]) & (when < until[lead])
    return pd.DataFrame(
        {
            "lead_id": lead[known] + 1,
            "occurred_at": moments(when[known]),
            "action": np.array(list(actions))[action[known]],
        }
    )


def places(snapshots: pd.DataFrame, codes: np.ndarray) -> tuple[Ints, Ints]:
    """Lead (from 0; lead_id is from 1) and day of each snapshot.

    `codes` (lead, midnight) are CLOSED where there is no truth; raises BadInput for those, naming
    the first.
    """
    lead: Ints = snapshots["lead_id"].to_numpy(np.int64) - 1
    since = snapshots["cutoff"] - START
    day: Ints = since.dt.days.to_numpy().astype(np.int64)
    good = (since == since.dt.floor("D")).to_numpy() & (lead >= 0) & (lead < len(codes))
    good &= (day >= 0) & (day < codes.shape[1])
    good[good] = codes[lead[good], day[good]] != CLOSED
    if not good.all():
        first = snapshots[~good].iloc[0]
        raise BadInput(
            f"{(~good).sum():,} snapshots are not of a lead that is there at a midnight of the "
            f"simulated period; the first is lead {first['lead_id']} at {first['cutoff']}."
        )
    return lead, day


@dataclass(frozen=True)
class ChainTruth:
    """The truth of chains: `codes` (lead, midnight), each lead's `kinds`, and `without_win` (kind,
    code, code)."""

    codes: np.ndarray
    kinds: Ints
    without_win: Floats

    def __call__(self, snapshots: pd.DataFrame, horizon_days: int) -> Floats:
        """See Simulated."""
        lead, day = places(snapshots, self.codes)
        none = np.linalg.matrix_power(self.without_win, horizon_days).sum(axis=2)
        chance: Floats = 1 - none[self.kinds[lead], self.codes[lead, day]]
        return chance
