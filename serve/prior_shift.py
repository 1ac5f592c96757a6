"""The prior shift at a scoring cutoff, where `[training] prior_shift` asks for it."""

from dataclasses import replace
from datetime import datetime

from features.config import Config
from features.contract.database import LeadDatabase
from features.cutoffs import grid, mature
from features.dataset import labelled
from features.errors import Refused
from models.prior_shift import PriorShift, prior_shift
from models.readiness import ReadinessModel
from serve.scorer import Scorer

LATEST = 4  # cutoffs: enough wins to tell, recent enough to be of the new market


def telling_cutoffs(config: Config, model: ReadinessModel, cutoff: datetime) -> list[datetime]:
    """The latest cutoffs of the grid after the last one trained on, whose outcomes were complete
    at `cutoff`."""
    times = config.time
    past = mature(
        grid(times.first_cutoff, times.cutoff_every_days, cutoff), model.horizon_days, cutoff
    )
    return [each for each in past if each > model.trained_until][-LATEST:]


def shifted(
    config: Config, database: LeadDatabase, scorer: Scorer, cutoff: datetime
) -> tuple[Scorer, PriorShift | None]:
    """The scorer for this cutoff; as it is, with None, where no shift is asked for or no outcome
    after training is complete yet. Leaves the table of snapshots to whoever comes next."""
    model = scorer.model
    cutoffs = telling_cutoffs(config, model, min(cutoff, database.data_end))
    if not config.training.prior_shift or not cutoffs:
        return scorer, None
    try:
        told = labelled(database, model.specs, cutoffs, model.horizon_days, config.engine.memory_gb)
    except Refused:  # no lead was open at any of them
        return scorer, None
    shift = prior_shift(model.rank(told.frame), told.won, told.frame["lead_id"])
    return replace(scorer, model=model.moved(shift.log_odds)), shift
