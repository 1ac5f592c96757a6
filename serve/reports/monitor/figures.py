"""`readiness monitor`: is the model that is in use still the right one for the leads of now?"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from features.config import Config
from features.contract.database import LeadDatabase
from features.cutoffs import utc_now
from features.errors import BadInput
from features.progress import Progress, silent
from models.classifier.readiness import ReadinessModel
from models.registry import CHAMPION, Registry
from serve.ledger.ledger import Ledger
from serve.reports.monitor import checks, fresh, newest
from serve.reports.monitor.drift import Drift
from serve.reports.monitor.drift_now import Named, Sight
from serve.reports.monitor.scores import Said, Ties, Told, fair_versions, ties
from serve.reports.monitor.status import Check, Light, worst
from serve.scoring.batch import default_cutoff

NAN = float("nan")


@dataclass(frozen=True)
class Monitoring:
    """What was found at a cutoff; `over_time` is a row per run of the ledger's last year."""

    cutoff: datetime
    model_version: str
    trained_until: datetime
    reference: list[datetime]
    checks: list[Check]
    drifts: list[Drift]
    actions: list[Named]
    told: list[Told]
    over_time: pd.DataFrame

    @property
    def light(self) -> Light:
        """The worst light of all."""
        return worst([check.light for check in self.checks])

    def of(self, light: Light) -> list[Check]:
        """The checks of a light."""
        return [check for check in self.checks if check.light == light]

    def exit_code(self, strict: bool) -> int:
        """1 where a check is red (strict: or amber), else 0."""
        return int(bool(self.of("red") or (strict and self.of("amber"))))

    def json_fields(self) -> dict[str, Any]:
        """What `monitor --json` prints, the page aside."""
        return {
            "cutoff": self.cutoff,
            "model_version": self.model_version,
            "trained_until": self.trained_until,
            "reference": [cutoff.date() for cutoff in self.reference],
            "light": self.light,
            "checks": self.checks,
            "past_scores": self.told,
        }

    def metrics(self) -> dict[str, float]:
        """Every figure that is known, by the key of its check; and how many checks have a light."""
        known = {c.key: c.figure for c in self.checks if c.figure == c.figure}
        counts = {f"checks_{light}": float(len(self.of(light))) for light in ("red", "amber")}
        return known | counts


def known_models(registry: Registry, ledger: Ledger) -> dict[str, ReadinessModel]:
    """The champion and every version that the ledger has scores of, as far as it can be read.

    The champion is under "champion" too. Raises BadInput where there is none.
    """
    champion = registry.load(CHAMPION)
    models = {CHAMPION: champion, champion.version: champion}
    rows = ledger.connection.execute("SELECT DISTINCT model_version FROM scores").fetchall()
    for (version,) in rows:
        with suppress(BadInput):  # its folder may be gone: its scores are left out
            models.setdefault(version, registry.load(version))
    return models


def monitor(
    config: Config,
    database: LeadDatabase,
    ledger: Ledger,
    models: Mapping[str, ReadinessModel],
    cutoff: datetime | None = None,
    progress: Progress = silent,
) -> Monitoring:
    """Run every check on the champion, by what was known strictly before the cutoff.

    Raises Refused for a cutoff that is not after the training, and where no lead is open.
    """
    cutoff = cutoff or default_cutoff(database.data_end, utc_now())
    model = models[CHAMPION]
    sight = Sight(config, database, model, cutoff, progress)
    said = Said(ledger, database, cutoff)
    drifts, actions = sight.drifts(), sight.named("action")
    told = [said.told(each) for each in fair_versions(models, said.over_time)]
    mine = next((t for t in told if t.model_version == model.version), said.told(model))
    return Monitoring(
        cutoff=cutoff,
        model_version=model.version,
        trained_until=model.trained_until,
        reference=sight.reference,
        checks=[
            *_of_outcomes(sight, mine),
            *_of_input(sight, drifts, actions),
            *_of_scores(config, said, model),
        ],
        drifts=drifts,
        actions=actions,
        told=[mine, *(each for each in told if each.model_version != model.version)],
        over_time=said.over_time,
    )


def _of_outcomes(sight: Sight, mine: Told) -> list[Check]:
    return [
        checks.calibration(mine),
        checks.bands(mine),
        checks.base_rate(*sight.base_rate()),
    ]


def _of_input(sight: Sight, drifts: list[Drift], actions: list[Named]) -> list[Check]:
    leads = int(sight.is_now.sum())
    arrivals = sight.arrivals()
    arrived = sum(each.pace.leads for each in arrivals)
    return [
        checks.names("actions", "Actions", actions, leads),
        checks.names("sources", "Sources of events", sight.named("source"), leads),
        checks.names("arrivals", "Sources of leads", arrivals, arrived),
        checks.doubled(sight.doubled()),
        checks.features(drifts, leads),
        checks.readiness(sight.readiness()),
        checks.compared(sight),
        fresh.events(sight.database, sight.cutoff),
        fresh.history(sight.retold_base_rate(), sight.model.base_rate),
    ]


def _of_scores(config: Config, said: Said, model: ReadinessModel) -> list[Check]:
    run = said.newest(model.version)
    last = None if run is None else run["cutoff"].to_pydatetime()
    late = fresh.scoring(last, said.cutoff, config.time.cutoff_every_days)
    if run is None:
        return [late]
    rows = said.rows(run)
    tied = ties(rows)
    if config.routing.by == "value":  # the list does not go by readiness then
        tied = Ties(tied.largest, NAN)
    return [
        _inflation(said, run, "model", "readiness", "Mean readiness"),
        _inflation(said, run, "rules", "rule_score", "Mean points"),
        newest.hot(run),
        *newest.tied(tied),
        newest.unscored(rows, said.skipped(run)),
        late,
    ]


def _inflation(said: Said, run: pd.Series[Any], version: str, column: str, name: str) -> Check:
    first = said.first_alike(run, version)
    if first is None:
        return newest.inflation(f"mean_{column}", name, None, None)
    found = said.inflation(first, run, column)
    return newest.inflation(f"mean_{column}", name, found, first["cutoff"].to_pydatetime())
