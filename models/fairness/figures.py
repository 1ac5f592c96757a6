"""How the lists treat each group of leads: whom they hold, who of these is won, and who is missed.

Every figure is of snapshots (lead, cutoff) on the lists at capacity, in a tie by that part of a
snapshot that is on the list; intervals are clustered by lead. Groups are held against the largest
of their column. A warning is sure at 95% for all groups and figures of a list together
(Bonferroni): who looks at twenty groups finds a striking one by chance.

Worked example, cutoffs 2026-01-05 and 2026-01-12, lists of one lead, horizon 30 days: lead 1 of DE
is listed at both and won on 2026-01-20. Lead 2 of FR is listed at neither and won on the same day:
both of its snapshots are won and missed, so the false negative rate of FR is 100%.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.config import Config
from features.contract.database import LeadDatabase
from models.fairness.groups import NO_VALUE, OTHER, group_names, group_specs
from models.statistics.bootstrap import FEW_WINS, rarer, too_few
from models.statistics.clustered import shares
from models.statistics.intervals import FEW_LEADS, LEVEL, UNKNOWN, Estimate, newcombe, ratio
from models.statistics.metrics import Ranking
from models.statistics.verdict import too_few_leads

Floats = npt.NDArray[np.float64]
FOUR_FIFTHS = 0.8
Against = Literal["more", "less", "not clear"]


@dataclass(frozen=True)
class GroupOnList:
    """A group on the lists of one ranker. listed: the share of its snapshots that are on a list
    (selection rate). won: of those, the share won (precision). missed: of the won ones, the share
    that is on no list (false negative rate). ratio: `listed`, divided by that of the largest group
    of the column; missed_difference: `missed` minus that of the largest.

    selected: "less" where the ratio is surely below four fifths, "more" where that of the largest
    group to this one is. misses: whether surely more or less of its wins are missed.
    """

    listed: Estimate
    won: Estimate
    missed: Estimate
    ratio: Estimate
    missed_difference: Estimate
    selected: Against
    misses: Against


@dataclass(frozen=True)
class LeadGroup:
    """The snapshots whose lead has a value in a column: of how many leads, how many won, and
    `rarer` leads of the rarer outcome. largest: the name of the group that it is held against, ""
    of that itself and where there is none. lists: by ranker."""

    column: str
    name: str
    snapshots: int
    leads: int
    wins: int
    rarer: int
    largest: str
    lists: dict[str, GroupOnList]

    @property
    def too_few(self) -> str:
        """Why some figures have no interval; "" where all have. What is won and missed wants
        FEW_WINS won leads; who is listed wants FEW_LEADS leads."""
        return too_few_leads(self.leads) if self.leads < FEW_LEADS else too_few(self.rarer)

    def json_fields(self) -> dict[str, Any]:
        """One of `groups`."""
        return {**vars(self), "largest": self.largest or None, "no_interval": self.too_few or None}


@dataclass(frozen=True)
class Fairness:
    """least_leads: values that fewer leads have are in the group `other`."""

    least_leads: int
    groups: tuple[LeadGroup, ...]

    @property
    def rankers(self) -> tuple[str, ...]:
        """Whose lists, the model's first."""
        return tuple(self.groups[0].lists)


def fairness_of(
    config: Config,
    database: LeadDatabase,
    snapshots: pd.DataFrame,
    won: Floats,
    scores: Mapping[str, Floats],
) -> Fairness | None:
    """The groups that [fairness] names, on the lists of the configured capacity; None where it
    names none.

    database: opened with `group_specs`. snapshots: lead_id, cutoff, n rows; won: 0 or 1, shape
    (n,); scores: by ranker, shape (n,), higher is called sooner.
    """
    specs, least = group_specs(config), config.fairness.least_leads
    if not specs:
        return None
    cutoff, lead_id = snapshots["cutoff"].to_numpy(), snapshots["lead_id"]
    on_lists = {
        name: Ranking(won, score, cutoff).on_list(config.capacity) for name, score in scores.items()
    }
    names = group_names(database, specs, lead_id, least)
    return Fairness(least, lead_groups(names, lead_id.to_numpy(), won, on_lists))


