"""`readiness monitor`: is the model that is in use still the right one for the leads of now?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from features.check.inputs import inputs_at
from features.config import Config
from features.contract.database import LeadDatabase
from features.cutoffs import utc_now
from features.errors import BadInput
from features.progress import Progress, silent
from models.classifier.model import ReadinessModel
from models.registry import CHAMPION, Registry, StoreFault
from serve.ledger.ledger import Ledger
from serve.reports.monitor import checks
from serve.reports.monitor.drift import Drift
from serve.reports.monitor.inputs import InputComparison, NamedChange
from serve.reports.monitor.outcomes import LedgerHistory, Ties, VersionOutcomes, fair_versions, ties
from serve.reports.monitor.status import MonitorCheck, Status, worst
from serve.scoring.scored import default_cutoff

NAN = float("nan")


@dataclass(frozen=True)
class Monitoring:
    """What was found at a cutoff; `over_time` is a row per run of the ledger's last year."""

    cutoff: datetime
    model_version: str
    trained_until: datetime
    reference: list[datetime]
    checks: list[MonitorCheck]
    drifts: list[Drift]
    actions: list[NamedChange]
    versions: list[VersionOutcomes]
    over_time: pd.DataFrame

    @property
    def status(self) -> Status:
        """The worst status of all."""
        return worst([check.status for check in self.checks])

    def of(self, status: Status) -> list[MonitorCheck]:
        """The checks of a status."""
        return [check for check in self.checks if check.status == status]

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
            "light": self.status,
            "checks": self.checks,
            "past_scores": self.versions,
        }

    def metrics(self) -> dict[str, float]:
        """Every known figure, by the key of its check; and how many checks are red or amber."""
        known = {c.key: c.figure for c in self.checks if c.figure == c.figure}
        counts = {f"checks_{status}": float(len(self.of(status))) for status in ("red", "amber")}
        return known | counts


def known_models(registry: Registry, ledger: Ledger) -> dict[str, ReadinessModel]:
    """The champion and every version that the ledger has scores of, as far as it can be read.

    The champion is under "champion" too. Raises BadInput where there is none, and where the
    registry does not answer.
    """
    champion = registry.load(CHAMPION)
    models = {CHAMPION: champion, champion.version: champion}
    for version in {each.model_version for each in ledger.runs}:
        try:
            models.setdefault(version, registry.load(version))
        except StoreFault:
            raise
        except BadInput:  # its folder may be gone: its scores are left out
            pass
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
    inputs = InputComparison(config, database, model, cutoff, progress)
    history = LedgerHistory(ledger, database, cutoff)
    drifts, actions = inputs.drifts(), inputs.named("action")
    versions = [history.outcomes_of(each) for each in fair_versions(models, history.over_time)]
    mine = next(
        (t for t in versions if t.model_version == model.version), history.outcomes_of(model)
    )
    return Monitoring(
        cutoff=cutoff,
        model_version=model.version,
        trained_until=model.trained_until,
        reference=inputs.reference,
        checks=[
            checks.calibration(mine),
            checks.bands(mine),
            checks.base_rate(*inputs.base_rate()),
            *_of_input(inputs, drifts, actions),
            *_of_scores(config, history, model),
        ],
        drifts=drifts,
        actions=actions,
        versions=[mine, *(each for each in versions if each.model_version != model.version)],
        over_time=history.over_time,
    )


def _of_input(
    inputs: InputComparison, drifts: list[Drift], actions: list[NamedChange]
) -> list[MonitorCheck]:
    leads = int(inputs.is_now.sum())
    arrivals = inputs.arrivals()
    arrived = sum(each.change.leads for each in arrivals)
    return [
        checks.names("actions", "Actions", actions, leads),
        checks.names("sources", "Sources of events", inputs.named("source"), leads),
        checks.names("arrivals", "Sources of leads", arrivals, arrived),
        *checks.against_training(inputs.model.inputs, inputs_at(inputs.database, inputs.cutoff)),
        checks.doubled(inputs.doubled()),
        checks.features(drifts, leads),
        checks.readiness(inputs.readiness()),
        checks.compared(inputs),
        checks.fresh_events(inputs.database, inputs.cutoff),
        checks.history(inputs.base_rate_today(), inputs.model.base_rate),
    ]


def _of_scores(config: Config, history: LedgerHistory, model: ReadinessModel) -> list[MonitorCheck]:
    run = history.newest(model.version)
    last = None if run is None else run["cutoff"].to_pydatetime()
    late = checks.scoring_runs(last, history.cutoff, config.time.cutoff_every_days)
    if run is None:
        return [late]
    rows = history.rows(run)
    tied = ties(rows)
    if config.routing.by == "value":  # the list does not go by readiness then
        tied = Ties(tied.largest, NAN)
    return [
        _inflation(history, run, "model", "readiness", "Mean readiness"),
        _inflation(history, run, "rules", "rule_score", "Mean points"),
        checks.hot(run),
        *checks.tied(tied),
        checks.unscored(rows, history.skipped(run)),
        late,
    ]


def _inflation(
    history: LedgerHistory, run: pd.Series[Any], version: str, column: str, name: str
) -> MonitorCheck:
    first = history.first_alike(run, version)
    if first is None:
        return checks.inflation(f"mean_{column}", name, None, None)
    change = history.inflation(first, run, column)
    return checks.inflation(f"mean_{column}", name, change, first["cutoff"].to_pydatetime())
