"""The checks of what came out: what the ledger says was said, against what has happened since.

Only scores count whose horizon was over by the end of the data, given at cutoffs that are a fair
test of their model (a horizon or more after its last training cutoff), and of leads that are in the
cohort as the lead database tells it today.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.contract.database import LeadDatabase
from features.cutoffs import is_mature
from features.labels import label_sql
from features.snapshots import Snapshots
from models.classifier.readiness import ReadinessModel
from serve.ledger.ledger import Ledger
from serve.reports.monitor.drift import Pace, match_ages, pace
from serve.reports.monitor.past_scores import LATEST_WINS, Kept, apart, by_band, kept

Floats = npt.NDArray[np.float64]
YEAR = timedelta(days=365)

_SAID = """
SELECT lead_id, max(readiness) AS readiness FROM scores
WHERE state = 'scored' AND model_version = $model AND cutoff = $cutoff GROUP BY lead_id
ORDER BY lead_id"""  # in one order, so that sums are the same to the last bit
_OVER_TIME = """
SELECT cutoff, model_version, rules_version, count(*) AS leads, favg(readiness) AS readiness,
  favg(rule_score) AS points, count(*) FILTER (band = 'hot') / count(band) AS hot,
  count(*) FILTER (state = 'not scored') AS unscored, max(scored_at) AS scored_at
FROM scores WHERE cutoff > $since AND cutoff <= $until
GROUP BY ALL ORDER BY cutoff, scored_at"""
_RUN = """
SELECT lead_id, readiness, rule_score, route, state, state_reason FROM scores
WHERE cutoff = $cutoff AND model_version = $model AND rules_version = $rules ORDER BY lead_id"""


@dataclass(frozen=True)
class Told:
    """What became of the scores of one model version.

    cutoffs: those counted, horizons apart. gone: scored leads that the cohort of today does not
    have: they are no longer in the database, or their deal turned out to be closed before.
    """

    model_version: str
    cutoffs: list[date]
    overall: Kept
    bands: list[Kept]
    gone: int


@dataclass(frozen=True)
class Ties:
    """Leads that nothing tells apart in the newest run. largest: the part of all leads that have
    the one commonest readiness; at_the_end: the part of the list for sales that was drawn from a
    tie with leads left out."""

    largest: float
    at_the_end: float


class Said:
    """The ledger as it was at the cutoff, beside the lead database."""

    def __init__(self, ledger: Ledger, database: LeadDatabase, cutoff: datetime) -> None:
        self.ledger, self.database, self.cutoff = ledger, database, cutoff
        self.end = min(cutoff, database.data_end)
        given = {"since": cutoff - YEAR, "until": cutoff}
        self.over_time = ledger.connection.execute(_OVER_TIME, given).df()

    def newest(self, version: str) -> pd.Series[Any] | None:
        """The newest run of a model version, a row of `over_time`; None if there is none."""
        runs = self.over_time[self.over_time["model_version"] == version]
        return None if runs.empty else runs.iloc[-1]

    def told(self, model: ReadinessModel) -> Told:
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
        found = pd.concat(parts) if parts else pd.DataFrame({"readiness": [], "won": []})
        ready, won = (found[name].to_numpy(np.float64) for name in ("readiness", "won"))
        there = ~np.isnan(won)
        ready, won = ready[there], won[there]
        gone = int((~there).sum())
        days = [cutoff.date() for cutoff in counted]
        return Told(model.version, days, kept(ready, won), by_band(ready, won), gone)

    def _outcomes(self, model: ReadinessModel, cutoff: datetime) -> pd.DataFrame:
        """readiness and won of each lead that was scored; won is NaN where it is not in the cohort
        of today."""
        given = {"model": model.version, "cutoff": cutoff}
        said = self.ledger.connection.execute(_SAID, given).df()
        labels = label_sql(Snapshots.at(self.database, [cutoff]), model.horizon_days, self.end)
        seen = self.database.query(f"SELECT lead_id::VARCHAR AS lead_id, won FROM ({labels})")
        return said.merge(seen, on="lead_id", how="left")

    def rows(self, run: pd.Series[Any]) -> pd.DataFrame:
        """The rows of a run: lead_id, readiness, rule_score, route, state, state_reason."""
        given = {
            "cutoff": run["cutoff"].to_pydatetime(),
            "model": run["model_version"],
            "rules": run["rules_version"],
        }
        return self.ledger.connection.execute(_RUN, given).df()

    def first_alike(self, run: pd.Series[Any], version: str) -> pd.Series[Any] | None:
        """The earliest run of the year with the same version of "model" or of "rules"."""
        column = f"{version}_version"
        runs = self.over_time[self.over_time[column] == run[column]]
        first = runs.iloc[0]
        return None if first["cutoff"] == run["cutoff"] else first

    def inflation(self, first: pd.Series[Any], last: pd.Series[Any], column: str) -> Pace:
        """The mean readiness (or rule_score) per lead, of the last run against the first, leads of
        the same age with each other."""
        before, after = (self._aged(run).dropna(subset=[column]) for run in (first, last))
        matched = match_ages(before["age"], before["lead_id"], after["age"].to_numpy(np.float64))
        was, is_now = (part[column].to_numpy(np.float64) for part in (before, after))
        return pace(was, is_now, matched)

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
        cohort = Snapshots.at(self.database, [cutoff]).frame["lead_id"].astype(str)
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
    drawn = float((listed["readiness"] == last).mean()) if left_out else 0.0
    return Ties(largest, drawn)


def fair_versions(
    models: Mapping[str, ReadinessModel], over_time: pd.DataFrame
) -> list[ReadinessModel]:
    """The models of the versions in the ledger that are known, in order of their first run."""
    return [models[v] for v in over_time["model_version"].unique() if v in models]
