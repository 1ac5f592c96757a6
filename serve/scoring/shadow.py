"""Challengers scored beside the champion: their readiness of the same leads, and no more.

A challenger whose features are all among those of the night's run is scored in the same pass; any
other has a pass of its own, from a database staged as it knows it. Either is bounded by
`[shadow] most`, and what fails costs only that challenger its night.

Worked example: the champion is version 3, and versions 4 and 5 were registered after it. The run of
2026-03-02 has rows of version 3 in `scores`, which were routed, and of 4 and 5 in `shadows`. On
2026-04-01, 30 days later, it is known which of the three had it right (docs/shadow.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from features.cohort import cohort_at
from features.config import Config
from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import feature_frames
from features.errors import Refused
from features.open_database import open_database
from features.progress import step
from features.spark.whole import SparkSample
from models.classifier.model import ReadinessModel
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run
from serve.ledger.shadows import add_shadow, without_shadow
from serve.scoring.points_only import PointsOnly
from serve.scoring.prior_shift import shifted
from serve.scoring.scored import NO_MODEL
from serve.scoring.scorer import Scorer

if TYPE_CHECKING:
    from models.registry import Registry


@dataclass
class Shadows:
    """The challengers of one run. models: by version; in_pass: of them those that see the run's own
    features, ready for its cutoff; rows: what they said of each frame; notes: what failed."""

    config: Config
    cutoff: datetime
    models: dict[str, ReadinessModel] = field(default_factory=dict)
    in_pass: dict[str, ReadinessModel] = field(default_factory=dict)
    rows: dict[str, list[pd.DataFrame]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of_run(
        cls,
        config: Config,
        database: LeadDatabase,
        scorer: Scorer | PointsOnly,
        cutoff: datetime,
    ) -> Shadows:
        """Those that `[shadow]` names, beside the champion, or beside the points where there is
        none; nobody beside another version."""
        shadows = cls(config, cutoff)
        if not config.shadow.challengers:
            return shadows
        with shadows._noted("Challengers"):
            if isinstance(database, SparkSample):
                raise Refused('not beside a run on Spark: engine.kind = "duckdb" scores them')
            from models.registry import CHAMPION, Registry  # imports MLflow: 2 s

            registry = Registry(config)
            if (registry.find(CHAMPION) or NO_MODEL) == scorer.model_version:
                for version in _versions(registry, scorer.model_version):
                    with shadows._noted(f"Challenger {version}"), step("load the model"):
                        shadows._add(registry.load(version), database, scorer)
        return shadows

    def _add(
        self, model: ReadinessModel, database: LeadDatabase, scorer: Scorer | PointsOnly
    ) -> None:
        self.models[model.version] = model
        ours, theirs = (each.staged(self.config).features for each in (model, scorer))
        if ours.leave_out_actions == theirs.leave_out_actions and (
            set(model.specs) <= set(scorer.specs)
        ):
            self.in_pass[model.version], _ = shifted(self.config, database, model, self.cutoff)

    @contextmanager
    def _noted(self, name: str) -> Iterator[None]:
        """Whatever fails is a note: the champion's run goes on as if nobody were beside it."""
        try:
            yield
        except Exception as error:
            cause = " ".join(str(error).split()) or type(error).__name__
            self.notes.append(f"{name} not scored beside the list: {cause}")

    def see(self, frame: pd.DataFrame) -> None:
        """Score a frame of the run's own features. One that fails gets a pass of its own later."""
        for version, model in list(self.in_pass.items()):
            try:
                scored = frame[["lead_id"]].assign(readiness=model.rank(frame))
            except Exception:
                del self.in_pass[version]
            else:
                self.rows.setdefault(version, []).append(scored)

    def write(self, ledger: Ledger, run: Run, at: datetime) -> tuple[str, ...]:
        """Add what they say beside a run that is in the ledger; returns what failed, in words."""
        for version, model in self.models.items():
            with self._noted(f"Challenger {version}"), step("score the challengers"):
                if without_shadow(ledger, run, version):
                    seen = version in self.in_pass
                    rows = self.rows.get(version, []) if seen else self._alone(model)
                    if rows:
                        add_shadow(ledger, run, version, rows, at)
        return tuple(self.notes)

    def _alone(self, model: ReadinessModel) -> list[pd.DataFrame]:
        """All open leads, in a pass of their own."""
        config, memory_gb = self.config, self.config.engine.memory_gb
        with open_database(model.staged(config), model.specs) as database:
            model, _ = shifted(config, database, model, self.cutoff)
            frames = feature_frames(cohort_at(database, [self.cutoff]), model.specs, memory_gb)
            return [frame[["lead_id"]].assign(readiness=model.rank(frame)) for frame in frames]


def _versions(registry: Registry, champion: str) -> list[str]:
    """The versions to score beside the champion, the newest first."""
    settings = registry.config.shadow
    if isinstance(settings.challengers, list):
        return [str(each) for each in settings.challengers if str(each) != champion]
    since = 0 if champion == NO_MODEL else int(champion)
    return [str(each) for each in registry.versions() if each > since][: settings.most]
