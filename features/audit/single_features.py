"""Single features that alone separate won leads from the others suspiciously well.

Judged is what can be written because of the outcome: features of an action, a source or a value, on
the snapshots of training cutoffs, as the model sees them; and attributes, on the closed leads: an
attribute that reveals the outcome does so at every cutoff, also long before the win, where the
label is 0. Features of the clock (age, silence, how much activity of any kind, and when) are not:
they are counted from events known before the cutoff, and wrong times have findings of their own.

Only alike leads are compared: within a cutoff and a band of age and of silence; attributes within
the month of creation. Where most open leads are dormant, any sign of life tells them from the won;
and where the share won drifts, so does any column that drifts, too. Each quarter of the time is
also judged alone. Worked example: in 2024, when 5% are won, a grade is 10 for the won and 0 for
the others; from 2025 on, when half are won, it is empty. The won of 2025 then lie below all others
of 2024: over both years the area is small, in 2024 it is 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from features.audit.finding import LEVEL, Finding
from features.audit.lead_tables import ALIKE, MONTH, has_losses
from features.contract.database import LeadDatabase
from features.dataset import Dataset
from features.spec.accounts import (
    ActivePeople,
    Colleagues,
    DaysSinceFirst,
    DistinctActions,
    People,
)
from features.spec.kinds import (
    ActiveDays,
    Age,
    Count,
    DaysSince,
    DaysSinceDate,
    DaysSinceDeal,
    Decayed,
    DistinctContent,
    PastDeals,
    Ratio,
    Sessions,
    Share,
    Trend,
)
from features.spec.spec import OfAccount, Spec, action_of, where_of
from features.spec.titles import OfColumn
from features.sql import quoted

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# The best honest ones: 0.69 on the bank's log, up to 0.76 on simulated worlds (docs/audit.md).
SUSPICIOUS = 0.87
SURELY = 0.78  # least lower end of the interval
FEWEST_WINS = 20  # won leads
PARTS = 4  # of the time: a leak may be in one of them only
Z = float(norm.ppf(1 - (1 - LEVEL) / 2 / (1 + PARTS)))  # of all intervals of a feature together
AGES, SILENCES = (7, 30, 90, 365), (1, 7, 30, 90)  # days: the bands
SHAPE = len(AGES) + 1, len(SILENCES) + 1
BANDS = (Age(), DaysSince(None))  # what the snapshots have to hold for them
_CLOCK = (
    *(Age, ActiveDays, Count, DaysSince, DaysSinceDeal, Decayed, DistinctContent, PastDeals),
    *(Sessions, Share, Trend, People, ActivePeople, DistinctActions, DaysSinceFirst),
)


def about(spec: Spec) -> str:
    """What a feature measures, as Finding.about: its action or column, else itself."""
    if isinstance(spec, OfColumn):
        return f"column:{spec.column}"
    if isinstance(spec, Ratio):
        return about(spec.over)
    action = action_of(spec)
    return f"feature:{spec.name}" if action is None else f"action:{action}"


def of_the_clock(spec: Spec) -> bool:
    """Whether a feature is counted from when events of any kind, or deals, happened, and nothing
    else."""
    if isinstance(spec, Ratio):
        return all(of_the_clock(part) for part in spec.parts)
    if isinstance(spec, OfAccount | Colleagues):
        return of_the_clock(spec.of)
    return isinstance(spec, _CLOCK) and action_of(spec) is None and where_of(spec) is None


def separating(dataset: Dataset, specs: Sequence[Spec]) -> Iterator[Finding]:
    """Of behaviour: for each action, and for features of no action, the best feature. The dataset
    has the columns of `specs` and BANDS."""
    judged = [s for s in specs if not isinstance(s, OfColumn) and not of_the_clock(s)]
    frame = dataset.frame
    if frame.empty:
        return
    time = pd.factorize(frame["cutoff"], sort=True)[0]
    age, silence = (frame[spec.name].to_numpy(np.float64, na_value=np.nan) for spec in BANDS)
    bands = [np.digitize(age, AGES), np.digitize(silence, SILENCES)]  # never active: the last
    strata = np.ravel_multi_index((time, *bands), (time.max() + 1, *SHAPE))
    rows = Rows(frame, np.arange(len(frame)), dataset.won.astype(bool), time, strata)
    yield from _separating(rows, judged, "snapshots of the same cutoff, age and silence")


def separating_attributes(
    database: LeadDatabase, attributes: Sequence[OfColumn]
) -> Iterator[Finding]:
    """Of attributes, won leads against lost ones created in the same month. Where hardly any lead
    is recorded as lost, against those still open that were active for as long."""
    closed = has_losses(database)
    named = "".join(f", {_value(spec)} AS {quoted(spec.name)}" for spec in attributes)
    frame = database.query(
        f"SELECT lead_id, won AS won_, dense_rank() OVER (ORDER BY {MONTH}) - 1 AS month_, "
        f"dense_rank() OVER (ORDER BY {MONTH if closed else ALIKE}) AS alike_{named} "
        "FROM leads l JOIN judged USING (lead_id, created_at) ORDER BY lead_id"
    )
    won, month, alike = (frame[name].to_numpy() for name in ("won_", "month_", "alike_"))
    others = "lost" if closed else "other"
    rows = Rows(frame, np.arange(len(frame)), won, month, alike)
    yield from _separating(rows, attributes, f"{others} leads that were created in the same month")


def _value(spec: OfColumn) -> str:
    """The attribute of a lead, a date in seconds."""
    is_date = isinstance(spec, DaysSinceDate)
    return f"epoch(TRY_CAST(l.{quoted(spec.column)} AS TIMESTAMP))" if is_date else spec.sql


@dataclass(frozen=True)
class Rows:
    """What is compared: some rows of a frame with lead_id and the features, by their numbers in it;
    and of each, all of shape (n,), whether it is won, its time, from 0, and its stratum, from 0:
    won rows are compared with the others of theirs."""

    frame: pd.DataFrame
    numbers: Codes
    won: Flags
    time: Codes
    strata: Codes

    def column(self, name: str) -> pd.Series:
        """A column of the frame at these rows."""
        return self.frame[name].iloc[self.numbers]

    def part(self, mine: Flags) -> "Rows":
        """Those rows, without strata that have won rows only, or others only."""
        wins = np.bincount(self.strata, self.won & mine)
        count = np.bincount(self.strata, mine)
        mine = mine & ((wins > 0) & (wins < count))[self.strata]
        strata = np.unique(self.strata[mine], return_inverse=True)[1]
        return Rows(self.frame, self.numbers[mine], self.won[mine], self.time[mine], strata)

    def parts(self) -> "list[Rows]":
        """The whole, and the four quarters of its cutoffs, or months."""
        quarter = PARTS * self.time // (self.time.max(initial=0) + 1)
        return [self.part(quarter >= 0), *(self.part(quarter == each) for each in range(PARTS))]

    @property
    def leads(self) -> tuple[int, int]:
        """How many leads are won, and how many are among the others."""
        leads = self.column("lead_id")
        return leads[self.won].nunique(), leads[~self.won].nunique()


def _separating(rows: Rows, specs: Sequence[Spec], others: str) -> Iterator[Finding]:
    """Findings for what has a feature with an area under the ROC curve of 0.87 or more, in either
    direction, with a lower end (99% interval) of 0.78 or more: over all the time, or in one of its
    four parts."""
    best: dict[str, Finding] = {}
    for part in rows.parts():
        winners, rest = part.leads
        if min(winners, rest) < FEWEST_WINS:
            continue
        for spec in specs:
            area = stratified_area(ordered(part, spec), part.won, part.strata)
            area = max(area, 1 - area)
            low = area - Z * _spread(area, winners, rest)
            subject = about(spec)
            better = subject not in best or area > best[subject].figures["roc_auc"]
            if area >= SUSPICIOUS and low >= SURELY and better:
                evidence = (
                    f"{spec.name} alone ranks won above {others} with an area of {area:.3f} "
                    f"(99% interval from {low:.3f}; {winners:,} won leads)"
                )
                figures = {"roc_auc": area, "low": low, "leads": winners}
                name = subject.partition(":")[2]
                best[subject] = Finding("separates", name, subject, evidence, figures)
    yield from best.values()


def ordered(rows: Rows, spec: Spec) -> Floats:
    """The feature as numbers; missing values are lowest. A text becomes how much more often than
    all of their strata the leads with that text in the other half of the leads are won, so that a
    rare text does not predict itself."""
    column = rows.column(spec.name)
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(np.float64, na_value=-np.inf)
        return np.where(np.isnan(values), -np.inf, values)
    text = pd.factorize(column.fillna("").astype(str))[0]
    half = (pd.util.hash_array(rows.column("lead_id").to_numpy()) % 2).astype(bool)
    share = np.bincount(rows.strata, rows.won) / np.bincount(rows.strata)
    excess = rows.won - share[rows.strata]
    values = np.empty(len(text))
    for mine in (half, ~half):
        total = np.bincount(text[~mine], excess[~mine], text.max() + 1)
        count = np.bincount(text[~mine], None, text.max() + 1)
        values[mine] = (total / (count + 10))[text[mine]]
    return values


def stratified_area(values: Floats, won: Flags, strata: Codes) -> float:
    """The area under the ROC curve within strata: of all pairs of a won row and another one of the
    same stratum the share in which the won row's value is higher; ties count one half.

    With u(s) such pairs of all n1(s) n0(s) of a stratum: sum u(s) / sum n1(s) n0(s), the strata's
    areas weighted by their pairs. It is the concordance of a stratified comparison (Therneau and
    Watson 2015, `concordance` with strata in R's survival).

    >>> won = np.array([True, False, True, False])
    >>> stratified_area(np.array([1.0, 0.0, 9.0, 8.0]), won, np.array([0, 0, 1, 1]))
    1.0
    """
    order = np.lexsort((values, strata))
    values, won, strata = values[order], won[order], strata[order]
    is_new = np.r_[True, (values[1:] != values[:-1]) | (strata[1:] != strata[:-1])]
    tie = np.cumsum(is_new) - 1
    wins, others = np.bincount(tie, won), np.bincount(tie, ~won)
    of = np.unique(strata[is_new], return_inverse=True)[1]  # the stratum of each group of ties
    in_stratum = np.bincount(of, others)
    lower = np.cumsum(others) - others - (np.cumsum(in_stratum) - in_stratum)[of]
    pairs = np.bincount(of, wins) @ in_stratum
    return float(wins @ (lower + others / 2) / pairs)


def _spread(area: float, wins: int, others: int) -> float:
    """Standard error of an area (Hanley and McNeil, Radiology 1982), counting leads."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (wins - 1) * (q1 - area**2) + (others - 1) * (q2 - area**2)
    return sqrt(variance / (wins * others))
