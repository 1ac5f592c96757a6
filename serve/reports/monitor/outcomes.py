"""Are past scores calibrated? The readiness in the ledger against what has happened since.

Only scores count whose horizon was over by the end of the data, given at cutoffs that are a fair
test of their model (a horizon or more after its last training cutoff), and of leads that are in the
cohort as the lead database has it today. The horizons of the cutoffs that are counted do not
overlap: otherwise one win of one lead would count at every cutoff of its month, and chance would
look like proof.

Given the readiness p_i of n leads, right scores win as a sum of independent draws with chances p_i:
Poisson-binomial.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from features.cohort import cohort_at
from features.contract.database import LeadDatabase
from features.cutoffs import is_mature
from features.labels import label_sql
from models.classifier.model import ReadinessModel
from serve.ledger.ledger import Ledger
from serve.reports.monitor.drift import RateChange, match_ages, rate_change
from serve.reports.monitor.status import Status, milder, off_one

Floats = npt.NDArray[np.float64]
YEAR = timedelta(days=365)

_SCORED = """
SELECT lead_id, max(readiness) AS readiness FROM scores
WHERE state = 'scored' AND model_version = $model AND cutoff = $cutoff GROUP BY lead_id
ORDER BY lead_id"""  # in one order, so that sums are the same to the last bit
_OVER_TIME = """
FROM runs WHERE cutoff > $since AND cutoff <= $until ORDER BY cutoff, scored_at"""
_RUN = """
SELECT lead_id, readiness, rule_score, route, state, state_reason FROM scores
WHERE cutoff = $cutoff AND model_version = $model AND rules_version = $rules ORDER BY lead_id"""
FEWEST_WINS = 20  # expected ones; of fewer, there is no verdict
LATEST_WINS = 60  # so many are looked at: what was long ago must not hide what is now
EXACT = 4_000  # leads up to which the distribution is exact
BANDS = 5
LEVEL = 0.95
OFF_AMBER, OFF_RED = 1.25, 1.6
CHANCE_AMBER, CHANCE_RED = 1e-2, 1e-3


@dataclass(frozen=True)
class PastScores:
    """Promised and seen of some scored leads, of readiness in [lowest, highest].

    low, high: within which the wins lie 95 times in 100 if the readiness was right; chance: how
    often they would be so far off (two-sided).
    """

    leads: int
    expected: float
    won: int
    low: int
    high: int
    chance: float
    lowest: float
    highest: float

    @property
    def ratio(self) -> float:
        """Wins seen per win promised."""
        return self.won / self.expected if self.expected else math.nan

    @property
    def enough(self) -> bool:
        """Whether so many wins were promised that their number tells something."""
        return self.expected >= FEWEST_WINS

    def status(self, tests: int = 1) -> Status:
        """Red or amber where it is both far off and beyond chance, among `tests` looked at."""
        if not self.enough:
            return "grey"
        if self.chance * tests >= CHANCE_AMBER:
            return "green"
        sure: Status = "red" if self.chance * tests < CHANCE_RED else "amber"
        return milder(sure, off_one(self.ratio, OFF_AMBER, OFF_RED))

    def json_fields(self) -> dict[str, Any]:
        """With the ratio."""
        return vars(self) | {"ratio": self.ratio}


def past_scores(readiness: Floats, won: Floats) -> PastScores:
    """Hold readiness, shape (n,), against outcomes 0 or 1, shape (n,).

    >>> found = past_scores(np.full(100, 0.3), np.repeat([1.0, 0.0], [50, 50]))
    >>> found.won, round(found.expected), (found.low, found.high)
    (50, 30, (21, 39))
    """
    if not len(readiness):
        return PastScores(0, 0.0, 0, 0, 0, 1.0, math.nan, math.nan)
    wins = int(won.sum())
    low, high, chance = wins_by_chance(readiness, wins)
    ends = float(readiness.min()), float(readiness.max())
    return PastScores(len(readiness), float(readiness.sum()), wins, low, high, chance, *ends)


def wins_by_chance(readiness: Floats, wins: int) -> tuple[int, int, float]:
    """The 95% interval of the number of wins, and the two-sided chance of one as far off as
    `wins`. Exact up to EXACT leads (Hong 2013); beyond, normal with a correction for skewness
    (Volkova 1996), whose error falls with the variance.

    >>> wins_by_chance(np.full(10, 0.5), 10)  # 2 of 1024
    (2, 8, 0.001953125)
    """
    tail = (1 - LEVEL) / 2
    p = np.clip(readiness, 0, 1)
    if len(p) <= EXACT:
        mass = _exactly(p)
        below = np.minimum(np.cumsum(mass), 1.0)
        above = np.minimum(np.cumsum(mass[::-1])[::-1], 1.0)
        ends = np.searchsorted(below, [tail, 1 - tail])
        chance = 2 * min(below[wins], above[wins])
        return int(ends[0]), int(ends[1]), min(1.0, float(chance))
    counts = np.arange(-1, len(p) + 1)
    below = _skewed(counts, p)
    ends = np.searchsorted(below[1:], [tail, 1 - tail])
    chance = 2 * min(below[wins + 1], 1 - below[wins])
    return int(ends[0]), int(ends[1]), min(1.0, float(chance))


def _exactly(p: Floats) -> Floats:
    """P(0 wins), ..., P(n wins), one lead after the other."""
    mass = np.zeros(len(p) + 1)
    mass[0] = 1.0
    for done, chance in enumerate(p.tolist(), start=1):
        mass[1 : done + 1] = mass[1 : done + 1] * (1 - chance) + mass[:done] * chance
        mass[0] *= 1 - chance
    return mass


def _skewed(counts: npt.NDArray[np.intp], p: Floats) -> Floats:
    """P(wins <= count), nearly."""
    variance = float((p * (1 - p)).sum())
    if not variance:
        return (counts >= round(float(p.sum()))).astype(float)
    skew = float((p * (1 - p) * (1 - 2 * p)).sum()) / variance**1.5
    x = (counts + 0.5 - p.sum()) / math.sqrt(variance)
    nearly: Floats = stats.norm.cdf(x) + skew * (1 - x**2) * stats.norm.pdf(x) / 6
    return np.maximum.accumulate(np.clip(nearly, 0, 1))


def by_band(readiness: Floats, won: Floats) -> list[PastScores]:
    """The same in bands of readiness, lowest first, each with about an equal part of the promised
    wins: at most BANDS, so few that each can be judged. Equal readiness is never torn apart."""
    bands = min(BANDS, int(readiness.sum() // FEWEST_WINS))
    if bands < 2:
        return []
    order = np.argsort(readiness, kind="stable")
    given, seen = readiness[order], won[order]
    promised = np.cumsum(given)
    cuts = np.searchsorted(promised, promised[-1] * np.arange(1, bands) / bands)
    edges = np.unique([0, *np.searchsorted(given, given[cuts], side="left"), len(given)])
    return [past_scores(given[start:end], seen[start:end]) for start, end in pairwise(edges)]


def apart(cutoffs: Sequence[datetime], days: int) -> list[datetime]:
    """Of some cutoffs those whose horizons do not overlap, from the latest back, in order.

    >>> weeks = [datetime(2026, 1, 5) + timedelta(weeks=n) for n in range(9)]
    >>> [f"{cutoff:%m-%d}" for cutoff in apart(weeks, 30)]
    ['01-26', '03-02']
    """
    chosen: list[datetime] = []
    for cutoff in sorted(set(cutoffs), reverse=True):
        if not chosen or cutoff + timedelta(days=days) <= chosen[-1]:
            chosen.append(cutoff)
    return chosen[::-1]


@dataclass(frozen=True)
class VersionOutcomes:
    """What became of the scores of one model version.

    cutoffs: those counted, horizons apart. gone: scored leads that the cohort of today does not
    have: they are no longer in the database, or their deal turned out to be closed before.
    """

    model_version: str
    cutoffs: list[date]
    overall: PastScores
    bands: list[PastScores]
    gone: int


@dataclass(frozen=True)
class Ties:
    """Leads that nothing tells apart in the newest run. largest: the part of all leads that have
    the one commonest readiness; at_the_end: the part of the list for sales that was drawn from a
    tie with leads left out."""

    largest: float
    at_the_end: float


class LedgerHistory:
    """The ledger as it was at the cutoff, beside the lead database."""

    def __init__(self, ledger: Ledger, database: LeadDatabase, cutoff: datetime) -> None:
        self.ledger, self.database, self.cutoff = ledger, database, cutoff
        self.end = min(cutoff, database.data_end)
        given = {"since": cutoff - YEAR, "until": cutoff}
        self.over_time = ledger.query(_OVER_TIME, given)

    def newest(self, version: str) -> pd.Series[Any] | None:
        """The newest run of a model version, a row of `over_time`; None if there is none."""
        runs = self.over_time[self.over_time["model_version"] == version]
        return None if runs.empty else runs.iloc[-1]

    def outcomes_of(self, model: ReadinessModel) -> VersionOutcomes:
        """Hold fair and mature scores of a model version against what happened: the latest, as
        many as promised LATEST_WINS."""
        fair = model.trained_until + timedelta(days=model.horizon_days)
        runs = self.over_time[self.over_time["model_version"] == model.version]
        cutoffs = [stamp.to_pydatetime() for stamp in runs["cutoff"].unique()]
        ripe = [c for c in cutoffs if c >= fair and is_mature(c, model.horizon_days, self.end)]
        counted: list[datetime] = []
        parts: list[pd.DataFrame] = []
        for each in reversed(apart(ripe, model.horizon_days)):
            if sum(float(part["readiness"].sum()) for part in parts) < LATEST_WINS:
                counted.insert(0, each)
                parts.append(self._outcomes(model, each))
        scored = pd.concat(parts) if parts else pd.DataFrame({"readiness": [], "won": []})
        ready, won = (scored[name].to_numpy(np.float64) for name in ("readiness", "won"))
        there = ~np.isnan(won)
        ready, won = ready[there], won[there]
        gone = int((~there).sum())
        days = [cutoff.date() for cutoff in counted]
        return VersionOutcomes(
            model.version, days, past_scores(ready, won), by_band(ready, won), gone
        )

    def _outcomes(self, model: ReadinessModel, cutoff: datetime) -> pd.DataFrame:
        """readiness and won of each lead that was scored; won is NaN where it is not in the cohort
        of today."""
        given = {"model": model.version, "cutoff": cutoff}
        scored = self.ledger.query(_SCORED, given)
        labels = label_sql(cohort_at(self.database, [cutoff]), model.horizon_days, self.end)
        seen = self.database.query(f"SELECT lead_id::VARCHAR AS lead_id, won FROM ({labels})")
        return scored.merge(seen, on="lead_id", how="left")

    def rows(self, run: pd.Series[Any]) -> pd.DataFrame:
        """The rows of a run: lead_id, readiness, rule_score, route, state, state_reason."""
        given = {
            "cutoff": run["cutoff"].to_pydatetime(),
            "model": run["model_version"],
            "rules": run["rules_version"],
        }
        return self.ledger.query(_RUN, given)

    def first_alike(self, run: pd.Series[Any], version: str) -> pd.Series[Any] | None:
        """The earliest run of the year with the same version of "model" or of "rules"."""
        column = f"{version}_version"
        runs = self.over_time[self.over_time[column] == run[column]]
        first = runs.iloc[0]
        return None if first["cutoff"] == run["cutoff"] else first

    def inflation(self, first: pd.Series[Any], last: pd.Series[Any], column: str) -> RateChange:
        """The mean readiness (or rule_score) per lead, of the last run against the first, leads of
        the same age with each other."""
        before, after = (self._aged(run).dropna(subset=[column]) for run in (first, last))
        matched = match_ages(before["age"], before["lead_id"], after["age"].to_numpy(np.float64))
        was, is_now = (part[column].to_numpy(np.float64) for part in (before, after))
        return rate_change(was, is_now, matched)

    def _aged(self, run: pd.Series[Any]) -> pd.DataFrame:
        ages = self.database.query(
            f"SELECT lead_id::VARCHAR AS lead_id, epoch(TIMESTAMP '{run['cutoff']}' - created_at) "
            "/ 86400 AS age FROM leads WHERE created_at IS NOT NULL"
        ).drop_duplicates("lead_id")
        return self.rows(run).merge(ages, on="lead_id")

    def skipped(self, run: pd.Series[Any]) -> int:
        """Leads that were open at the run's cutoff, as the database tells it today, and are not in
        the ledger at all."""
        cutoff = run["cutoff"].to_pydatetime()
        cohort = cohort_at(self.database, [cutoff]).frame["lead_id"].astype(str)
        return int((~cohort.isin(self.rows(run)["lead_id"])).sum())


def ties(rows: pd.DataFrame) -> Ties:
    """Of the rows of a run.

    >>> sales, nurture = ["sales"] * 4, ["nurture"] * 4
    >>> ready = [0.9, 0.8, 0.4, 0.4, 0.4, 0.1, 0.1, 0.1]
    >>> ties(pd.DataFrame({"readiness": ready, "route": sales + nurture}))
    Ties(largest=0.375, at_the_end=0.5)
    """
    scored = rows.dropna(subset=["readiness"])
    if scored.empty:
        return Ties(math.nan, math.nan)
    largest = float(scored["readiness"].value_counts(normalize=True).iloc[0])
    listed = scored[scored["route"] == "sales"]
    if listed.empty:
        return Ties(largest, math.nan)
    last = listed["readiness"].min()
    left_out = ((scored["readiness"] == last) & (scored["route"] == "nurture")).any()
    by_chance = float((listed["readiness"] == last).mean()) if left_out else 0.0
    return Ties(largest, by_chance)


def fair_versions(
    models: Mapping[str, ReadinessModel], over_time: pd.DataFrame
) -> list[ReadinessModel]:
    """The models of the versions in the ledger that are known, in order of their first run."""
    return [models[v] for v in over_time["model_version"].unique() if v in models]
