"""The inputs of the model: features, actions, sources, doubled events and the base rate, of now
against the last cutoffs that the model was trained on, leads of the same age with each other.

Both sides are computed from the lead database of today by the same code (docs/adr has why), at
cutoffs whole weeks apart, so that a Monday is never held against a Sunday. Events count that lie in
[cutoff - w, cutoff) and were known before the cutoff.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.cohort import cohort_at
from features.config import Config
from features.contract.database import LeadDatabase
from features.cutoffs import grid
from features.engine.duckdb_engine import feature_frame
from features.errors import Refused
from features.labels import label_sql
from features.progress import Progress
from features.snapshots import Chunk, Snapshots
from features.spec.kinds import Age
from features.spec.spec import distinct
from models.classifier.model import ReadinessModel
from serve.reports.monitor.drift import Drift, Matched, RateChange, drift, match_ages, rate_change
from serve.reports.monitor.outcomes import FEWEST_WINS, apart

Kind = Literal["action", "source"]
Floats = npt.NDArray[np.float64]

REFERENCE_WEEKS = 4  # last training cutoffs that now is held against
BEFORE, SINCE = 6, 2  # cutoffs a horizon apart that the base rate is taken over, at most
WINDOW = 28  # days in which events and arrivals are counted
MOST_LEADS = 50_000  # compared per cutoff; a part of them by hash of lead beyond that
MOST_NAMES = 200
FEWEST_LEADS = 5  # with an action that the model has never seen, for it to be named


@dataclass(frozen=True)
class NamedChange:
    """An action or source, and how its rate changed; `new` if it was never seen before training's
    end, `renamed` the new one that may be the same under another name."""

    name: str
    change: RateChange
    new: bool = False
    renamed: str = ""

    @property
    def vanished(self) -> bool:
        """Nobody does it any more."""
        return not self.new and self.change.leads == 0

    def json_fields(self) -> dict[str, Any]:
        """One of the `details` of its check."""
        return {"name": self.name, "new": self.new, "renamed": self.renamed} | vars(self.change)


class InputComparison:
    """Leads of now and of the reference, side by side.

    Worked example, cutoff Monday 2026-06-01, model trained until Monday 2026-03-30: the reference
    are the cutoffs 2026-03-09, 03-16, 03-23 and 03-30. Leads created before the first event of the
    database are left out of both: what they did at first was not recorded.
    """

    def __init__(
        self,
        config: Config,
        database: LeadDatabase,
        model: ReadinessModel,
        cutoff: datetime,
        progress: Progress,
    ) -> None:
        self.config, self.database, self.model = config, database, model
        self.cutoff, self.end = cutoff, min(cutoff, database.data_end)
        self.reference = reference_cutoffs(cutoff, model.trained_until)
        self.snapshots = self._snapshots()
        specs = distinct((*model.specs, Age()))
        memory = config.engine.memory_gb
        self.frame = feature_frame(self.snapshots, specs, memory, progress)
        self.is_now = (self.frame["cutoff"] == cutoff).to_numpy()
        if not self.is_now.any() or self.is_now.all():
            raise Refused(
                f"No lead is open at {cutoff:%Y-%m-%d}, or none at the cutoffs that now is held "
                f"against ({self.reference[0]:%Y-%m-%d} to {self.reference[-1]:%Y-%m-%d})."
            )

    def _snapshots(self) -> Snapshots:
        leads = cohort_at(self.database, [self.cutoff]).count
        part = Chunk(0, math.ceil(leads / MOST_LEADS) or 1)
        first = "SELECT min(occurred_at)::DATE FROM known_events"
        ((first_day,),) = self.database.connection.execute(first).fetchall()
        recorded = f"created_at >= DATE '{first_day}'" if first_day else "false"
        return cohort_at(self.database, [*self.reference, self.cutoff]).where(
            f"{part.holds('lead_id')} AND lead_id IN (SELECT lead_id FROM leads WHERE {recorded})"
        )

    @cached_property
    def matched(self) -> Matched:
        """The reference's leads weighted to the ages of now."""
        before = self.frame[~self.is_now]
        ages = self.frame[Age().name].to_numpy(np.float64)
        return match_ages(before[Age().name], before["lead_id"], ages[self.is_now])

    def drifts(self) -> list[Drift]:
        """Every feature of the model, the farthest first, those that cannot be compared last; their
        age apart, which is matched."""
        specs = [spec for spec in self.model.specs if spec != Age()]
        before, after = self.frame[~self.is_now], self.frame[self.is_now]
        drifts = [
            replace(
                drift(n, before[n], after[n], self.matched, len(specs)),
                meaning=spec.meaning(self.config.words),
            )
            for spec in specs
            for n in [spec.name]
        ]
        return sorted(drifts, key=lambda each: (math.isnan(each.psi), -each.psi))

    def readiness(self) -> Drift:
        """The readiness that the model gives to the same leads."""
        ready = pd.Series(self.model.rank(self.frame))
        result = drift("readiness", ready[~self.is_now], ready[self.is_now], self.matched)
        return replace(result, meaning="readiness")

    def named(self, kind: Kind) -> list[NamedChange]:
        """Every action (or source) of events that enough leads had, before or now."""
        counts = self.database.query(events_sql(self.snapshots, kind, WINDOW))
        before_end = known_sql(kind, self.model.trained_until)
        known = set(self.database.query(before_end)["name"])
        leads = counts.groupby("name")["lead_id"].nunique().nlargest(MOST_NAMES)
        rows = self.frame[["lead_id", "cutoff"]].reset_index(names="row")
        counts = counts.merge(rows, on=["lead_id", "cutoff"])
        active_leads = counts[counts["cutoff"] == self.cutoff].groupby("name")["lead_id"].nunique()
        changes = []
        for name, part in counts.groupby("name"):
            new = name not in known and active_leads.get(name, 0) >= FEWEST_LEADS
            if name in leads.index and (name in known or new):
                changes.append(
                    NamedChange(str(name), self._rate_change(part["row"], part["events"]), new)
                )
        return with_renamed(changes)

    def doubled(self) -> RateChange:
        """The part of the events that repeat another."""
        rows = self.database.query(doubled_sql(self.snapshots, WINDOW))
        now = rows[rows["cutoff"] == self.cutoff]
        before = rows[rows["cutoff"] != self.cutoff]
        was, is_now = (float(p["doubled"].sum() / max(p["events"].sum(), 1)) for p in (before, now))
        return RateChange(was, is_now, float(len(now)), int((now["doubled"] > 0).sum()), 0.0)

    def _rate_change(self, rows: pd.Series[int], events: pd.Series[int]) -> RateChange:
        column = np.zeros(len(self.frame))
        column[rows.to_numpy()] = events.to_numpy()
        return rate_change(column[~self.is_now], column[self.is_now], self.matched)

    def arrivals(self) -> list[NamedChange]:
        """Every source's part of the leads that arrived."""
        counts = [
            self.database.query(arrivals_sql(cutoffs, WINDOW)).dropna().set_index("name")["arrived"]
            for cutoffs in (self.reference, [self.cutoff])
        ]
        both = pd.concat(counts, axis=1, keys=["before", "now"]).fillna(0.0)
        known = set(
            self.database.query(
                "SELECT DISTINCT source AS name FROM leads "
                f"WHERE created_at < TIMESTAMP '{self.model.trained_until}'"
            )["name"]
        )
        total = both.sum()
        changes = []
        for name, row in both.nlargest(MOST_NAMES, "now" if total["now"] else "before").iterrows():
            new = name not in known and row["now"] >= FEWEST_LEADS
            if name in known or new:
                each = part_of(row["before"], total["before"], row["now"], total["now"])
                changes.append(NamedChange(str(name), each, new))
        return with_renamed(changes)

    def base_rate(self) -> tuple[RateChange, list[datetime]]:
        """Wins per lead within the horizon, since training against before it, at cutoffs whose
        horizons do not overlap; and the cutoffs since."""
        horizon = self.model.horizon_days
        first = min(self.reference[0], self.config.time.first_cutoff)
        past = grid(first, 7, self.model.trained_until)
        past = [c for c in past if c + timedelta(days=horizon) <= self.end]
        fair = self.model.trained_until + timedelta(days=horizon)
        weeks = (self.cutoff - timedelta(weeks=n) for n in range(1, 520))
        recent = [c for c in weeks if fair <= c <= self.end - timedelta(days=horizon)]
        before = apart(past, horizon)[-BEFORE:]
        since = apart(recent, horizon)[-SINCE:]
        if not before or not since:
            return RateChange(self.model.base_rate, math.nan, 0.0, 0, math.nan), since
        rows = self._outcomes([*before, *since])
        is_now = rows["cutoff"].isin(since).to_numpy()
        ages, won = rows["age"].to_numpy(np.float64), rows["won"].to_numpy(np.float64)
        old = rows[~is_now]
        matched = match_ages(old["age"], old["lead_id"], ages[is_now])
        return rate_change(won[~is_now], won[is_now], matched), since

    def base_rate_today(self) -> float:
        """The base rate of training, counted again; NaN where the cutoffs are not known any
        more, because the settings have changed."""
        times, until = self.config.time, self.model.trained_until
        cutoffs = times.cutoffs(until)
        if not cutoffs or cutoffs[-1] != until or times.horizon_days != self.model.horizon_days:
            return math.nan
        return float(self._outcomes(cutoffs)["won"].mean())

    def _outcomes(self, cutoffs: Sequence[datetime]) -> pd.DataFrame:
        labels = label_sql(cohort_at(self.database, cutoffs), self.model.horizon_days, self.end)
        return self.database.query(
            f"SELECT s.lead_id, s.cutoff, s.won, epoch(s.cutoff - l.created_at) / 86400 AS age "
            f"FROM ({labels}) s JOIN leads l ON l.lead_id = s.lead_id WHERE s.won IS NOT NULL"
        )


