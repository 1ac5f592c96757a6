"""How slowly wins come in, what share of a late cutoff is to be expected to win, and whether the
deals reach as far as the rest of the data.

A late cutoff is one whose horizon is not over. 12 of 30 days after it only the quick wins are
known. The mature cutoffs show what part that is: F(e) is the share of the wins within the horizon
that came within e days. Of a cutoff with n snapshots, e whole days old, with w wins so far,

    w / n            is too low, and
    w / F(e) / n     is right on average, if wins come as fast as before

(inverse probability of censoring). Worked example, horizon 30 days: 60% of the wins came within 12
days. A cutoff of 500 snapshots, 12 days old, has 9 wins: 1.8% so far, and 9 / 0.6 / 500 = 3% are
to be expected. Below F(e) = 0.2 there is no estimate: each win would stand for more than five.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from features.cohort import cohort_at
from features.config import Config
from features.contract.database import LeadDatabase
from features.labels import ending_sql
from features.spec.wording import plural

LEAST_SEEN = 0.2
PATIENCE_DAYS = 7  # without a deal, until there is a note


@dataclass(frozen=True)
class Delay:
    """How the `wins` within the horizon of the mature cutoffs are spread over its days: `seen[e]`,
    e = 0, 1, ..., horizon, is the share of them within e days; empty without wins."""

    seen: tuple[float, ...]
    wins: int

    def day_of(self, share: float) -> int:
        """The first whole day by which such a share of the wins was in."""
        return int(np.searchsorted(self.seen, share - 1e-9))


@dataclass(frozen=True)
class Late:
    """A cutoff whose horizon is not over: whole days since it, the share of its wins to be known by
    now, its snapshots, those won so far, and the share to be expected in the end (None where `seen`
    is below LEAST_SEEN)."""

    cutoff: datetime
    days: int
    seen: float
    snapshots: int
    won: int
    expected: float | None


@dataclass(frozen=True)
class Maturity:
    """The delay of wins, and each late cutoff."""

    delay: Delay
    late: tuple[Late, ...]

    def __str__(self) -> str:
        if not self.delay.wins:
            return ""
        text = f"Of the wins within {plural(len(self.delay.seen) - 1, 'day')} half come by day "
        text += f"{self.delay.day_of(0.5)}, nine tenths by day {self.delay.day_of(0.9)}."
        estimated = [each for each in self.late if each.expected is not None]
        if estimated:
            last = estimated[-1]
            text += (
                f" The cutoff {last.cutoff:%Y-%m-%d} is {plural(last.days, 'day')} old, when "
                f"{last.seen:.0%} of the wins are known: {last.won / last.snapshots:.1%} are won "
                f"so far, {last.expected:.1%} are to be expected."
            )
        return text


def maturity(database: LeadDatabase, config: Config) -> Maturity:
    """The delay of wins at the mature cutoffs, and each later cutoff with its estimate."""
    end, horizon = database.data_end, config.time.horizon_days
    cutoffs, known = config.time.cutoffs(end), config.time.mature_cutoffs(end)
    delay = _delay(_won_by_day(database, known, horizon).sum(axis=0))
    later = [cutoff for cutoff in cutoffs if cutoff not in known]
    by_day, sizes = _won_by_day(database, later, horizon), _sizes(database, later)
    late = []
    for number, cutoff in enumerate(later):
        days, size = (end - cutoff).days, sizes.get(cutoff, 0)
        if not delay.wins or not size:
            continue
        won, seen = int(by_day[number, :days].sum()), delay.seen[days]
        expected = won / seen / size if seen >= LEAST_SEEN else None
        late.append(Late(cutoff, days, seen, size, won, expected))
    return Maturity(delay, tuple(late))


def _delay(by_day: npt.NDArray[np.int64]) -> Delay:
    wins = int(by_day.sum())
    share = np.append(0, np.cumsum(by_day)) / wins if wins else np.empty(0)
    return Delay(tuple(share.tolist()), wins)


def _won_by_day(
    database: LeadDatabase, cutoffs: Sequence[datetime], horizon: int
) -> npt.NDArray[np.int64]:
    """How many snapshots were won on each day after the cutoff: shape (cutoffs, horizon)."""
    counts = np.zeros((len(cutoffs), horizon), np.int64)
    if cutoffs:
        endings = ending_sql(cohort_at(database, cutoffs), database.data_end)
        rows = database.connection.execute(
            f"SELECT cutoff, floor(days)::INT, count(*) FROM ({endings}) "
            f"WHERE ending = 'won' AND days < {horizon} GROUP BY ALL"
        ).fetchall()
        place = {cutoff: number for number, cutoff in enumerate(cutoffs)}
        for cutoff, day, count in rows:
            counts[place[cutoff], day] = count
    return counts


def _sizes(database: LeadDatabase, cutoffs: Sequence[datetime]) -> dict[datetime, int]:
    if not cutoffs:
        return {}
    cohorts = cohort_at(database, cutoffs).relation
    sql = f"SELECT cutoff, count(*) FROM {cohorts} GROUP BY cutoff"
    return dict(database.connection.execute(sql).fetchall())


def days_without_deals(database: LeadDatabase) -> tuple[int, str]:
    """Days from the last closed deal to the data end, 0 if at most 7; and the advice.

    An event dated months after the last deal, or an older extract of deals, makes leads look not
    won whose outcome is unknown.
    """
    ((last,),) = database.connection.execute(
        "SELECT max(closed_at) FROM closings WHERE closed_at <= ?", [database.data_end]
    ).fetchall()
    if last is None:
        return 0, "No deal has closed at all."
    days = (database.data_end - last).days
    return (days if days > PATIENCE_DAYS else 0), (
        f"The last deal closed on {last:%Y-%m-%d}: leads won since then would be labelled not won. "
        "Set time.data_end to the time of the extract of deals, or look for a wrong late date."
    )
