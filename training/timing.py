"""The model's time to close: learnt at the training cutoffs, judged at the test cutoffs."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.contract.database import LeadDatabase
from features.dataset import Dataset, endings
from features.errors import Refused
from models.classifier.by_segment import Shares
from models.classifier.classifier import AnySettings
from models.classifier.model import ReadinessModel
from models.timing.time_to_close import fit_time_to_close
from models.timing.timing import Timing, judge_timing
from training.fit import fit
from training.splits import Split

Floats = npt.NDArray[np.float64]
FOLDS = 3


def with_time_to_close(
    database: LeadDatabase, model: ReadinessModel, past: Dataset, split: Split, readiness: Floats
) -> ReadinessModel:
    """The model with curves learnt from what was known when its last training label was complete,
    so that nothing of the test period is in them. `readiness` as of `unseen_readiness`."""
    until = model.trained_until + timedelta(days=model.horizon_days)
    known = endings(database, split.fit, until)
    curves = fit_time_to_close(past.frame, readiness, known, model.horizon_days)
    return replace(model, time_to_close=curves)


def unseen_readiness(
    past: Dataset,
    model: ReadinessModel,
    settings: AnySettings,
    seed: int,
    shares: Shares | None = None,
) -> Floats:
    """The readiness of each training snapshot by a model that never saw its lead: a third of the
    leads at a time. A learner is too sure of the leads that it was fitted on, which would put them
    into the wrong bands. Where two thirds are too few to learn from, the model's own."""
    fold = pd.factorize(past.frame["lead_id"])[0] % FOLDS
    readiness = np.empty(len(past.won))
    try:
        for number in range(FOLDS):
            held = fold == number
            rest = past.rows(~held)
            others = fit(rest, model.specs, settings, model.horizon_days, seed, shares)
            readiness[held] = others.rank(past.frame[held])
    except Refused:
        return model.rank(past.frame)
    return readiness


def judged_timing(
    database: LeadDatabase, model: ReadinessModel, test: Dataset, split: Split
) -> Timing:
    """The model's curves judged at the test cutoffs, by all outcomes up to the data end."""
    known = endings(database, split.judge, database.data_end)
    assert model.time_to_close is not None
    return judge_timing(
        model.time_to_close, test.frame, model.rank(test.frame), known, database.data_end
    )