def reference_cutoffs(cutoff: datetime, trained_until: datetime) -> list[datetime]:
    """The last cutoffs up to the end of training that lie whole weeks before `cutoff`.

    Raises Refused unless `cutoff` is later than the training.
    """
    if cutoff <= trained_until:
        raise Refused(
            f"The cutoff {cutoff:%Y-%m-%d} is not after the training, which reached to "
            f"{trained_until:%Y-%m-%d}: there is nothing new to watch. Name a later --cutoff."
        )
    weeks = math.ceil((cutoff - trained_until) / timedelta(weeks=1))
    return [cutoff - timedelta(weeks=weeks + n) for n in reversed(range(REFERENCE_WEEKS))]


def part_of(before: float, of: float, now: float, of_now: float) -> RateChange:
    """The change of shares: `before` of `of` leads, `now` of `of_now`."""
    if not of or not of_now:
        return RateChange(math.nan, math.nan, 0.0, int(now), math.nan)
    shares, pooled = (before / of, now / of_now), (before + now) / (of + of_now)
    error = math.sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_now))
    z = (shares[1] - shares[0]) / error if error else 0.0
    return RateChange(*shares, shares[0] * of_now, int(now), z)


def with_renamed(changes: Sequence[NamedChange]) -> list[NamedChange]:
    """Each vanished one with the new one that is about as frequent: perhaps it is the same."""
    new = [each for each in changes if each.new]
    renamed = []
    for each in changes:
        near = [n for n in new if each.vanished and 1 / 2 <= n.change.leads / _some(each) <= 2]
        best = min(near, key=lambda n: abs(math.log(n.change.leads / _some(each))), default=None)
        renamed.append(NamedChange(each.name, each.change, each.new, best.name if best else ""))
    return renamed


