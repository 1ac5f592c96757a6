"""Which leads both lists hold, one alone or neither, what became of them, and for which groups the
lists find the deals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.config import Capacity
from models.statistics.bootstrap import Floats, bootstrap, interval, rarer
from models.statistics.intervals import Estimate
from models.statistics.metrics import NAN, Ranking

EXAMPLES = 5
QUADRANTS = ("both", "model", "rules", "neither")
Groups = Mapping[str, pd.DataFrame]  # by kind: whether each snapshot is in each group, by its name


@dataclass(frozen=True)
class Example:
    """A lead of a quadrant at the newest cutoff, and whether it was won within the horizon."""

    lead_id: str
    cutoff: str
    won: bool


@dataclass(frozen=True)
class Quadrant:
    """Snapshots on both lists, on one alone, or on neither, over all cutoffs: how many, how many of
    them won, the share and its interval. Not always whole, where ties stand across an end."""

    lists: str
    snapshots: float
    won: float
    share_won: Estimate
    examples: Sequence[Example]


@dataclass(frozen=True)
class GroupFound:
    """The deals of a group of snapshots: all, those on the model's lists and on the rules', and the
    difference, model minus rules. kind: source, segment or period."""

    kind: str
    name: str
    snapshots: int
    deals: int
    model: float
    rules: float
    difference: Estimate


@dataclass(frozen=True)
class Overlap:
    """Both lists at the capacity: the QUADRANTS in this order, and the groups."""

    quadrants: Sequence[Quadrant]
    groups: Sequence[GroupFound]


def overlap(
    snapshots: pd.DataFrame,
    won: Floats,
    model: Floats,
    rules: Floats,
    capacity: Capacity,
    groups: Groups,
    replicates: int = 1000,
    seed: int = 0,
) -> Overlap:
    """snapshots: lead_id, cutoff; won, model and rules: shape (n,), as of a Comparison. The lists
    are drawn up anew in each replicate, as in the judgement."""
    cutoff, lead_id = snapshots["cutoff"].to_numpy(), snapshots["lead_id"]
    rankings = [Ranking(won, score, cutoff) for score in (model, rules)]
    names = [(kind, str(name)) for kind, members in groups.items() for name in members]
    inside = np.column_stack(
        [np.ones((len(won), 0)), *(each.to_numpy(np.float64) for each in groups.values())]
    )

    def parts(weight: Floats | None = None) -> tuple[Floats, Floats]:
        """On both lists, on one alone, on neither, shape (4, n); then each list, shape (2, n)."""
        lists = np.stack([ranking.on_list(capacity, weight) for ranking in rankings])
        first, second = lists
        alone = [first * (1 - second), (1 - first) * second]
        return np.stack([first * second, *alone, (1 - first) * (1 - second)]), lists

    def measure(weight: Floats) -> Floats:
        quarters, lists = parts(weight)
        many = (quarters * weight).sum(axis=1)
        share = (quarters * (weight * won)).sum(axis=1) / np.where(many > 0, many, NAN)
        return np.concatenate([share, (weight * won * (lists[0] - lists[1])) @ inside])

    quarters, lists = parts()
    point = measure(np.ones(len(won)))
    replicated = bootstrap(measure, lead_id, replicates, seed)

    def estimate(at: int, rows: npt.NDArray[np.bool_]) -> Estimate:
        wins = rarer(lead_id[rows], won[rows]) if rows.any() else 0
        return Estimate(float(point[at]), *interval(replicated[:, at], wins))

    return Overlap(
        quadrants=[
            Quadrant(
                lists=name,
                snapshots=float(part.sum()),
                won=float((part * won).sum()),
                share_won=estimate(at, part > 0),
                examples=_examples(snapshots, won, rules if name == "rules" else model, part),
            )
            for at, (name, part) in enumerate(zip(QUADRANTS, quarters, strict=True))
        ],
        groups=[
            GroupFound(
                kind=kind,
                name=name,
                snapshots=int(rows.sum()),
                deals=int(won[rows].sum()),
                model=float((lists[0] * won)[rows].sum()),
                rules=float((lists[1] * won)[rows].sum()),
                difference=estimate(len(QUADRANTS) + at, rows),
            )
            for at, (kind, name) in enumerate(names)
            for rows in [inside[:, at] > 0]
        ],
    )


def _examples(
    snapshots: pd.DataFrame, won: Floats, score: Floats, part: Floats
) -> Sequence[Example]:
    """The first EXAMPLES by score of the newest cutoff that are wholly in the quadrant."""
    rows = np.flatnonzero((part == 1) & (snapshots["cutoff"] == snapshots["cutoff"].max()))
    best = rows[np.argsort(-score[rows], kind="stable")][:EXAMPLES]
    return [
        Example(str(lead), f"{cutoff:%Y-%m-%d}", bool(won[row]))
        for row, lead, cutoff in zip(
            best, snapshots["lead_id"].iloc[best], snapshots["cutoff"].iloc[best], strict=True
        )
    ]


def one_of(names: pd.Series) -> pd.DataFrame:
    """Groups of which each snapshot is in one, by their names (`period`, `sources`)."""
    return pd.get_dummies(names.astype(str))


def period(cutoff: pd.Series) -> pd.Series:
    """The month of each cutoff.

    >>> list(period(pd.Series(pd.to_datetime(["2026-01-05", "2026-02-02"]))))
    ['2026-01', '2026-02']
    """
    month: pd.Series = cutoff.dt.strftime("%Y-%m")
    return month
