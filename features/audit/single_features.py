"""Single features that alone separate won leads from the others suspiciously well.

Behaviour is tested on the snapshots of training cutoffs, as the model sees it. Attributes are
tested on the closed leads: an attribute that reveals the outcome does so at every cutoff, also at
those long before the win, whose label is 0.
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
from features.spec.kinds import Attribute, DaysSinceDate, Ratio, attribute_feature
from features.spec.spec import Spec
from features.sql import quoted

Floats = npt.NDArray[np.float64]
# The best honest ones: 0.69 on the bank's log, up to 0.76 on simulated worlds (docs/audit.md).
SUSPICIOUS = 0.87
SURELY = 0.78  # least lower end of the interval
FEWEST_WINS = 20  # won leads


def separating(dataset: Dataset, specs: Sequence[Spec]) -> Iterator[Finding]:
    """Of behaviour: for each action, and for features of no action, the best feature."""
    behaviour = [spec for spec in specs if not isinstance(spec, Attribute | DaysSinceDate)]
    yield from _separating(dataset.frame, dataset.won, behaviour, "other snapshots")


def separating_attributes(database: LeadDatabase) -> Iterator[Finding]:
    """Of attributes, on the closed leads."""
    specs = [attribute_feature(name, kind) for name, kind in database.attributes.items()]
    named = "".join(f", {_as_number_or_text(spec)} AS {quoted(spec.name)}" for spec in specs)
    frame = database.query(
        f"SELECT lead_id, outcome = 'won' AS won_{named} FROM leads JOIN audited USING (lead_id) "
        "WHERE outcome IS NOT NULL ORDER BY lead_id"
    )
    won = frame.pop("won_").to_numpy(np.float64)
    yield from _separating(frame, won, specs, "lost leads")


def _as_number_or_text(spec: Attribute | DaysSinceDate) -> str:
    column = quoted(spec.column)
    return f"epoch({column}::TIMESTAMP)" if isinstance(spec, DaysSinceDate) else column


def _separating(
    frame: pd.DataFrame, outcome: Floats, specs: Sequence[Spec], others: str
) -> Iterator[Finding]:
    """Findings for subjects whose best feature has an area under the ROC curve of 0.87 or more, in
    either direction, with a lower end (99 % interval) of 0.78 or more."""
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
    evidence = (
        f"{spec.name} alone ranks won above {others} with an area of {area:.3f} (99 % interval "
        f"from {low:.3f}; {winners:,} won leads)"
    )
    figures = {"roc_auc": area, "low": low, "leads": winners}
    rest = [each for name, each in best.items() if name != subject]
    if rest:
        next_area, next_spec = max(rest, key=lambda each: each[0])
        evidence += f"; the next best, {next_spec.name}, reaches {next_area:.3f}"
        figures |= {"next_best": next_area}
    return Finding("separates", subject, evidence, figures)


def _subject(spec: Spec) -> str:
    """What a feature measures: its action or attribute, else itself."""
    if isinstance(spec, Attribute | DaysSinceDate):
        return spec.column
    if isinstance(spec, Ratio):
        return _subject(spec.over)
    return getattr(spec, "action", None) or spec.name


def _ordered(frame: pd.DataFrame, spec: Spec, won: npt.NDArray[np.bool_]) -> Floats:
    """The feature as numbers; missing values are lowest. A text becomes the share won of the leads
    with that text in the other half of the leads, so that a rare text does not predict itself."""
    column = frame[spec.name]
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=-np.inf)
    text = column.fillna("").astype(str)
    half = (pd.util.hash_array(frame["lead_id"].to_numpy()) % 2).astype(bool)
    shares_won = np.empty(len(frame))
    for mine in (half, ~half):
        outcome = pd.Series(won[~mine].astype(float))
        shares = outcome.groupby(text[~mine].to_numpy()).agg(["sum", "count"])
        base = outcome.mean() if len(outcome) else 0.0
        smoothed = (shares["sum"] + 10 * base) / (shares["count"] + 10)
        shares_won[mine] = text[mine].map(smoothed).fillna(base).to_numpy()
    return shares_won


def _area(values: Floats, won: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve in the better direction, so at least 0.5. Ties count one half."""
    values = np.where(np.isnan(values), -np.inf, values)
    wins = int(won.sum())
    above = rankdata(values)[won].sum() - wins * (wins + 1) / 2
    area = float(above / (wins * (len(won) - wins)))
    return max(area, 1 - area)


def _spread(area: float, wins: int, others: int) -> float:
    """Standard error of an area (Hanley and McNeil, Radiology 1982), counting leads."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (wins - 1) * (q1 - area**2) + (others - 1) * (q2 - area**2)
    return sqrt(variance / (wins * others))