def _some(each: NamedChange) -> float:
    return max(each.change.expected, 0.5)


def enough_wins(change: RateChange) -> bool:
    """Whether so many wins were to be expected that their number tells something."""
    return change.expected >= FEWEST_WINS


def events_sql(snapshots: Snapshots, kind: Kind, window_days: int) -> str:
    """SELECT lead_id, cutoff, name, events: how often each action (or source) of a window
    of a snapshot occurs; no row where it does not."""
    return f"""
SELECT s.lead_id, s.cutoff, e.{kind} AS name, count(*) AS events
FROM {snapshots.relation} s JOIN known_events e ON e.lead_id = s.lead_id AND e.known_at < s.cutoff
  AND e.occurred_at >= s.cutoff - INTERVAL {int(window_days)} DAY
WHERE e.{kind} IS NOT NULL GROUP BY ALL ORDER BY ALL"""


def doubled_sql(snapshots: Snapshots, window_days: int) -> str:
    """SELECT lead_id, cutoff, events, doubled: the events of a snapshot's window, and how many of
    them repeat the same action and content of the lead within a second."""
    return f"""
WITH repeats AS (
  SELECT s.lead_id, s.cutoff, epoch(e.occurred_at - lag(e.occurred_at) OVER (
    PARTITION BY s.lead_id, s.cutoff, e.action, e.content ORDER BY e.occurred_at)) <= 1 AS again
  FROM {snapshots.relation} s JOIN known_events e ON e.lead_id = s.lead_id AND e.known_at < s.cutoff
    AND e.occurred_at >= s.cutoff - INTERVAL {int(window_days)} DAY
)
SELECT lead_id, cutoff, count(*) AS events, count(*) FILTER (again) AS doubled
FROM repeats GROUP BY ALL ORDER BY ALL"""


def known_sql(kind: Kind, before: datetime) -> str:
    """SELECT name: every action (or source) of an event known before an instant."""
    return (
        f"SELECT DISTINCT {kind} AS name FROM known_events "
        f"WHERE {kind} IS NOT NULL AND known_at < TIMESTAMP '{before}'"
    )


def arrivals_sql(cutoffs: Sequence[datetime], window_days: int) -> str:
    """SELECT name, arrived: leads created in [cutoff - w, cutoff) of any of the cutoffs, each once,
    by source; those without a source under a null name."""
    inside = " OR ".join(
        f"(created_at >= TIMESTAMP '{cutoff}' - INTERVAL {int(window_days)} DAY "
        f"AND created_at < TIMESTAMP '{cutoff}')"
        for cutoff in cutoffs
    )
    return (
        f"SELECT source AS name, count(*) AS arrived FROM leads WHERE {inside} "
        "GROUP BY source ORDER BY arrived DESC, source"
    )
