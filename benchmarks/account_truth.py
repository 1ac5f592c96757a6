"""The true chance that an account of `buying_groups` wins a deal: by any of its people.

Its people share one project, so their chances are not independent. Given how many of each role are
open, the account is a Markov chain in steps of a day over (project, open people by role); the
chance of no win within the horizon is worked out backwards, day by day, each person who comes
meanwhile joining on the day after the creation.
"""

from collections import defaultdict
from math import comb

import numpy as np
import pandas as pd

from features.simulator.accounts import KINDS, LOSSES, ROLES, SIZES, WINS, project_moves
from features.simulator.simulated import CLOSED, START, ChainTruth, Simulated
from features.simulator.world import Floats, Ints

MOST = len(SIZES)  # people of an account


class AccountTruth:
    """The chances of a company. account: of each lead, from lead 1 on, the name of its account."""

    def __init__(self, company: Simulated, account: pd.Series) -> None:
        truth = company.true_probability
        assert isinstance(truth, ChainTruth)
        self._codes = truth.codes
        self._role, self._kind = np.divmod(truth.kinds, len(KINDS))
        created = company.tables["leads"]["created_at"]
        self._birth = _days(created)
        self._people: dict[str, list[int]] = defaultdict(list)
        for lead, name in enumerate(account):
            self._people[name].append(lead)
        self._moves = project_moves()
        self._stay = _without_win()

    def __call__(self, snapshots: pd.DataFrame, horizon_days: int) -> Floats:
        """P(won within the horizon) of each row of lead_id, an account of which somebody is open,
        and cutoff, a midnight."""
        none = [self._none_within(horizon_days, kind) for kind in range(len(KINDS))]
        days = _days(snapshots["cutoff"])
        chances = [
            1 - self._no_win(self._people[name], int(day), horizon_days, none)
            for name, day in zip(snapshots["lead_id"], days, strict=True)
        ]
        return np.array(chances)

    def _none_within(self, days: int, kind: int) -> list[Floats]:
        """The chance of no win within 0, 1, ... days: (project, open people of each role)."""
        none = [np.ones((self._moves.shape[1], *(MOST + 1,) * len(ROLES)))]
        for _ in range(days):
            none.append(self._day_before(none[-1], kind))
        return none

    def _day_before(self, none: Floats, kind: int) -> Floats:
        later = np.tensordot(self._moves[kind], none, 1)
        for role, stay in enumerate(self._stay):
            moved = np.moveaxis(later, role + 1, -1)
            before = np.einsum("pkl,pabl->pabk", stay, moved)
            later = np.moveaxis(before, -1, role + 1)
        return later

    def _no_win(self, people: list[int], day: int, days: int, none: list[list[Floats]]) -> float:
        kind = self._kind[people[0]]
        there = [lead for lead in people if self._codes[lead, day] != CLOSED]
        joining = [(self._birth[lead] + 1 - day, lead) for lead in people]
        joining = sorted(each for each in joining if 0 < each[0] < days)
        left = joining[-1][0] if joining else 0
        chance = none[kind][days - left]
        for since, lead in reversed(joining):
            chance = _joined(self._back(chance, kind, left - since), self._role[lead])
            left = since
        chance = self._back(chance, kind, left)
        counts = np.bincount(self._role[there], minlength=len(ROLES))
        return float(chance[self._codes[there[0], day]][tuple(counts)])

    def _back(self, none: Floats, kind: int, days: int) -> Floats:
        for _ in range(days):
            none = self._day_before(none, kind)
        return none


def _days(times: pd.Series) -> Ints:
    """Whole days since the start."""
    days: Ints = (times - START).dt.days.to_numpy().astype(np.int64)
    return days


def _joined(none: Floats, role: int) -> Floats:
    """The same where one more of the role will be open."""
    more = np.moveaxis(np.zeros_like(none), role + 1, 0)
    more[:-1] = np.moveaxis(none, role + 1, 0)[1:]
    return np.moveaxis(more, 0, role + 1)


def _without_win() -> list[Floats]:
    """Of each role (project, open, open the next day): the chance of a day without a win."""
    chances = []
    for win in WINS:
        wins = np.zeros(len(LOSSES))
        wins[-1] = win  # of a project that is being decided
        stay = np.zeros((len(LOSSES), MOST + 1, MOST + 1))
        for project, lost in enumerate(LOSSES):
            for count in range(MOST + 1):
                for gone in range(count + 1):
                    ways = comb(count, gone) * lost**gone
                    stay[project, count, count - gone] = ways * (1 - wins[project] - lost) ** (
                        count - gone
                    )
        chances.append(stay)
    return chances
