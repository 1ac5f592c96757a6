"""The prior shift at a scoring cutoff, where `[training] prior_shift` asks for it.

Whatever says a readiness to people applies it alike: the nightly ledger, `explain`, `Scorer.score`,
and `compare`, which gives each past cutoff the shift that was known there.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain

from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import Dataset, labelled
from features.errors import Refused
from models.classifier.model import ReadinessModel
from models.prior_shift import PriorShift, prior_shift

LATEST = 4  # cutoffs: enough wins to tell, recent enough to be of the new market


def telling_cutoffs(config: Config, model: ReadinessModel, cutoff: datetime) -> list[datetime]:
    """The latest cutoffs of the grid after the last one trained on, whose outcomes were complete
    at `cutoff`."""
    past = config.time.mature_cutoffs(cutoff, model.horizon_days)
    return [each for each in past if each > model.trained_until][-LATEST:]


def shifted(
    config: Config, database: LeadDatabase, model: ReadinessModel, cutoff: datetime
) -> tuple[ReadinessModel, PriorShift | None]:
    """The model for this cutoff; as it is, with None, where no shift is asked for or no outcome
    after training is complete yet."""
    shift = shifts(config, database, model, [cutoff])[cutoff]
    return (model.moved(shift.log_odds) if shift else model), shift


def shifts(
    config: Config, database: LeadDatabase, model: ReadinessModel, cutoffs: Sequence[datetime]
) -> dict[datetime, PriorShift | None]:
    """For each cutoff the shift that was known there; None as of `shifted`."""
    telling = {
        cutoff: telling_cutoffs(config, model, min(cutoff, database.data_end)) for cutoff in cutoffs
    }
    needed = sorted(set(chain.from_iterable(telling.values())))
    if not config.training.prior_shift or not needed:
        return dict.fromkeys(cutoffs)
    try:
        memory_gb = config.engine.memory_gb
        dataset = labelled(database, model.specs, needed, model.horizon_days, memory_gb)
    except Refused:  # no lead was open at any of them
        return dict.fromkeys(cutoffs)
    return {cutoff: _shift(model, dataset.at(known)) for cutoff, known in telling.items()}


def _shift(model: ReadinessModel, dataset: Dataset) -> PriorShift | None:
    if not len(dataset.won):
        return None
    return prior_shift(model.rank(dataset.frame), dataset.won, dataset.frame["lead_id"])
