"""Does the model keep its word in every group of leads? Promised against won, group by group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.statistics.bootstrap import bootstrap, interval, rarer
from models.statistics.clustered import conversions
from models.statistics.judge import Estimate
from models.statistics.metrics import Ranking

Floats = npt.NDArray[np.float64]
REPLICATES = 300
MOST_GROUPS = 8
OTHERS, UNKNOWN = "others", "unknown"
AGES = {"up to 7 days": 7, "7 to 30 days": 30, "30 to 90 days": 90, "90 to 365 days": 365}
OLDER = "over 365 days"


@dataclass(frozen=True)
class Group:
    """A group's snapshots. promised: mean readiness; won: the share won; gap: promised minus won;
    roc_auc: of the model within the group, NaN where all or none were won."""

    name: str
    snapshots: int
    leads: int
    wins: int
    promised: float
    won: Estimate
    gap: Estimate
    roc_auc: Estimate


def by_group(
    names: Sequence[str] | pd.Categorical,
    snapshots: pd.DataFrame,
    won: Floats,
    readiness: Floats,
    seed: int,
) -> list[Group]:
    """names: the group of each snapshot, shape (n,). snapshots: column lead_id, n rows.

    In the order of a Categorical's categories, else the largest first.
    Intervals are 95 %: of the share won as of a segment's (models.statistics.clustered), of the
    area from a bootstrap over leads (models.statistics.bootstrap).
    """
    given = pd.Series(names)
    ordered = given.cat.categories if isinstance(given.dtype, pd.CategoricalDtype) else None
    sizes = given.value_counts()
    listed = sizes.index if ordered is None else [name for name in ordered if sizes.get(name, 0)]
    return [
        _group(str(name), (given == name).to_numpy(), snapshots, won, readiness, seed)
        for name in listed
    ]


def _group(
    name: str,
    inside: npt.NDArray[np.bool_],
    snapshots: pd.DataFrame,
    won: Floats,
    readiness: Floats,
    seed: int,
) -> Group:
    lead, here, given = snapshots["lead_id"][inside], won[inside], readiness[inside]
    ranking, promised = Ranking(here, given), float(given.mean())

    def area(weight: Floats) -> Floats:
        return np.array([ranking.tally(weight).roc_auc()])

    replicated = bootstrap(area, lead, REPLICATES, seed)[:, 0]
    (found,) = conversions(np.ones((len(here), 1), bool), lead, here, compared=0)
    share = found.rate
    return Group(
        name=name,
        snapshots=found.snapshots,
        leads=found.leads,
        wins=found.wins,
        promised=promised,
        won=share,
        gap=Estimate(promised - share.point, promised - share.high, promised - share.low),
        roc_auc=Estimate(ranking.tally().roc_auc(), *interval(replicated, rarer(lead, here))),
    )


def sources(given: pd.Series) -> list[str]:
    """The group of each snapshot by its source: the seven largest, `others`, `unknown`.

    >>> sources(pd.Series(["ads", None, "ads", "fair"]))
    ['ads', 'unknown', 'ads', 'fair']
    """
    named = given.astype(object).where(given.notna(), UNKNOWN).astype(str)
    sizes = named.value_counts()
    largest = set(sizes.index if len(sizes) <= MOST_GROUPS else sizes.index[: MOST_GROUPS - 1])
    return [name if name in largest else OTHERS for name in named]


def ages(days: npt.ArrayLike) -> pd.Categorical:
    """The group of each snapshot by the lead's age in days, > 0: at most 7, at most 30, ...

    >>> list(ages([0.5, 7, 7.1, 400]))
    ['up to 7 days', 'up to 7 days', '7 to 30 days', 'over 365 days']
    """
    edges = [-np.inf, *AGES.values(), np.inf]
    return pd.Categorical(pd.cut(np.asarray(days, float), edges, labels=[*AGES, OLDER]))


def worst(groups: Sequence[Group], fewest: int) -> Iterator[Group]:
    """Those of `fewest` leads or more that surely win less, or more, than promised, the farthest
    off first."""
    sure = [g for g in groups if g.leads >= fewest and (g.gap.low > 0 or g.gap.high < 0)]
    yield from sorted(sure, key=lambda group: -abs(group.gap.point))
