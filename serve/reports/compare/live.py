"""Model against rules, live: the ledger's lists, as they were scored then, against what happened.

Worked example, horizon 30 days, data end 2026-03-01: the list of 2026-01-26 is judged, for its
outcomes are known since 2026-02-25; that of 2026-02-02 is not until 2026-03-04. Neither is one of
a model whose last training cutoff is less than its horizon earlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.conditions.segments import JOINED_BY
from features.config import Config
from features.contract.database import LeadDatabase
from features.errors import BadInput, Refused
from features.spec.wording import plural
from models.classifier.model import ReadinessModel
from models.registry import Registry
from models.statistics.calibration_report import sources
from models.statistics.judge import Contender, Judgement, judge
from models.statistics.verdict import Verdict, verdict
from serve.ledger.ledger import Ledger, open_ledger_of
from serve.ledger.runs import Run
from serve.reports.compare.outcomes import with_outcomes
from serve.reports.compare.overlap import Groups, Overlap, one_of, overlap, period

_ROWS = """
SELECT s.lead_id, s.cutoff, s.readiness, s.rule_score, s.source, s.segments
FROM scores s JOIN lists USING (cutoff, model_version, rules_version)
WHERE s.readiness IS NOT NULL AND s.rule_score IS NOT NULL ORDER BY s.cutoff, s.lead_id"""


@dataclass(frozen=True)
class Live:
    """why: the sentence that says why nothing was judged, "" where something was; then runs are
    those judged, one per cutoff, and lost counts the rows whose lead is no longer in the data as
    open at that cutoff."""

    why: str
    runs: Sequence[Run] = ()
    lost: int = 0
    judgement: Judgement | None = None
    verdict: Verdict | None = None
    overlap: Overlap | None = None

    def json_fields(self) -> dict[str, Any]:
        """As `compare --json` prints it."""
        return {
            "not_judged": self.why or None,
            "runs": list(self.runs),
            "lost": self.lost,
            "verdict": self.verdict,
            "test": self.judgement,
            "groups": self.overlap.groups if self.overlap else [],
        }


def live(config: Config, database: LeadDatabase, model: ReadinessModel) -> Live:
    """Judge the ledger's lists whose outcomes are known, over the horizon of the model; of several
    runs of a cutoff the one that was scored last. Raises BadInput where the ledger cannot be
    read."""
    with open_ledger_of(config) as ledger:
        if not ledger.runs:
            return Live("The ledger has no list yet: run readiness score for each cutoff.")
        newest = {each.cutoff: each.run for each in sorted(ledger.runs, key=_when)}
        horizon = model.horizon
        mature = [run for cutoff, run in newest.items() if cutoff + horizon <= database.data_end]
        if not mature:
            return Live(
                "None of the ledger's lists is old enough: the outcomes of the first, of "
                f"{min(newest):%Y-%m-%d}, are known from {min(newest) + horizon:%Y-%m-%d} on."
            )
        fair = _fair(config, model, mature)
        if not fair:
            return Live(
                f"The ledger has {plural(len(mature), 'list')} with known outcomes, all of them "
                "scored by a model that learned from the same time: wait for later lists."
            )
        rows = _rows(ledger, fair)
    return _judged(config, database, model, fair, rows)


def _when(figures: Any) -> tuple[datetime, Run]:
    return figures.scored_at, figures.run


def _fair(config: Config, model: ReadinessModel, runs: Sequence[Run]) -> list[Run]:
    """Those whose cutoff lies a horizon or more after the last one that their model was trained on;
    a version that is no longer there cannot show that."""
    registry, since = Registry(config), {model.version: model.fair_from}
    for version in {run.model_version for run in runs} - set(since):
        try:
            since[version] = registry.load(version).fair_from
        except (BadInput, Refused):
            continue
    return [
        run
        for run in sorted(runs)
        if run.model_version in since and run.cutoff >= since[run.model_version]
    ]


def _rows(ledger: Ledger, runs: Sequence[Run]) -> pd.DataFrame:
    lists = pd.DataFrame([vars(run) for run in runs])
    ledger.connection.register("lists", lists)
    try:
        return ledger.query(_ROWS)
    finally:
        ledger.connection.unregister("lists")


def _judged(
    config: Config,
    database: LeadDatabase,
    model: ReadinessModel,
    runs: Sequence[Run],
    rows: pd.DataFrame,
) -> Live:
    rows, lost = with_outcomes(database, rows, model.horizon_days)
    if rows.empty:
        return Live(
            f"No {config.unit} of the ledger's lists with known outcomes is in the data.", lost=lost
        )
    won, readiness = rows["won"].to_numpy(np.float64), rows["readiness"].to_numpy(np.float64)
    points = rows["rule_score"].to_numpy(np.float64)
    contenders = [Contender("model", readiness, True), Contender("rules", points, False)]
    judged = judge(rows, won, contenders, config.capacity, model.base_rate, seed=config.seed)
    groups = _groups(rows)
    return Live(
        why="",
        runs=runs,
        lost=lost,
        judgement=judged,
        verdict=verdict(judged, config.unit),
        overlap=overlap(rows, won, readiness, points, config.capacity, groups, seed=config.seed),
    )


def _groups(rows: pd.DataFrame) -> Groups:
    """By source and segments as the ledger has them."""
    segments = (
        rows["segments"].fillna("").str.get_dummies(JOINED_BY).drop(columns="", errors="ignore")
    )
    return {
        "source": one_of(pd.Series(sources(rows["source"]))),
        "segment": segments,
        "period": one_of(period(rows["cutoff"])),
    }
