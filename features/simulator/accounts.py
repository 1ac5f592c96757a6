"""Companies that buy together: leads are people in accounts of 1 to 8, each with one deal.

    simulated = buying_groups(leads=5_000, seed=7, days=540)

An account has a project that comes and goes, which nobody sees. Its people show it, each by the
role that nobody sees either: users try things out, the buyer hardly does anything and signs, and a
researcher reads everything whether there is a project or not. So what colleagues do says more about
a buyer's chance than what the buyer does. A tenth of the leads have no account_id.

A project moves by chances that depend on the account's kind alone, whoever wins or loses meanwhile;
so each person is a Markov chain, and its true chance is exact.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from features.simulator.simulated import (
    CLOSED,
    START,
    ChainTruth,
    Simulated,
    events_of,
    moments,
    office_time,
    refuse_sizes,
    texts,
)
from features.simulator.world import DAY, Floats, Ints, cumulated, draw, time_of_day

PROJECTS = ("none", "looking", "evaluating", "deciding")
DECIDING, LOST = 3, 4  # lost is the state of a person, who stays there
ROLES = {"researcher": 0.3, "user": 0.4, "buyer": 0.3}
# Kinds of accounts: share, and how often a project arises.
KINDS = {"cold": (0.6, 0.4), "warm": (0.4, 1.8)}
SIZES = cumulated([10, 13, 16, 17, 15, 12, 9, 8])  # of accounts, from 1 person to 8
WITHOUT_ACCOUNT = 0.1  # share of the leads
LATER_DAYS = 60  # after its first person, an account's others come so late, in the mean

NEED = 0.014  # chance per day of a project, times that of the kind
MOVES = {(1, 2): 0.06, (1, 0): 0.04, (2, 3): 0.07, (2, 1): 0.02, (2, 0): 0.02, (3, 0): 0.04}
WINS = np.array([0.002, 0.008, 0.080])  # per day of deciding, by role
LOSSES = np.array([0.003, 0.001, 0.001, 0.003])  # per day, by project

# Events per day, by role and project, times the person's activity.
EVENTS = np.array([[0.30, 0.38, 0.40, 0.38], [0.02, 0.15, 0.60, 0.60], [0.015, 0.02, 0.03, 0.06]])
# Actions: their weights by project; a researcher's are those of READS whatever the project.
ACTIONS = {
    "email_opened": (45, 25, 12, 8),
    "visited_blog": (25, 25, 8, 4),
    "visited_product": (15, 25, 25, 15),
    "downloaded_guide": (5, 12, 10, 4),
    "tried_demo": (2, 6, 25, 14),
    "visited_pricing": (3, 4, 10, 28),
    "asked_for_terms": (0, 1, 3, 32),
    "called_support": (3, 1, 1, 2),
}
READS = (15, 25, 20, 18, 8, 10, 2, 2)
ACTION_SHARES = cumulated([*np.transpose(list(ACTIONS.values())), READS])
READING = len(ACTION_SHARES) - 1
TITLES = {  # weights by role
    "researcher": {"analyst": 45, "engineer": 30, "team lead": 15, "managing director": 10},
    "user": {"analyst": 20, "engineer": 45, "team lead": 25, "managing director": 10},
    "buyer": {"analyst": 10, "engineer": 15, "team lead": 30, "managing director": 45},
}
SOURCES = {"search": 35, "event": 20, "referral": 15, "newsletter": 30}


def buying_groups(
    leads: int, seed: int, days: int, progress: Callable[[float], None] = lambda share: None
) -> Simulated:
    """The tables events, leads (with account_id) and deals, and their truth. Raises BadInput as
    refuse_sizes."""
    refuse_sizes(leads, days)
    rng = np.random.default_rng(seed)
    account, birth = _people(rng, leads, days)
    kinds = draw(rng, np.cumsum([share for share, _ in KINDS.values()]), leads)  # as many suffice
    role = draw(rng, np.cumsum(list(ROLES.values())), leads)
    activity = rng.lognormal(-0.18, 0.6, leads)
    first_day, moves = birth // DAY, project_moves()
    shares = np.cumsum(moves, axis=2)
    project = (rng.random(leads) < 0.5).astype(np.int64)  # of each account, from the start on
    closed_at, won = np.full(leads, CLOSED, np.int64), np.zeros(leads, bool)
    is_open, codes = np.ones(leads, bool), np.full((leads, days + 1), CLOSED, np.int8)
    events: list[pd.DataFrame] = []
    for day in range(days):
        there = np.flatnonzero((first_day < day) & is_open)
        now = project[account[there]]
        codes[there, day] = now
        win = np.where(now == DECIDING, WINS[role[there]], 0.0)
        luck = rng.random(len(there))
        ended = there[luck < win + LOSSES[now]]
        until = np.full(leads, (day + 1) * DAY)
        until[ended] = day * DAY + office_time(rng, len(ended))
        closed_at[ended], is_open[ended] = until[ended], False
        won[there[luck < win]] = True
        who = np.append(there, np.flatnonzero(first_day == day))
        now = project[account[who]]
        rate = EVENTS[role[who], now] * activity[who]
        does = np.where(role[who] == 0, READING, now)
        events.append(events_of(rng, who, rate, ACTION_SHARES, does, ACTIONS, birth, until, day))
        step = shares[kinds, project, :-1]
        project = (rng.random((leads, 1)) >= step).sum(axis=1)
        progress((day + 1) / days)
    codes[is_open, days] = project[account[is_open]]
    named = account + 1.0
    named[rng.random(leads) < WITHOUT_ACCOUNT] = np.nan
    deals = np.flatnonzero(closed_at != CLOSED)
    job = [texts(rng, weights, leads) for weights in TITLES.values()]
    tables = {
        "events": pd.concat(events).sort_values(["occurred_at", "lead_id"], ignore_index=True),
        "leads": pd.DataFrame(
            {
                "lead_id": np.arange(1, leads + 1),
                "created_at": moments(birth),
                "source": texts(rng, SOURCES, leads),
                "job_title": np.choose(role, job),
                "account_id": pd.Series(named).astype("Int64"),
            }
        ),
        "deals": pd.DataFrame(
            {
                "lead_id": deals + 1,
                "closed_at": moments(closed_at[deals]),
                "outcome": np.where(won[deals], "won", "lost"),
            }
        ).sort_values(["closed_at", "lead_id"], ignore_index=True),
    }
    truth = ChainTruth(codes, role * len(KINDS) + kinds[account], _without_win(moves))
    return Simulated(tables, START + pd.Timedelta(days=days), truth)


def _people(rng: np.random.Generator, leads: int, days: int) -> tuple[Ints, Ints]:
    """The account of each lead, from 0, and when it was created, in order of creation."""
    account = np.repeat(np.arange(leads), 1 + draw(rng, SIZES, leads))[:leads]
    first = np.append(True, account[1:] != account[:-1])
    start = rng.integers(days, size=leads)[account]
    later = np.where(first, 0, np.ceil(rng.exponential(LATER_DAYS, leads))).astype(np.int64)
    day = start + later % (days - start)
    birth = day * DAY + time_of_day(rng, leads)
    order = np.argsort(birth, kind="stable")
    return account[order], birth[order]


def project_moves() -> Floats:
    """(kind of account, project, project): the chance of each move in one day."""
    moves = np.zeros((len(KINDS), len(PROJECTS), len(PROJECTS)))
    for kind, (_, need) in enumerate(KINDS.values()):
        for (before, to), chance in MOVES.items():
            moves[kind, before, to] = chance
        moves[kind, 0, 1] = NEED * need
    stay = np.arange(len(PROJECTS))
    moves[:, stay, stay] = 1 - moves.sum(axis=2)
    return moves


def _without_win(moves: Floats) -> Floats:
    """(role and kind, code, code): the chance of each daily move of a person that is no win."""
    chances = np.zeros((len(ROLES), len(KINDS), LOST + 1, LOST + 1))
    for role, win in enumerate(WINS):
        wins = np.where(np.arange(LOST) == DECIDING, win, 0.0)
        chances[role, :, :LOST, :LOST] = moves * (1 - wins - LOSSES)[:, np.newaxis]
        chances[role, :, :LOST, LOST] = LOSSES
    chances[:, :, LOST, LOST] = 1
    return chances.reshape(-1, LOST + 1, LOST + 1)
