"""The regression scores what it never saw, and what is bent or missing as documented."""

import numpy as np
import pytest

from models.logistic import fit_logistic
from tests.models.small_model import SPECS, snapshots


@pytest.fixture(scope="module")
def fitted():
    frame, won = snapshots(1_500)
    return fit_logistic(frame, won, SPECS, 0.01), frame


def test_the_unseen_and_the_missing_are_scored(fitted):
    pipeline, frame = fitted
    strange = frame.head(2).assign(first_source=["never seen", None])
    strange["age_days"] = np.nan
    assert np.isfinite(pipeline.decision_function(strange)).all()


def test_the_tenth_visit_adds_less_than_the_second(fitted):
    pipeline, frame = fitted
    visits = frame.head(1).loc[[0] * 4].assign(**{"count_7d(visit)": [1.0, 2.0, 9.0, 10.0]})
    first, second, ninth, tenth = pipeline.decision_function(visits)
    assert second - first > tenth - ninth > 0


def test_inputs_are_centred(fitted):
    pipeline, frame = fitted
    inputs = pipeline[:-1].transform(frame)
    assert inputs.mean(axis=0) == pytest.approx(np.zeros(inputs.shape[1]), abs=1e-9)
