"""A shop for companies, whose customers buy again and again: several deals for most of them.

    simulated = repeat_purchases(leads=5_000, seed=7, days=540)

Before a purchase a customer looks around, compares and negotiates, and does more of it each time;
the deal is recorded from the first offer on (`opened_at`). After a purchase or a loss the customer
is quiet until the next need. Some never come back. Deals still open at the data end are rows too,
with the outcome 'open' and no closing time.
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
    events_of,
    moments,
    office_time,
    refuse_sizes,
    texts,
)
from features.simulator.world import DAY, Floats, Ints, cumulated

STATES = ("quiet", "looking", "comparing", "negotiating", "gone")
QUIET, NEGOTIATING, GONE = 0, 3, 4
WON, LOST = 5, 6  # moves out of negotiating, after which the customer is quiet
# Kinds of customers: share, how often a need arises, how often an offer is taken.
KINDS = {"seldom": (0.5, 0.4, 0.6), "regular": (0.35, 1.0, 1.0), "frequent": (0.15, 2.5, 1.4)}
INITIAL = {"seldom": (0.5, 0.5), "regular": (0.4, 0.6), "frequent": (0.3, 0.7)}  # quiet, looking
NEED, LEAVE, WIN, LOSE = 0.016, 0.001, 0.05, 0.04  # chances per day
MOVES = {(1, 2): 0.07, (1, 0): 0.05, (2, 3): 0.09, (2, 1): 0.04, (2, 0): 0.03}

EVENTS = np.array([0.04, 0.35, 0.8, 0.6, 0.0])  # per day by state, times the customer's activity
# Actions: their weights by state (quiet ... negotiating).
ACTIONS = {
    "email_opened": (40, 20, 10, 8),
    "visited_shop": (20, 40, 25, 15),
    "visited_product": (5, 25, 30, 15),
    "compared_prices": (1, 5, 20, 10),
    "filled_basket": (1, 3, 12, 22),
    "asked_for_quote": (0, 1, 5, 25),
    "called_support": (30, 5, 3, 5),
}
ACTION_SHARES = cumulated(np.transpose(list(ACTIONS.values())))
BRANCHES = {  # weights by kind
    "seldom": {"crafts": 50, "retail": 30, "industry": 20},
    "regular": {"crafts": 35, "retail": 40, "industry": 25},
    "frequent": {"crafts": 20, "retail": 40, "industry": 40},
}
SOURCES = {"search": 40, "fair": 15, "referral": 20, "catalogue": 25}


def repeat_purchases(
    leads: int, seed: int, days: int, progress: Callable[[float], None] = lambda share: None
) -> Simulated:
    """The tables events, leads and deals, and their truth. Raises BadInput as refuse_sizes."""
    refuse_sizes(leads, days)
    rng = np.random.default_rng(seed)
    moves = _moves()
    kinds = rng.choice(len(KINDS), size=leads, p=[share for share, _, _ in KINDS.values()])
    activity = rng.lognormal(-0.32, 0.8, leads)
    birth = created(rng, leads, days)
    first_day = birth // DAY
    initial = np.array(list(INITIAL.values()))
    starts = (rng.random(leads) >= initial[kinds, 0]).astype(np.int8)
    codes = np.full((leads, days + 1), CLOSED, np.int8)
    state, opened = np.full(leads, CLOSED, np.int8), np.full(leads, CLOSED, np.int64)
    shares = np.cumsum(moves, axis=2)
    events: list[pd.DataFrame] = []
    deals: list[pd.DataFrame] = []
    for day in range(days):
        there = np.flatnonzero(first_day < day)
        codes[:, day] = state
        now = state[there]
        after = (rng.random((len(there), 1)) >= shares[kinds[there], now, :-1]).sum(axis=1)
        until = np.full(leads, (day + 1) * DAY)
        begun = there[(after == NEGOTIATING) & (now != NEGOTIATING)]
        opened[begun] = day * DAY + office_time(rng, len(begun))
        ended = after >= WON
        closing = there[ended]
        until[closing] = day * DAY + office_time(rng, len(closing))
        deals.append(_deals(rng, closing, after[ended] == WON, opened, until))
        new = np.flatnonzero(first_day == day)
        state[new] = starts[new]
        who = np.append(there, new)
        rate, does = EVENTS[state[who]] * activity[who], state[who]
        events.append(events_of(rng, who, rate, ACTION_SHARES, does, ACTIONS, birth, until, day))
        state[there] = np.where(ended, QUIET, after)
        progress((day + 1) / days)
    codes[:, days] = state
    still = np.flatnonzero(state == NEGOTIATING)
    never = np.full(leads, CLOSED, np.int64)
    deals.append(_deals(rng, still, None, opened, never))
    without_win = moves[:, :, : len(STATES)].copy()
    without_win[:, :, QUIET] += moves[:, :, LOST]
    tables = _tables(rng, kinds, birth, events, deals)
    return Simulated(tables, START + pd.Timedelta(days=days), ChainTruth(codes, kinds, without_win))


def _tables(
    rng: np.random.Generator,
    kinds: Ints,
    birth: Ints,
    events: list[pd.DataFrame],
    deals: list[pd.DataFrame],
) -> dict[str, pd.DataFrame]:
    branch = [texts(rng, weights, len(kinds)) for weights in BRANCHES.values()]
    return {
        "events": pd.concat(events).sort_values(["occurred_at", "lead_id"], ignore_index=True),
        "leads": pd.DataFrame(
            {
                "lead_id": np.arange(1, len(kinds) + 1),
                "created_at": moments(birth),
                "source": texts(rng, SOURCES, len(kinds)),
                "branch": np.choose(kinds, branch),
            }
        ),
        "deals": pd.concat(deals, ignore_index=True),
    }


def _moves() -> Floats:
    """(kind, state, state or WON or LOST): the chance of each move in one day."""
    moves = np.zeros((len(KINDS), len(STATES), LOST + 1))
    for kind, (_, need, taken) in enumerate(KINDS.values()):
        for (before, to), chance in MOVES.items():
            moves[kind, before, to] = chance
        moves[kind, QUIET, 1], moves[kind, QUIET, GONE] = NEED * need, LEAVE
        moves[kind, NEGOTIATING, WON] = WIN * taken
        moves[kind, NEGOTIATING, LOST] = LOSE
    stay = np.arange(len(STATES))
    moves[:, stay, stay] = 1 - moves.sum(axis=2)
    return moves


def _deals(
    rng: np.random.Generator, lead: Ints, won: np.ndarray | None, opened: Ints, closed: Ints
) -> pd.DataFrame:
    """Rows of deals; `won` is None for those still open."""
    amount = rng.lognormal(8.0, 0.7, len(lead)).round(-1)
    return pd.DataFrame(
        {
            "lead_id": lead + 1,
            "opened_at": moments(opened[lead]),
            "closed_at": moments(closed[lead]),
            "outcome": "open" if won is None else np.where(won, "won", "lost"),
            "amount": amount if won is None else np.where(won, amount, np.nan),
        }
    )
