"""`readiness rules test`: a draft of the points against today's, on outcomes, before it goes live.

Draft, current rules and, where one is registered, the model rank the same mature snapshots, in
lists of equal size. A lead that the rules disqualify stands at the end of their list.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import Dataset, labelled
from features.errors import Refused
from features.progress import Progress
from features.spec.spec import distinct
from features.spec.wording import plural
from models.classifier.model import ReadinessModel
from models.comparison import fair_cutoffs, judge_on
from models.rules.review import RuleLift, rule_lifts
from models.rules.rules import RuleScore, call_order
from models.statistics.judge import Contender, Judgement
from models.statistics.verdict import Verdict, verdict

DRAFT, CURRENT, MODEL = "draft", "current rules", "model"


@dataclass(frozen=True)
class Backtest:
    """`snapshots`: lead_id, cutoff; `won` and `scores` by contender: shape (n,).
    `judged`: draft against current rules; `beside_model`: draft against the model, if there is one.
    """

    draft: RuleScore
    current: RuleScore
    model: ReadinessModel | None
    snapshots: pd.DataFrame
    won: npt.NDArray[np.float64]
    scores: dict[str, npt.NDArray[np.float64]]
    judged: Judgement
    beside_model: Judgement | None
    rules: list[RuleLift]
    horizon_days: int
    data_end: datetime

    @property
    def is_worse(self) -> bool:
        """Whether the draft is worse than the current rules beyond noise: what the gate asks."""
        return self.judged.winner == CURRENT

    @property
    def verdict(self) -> Verdict:
        """Draft against current rules."""
        if self.draft.version == self.current.version:
            same = f"both are {self.draft.version}."
            return Verdict("The draft says what the current rules say", same)
        return verdict(self.judged)

    @property
    def model_verdict(self) -> Verdict | None:
        """Draft against model."""
        return None if self.beside_model is None else verdict(self.beside_model)

    def json_fields(self) -> dict[str, Any]:
        """What `rules test --json` prints."""
        return {
            "draft": {"name": self.draft.file.name, "version": self.draft.version},
            "current": {"name": self.current.file.name, "version": self.current.version},
            "model_version": self.model and self.model.version,
            "verdict": self.verdict,
            "model_verdict": self.model_verdict,
            "worse": self.is_worse,
            "horizon_days": self.horizon_days,
            "data_end": self.data_end,
            "test": self.judged,
            "beside_model": self.beside_model,
            "rules": self.rules,
        }


def backtest(
    config: Config,
    database: LeadDatabase,
    draft: RuleScore,
    current: RuleScore,
    model: ReadinessModel | None,
    progress: Progress,
) -> Backtest:
    """Hold the draft against the current rules and the model, on cutoffs that are fair to the
    model; without one, on the last mature cutoffs, as many as are kept for a final test.

    Raises Refused where no cutoff is mature, or the snapshots hold no win.
    """
    horizon = config.time.horizon_days if model is None else model.horizon_days
    specs = distinct((*(model.specs if model else ()), *current.specs, *draft.specs))
    cutoffs = _cutoffs(config, model, database.data_end)
    memory_gb = config.engine.memory_gb
    dataset = labelled(database, specs, cutoffs, horizon, memory_gb, progress)
    if not dataset.has_both:
        raise Refused(
            f"Of {plural(len(dataset.won), 'snapshot')} of {plural(len(cutoffs), 'cutoff')} "
            f"{dataset.wins:,} are won: nothing can be judged on them. Wait for outcomes, or add "
            "deals."
        )
    scores = {DRAFT: call_order(draft, dataset.frame), CURRENT: call_order(current, dataset.frame)}
    if model is not None:
        scores[MODEL] = model.rank(dataset.frame)
    progress("judge", 0, 3)
    judged = _judged(config, dataset, scores, (DRAFT, CURRENT), model)
    progress("judge", 1, 3)
    against_model = (
        None if model is None else _judged(config, dataset, scores, (DRAFT, MODEL), model)
    )
    progress("judge", 2, 3)
    rules = rule_lifts(draft, dataset)
    progress("judge", 3, 3)
    snapshots = dataset.frame[["lead_id", "cutoff"]]
    return Backtest(
        *(draft, current, model, snapshots, dataset.won, scores, judged, against_model, rules),
        horizon_days=horizon,
        data_end=database.data_end,
    )


def _cutoffs(config: Config, model: ReadinessModel | None, data_end: datetime) -> list[datetime]:
    if model is not None:
        return fair_cutoffs(config, [model], data_end)
    times = config.time
    judged = times.mature_cutoffs(data_end)[-times.test_cutoffs :]
    if not judged:
        raise Refused(
            f"No cutoff from {times.first_cutoff:%Y-%m-%d} on is "
            f"{plural(times.horizon_days, 'day')} before the data end, {data_end:%Y-%m-%d}: wait "
            "for outcomes."
        )
    return judged


def _judged(
    config: Config,
    dataset: Dataset,
    scores: dict[str, npt.NDArray[np.float64]],
    names: tuple[str, str],
    model: ReadinessModel | None,
) -> Judgement:
    contenders = [Contender(name, scores[name], is_probability=name == MODEL) for name in names]
    base_rate = float(dataset.won.mean()) if model is None else model.base_rate
    return judge_on(dataset, config, contenders, base_rate)
