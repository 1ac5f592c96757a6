"""When the base rate moves after training: one number added to every log-odds.

Say the market changes, and of leads with a readiness of 5% now 9% are won. That shows in the
latest outcomes that are complete: the snapshots at cutoffs that the model was not trained on. One
number is added to all log-odds, so that as many wins are promised there as were seen. Ranking and
reasons stay as they are.

King and Zeng 2001 and Saerens et al. 2002 move by logit(new rate) - logit(old rate). That counts
twice what the model has seen itself, where the rate moved because other leads came; so here the
model's own promises at those snapshots stand for the old rate.

Worked example, horizon 30 days, trained until 2026-03-02, scored at 2026-06-01: the cutoffs in
(2026-03-02, 2026-05-02] count, for their outcomes were complete at 2026-06-01 00:00; deals closed
later do not, even where the data go on.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from features.spec.wording import plural
from models.classifier.calibration_line import anchor
from models.statistics.calibration_report import gap_error

Floats = npt.NDArray[np.float64]
SURELY = 2.0  # standard errors; below, the gap may be chance and nothing is moved


@dataclass(frozen=True)
class PriorShift:
    """What was promised and seen at the latest complete outcomes, and what is added to every
    log-odds for it; 0 where the gap may be chance."""

    snapshots: int
    promised: float
    seen: float
    log_odds: float

    def __str__(self) -> str:
        figures = (
            f"at the latest {plural(self.snapshots, 'snapshot')} whose outcome is complete "
            f"{self.seen:.1%} were won where {self.promised:.1%} were promised"
        )
        if self.log_odds:
            return f"Prior shift: {figures}; {self.log_odds:+.2f} is added to every log-odds."
        return f"No prior shift: {figures}, which may be chance."


def prior_shift(readiness: Floats, won: Floats, lead_id: npt.ArrayLike) -> PriorShift:
    """readiness: of snapshots the model was not trained on, in (0, 1), shape (n,), n >= 1; won: 0
    or 1. One further snapshot counts as promised, so that neither outcome is deemed impossible.
    """
    promised, count = float(readiness.mean()), len(won)
    gap = float((won - readiness).sum())
    moved = 0.0
    if abs(gap) > SURELY * gap_error(lead_id, won, readiness):
        moved = anchor(logit(readiness), (float(won.sum()) + promised) / (count + 1))
    return PriorShift(count, promised, float(won.mean()), moved)
