"""Three ways to make a probability of a learner's log-odds, and the choice among them.

| kind | parameters | calibrated log-odds |
|---|---|---|
| none | 0 | those of the learner |
| shift | 1 | those of the learner + b, so that as many are promised as were won |
| sigmoid | 2 | a x those of the learner + b (Platt 1999) |

All three are straight lines in the log-odds and rise strictly: they tear no tie and make none, give
no 0 and no 1, and leave the reasons of a lead exact (models/explanations/explain.py). Isotonic
regression and Venn-Abers do none of that; docs/adr/0012 has what they measured.

The choice is by log loss on calibration snapshots, cross-fitted twice over: a calibrator is learnt
on the earlier half of the cutoffs from some leads and judged on the later half on other leads, for
the snapshots of one lead share its fate. Worked example, calibration cutoffs 2026-03-02, 03-09 and
03-16: a fifth of the leads is judged at 03-09 and 03-16 by what the other four fifths taught at
03-02; so with each fifth. With a single cutoff only the leads are split.

With few wins a sigmoid errs more than it mends, and with many the cross-fit, which learns on less
than half of them, makes it look worse than it is. So the burden of proof changes at ENOUGH_WINS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.calibration import _SigmoidCalibration
from threadpoolctl import threadpool_limits

Floats = npt.NDArray[np.float64]
Kind = Literal["none", "shift", "sigmoid"]
KINDS: tuple[Kind, ...] = ("none", "shift", "sigmoid")  # fewest parameters first
FOLDS = 5
ENOUGH_WINS = 200  # from here on the sigmoid is kept unless a simpler one is surely better
SURELY = 2.0  # standard errors
FARTHEST = 30.0  # log-odds; beyond, a probability is 0 or 1 in all but name


class Line(NamedTuple):
    """Calibrated log-odds = slope * log-odds + intercept."""

    slope: float
    intercept: float

    def probability(self, log_odds: Floats) -> Floats:
        """In (0, 1), strictly rising with the log-odds."""
        found: Floats = expit(self.slope * log_odds + self.intercept)
        return found


@dataclass(frozen=True)
class Choice:
    """The kind chosen, and the cross-fitted log loss of each kind; no losses where there was too
    little to choose by.

    behind: by how much each kind's log loss is above the least, with the standard error of that
    difference, clustered by lead.
    """

    kind: Kind
    log_loss: Mapping[Kind, float]
    behind: Mapping[Kind, tuple[float, float]]

    def json_fields(self) -> dict[str, Any]:
        """What `train --json` prints of it."""
        losses = {
            kind: {"log_loss": loss, "behind": self.behind[kind][0], "error": self.behind[kind][1]}
            for kind, loss in self.log_loss.items()
        }
        return {"kind": self.kind, "cross_fitted": losses}


def learn(kind: Kind, log_odds: Floats, won: Floats) -> Line:
    """The calibrator of a kind that fits snapshots best. won: 0 or 1, with both among them.

    >>> learn("none", np.array([-1.0, 1.0]), np.array([0.0, 1.0]))
    Line(slope=1.0, intercept=0.0)
    """
    if kind == "none":
        return Line(1.0, 0.0)
    if kind == "shift":
        return Line(1.0, anchor(log_odds, float(won.mean())))
    with threadpool_limits(1, "blas"):  # threads add up in another order: other last bits
        sigmoid = _SigmoidCalibration().fit(log_odds, won)
    return Line(-float(sigmoid.a_), -float(sigmoid.b_))


def anchor(log_odds: Floats, rate: float) -> float:
    """What to add to the log-odds so that the mean probability is `rate`, in (0, 1).

    It is the maximum likelihood of an intercept alone ("calibration in the large", Cox 1958). Where
    all log-odds are equal it is logit(new rate) - logit(old rate), the correction for another base
    rate of King and Zeng 2001 and Saerens et al. 2002.

    >>> round(anchor(np.array([-1.0, -1.0]), 0.5), 9)
    1.0
    """
    return float(
        brentq(lambda b: float(expit(log_odds + b).mean()) - rate, -FARTHEST, FARTHEST, xtol=1e-12)
    )


def choose_kind(
    log_odds: Floats, won: Floats, lead_id: npt.ArrayLike, cutoff: npt.ArrayLike
) -> Choice:
    """With fewer than ENOUGH_WINS, the kind with the fewest parameters whose cross-fitted log loss
    is within one standard error of the least (Breiman et al. 1984); else the sigmoid, unless it is
    behind by more than two. All arguments have the shape (n,)."""
    lead = pd.factorize(pd.Series(lead_id))[0]
    fold, (early, late) = lead % FOLDS, halves(cutoff)
    parts = [(early & (fold != number), late & (fold == number)) for number in range(FOLDS)]
    if not all(0 < won[taught].sum() < taught.sum() for taught, _ in parts):
        return Choice("none", {}, {})
    losses = {kind: np.zeros(len(won)) for kind in KINDS}
    for taught, judged in parts:
        for kind in KINDS:
            line = learn(kind, log_odds[taught], won[taught])
            losses[kind][judged] = surprise(line.probability(log_odds[judged]), won[judged])
    mean = {kind: float(found[late].mean()) for kind, found in losses.items()}
    best = min(KINDS, key=lambda kind: mean[kind])
    behind = {k: _difference(losses[k] - losses[best], late, lead) for k in KINDS}
    gap, error = behind["sigmoid"]
    if won.sum() >= ENOUGH_WINS and gap <= SURELY * error:
        return Choice("sigmoid", mean, behind)
    return Choice(next(k for k in KINDS if behind[k][0] <= behind[k][1]), mean, behind)


def halves(cutoff: npt.ArrayLike) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which snapshots lie in the earlier and in the later half of the cutoffs; all in both where
    there is only one cutoff. Of an odd number the middle one is late.

    >>> halves(["03-02", "03-09", "03-16"])
    (array([ True, False, False]), array([False,  True,  True]))
    """
    number, distinct = pd.factorize(pd.Series(cutoff), sort=True)
    if len(distinct) == 1:
        return np.ones(len(number), bool), np.ones(len(number), bool)
    early = number < len(distinct) // 2
    return early, ~early


def surprise(probability: Floats, won: Floats) -> Floats:
    """Log loss of each snapshot, in nats."""
    return -np.log(np.where(won == 1, probability, 1 - probability))


def _difference(
    loss: Floats, judged: npt.NDArray[np.bool_], lead: npt.NDArray[np.intp]
) -> tuple[float, float]:
    """Mean difference over the judged snapshots, and its standard error clustered by lead."""
    mean = float(loss[judged].mean())
    strays = np.bincount(lead[judged], loss[judged] - mean)
    return mean, float(np.sqrt((strays**2).sum()) / judged.sum())
