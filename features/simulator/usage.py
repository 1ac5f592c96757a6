"""A product on trial: accounts that log in, or never come back. One action, `logged_in`.

    simulated = product_usage(leads=12_000, seed=7, days=730)

An account is won with the first login of its third day within a week: on the third different day
with a login among any seven days in a row. Nobody is ever lost; most accounts never return after
the first day. Won accounts go on logging in.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from features.simulator.simulated import (
    CLOSED,
    START,
    ChainTruth,
    Simulated,
    created,
    moments,
    refuse_sizes,
    texts,
)
from features.simulator.world import DAY, HOUR, Floats, Ints, time_of_day

DORMANT, TRYING, ENGAGED = 0, 1, 2
LOGIN = np.array([0.002, 0.14, 0.40])  # chance of a login per day, by mood
WEEK, DAYS_TO_WIN = 7, 3
MASKS = 2 ** (WEEK - 1)  # which of the last six days had a login
# A code is mood * MASKS + mask.
KINDS = {"curious": 0.8, "keen": 0.2}
INITIAL = np.array([[0.75, 0.23, 0.02], [0.45, 0.45, 0.10]])  # by kind and mood
# Chances per day to move from mood to mood, by kind.
MOVES = np.array(
    [
        [[0.9985, 0.0015, 0.0], [0.12, 0.87, 0.01], [0.06, 0.04, 0.90]],
        [[0.996, 0.004, 0.0], [0.07, 0.90, 0.03], [0.03, 0.03, 0.94]],
    ]
)
FIRST_LOGIN = 0.85  # share of accounts that log in within the hour of their creation
PLANS = ({"free": 70, "team": 25, "business": 5}, {"free": 45, "team": 38, "business": 17})
COUNTRIES = {"DE": 40, "FR": 25, "NL": 15, "PL": 20}
_days = np.array([bin(mask).count("1") for mask in range(MASKS)])


def product_usage(
    leads: int, seed: int, days: int, progress: Callable[[float], None] = lambda share: None
) -> Simulated:
    """The tables events, leads and deals, and their truth. Raises BadInput as refuse_sizes."""
    refuse_sizes(leads, days)
    rng = np.random.default_rng(seed)
    kinds = rng.choice(len(KINDS), size=leads, p=list(KINDS.values()))
    birth = created(rng, leads, days)
    first_day = birth // DAY
    first = rng.random(leads) < FIRST_LOGIN
    mood = (rng.random((leads, 1)) >= INITIAL[kinds].cumsum(axis=1)[:, :-1]).sum(axis=1)
    mask, won_at = np.zeros(leads, np.int64), np.full(leads, CLOSED, np.int64)
    codes = np.full((leads, days + 1), CLOSED, np.int16)
    shares = MOVES.cumsum(axis=2)
    events: list[pd.DataFrame] = []
    for day in range(days):
        there, new = np.flatnonzero(first_day < day), np.flatnonzero(first_day == day)
        still = there[won_at[there] == CLOSED]
        codes[still, day] = mood[still] * MASKS + mask[still]
        back = there[rng.random(len(there)) < LOGIN[mood[there]]]
        came = np.concatenate([back, new[first[new]]])
        begun = birth[new[first[new]]]
        soon = rng.random(len(begun)) * np.minimum(HOUR, (day + 1) * DAY - begun)
        login = np.append(day * DAY + time_of_day(rng, len(back)), begun + soon.astype(np.int64))
        wins = (_days[mask[came]] + 1 >= DAYS_TO_WIN) & (won_at[came] == CLOSED)
        won_at[came[wins]] = login[wins]
        more = rng.poisson(0.5, len(came))
        later = np.repeat(login, more) + rng.integers(12 * HOUR, size=more.sum())
        who, when = np.append(came, np.repeat(came, more)), np.append(login, later)
        known = when < (day + 1) * DAY  # beyond midnight it would be a login of the next day
        events.append(pd.DataFrame({"lead_id": who[known], "occurred_at": when[known]}))
        mask = (mask << 1) % MASKS
        mask[came] += 1
        moved = (rng.random((len(there), 1)) >= shares[kinds[there], mood[there], :-1]).sum(axis=1)
        mood[there] = moved
        progress((day + 1) / days)
    still = np.flatnonzero(won_at == CLOSED)
    codes[still, days] = mood[still] * MASKS + mask[still]
    return Simulated(
        _tables(rng, kinds, birth, won_at, pd.concat(events, ignore_index=True)),
        START + pd.Timedelta(days=days),
        ChainTruth(codes, kinds, _without_win()),
    )


def _tables(
    rng: np.random.Generator, kinds: Ints, birth: Ints, won_at: Ints, events: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    events = events.sort_values(["occurred_at", "lead_id"], ignore_index=True)
    size, won = len(kinds), np.flatnonzero(won_at != CLOSED)
    plan = [texts(rng, weights, size) for weights in PLANS]
    seats = np.ceil(rng.lognormal(np.where(kinds == 1, 1.6, 1.0), 0.8)).astype(np.int64)
    return {
        "events": pd.DataFrame(
            {
                "lead_id": events.lead_id + 1,
                "occurred_at": moments(events.occurred_at.to_numpy()),
                "action": "logged_in",
            }
        ),
        "leads": pd.DataFrame(
            {
                "lead_id": np.arange(1, size + 1),
                "created_at": moments(birth),
                "plan": np.choose(kinds, plan),
                "country": texts(rng, COUNTRIES, size),
                "seats": seats,
            }
        ),
        "deals": pd.DataFrame(
            {"lead_id": won + 1, "closed_at": moments(won_at[won]), "outcome": "won"}
        ).sort_values("closed_at", ignore_index=True),
    }


def _without_win() -> Floats:
    """(kind, code, code): the chance of each move in one day that is no win."""
    size = len(LOGIN) * MASKS
    moves = np.zeros((len(KINDS), size, size))
    for mood, login in enumerate(LOGIN):
        for mask in range(MASKS):
            ways = [(1 - login, (mask << 1) % MASKS)]
            if _days[mask] + 1 < DAYS_TO_WIN:
                ways.append((login, (mask << 1) % MASKS + 1))
            for chance, after in ways:
                to = np.arange(len(LOGIN)) * MASKS + after
                moves[:, mood * MASKS + mask, to] += chance * MOVES[:, mood]
    return moves
