"""Labels on the part of a horizon that is over: what a late cutoff can teach without a bias.

At an instant, a snapshot whose horizon is not over is won, lost or still open. A won or lost one is
known; an open one is not "not won": it is either, and how likely which, follows from how fast wins
and losses come. Both are measured at mature cutoffs, in bands of readiness:

    F(e) the share of the wins within the horizon that came in [cutoff, cutoff + e days),
    G(e) the share of the snapshots not won within the horizon that were lost in it.

Of a snapshot of age e, what is seen is as likely as p x if_won + (1 - p) x if_not, where p is the
chance of a win within the horizon and

| seen | if_won | if_not |
|---|---|---|
| won | 1 | 0 |
| lost | 0 | 1 |
| open | 1 - F(e) | 1 - G(e) |

(times what does not depend on p). Chapelle 2014 has this likelihood with an exponential delay and
without losses, G = 0; here F and G are counted, for wins do not come at an even pace.

Why it is unbiased: given what is seen, the snapshot will be won with the probability

    q = p x if_won / (p x if_won + (1 - p) x if_not)

and the gradient of -log(likelihood) by the log-odds is p - q, as if q were the label. At the true
p, the mean of q over what may be seen is

    won: p F x 1  +  lost: (1 - p) G x 0  +  open: (p (1 - F) + (1 - p) (1 - G)) x q,

p F + p (1 - F) = p in all, so the loss is least at the truth. Naive labels, open as 0, have the
mean p F. That holds however much p has changed, as long as wins and losses of such leads come as
fast as they used to. Where they come more slowly than they did, p is put too low.

Worked example, horizon 30 days, known at 2026-03-31, cutoff 2026-03-19, so e = 12: 60 % of the wins
came within 12 days, and 10 % of those not won were lost. A lead with p = 10 %, open at 2026-03-31,
will be won within the horizon with q = 0.1 x 0.4 / (0.1 x 0.4 + 0.9 x 0.9) = 4.7 %.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from models.calibrators import Line
from models.time_to_close import band_edges

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Seen(NamedTuple):
    """How likely is what is seen of each snapshot if it is won within the horizon, and if it is
    not; up to a factor that both share. Shape (n,) each.

    >>> open_lead = Seen(np.array([0.4]), np.array([0.9]))
    >>> open_lead.won(np.array([0.1])).round(3)
    array([0.047])
    """

    if_won: Floats
    if_not: Floats

    def likelihood(self, probability: Floats) -> Floats:
        """Of what is seen, where the chance of a win within the horizon is `probability`."""
        return probability * self.if_won + (1 - probability) * self.if_not

    def won(self, probability: Floats) -> Floats:
        """The chance that it is won within the horizon, given what is seen: q above."""
        return probability * self.if_won / self.likelihood(probability)

    def beside(self, mature_won: Floats) -> "Seen":
        """The same after snapshots whose label, 1 or 0, is complete."""
        return Seen(
            np.concatenate([mature_won, self.if_won]),
            np.concatenate([1 - mature_won, self.if_not]),
        )


@dataclass(frozen=True)
class Pace:
    """F and G of whole days by band of readiness: `won` and `lost`, shape (bands, horizon + 1).
    `edges` as of TimeToClose: the readiness at which the second, third, ... band begins."""

    edges: tuple[float, ...]
    won: Floats
    lost: Floats

    def of(self, readiness: Floats, age: Ints) -> tuple[Floats, Floats]:
        """F and G of snapshots of so many whole days since their cutoff, 0 <= age <= horizon."""
        band = np.searchsorted(self.edges, readiness, side="right")
        return self.won[band, age], self.lost[band, age]

    def seen(self, readiness: Floats, age: Ints, ending: npt.ArrayLike) -> Seen:
        """What is seen of snapshots: `ending` won, lost or open so many days after the cutoff."""
        known, (won, lost) = np.asarray(ending, object), self.of(readiness, age)
        closed = known != "open"
        return Seen(
            np.where(closed, known == "won", 1 - won), np.where(closed, known == "lost", 1 - lost)
        )


def learn_pace(readiness: Floats, endings: pd.DataFrame, horizon_days: int) -> Pace:
    """F and G at mature snapshots: `endings` (features.dataset) by what was known when the last
    horizon was over; readiness of models that never saw the lead. With half a snapshot more on
    either side, so that nothing is held to be impossible. Bands share the wins equally.

    Raises ValueError where no snapshot was won within the horizon.
    """
    days, ending = endings["days"].to_numpy(np.float64), endings["ending"].to_numpy(object)
    won = (ending == "won") & (days < horizon_days)
    if not won.any():
        raise ValueError("no snapshot was won within the horizon")
    edges = band_edges(readiness[won])
    band = np.searchsorted(edges, readiness, side="right")

    def shares(of: npt.NDArray[np.bool_], kind: str) -> Floats:
        """Per band, the share of the snapshots `of` that ended so within e = 0, 1, ... days."""
        found = np.empty((len(edges) + 1, horizon_days + 1))
        for number in range(len(edges) + 1):
            inside = of & (band == number)
            took = np.sort(days[inside & (ending == kind)])
            came = np.searchsorted(took, np.arange(horizon_days + 1), side="left")
            found[number] = (came + 0.5) / (inside.sum() + 1)
        return found

    return Pace(edges, shares(won, "won"), shares(~won, "lost"))


def learn_line(log_odds: Floats, seen: Seen, with_slope: bool) -> Line:
    """The line through the log-odds under which what is seen is likeliest; else slope 1, a shift.

    Raises ValueError where nothing is seen to be won, or nothing may be otherwise.
    """
    if not (seen.if_not == 0).any() or not (seen.if_not > 0).any():
        raise ValueError("a line wants won and other snapshots")

    def loss(at: Floats) -> tuple[float, Floats]:
        probability = expit(at[0] * log_odds + at[1])
        off = probability - seen.won(probability)
        slope = (off * log_odds).mean() if with_slope else 0.0
        return -np.log(seen.likelihood(probability)).mean(), np.array([slope, off.mean()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    return Line(float(found[0]), float(found[1]))
