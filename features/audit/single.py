"""Single features that alone tell the won from the others suspiciously well.

What leads did is judged on the snapshots of training cutoffs, as the model sees it. What they are,
their attributes, on the closed leads: an attribute that tells how a lead ends tells it at every
cutoff, also at those long before the win, whose label is 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm, rankdata

from features.audit.finding import LEVEL, Finding
from features.contract.database import LeadDatabase
from features.dataset import Dataset
from features.spec.kinds import Attribute, Ratio
from features.spec.spec import Spec
from features.sql import quoted

Floats = npt.NDArray[np.float64]
# The best honest ones: 0.69 on the bank's log, up to 0.76 on simulated worlds (docs/audit.md).
SUSPICIOUS = 0.87
SURELY = 0.78  # where the lower end of the interval must lie
FEWEST_WINS = 20  # won leads


def separating(dataset: Dataset, specs: Sequence[Spec]) -> Iterator[Finding]:
    """Actions, and what else leads did, by the best feature of each."""
    behaviour = [spec for spec in specs if not isinstance(spec, Attribute)]
    yield from _separating(dataset.frame, dataset.won, behaviour, "other snapshots")


def separating_attributes(database: LeadDatabase) -> Iterator[Finding]:
    """Attributes, of the closed leads."""
    specs = [Attribute(name, text) for name, text in database.attributes.items()]
    named = "".join(f", {quoted(spec.column)} AS {quoted(spec.name)}" for spec in specs)
    frame = database.query(
        f"SELECT lead_id, outcome = 'won' AS won_{named} FROM leads JOIN audited USING (lead_id) "
        "WHERE outcome IS NOT NULL ORDER BY lead_id"
    )
    won = frame.pop("won_").to_numpy(np.float64)
    yield from _separating(frame, won, specs, "lost leads")


def _separating(
    frame: pd.DataFrame, outcome: Floats, specs: Sequence[Spec], others: str
) -> Iterator[Finding]:
    """Whose area under the ROC curve, whichever way round, is 0.87 or more, surely (99 %) 0.78."""
    won = outcome.astype(bool)
    winners, rest = (frame.loc[part, "lead_id"].nunique() for part in (won, ~won))
    if min(winners, rest) < FEWEST_WINS:
        return
    best: dict[str, tuple[float, Spec]] = {}
    for spec in specs:
        area = _area(_ordered(frame, spec, won), won)
        subject = _subject(spec)
        if area > best.get(subject, (0.0, spec))[0]:
            best[subject] = (area, spec)
    for subject, (area, spec) in best.items():
        low = float(area - norm.ppf((1 + LEVEL) / 2) * _spread(area, winners, rest))
        if area >= SUSPICIOUS and low >= SURELY:
            yield _finding(subject, spec, area, low, winners, best, others)


def _finding(
    subject: str,
    spec: Spec,
    area: float,
    low: float,
    winners: int,
    best: Mapping[str, tuple[float, Spec]],
    others: str,
) -> Finding:
    said = (
        f"{spec.name} alone ranks won above {others} with an area of {area:.3f} (99 % interval "
        f"from {low:.3f}; {winners:,} won leads)"
    )
    figures = {"roc_auc": area, "low": low, "leads": winners}
    rest = [each for name, each in best.items() if name != subject]
    if rest:
        next_area, next_spec = max(rest, key=lambda each: each[0])
        said += f"; the next best, {next_spec.name}, reaches {next_area:.3f}"
        figures |= {"next_best": next_area}
    return Finding("separates", subject, said, figures)


def _subject(spec: Spec) -> str:
    """What a feature speaks of: its action or attribute, else itself."""
    if isinstance(spec, Attribute):
        return spec.column
    if isinstance(spec, Ratio):
        return _subject(spec.over)
    return getattr(spec, "action", None) or spec.name


def _ordered(frame: pd.DataFrame, spec: Spec, won: npt.NDArray[np.bool_]) -> Floats:
    """The feature as numbers. A text becomes the share won among other leads of the same text,
    learnt on one half of the leads for the other, so that a rare text cannot praise itself. What is
    missing is lowest."""
    column = frame[spec.name]
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=-np.inf)
    text = column.fillna("").astype(str)
    half = (pd.util.hash_array(frame["lead_id"].to_numpy()) % 2).astype(bool)
    worth = np.empty(len(frame))
    for mine in (half, ~half):
        outcome = pd.Series(won[~mine].astype(float))
        shares = outcome.groupby(text[~mine].to_numpy()).agg(["sum", "count"])
        base = outcome.mean() if len(outcome) else 0.0
        smoothed = (shares["sum"] + 10 * base) / (shares["count"] + 10)
        worth[mine] = text[mine].map(smoothed).fillna(base).to_numpy()
    return worth


def _area(values: Floats, won: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve, at least 0.5: the better way round. Ties count one half."""
    values = np.where(np.isnan(values), -np.inf, values)
    wins = int(won.sum())
    above = rankdata(values)[won].sum() - wins * (wins + 1) / 2
    area = float(above / (wins * (len(won) - wins)))
    return max(area, 1 - area)


def _spread(area: float, wins: int, others: int) -> float:
    """Standard error of an area (Hanley and McNeil, Radiology 1982), a lead counted once."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (wins - 1) * (q1 - area**2) + (others - 1) * (q2 - area**2)
    return sqrt(variance / (wins * others))
