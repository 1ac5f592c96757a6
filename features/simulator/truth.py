"""The hidden state of every simulated lead, and the true probabilities that follow from it."""

import numpy as np
import pandas as pd

from features.errors import BadInput
from features.simulator.world import (
    CLASS_SHARE,
    FITS,
    HOURS,
    INITIAL,
    OFFICE_HOURS,
    SOURCES,
    WON,
    WORKED,
    Codes,
    Floats,
    Ints,
    Law,
)


class Truth:
    """Every lead's class, and its code at every midnight.

    Built from each change of `lead` (from 0; lead_id is from 1) to `code`, from midnight `day` on.
    """

    def __init__(
        self, law: Law, start: pd.Timestamp, classes: Ints, lead: Ints, day: Ints, code: Codes
    ) -> None:
        self.law, self.start, self._classes = law, start, classes
        changes = lead * (law.days + 1) + day
        order = np.argsort(changes)
        self._changes, self._codes = changes[order], code[order]

    def states(self, snapshots: pd.DataFrame) -> tuple[Ints, Ints, Codes]:
        """Lead (from 0), day and code of each snapshot; raises as World.true_probability."""
        lead: Ints = snapshots["lead_id"].to_numpy(np.int64) - 1
        since = snapshots["cutoff"] - self.start
        day = since.dt.days.to_numpy().astype(np.int64)
        midnight = (since == since.dt.floor("D")).to_numpy()
        known = midnight & (day >= 0) & (day <= self.law.days)
        known &= (lead >= 0) & (lead < len(self._classes))
        key = np.where(known, lead * (self.law.days + 1) + day, 0)
        at = np.maximum(np.searchsorted(self._changes, key, side="right") - 1, 0)
        arrived = self._changes[at] // (self.law.days + 1) == lead
        codes: Codes = self._codes[at]
        good = known & arrived & (codes < WON)
        if not good.all():
            first = snapshots[~good].iloc[0]
            raise BadInput(
                f"{(~good).sum():,} snapshots are not of a lead open at a midnight of the simulated"
                f" period; the first is lead {first['lead_id']} at {first['cutoff']}."
            )
        return lead, day, codes

    def win_probability(self, snapshots: pd.DataFrame, horizon: int) -> Floats:
        """See World.true_probability."""
        lead, day, code = self.states(snapshots)
        chance = np.empty(len(snapshots))
        for cutoff in np.unique(day):
            at = day == cutoff
            by_state = self.law.win_probability(cutoff, horizon)
            chance[at] = by_state[self._classes[lead[at]], code[at]]
        return chance


def conversion(law: Law, start: pd.Timestamp, horizon: int) -> pd.DataFrame:
    """See World.true_conversion; it follows from the law alone.

    A lead created on day d can be won from day d + 1 on, within office hours. Of the last day,
    d + horizon, what counts lies before the time of day of the creation. Example, 30 days: for one
    created on 2024-03-01 at 12:00, 2024-03-02 to 2024-03-30 and the morning of 2024-03-31.
    """
    classes = np.arange(len(SOURCES) * len(FITS))
    fits = CLASS_SHARE.reshape(len(SOURCES), len(FITS))
    fits = fits / fits.sum(axis=1, keepdims=True)
    counts = _part_of_last_day()
    rows = []
    for day in range(law.days):
        now = law.classes_on(day, classes)
        short, whole = (
            law.win_probability(day + 1, length)[now, :WORKED] @ INITIAL
            for length in (horizon - 1, horizon)
        )
        chance = short + counts * (whole - short)
        rows.append((fits * chance.reshape(fits.shape)).sum(axis=1))
    dates = pd.date_range(start, periods=law.days)
    return pd.DataFrame(rows, index=dates, columns=list(SOURCES))


def _part_of_last_day() -> float:
    """The probability that a closing, uniform over office hours, is earlier in the day than a
    creation, distributed as HOURS: a sum over hours, within which both are uniform."""
    opened, closed = OFFICE_HOURS
    middle = np.arange(24) + 0.5  # both are uniform within the hour: the mean is at its middle
    share = np.clip((middle - opened) / (closed - opened), 0, 1)
    return float(share @ HOURS / np.sum(HOURS))
