"""Calibration: a straight line from a learner's log-odds to those of a probability.

| kind | parameters | calibrated log-odds |
|---|---|---|
| none | 0 | those of the learner |
| shift | 1 | those of the learner + b, so that as many are promised as were won |
| sigmoid | 2 | a x those of the learner + b (Platt 1999) |

All three rise strictly with the learner's: they break no tie and make none, give no 0 and no 1, and
leave the reasons of a lead exact (models/explanations/explain.py). Isotonic regression and
Venn-Abers do none of that; docs/adr/0012 has what they measured.

The choice is by log loss on the latest cutoffs, cross-fitted twice over: a line is fitted on the
earlier half of the cutoffs from some leads and judged on the later half on other leads, for the
snapshots of one lead share its outcome. Worked example, calibration cutoffs 2026-03-02, 03-09 and
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
from scipy.optimize import brentq, minimize
from scipy.special import expit

from models.statistics.clustered import mean_by_lead

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Kind = Literal["none", "shift", "sigmoid"]
KINDS: tuple[Kind, ...] = ("none", "shift", "sigmoid")  # fewest parameters first
FOLDS = 5
ENOUGH_WINS = 200  # from here on the sigmoid stays unless a simpler one is surely better
SURELY = 2.0  # standard errors
FARTHEST = 30.0  # log-odds; beyond, a probability is 0 or 1 in all but name


class CalibrationLine(NamedTuple):
    """Calibrated log-odds = slope * log-odds + intercept."""

    slope: float
    intercept: float

    def log_odds(self, log_odds: Floats) -> Floats:
        """Calibrated, of the learner's."""
        return self.slope * log_odds + self.intercept

    def probability(self, log_odds: Floats) -> Floats:
        """In (0, 1), strictly rising with the learner's log-odds."""
        probability: Floats = expit(self.log_odds(log_odds))
        return probability


UNCALIBRATED = CalibrationLine(1.0, 0.0)


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


def latest(cutoff: npt.ArrayLike, won: Floats) -> Mask:
    """Which snapshots calibrate: those of the latest cutoffs, as few as hold ENOUGH_WINS (two
    numbers want no more, and the learner does), at most a third of the cutoffs, at least one."""
    number, distinct = pd.factorize(pd.Series(cutoff), sort=True)
    wins = np.bincount(number, won, len(distinct))[::-1].cumsum()
    enough = 1 + int(np.searchsorted(wins, ENOUGH_WINS))
    calibrate: Mask = number >= len(distinct) - max(1, min(enough, len(distinct) // 3))
    return calibrate


def fit_line(kind: Kind, log_odds: Floats, won: Floats) -> CalibrationLine:
    """The line of a kind that fits snapshots best. won: 0 or 1, with both among them.

    >>> fit_line("none", np.array([-1.0, 1.0]), np.array([0.0, 1.0]))
    CalibrationLine(slope=1.0, intercept=0.0)
    """
    if kind == "none":
        return UNCALIBRATED
    if kind == "shift":
        return CalibrationLine(1.0, anchor(log_odds, float(won.mean())))
    return _platt(log_odds, won)


def _platt(log_odds: Floats, won: Floats) -> CalibrationLine:
    """The sigmoid of Platt 1999, of the least log loss against targets a little inside 0 and 1: one
    more win and one more loss are supposed, so that it is finite where all are ranked right."""
    wins = won.sum()
    losses = len(won) - wins
    target = np.where(won == 1, (wins + 1) / (wins + 2), 1 / (losses + 2))
    scale = max(1.0, float(np.abs(log_odds).max()) / FARTHEST)  # extreme log-odds stall the descent
    scaled = log_odds / scale

    def loss(line: Floats) -> tuple[float, Floats]:
        raw = line[0] * scaled + line[1]
        rest = expit(raw) - target
        # numpy's own sums: BLAS would add up in another order with other threads, to other bits.
        return float((np.logaddexp(0, raw) - target * raw).sum()), np.array(
            [(rest * scaled).sum(), rest.sum()]
        )

    begin = np.array([0.0, np.log((wins + 1) / (losses + 1))])
    near = {"gtol": 1e-6, "ftol": 64 * np.finfo(float).eps}  # as scikit-learn has it
    slope, intercept = minimize(loss, begin, jac=True, method="L-BFGS-B", options=near).x
    return CalibrationLine(float(slope) / scale, float(intercept))


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
    if not all(0 < won[fitted].sum() < fitted.sum() for fitted, _ in parts):
        return Choice("none", {}, {})
    losses = {kind: np.zeros(len(won)) for kind in KINDS}
    for fitted, judged in parts:
        for kind in KINDS:
            line = fit_line(kind, log_odds[fitted], won[fitted])
            losses[kind][judged] = row_losses(line.probability(log_odds[judged]), won[judged])
    mean = {kind: float(loss[late].mean()) for kind, loss in losses.items()}
    best = min(KINDS, key=lambda kind: mean[kind])
    behind = {k: mean_by_lead((losses[k] - losses[best])[late], lead[late]) for k in KINDS}
    gap, error = behind["sigmoid"]
    if won.sum() >= ENOUGH_WINS and gap <= SURELY * error:
        return Choice("sigmoid", mean, behind)
    return Choice(next(k for k in KINDS if behind[k][0] <= behind[k][1]), mean, behind)


def halves(cutoff: npt.ArrayLike) -> tuple[Mask, Mask]:
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


def row_losses(probability: Floats, won: Floats) -> Floats:
    """Log loss of each snapshot, in nats."""
    return -np.log(np.where(won == 1, probability, 1 - probability))