def lead_groups(
    names: pd.DataFrame, lead_id: npt.ArrayLike, won: Floats, on_lists: Mapping[str, Floats]
) -> tuple[LeadGroup, ...]:
    """The groups of each column of `names` that have snapshots.

    names: categorical columns, the largest group first, n rows (see `named_groups`). lead_id, won:
    shape (n,). on_lists: by ranker, the part of each snapshot that is on a list, shape (n,).
    """
    lead = np.asarray(lead_id)
    members = list(_members(names, lead, won))
    lists = {name: _on_list(members, lead, won, listed) for name, listed in on_lists.items()}
    return tuple(
        LeadGroup(
            column=each.column,
            name=each.name,
            snapshots=int(each.rows.sum()),
            leads=each.leads,
            wins=int(won[each.rows].sum()),
            rarer=each.rarer,
            largest="" if each.largest is None else members[each.largest].name,
            lists={name: groups[at] for name, groups in lists.items()},
        )
        for at, each in enumerate(members)
    )


class _Members(NamedTuple):
    """The rows of a group, shape (n,), and the place of the group that it is held against."""

    column: str
    name: str
    rows: npt.NDArray[np.bool_]
    leads: int
    rarer: int
    largest: int | None


class _Shares(NamedTuple):
    """Of a group: without interval what it has too few leads, or too few wins, to tell."""

    listed: Estimate
    won: Estimate
    missed: Estimate


def _members(names: pd.DataFrame, lead: npt.NDArray[Any], won: Floats) -> Iterator[_Members]:
    place = 0
    for column, values in names.items():
        largest = None
        for name in values.cat.categories:
            rows = (values == name).to_numpy(np.bool_)
            if not rows.any():
                continue
            leads, wins = len(pd.unique(lead[rows])), rarer(lead[rows], won[rows])
            yield _Members(str(column), str(name), rows, leads, wins, largest)
            if largest is None and name not in (OTHER, NO_VALUE):  # the first is the largest
                largest = place
            place += 1


def _on_list(
    members: Sequence[_Members], lead: npt.NDArray[Any], won: Floats, listed: Floats
) -> list[GroupOnList]:
    """Each group on one ranker's lists."""
    shown = _shares(members, lead, won, listed, LEVEL)
    pairs = [(at, each.largest) for at, each in enumerate(members) if each.largest is not None]
    figures = [figure for at, largest in pairs for figure in _against(shown[at], shown[largest])]
    compared = sum(figure.known for figure in figures)
    surely = _shares(members, lead, won, listed, 1 - (1 - LEVEL) / max(1, compared))
    return [_group_on_list(shown, surely, at, each.largest) for at, each in enumerate(members)]


def _group_on_list(
    shown: Sequence[_Shares], surely: Sequence[_Shares], at: int, largest: int | None
) -> GroupOnList:
    if largest is None:
        return GroupOnList(*shown[at], UNKNOWN, UNKNOWN, "not clear", "not clear")
    rates, apart = _against(surely[at], surely[largest])
    return GroupOnList(
        *shown[at],
        *_against(shown[at], shown[largest]),
        selected=_beyond(rates.low > 1 / FOUR_FIFTHS, rates.high < FOUR_FIFTHS),
        misses=_beyond(apart.low > 0, apart.high < 0),
    )


def _against(group: _Shares, largest: _Shares) -> tuple[Estimate, Estimate]:
    """Of two groups without a lead in common: the ratio of who is listed, and the difference of
    what is missed."""
    return ratio(group.listed, largest.listed), newcombe(group.missed, largest.missed)


def _beyond(more: bool, less: bool) -> Against:
    return "more" if more else "less" if less else "not clear"


def _shares(
    members: Sequence[_Members],
    lead: npt.NDArray[Any],
    won: Floats,
    listed: Floats,
    level: float,
) -> list[_Shares]:
    inside = np.column_stack([each.rows for each in members]).astype(np.float64)
    selected = shares(inside, lead, listed, level)
    hits = shares(inside * listed[:, None], lead, won, level)
    missed = shares(inside * won[:, None], lead, 1 - listed, level)
    return [
        _Shares(
            _if(each.leads >= FEW_LEADS, selected[at]),
            _if(each.rarer >= FEW_WINS, hits[at]),
            _if(each.rarer >= FEW_WINS, missed[at]),
        )
        for at, each in enumerate(members)
    ]


def _if(enough: bool, estimate: Estimate) -> Estimate:
    return estimate if enough else UNKNOWN._replace(point=estimate.point)
