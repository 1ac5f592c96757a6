"""The model's time to close: learnt at the training cutoffs, judged at the test cutoffs."""

from dataclasses import replace
from datetime import timedelta

from features.database import LeadDatabase
from features.dataset import Dataset, endings
from models.readiness import ReadinessModel
from models.time_to_close import fit_time_to_close
from models.timing import Timing, judge_timing
from training.splits import Split


def with_time_to_close(
    database: LeadDatabase, model: ReadinessModel, past: Dataset, split: Split
) -> ReadinessModel:
    """The model with curves learnt from what was known when its last training label was complete,
    so that nothing of the test period is in them."""
    until = model.trained_until + timedelta(days=model.horizon_days)
    known = endings(database, split.fit, until)
    curves = fit_time_to_close(past.frame, model.rank(past.frame), known, model.horizon_days)
    return replace(model, time_to_close=curves)


def judged_timing(
    database: LeadDatabase, model: ReadinessModel, test: Dataset, split: Split
) -> Timing:
    """How its curves did at the test cutoffs, by all that the data tell."""
    known = endings(database, split.judge, database.data_end)
    assert model.time_to_close is not None
    return judge_timing(
        model.time_to_close, test.frame, model.rank(test.frame), known, database.data_end
    )
